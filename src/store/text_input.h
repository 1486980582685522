// A text file, decompressed, character by character or line by line, without its byte order mark.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "store/input_stream.h"

namespace cowatch {

class TextInput {
 public:
  static constexpr size_t longest_line = 1 << 20;  // bytes; what is longer is no line of a table
  enum class Empty { refuse, allow };

  // Throws bad_input for a file in UTF-16, and for an empty one if that is refused.
  explicit TextInput(const Path& path, Empty empty = Empty::refuse);

  int peek() {  // next byte, or -1 at the end
    return fill() ? static_cast<unsigned char>(buffer_[at_]) : -1;
  }
  int take() {
    const int c = peek();
    if (c < 0) return c;
    ++at_;
    line_ += c == '\n';
    return c;
  }
  // Gives back what was taken, as it was in the file, to be read again.
  void unread(std::string_view text);
  // A line without its end ("\n" or "\r\n"); false at the end of the file. Longer ones are cut and `overlong`
  // is set.
  bool next_line(std::string& line, bool& overlong);

  std::string_view ahead() {  // some of what comes next; empty at the end
    return fill() ? std::string_view(buffer_).substr(at_, filled_ - at_) : std::string_view();
  }
  uint64_t line() const { return line_; }  // of the next byte, from 1
  const InputStream& stream() const { return stream_; }

 private:
  bool fill();

  InputStream stream_;
  std::string buffer_;
  size_t at_ = 0, filled_ = 0;
  uint64_t line_ = 1;
};

// Visits every line with its number, from 1, also empty ones; the file may be empty. An overlong line or one
// that is not UTF-8 throws bad_input.
void for_each_line(const Path& path,
                   const std::function<void(uint64_t number, std::string_view line)>& visit);

// Whether the text is well-formed UTF-8; otherwise the first byte that is not, in `at`.
bool is_utf8(std::string_view text, size_t& at);
// The beginning of at most `most` bytes that splits no character.
std::string_view cut_text(std::string_view text, size_t most);
// As one line for people: control characters, which could steer a terminal, become blanks, and what is no
// UTF-8 "?".
std::string one_line(std::string text);
// "byte 255 at position 3"
std::string describe_byte(std::string_view text, size_t at);

}  // namespace cowatch
