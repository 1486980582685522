#include "base/error.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>

namespace cowatch {
namespace {

constexpr ErrorKind kinds[] = {
    {ErrorCode::bad_input, "bad-input", 422, 2, "data is malformed"},
    {ErrorCode::bad_argument, "bad-argument", 400, 2, "a parameter is out of its range"},
    {ErrorCode::not_found, "not-found", 404, 2, "a named thing does not exist"},
    {ErrorCode::missing_stage, "missing-stage", 503, 2, "an earlier stage has not run yet"},
    {ErrorCode::conflict, "conflict", 409, 2, "another process or an existing thing stands in the way"},
    {ErrorCode::unsupported, "unsupported", 415, 2, "this version does not do that"},
    {ErrorCode::too_large, "too-large", 413, 2, "a stated limit is exceeded"},
    {ErrorCode::damaged, "damaged", 500, 1, "a file fails its checksum or its format"},
    {ErrorCode::newer_version, "newer-version", 409, 2, "written by a later version of the program"},
    {ErrorCode::no_space, "no-space", 507, 1, "no space is left"},
    {ErrorCode::unauthorized, "unauthorized", 401, 2, "no token or a wrong one"},
    {ErrorCode::not_allowed, "not-allowed", 405, 2, "the address does not take this method"},
    {ErrorCode::overloaded, "overloaded", 503, 1, "too much at once; try again later"},
    {ErrorCode::interrupted, "interrupted", 503, 130, "stopped on request; the same command goes on"},
    {ErrorCode::system, "system", 500, 1, "the operating system refused"},
    {ErrorCode::internal, "internal", 500, 1, "a defect of the program"},
};

std::string join(const std::string& message, const Error::Details& details) {
  std::string text = details.where.empty() ? message : details.where + ": " + message;
  if (!details.expected.empty()) text += "; expected " + details.expected;
  if (!details.found.empty()) text += (details.expected.empty() ? "; found " : ", found ") + details.found;
  if (!details.remedy.empty()) text += ". " + details.remedy;
  return text;
}

Error system_error(int number, std::string message) {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  const bool forbidden = number == EACCES || number == EPERM || number == EROFS;
  return Error(
      full ? ErrorCode::no_space : ErrorCode::system, std::move(message),
      {.remedy = full ? "Free some space and run the same command again; nothing was half-written."
                 : forbidden
                     ? "Give yourself the right to it, or work on a copy in a folder that may be written."
                     : ""});
}

}  // namespace

const ErrorKind& error_kind(ErrorCode code) {
  return kinds[static_cast<int>(code)];
}

Error::Error(ErrorCode code, std::string message, Details details)
    : code_(code),
      message_(std::move(message)),
      details_(std::move(details)),
      text_(join(message_, details_)) {}

Error error_of(const std::exception& caught) {
  if (const auto* error = dynamic_cast<const Error*>(&caught)) return *error;
  if (dynamic_cast<const std::bad_alloc*>(&caught))
    return Error(ErrorCode::no_space, "there is not enough memory for this",
                 {.remedy = "Ask for less at a time."});
  if (const auto* refusal = dynamic_cast<const std::filesystem::filesystem_error*>(&caught))
    return system_error(refusal->code().value(), refusal->what());
  return Error(ErrorCode::internal, caught.what());
}

void throw_system_error(std::string_view action, std::string_view path) {
  const int number = errno;
  throw system_error(
      number, "cannot " + std::string(action) + " " + std::string(path) + ": " + std::strerror(number));
}

}  // namespace cowatch
