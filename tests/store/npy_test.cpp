#include "store/npy.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "support/temporary_folder.h"
#include "support/text_files.h"

namespace cowatch {
namespace {

template <typename T>
std::string bytes_of(const std::vector<T>& numbers) {
  std::string bytes(numbers.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

std::string npy(const std::string& type, bool columns_first, size_t rows, size_t columns,
                const std::string& data) {
  const std::string header = "{'descr': '" + type +
                             "', 'fortran_order': " + (columns_first ? "True" : "False") + ", 'shape': (" +
                             std::to_string(rows) + ", " + std::to_string(columns) + "), }\n";
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header + data;
}

class Npy : public testing::Test {
 protected:
  NumberTable read(const std::string& bytes) const {
    test::write_text(folder_ / "a.npy", bytes);
    return read_npy(folder_ / "a.npy");
  }
  Error refusal(const std::string& bytes) const {
    try {
      read(bytes);
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::internal, "nothing was refused"};
  }
  const test::TemporaryFolder folder_;
};

TEST_F(Npy, ReadsEveryTypeOfNumber) {
  const auto expect = [&](const std::string& type, const std::string& data,
                          const std::vector<float>& values) {
    EXPECT_EQ(read(npy(type, false, 2, 1, data)).values, values) << type;
  };
  expect("|b1", bytes_of<uint8_t>({1, 0}), {1, 0});
  expect("|u1", bytes_of<uint8_t>({200, 7}), {200, 7});
  expect("|i1", bytes_of<int8_t>({-100, 7}), {-100, 7});
  expect("<i2", bytes_of<int16_t>({-3000, 7}), {-3000, 7});
  expect("<u2", bytes_of<uint16_t>({60000, 7}), {60000, 7});
  expect("<i4", bytes_of<int32_t>({-70000, 7}), {-70000, 7});
  expect("<u4", bytes_of<uint32_t>({4000000000, 7}), {4e9F, 7});
  expect("<i8", bytes_of<int64_t>({-70000, 7}), {-70000, 7});
  expect("<u8", bytes_of<uint64_t>({uint64_t{1} << 63, 7}), {9223372036854775808.0F, 7});
  expect("<f2", bytes_of<uint16_t>({0x3c00, 0xc000}), {1, -2});
  expect("<f8", bytes_of<double>({0.5, -7}), {0.5, -7});
  expect("<f4", bytes_of<float>({1.5, -7}), {1.5, -7});
  for (const char* type : {"<c8", "|S4", ">f4", ">i2", "<f1", "<b4", "|f4", "<U1", "|O"})
    EXPECT_EQ(refusal(npy(type, false, 2, 1, std::string(8, '\0'))).code(), ErrorCode::bad_input) << type;
}

TEST_F(Npy, TurnsFortranOrderAndNamesAPlaceInIt) {
  const std::vector<float> by_column = {1, 4, 2, 5, 3, 6};
  const NumberTable table = read(npy("<f4", true, 2, 3, bytes_of(by_column)));
  EXPECT_EQ(table.rows, 2u);
  EXPECT_EQ(table.columns, 3u);
  EXPECT_EQ(table.values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  std::vector<float> bad = by_column;
  bad[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(refusal(npy("<f4", true, 2, 3, bytes_of(bad))).details().where.ends_with("row 1, column 1"));
  EXPECT_EQ(refusal(npy("<f4", true, 2, 3, bytes_of(by_column) + "x")).code(), ErrorCode::bad_input);
  EXPECT_EQ(read(npy("<f4", true, 0, 3, "")).rows, 0u);
}

TEST_F(Npy, ReadRowByRowRefusesFortranOrderWithWhatToDo) {
  test::write_text(folder_ / "a.npy", npy("<f4", true, 2, 1, bytes_of<float>({1, 2})));
  try {
    visit_npy(folder_ / "a.npy", [](size_t, ConstMatrix) {});
    ADD_FAILURE() << "read it";
  } catch (const Error& error) {
    EXPECT_NE(error.details().remedy.find("ascontiguousarray"), std::string::npos);
  }
}

}  // namespace
}  // namespace cowatch
