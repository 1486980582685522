#include "base/tensor_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using test::TemporaryFolder;

struct Sample {
  std::vector<float> weights = std::vector<float>(12);
  std::vector<uint32_t> ids = {7, 0, 4000000000u};
  Sample() { std::iota(weights.begin(), weights.end(), 0.5f); }
  void write(const Path& path, int format = 1) const {
    TensorFileWriter writer("sample", format);
    writer.set("seed", "3");
    writer.add<float>("weights", {3, 4}, weights);
    writer.add<uint32_t>("ids", {3}, ids);
    writer.write(path);
  }
};

void expect_damaged(const Path& path) {
  try {
    const TensorFile file(path, "sample", 1);
    file.verify();
    FAIL() << "the damage went unnoticed";
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::damaged || error.code() == ErrorCode::bad_input) << error.what();
    EXPECT_EQ(error.details().where, path.string());
  }
}

void put(const Path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void expect_flips_to_be_noticed(const Path& path, const std::string& whole) {
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    put(path, flipped);
    SCOPED_TRACE("bit " + std::to_string(bit % 8) + " of byte " + std::to_string(bit / 8));
    expect_damaged(path);
  }
}

TEST(TensorFileTest, ReadsBackWhatWasWritten) {
  TemporaryFolder folder;
  const Sample sample;
  sample.write(folder / "a");
  const TensorFile file(folder / "a", "sample", 1);
  EXPECT_EQ(file.get("seed"), "3");
  EXPECT_EQ(file.shape("weights"), (std::vector<size_t>{3, 4}));
  EXPECT_TRUE(std::ranges::equal(file.tensor<float>("weights"), sample.weights));
  EXPECT_TRUE(std::ranges::equal(file.tensor<uint32_t>("ids"), sample.ids));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file.tensor<float>("weights").data()) % 64, 0u);
}

TEST(TensorFileTest, WritesTheSameBytesEachTime) {
  TemporaryFolder folder;
  Sample().write(folder / "a");
  Sample().write(folder / "b");
  EXPECT_EQ(read_text(folder / "a"), read_text(folder / "b"));
}

// A map longer than the pieces it is written and checked in gives the bytes that memory gives.
TEST(TensorFileTest, AMapIsWrittenLikeMemory) {
  TemporaryFolder folder;
  std::vector<uint32_t> numbers(9'000'001);
  std::iota(numbers.begin(), numbers.end(), 5u);
  {
    std::ofstream plain(folder / "plain", std::ios::binary);
    plain.write(reinterpret_cast<const char*>(numbers.data()),
                static_cast<std::streamsize>(4 * numbers.size()));
  }
  const MappedFile map(folder / "plain");
  TensorFileWriter of_map("sample", 1), of_memory("sample", 1);
  of_map.add_map("numbers", ElementType::u32, {numbers.size()}, map);
  of_memory.add<uint32_t>("numbers", {numbers.size()}, numbers);
  of_map.write(folder / "a");
  of_memory.write(folder / "b");
  EXPECT_TRUE(read_text(folder / "a") == read_text(folder / "b"));
  const TensorFile file(folder / "a", "sample", 1);
  EXPECT_TRUE(std::ranges::equal(file.tensor<uint32_t>("numbers"), numbers));
  EXPECT_TRUE(std::ranges::equal(file.tensor<uint32_t>("numbers"), numbers)) << "after pages were given back";
}

TEST(TensorFileTest, NoticesEveryTruncation) {
  TemporaryFolder folder;
  Sample().write(folder / "a");
  const std::string whole = read_text(folder / "a");
  for (size_t length = 0; length < whole.size(); ++length) {
    put(folder / "cut", whole.substr(0, length));
    expect_damaged(folder / "cut");
  }
}

TEST(TensorFileTest, NoticesEveryFlippedBit) {
  TemporaryFolder folder;
  Sample().write(folder / "a");
  expect_flips_to_be_noticed(folder / "flipped", read_text(folder / "a"));
}

// Without tensors no checksum but the header's own tells that it begins or ends elsewhere.
TEST(TensorFileTest, NoticesEveryFlippedBitWhereThereAreNoTensors) {
  TemporaryFolder folder;
  for (const std::string filler : {"", "12345678", "a name of quite another length"}) {
    TensorFileWriter writer("sample", 1);
    writer.set("filler", filler);
    writer.write(folder / "a");
    expect_flips_to_be_noticed(folder / "flipped", read_text(folder / "a"));
  }
}

TEST(TensorFileTest, RefusesALaterFormatAndAnotherKind) {
  TemporaryFolder folder;
  Sample().write(folder / "a", 2);
  try {
    const TensorFile file(folder / "a", "sample", 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::newer_version);
  }
  EXPECT_THROW(TensorFile(folder / "a", "graph", 2), Error);
}

TEST(TensorFileTest, RefusesShapesThatOverflow) {
  TemporaryFolder folder;
  const std::string header = R"({"w":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  put(folder / "a", bytes + header + std::string(16, 'x'));
  EXPECT_THROW(TensorFile(folder / "a", "", 0), Error);
}

TEST(TensorFileTest, RefusesATensorOfAnotherType) {
  TemporaryFolder folder;
  Sample().write(folder / "a");
  const TensorFile file(folder / "a", "sample", 1);
  EXPECT_THROW(file.tensor<float>("ids"), Error);
  EXPECT_THROW(file.tensor<float>("none"), Error);
}

}  // namespace
}  // namespace cowatch
