#include "learn/curves.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "support/plain_file.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

// CRC-32C by its definition: the remainder of the bits, lowest first.
uint32_t slow_crc(std::string_view text) {
  uint32_t value = ~0U;
  for (const char c : text) {
    for (int bit = 0; bit < 8; ++bit) {
      const bool odd = ((value ^ (static_cast<uint8_t>(c) >> bit)) & 1) != 0;
      value = value >> 1 ^ (odd ? 0x82f63b78U : 0);
    }
  }
  return ~value;
}

uint32_t slow_mask(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

template <typename T>
T number_at(const std::string& text, size_t at) {
  T value{};
  std::memcpy(&value, text.data() + at, sizeof value);
  return value;
}

// The payloads of a file's records, with both checksums checked.
std::vector<std::string> records_of(const std::string& text) {
  std::vector<std::string> records;
  for (size_t at = 0; at < text.size();) {
    const auto length = number_at<uint64_t>(text, at);
    EXPECT_EQ(number_at<uint32_t>(text, at + 8), slow_mask(slow_crc(text.substr(at, 8))));
    records.push_back(text.substr(at + 12, length));
    EXPECT_EQ(number_at<uint32_t>(text, at + 12 + length), slow_mask(slow_crc(records.back())));
    at += 16 + length;
  }
  return records;
}

struct Curves : testing::Test {
  test::TemporaryFolder folder;
  Path path = folder / "a.tfevents";

  void write(uint64_t first, uint64_t last, uint64_t kept = 0) const {
    CurveWriter writer(path, kept);
    for (uint64_t step = first; step <= last; ++step) {
      writer.add(step, "loss", 1.0 / static_cast<double>(step));
      if (step % 2 == 0) writer.add(step, "retained", 0.25);
    }
    writer.sync();
  }
};

std::vector<std::string> in_words(const std::vector<CurvePoint>& points) {
  std::vector<std::string> words;
  for (const CurvePoint& point : points)
    words.push_back(point.tag + " " + std::to_string(point.step) + " " + std::to_string(point.value));
  return words;
}

TEST_F(Curves, ChecksumsAreCastagnolis) {
  const std::string_view text = "123456789";
  EXPECT_EQ(crc32c(std::as_bytes(std::span(text))), 0xe3069283U);
  EXPECT_EQ(crc32c({}), 0U);
  EXPECT_EQ(slow_crc(text), 0xe3069283U);
  EXPECT_EQ(masked_crc32c(std::as_bytes(std::span(text))), slow_mask(0xe3069283U));
}

TEST_F(Curves, TheBytesAreEventRecords) {
  write(300, 300);
  const auto records = records_of(read_text(path));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0],
            "\x1a\x0d"
            "brain.Event:2");
  // wall_time (9 bytes), step 300, summary { value { tag "loss", simple_value } }
  const std::string& event = records[1];
  EXPECT_EQ(event[0], '\x09');
  EXPECT_GT(number_at<double>(event, 1), 1.7e9);
  EXPECT_EQ(event.substr(9, 9), "\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04");
  EXPECT_EQ(event.substr(18, 5), "loss\x15");
  EXPECT_EQ(number_at<float>(event, 23), 1.0F / 300);
  EXPECT_EQ(event.size(), 27U);
}

TEST_F(Curves, ComeBackInOrder) {
  write(1, 4);
  EXPECT_EQ(in_words(read_curves(path)),
            (std::vector<std::string>{"loss 1 1.000000", "loss 2 0.500000", "retained 2 0.250000",
                                      "loss 3 0.333333", "loss 4 0.250000", "retained 4 0.250000"}));
  EXPECT_EQ(curve_names(folder.path()), std::vector<std::string>{"a"});
  EXPECT_EQ(curve_file(folder.path(), "a"), path);
  EXPECT_TRUE(curve_names(folder / "none").empty());
}

TEST_F(Curves, AResumedTrainingForgetsWhatItMakesAgain) {
  write(1, 9);
  write(5, 6, 4);
  const auto again = in_words(read_curves(path));
  write(1, 6);
  EXPECT_EQ(again, in_words(read_curves(path)));
}

TEST_F(Curves, ATornTailEndsTheList) {
  write(1, 3);
  const std::string whole = read_text(path);
  const auto points = in_words(read_curves(path));
  size_t longest = 0;
  for (size_t length = 0; length < whole.size(); ++length) {
    test::write_plainly(path, whole.substr(0, length));
    const auto left = in_words(read_curves(path));
    ASSERT_LT(left.size(), points.size());
    EXPECT_TRUE(std::equal(left.begin(), left.end(), points.begin())) << length;
    EXPECT_GE(left.size(), longest);
    longest = left.size();
  }
  EXPECT_EQ(longest, points.size() - 1);
  // A training that goes on after such a tail leaves a whole file.
  write(3, 3, 2);
  EXPECT_EQ(in_words(read_curves(path)), points);
}

TEST_F(Curves, AFlippedBitIsFound) {
  write(1, 3);
  const std::string whole = read_text(path);
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    test::write_plainly(path, flipped);
    try {
      read_curves(path);
      ADD_FAILURE() << "byte " << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::damaged);
      EXPECT_NE(error.details().where.find("byte"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace cowatch
