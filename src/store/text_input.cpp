#include "store/text_input.h"

#include <algorithm>

#include "base/error.h"

namespace cowatch {

TextInput::TextInput(const Path& path, Empty empty) : stream_(path), buffer_(1 << 18, '\0') {
  if (!fill() && empty == Empty::refuse) {
    throw Error(ErrorCode::bad_input, "the file is empty",
                {.where = path.string(),
                 .expected = "at least one row",
                 .found = "0 bytes",
                 .remedy = "Export it again, or leave it out."});
  }
  const std::string_view begin(buffer_.data(), filled_);
  const bool marked = begin.starts_with("\xff\xfe") || begin.starts_with("\xfe\xff");
  // Without a mark it shows by the zero byte of the first separator or line end, where text has none.
  const size_t zero = begin.substr(0, std::min<size_t>(begin.find('\n'), 4096)).find('\0');
  if (marked || zero != begin.npos) {
    const std::string encoding = marked ? "UTF-16" : zero % 2 == 1 ? "UTF-16LE" : "UTF-16BE";
    throw Error(
        ErrorCode::bad_input, "the file is in UTF-16",
        {.where = path.string(),
         .expected = "UTF-8",
         .found = marked ? "a UTF-16 byte order mark" : "a zero byte at position " + std::to_string(zero + 1),
         .remedy = "Convert it: iconv -f " + encoding + " -t UTF-8 " + shell_word(path) + " > " +
                   shell_word(path.filename().string() + ".utf8")});
  }
  if (begin.starts_with("\xef\xbb\xbf")) at_ = 3;
}

bool TextInput::fill() {
  if (at_ < filled_) return true;
  at_ = 0;
  filled_ = stream_.read(buffer_.data(), buffer_.size());
  return filled_ > 0;
}

void TextInput::unread(std::string_view text) {
  line_ -= static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
  std::string joined(text);
  joined.append(buffer_, at_, filled_ - at_);
  filled_ = joined.size();
  at_ = 0;
  if (joined.size() < buffer_.size()) joined.resize(buffer_.size());
  buffer_ = std::move(joined);
}

bool TextInput::next_line(std::string& line, bool& overlong) {
  line.clear();
  overlong = false;
  if (peek() < 0) return false;
  while (fill()) {
    const char* begin = buffer_.data() + at_;
    const char* end = std::find(begin, static_cast<const char*>(buffer_.data()) + filled_, '\n');
    if (line.size() <= longest_line) line.append(begin, end);
    at_ = static_cast<size_t>(end - buffer_.data());
    if (at_ < filled_) {
      take();
      break;
    }
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.size() > longest_line) overlong = true;
  return true;
}

void for_each_line(const Path& path,
                   const std::function<void(uint64_t number, std::string_view line)>& visit) {
  TextInput input(path, TextInput::Empty::allow);
  std::string line;
  bool overlong = false;
  for (uint64_t number = 1; input.next_line(line, overlong); ++number) {
    size_t at = 0;
    const bool text = is_utf8(line, at);
    if (overlong || !text) {
      throw Error(ErrorCode::bad_input, "a line cannot be read",
                  {.where = path.string() + ", line " + std::to_string(number),
                   .expected = overlong ? "a line of at most 1 MiB" : "UTF-8",
                   .found = overlong ? "a longer one" : describe_byte(line, at),
                   .remedy = "Correct the line."});
    }
    visit(number, line);
  }
}

bool is_utf8(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto trails = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  for (at = 0; at < text.size();) {
    const unsigned c = byte(at);
    if (c < 0x80) {
      ++at;
    } else if (c >= 0xc2 && c < 0xe0 && trails(at + 1)) {
      at += 2;
    } else if (c >= 0xe0 && c < 0xf0 && trails(at + 1) && trails(at + 2) &&
               !(c == 0xe0 && byte(at + 1) < 0xa0) && !(c == 0xed && byte(at + 1) >= 0xa0)) {
      at += 3;
    } else if (c >= 0xf0 && c < 0xf5 && trails(at + 1) && trails(at + 2) && trails(at + 3) &&
               !(c == 0xf0 && byte(at + 1) < 0x90) && !(c == 0xf4 && byte(at + 1) >= 0x90)) {
      at += 4;
    } else {
      return false;
    }
  }
  return true;
}

std::string_view cut_text(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

std::string one_line(std::string text) {
  for (size_t at = 0; !is_utf8(text, at);) text[at] = '?';
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) text[i] = ' ';
    // U+0080 to U+009f
    if (c == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) text[i] = text[i + 1] = ' ';
  }
  return text;
}

std::string describe_byte(std::string_view text, size_t at) {
  return "byte " + std::to_string(static_cast<unsigned char>(text[at])) + " at position " +
         std::to_string(at + 1);
}

}  // namespace cowatch
