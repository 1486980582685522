// The one exception type of the project, and the registry of its codes.
//
// An error says what went wrong, where (file, line, column, id), what was expected, what was found and what
// to do. The command line prints it and exits 2 for the user's mistake, 1 for ours; the server maps it to an
// HTTP status with the same words (RFC 7807). Example:
//
//   throw Error(ErrorCode::bad_input, "a watch time is negative",
//               {.where = "log.csv, line 7, column 3", .expected = "a number of at least 0", .found = "-12",
//                .remedy = "correct the row, or leave the cell empty when the time is unknown"});
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace cowatch {

enum class ErrorCode {
  bad_input,      // data the user gave is malformed
  bad_argument,   // a flag, setting or parameter is out of its range
  not_found,      // a named thing does not exist
  missing_stage,  // an artifact of an earlier stage is not there yet
  conflict,       // another process or an existing thing stands in the way
  unsupported,    // well formed, but not something this version does
  too_large,      // exceeds a stated limit
  damaged,        // an artifact fails its checksum or its format
  newer_version,  // written by a later version of the program
  no_space,       // the disk or a memory limit is full
  unauthorized,   // no or a wrong token
  not_allowed,    // an address of the server that does not take this method
  overloaded,     // refused now, may be tried again
  interrupted,    // stopped at a safe point on request; the same command goes on
  system,         // the operating system refused something
  internal,       // a defect of ours
};

// What the registry knows of a code.
struct ErrorKind {
  ErrorCode code;
  std::string_view name;  // stable, in kebab case: the last part of the problem's type URI
  int http_status;
  int exit_status;           // 2: the user's mistake, 1: ours or the machine's, 130: interrupted
  std::string_view meaning;  // one line
};

const ErrorKind& error_kind(ErrorCode code);

class Error : public std::exception {
 public:
  struct Details {
    std::string where = {};
    std::string expected = {};
    std::string found = {};
    std::string remedy = {};
  };

  Error(ErrorCode code, std::string message) : Error(code, std::move(message), Details{}) {}
  Error(ErrorCode code, std::string message, Details details);

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const Details& details() const { return details_; }
  const char* what() const noexcept override { return text_.c_str(); }  // all parts in one paragraph

 private:
  ErrorCode code_;
  std::string message_;
  Details details_;
  std::string text_;
};

// Anything that was caught, as an Error: memory that ran out as no_space, files as system, or internal.
Error error_of(const std::exception& caught);

// Throws ErrorCode::system (or no_space) for the current errno: "cannot ACTION PATH: reason".
[[noreturn]] void throw_system_error(std::string_view action, std::string_view path);

}  // namespace cowatch
