#include "base/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdint>

#include "base/error.h"
#include "base/file.h"

namespace cowatch {

CommandOption& CommandOption::required() {
  option_->required();
  return *this;
}

CommandOption& CommandOption::hidden() {
  return group("");
}

CommandOption& CommandOption::group(const std::string& heading) {
  option_->group(heading);
  return *this;
}

CommandOption& CommandOption::with_default() {
  option_->capture_default_str();
  return *this;
}

CommandOption& CommandOption::default_text(const std::string& text) {
  option_->default_str(text);
  return *this;
}

CommandOption& CommandOption::one_of(const std::vector<std::string>& values) {
  option_->check(CLI::IsMember(values));
  return *this;
}

CommandOption& CommandOption::needs(const std::string& other) {
  option_->needs(other);
  return *this;
}

CommandOption& CommandOption::excludes(const std::string& other) {
  option_->excludes(other);
  return *this;
}

CommandOption& CommandOption::positive() {
  option_->check(CLI::PositiveNumber);
  return *this;
}

template <typename Number>
CommandOption& CommandOption::between(Number least, Number most) {
  option_->check(CLI::Range(least, most));
  return *this;
}
template CommandOption& CommandOption::between(int, int);
template CommandOption& CommandOption::between(double, double);

CommandOption& CommandOption::separated_by(char sign) {
  option_->delimiter(sign);
  return *this;
}

CommandOption& CommandOption::repeatable() {
  option_->take_all();
  return *this;
}

CommandOption& CommandOption::true_when_alone() {
  option_->expected(0, 1)->default_str("true");
  return *this;
}

template <typename Value>
CommandOption CommandLine::add_option(const std::string& name, Value& value,
                                      const std::string& meaning) const {
  return CommandOption(app_->add_option(name, value, meaning));
}
// Every type that options have: add a line where the linker misses one.
template CommandOption CommandLine::add_option(const std::string&, std::string&, const std::string&) const;
template CommandOption CommandLine::add_option(const std::string&, Path&, const std::string&) const;
template CommandOption CommandLine::add_option(const std::string&, bool&, const std::string&) const;
template CommandOption CommandLine::add_option(const std::string&, int&, const std::string&) const;
template CommandOption CommandLine::add_option(const std::string&, uint32_t&, const std::string&) const;
template CommandOption CommandLine::add_option(const std::string&, uint64_t&, const std::string&) const;
template CommandOption CommandLine::add_option(const std::string&, float&, const std::string&) const;
template CommandOption CommandLine::add_option(const std::string&, double&, const std::string&) const;
template CommandOption CommandLine::add_option(const std::string&, std::vector<std::string>&,
                                               const std::string&) const;
template CommandOption CommandLine::add_option(const std::string&, std::vector<Path>&,
                                               const std::string&) const;
template CommandOption CommandLine::add_option(const std::string&, std::vector<uint64_t>&,
                                               const std::string&) const;

CommandOption CommandLine::add_reader(const std::string& name, std::function<void(const std::string&)> read,
                                      const std::string& meaning) const {
  return CommandOption(app_->add_option_function<std::string>(name, read, meaning));
}

CommandOption CommandLine::add_assignments(
    const std::string& option, std::function<void(const std::string& name, const std::string& value)> read,
    const std::string& meaning) const {
  const auto read_all = [option, read = std::move(read)](const std::vector<std::string>& pairs) {
    for (const std::string& pair : pairs) {
      const size_t equals = pair.find('=');
      if (equals == std::string::npos) {
        throw Error(ErrorCode::bad_argument, option + " takes NAME=VALUE",
                    {.expected = "such as train.margin=0.3", .found = "'" + pair + "'"});
      }
      read(pair.substr(0, equals), pair.substr(equals + 1));
    }
  };
  return CommandOption(app_->add_option_function<std::vector<std::string>>(option, read_all, meaning))
      .repeatable();
}

CommandOption CommandLine::add_flag(const std::string& name, bool& value, const std::string& meaning) const {
  return CommandOption(app_->add_flag(name, value, meaning));
}

void CommandLine::on_flag(const std::string& name, std::function<void()> call,
                          const std::string& meaning) const {
  app_->add_flag_callback(name, std::move(call), meaning);
}

CommandLine CommandLine::add_command(const std::string& name, const std::string& summary) const {
  return CommandLine(*app_->add_subcommand(name, summary));
}

void CommandLine::require_command() const {
  app_->require_subcommand(1);
}

void CommandLine::shares_options() const {
  app_->fallthrough();
}

void CommandLine::examples(const std::string& text) const {
  app_->footer(text);
}

void CommandLine::callback(std::function<void()> call) const {
  app_->callback(std::move(call));
}

void CommandLine::on_parsed(std::function<void()> call) const {
  app_->parse_complete_callback(std::move(call));
}

bool CommandLine::given(const std::string& name) const {
  return app_->count(name) > 0;
}

}  // namespace cowatch
