// What a verb or a benchmark asks for on the command line, by CLI11. Its headers take longer to compile than
// most of what includes them, so that only command_line.cpp and the main program see them.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace cowatch {

// Thrown by a verb that has said everything and ends with this status.
struct ExitStatus {
  int status;
};

// More of one option; each call answers the same option.
class CommandOption {
 public:
  explicit CommandOption(CLI::Option* option) : option_(option) {}

  CommandOption& required();
  CommandOption& hidden();  // not in the help
  CommandOption& group(const std::string& heading);
  CommandOption& with_default();  // the help shows the value it has now
  CommandOption& default_text(const std::string& text);
  CommandOption& one_of(const std::vector<std::string>& values);
  CommandOption& positive();
  CommandOption& needs(const std::string& other);     // refused without it
  CommandOption& excludes(const std::string& other);  // refused beside it
  template <typename Number>
  CommandOption& between(Number least, Number most);
  CommandOption& separated_by(char sign);  // several values in one word
  CommandOption& repeatable();             // given several times, all of them count
  CommandOption& true_when_alone();        // a setting that is a switch: `--flag` is `--flag=true`

 private:
  CLI::Option* option_;
};

// The options of the program, a verb or a command below it. A light handle: copies speak of the same one.
class CommandLine {
 public:
  explicit CommandLine(CLI::App& app) : app_(&app) {}

  // `name` is "--flag", or "WORD" for a word at its place. `value` must live until the callback has run.
  template <typename Value>
  CommandOption add_option(const std::string& name, Value& value, const std::string& meaning) const;
  CommandOption add_reader(const std::string& name, std::function<void(const std::string&)> read,
                           const std::string& meaning) const;
  // NAME=VALUE, given as often as wanted.
  CommandOption add_assignments(const std::string& option,
                                std::function<void(const std::string& name, const std::string& value)> read,
                                const std::string& meaning) const;
  CommandOption add_flag(const std::string& name, bool& value, const std::string& meaning) const;
  void on_flag(const std::string& name, std::function<void()> call, const std::string& meaning) const;

  CommandLine add_command(const std::string& name, const std::string& summary) const;
  void require_command() const;  // one of those added
  void shares_options() const;   // options of the command above may stand behind this one's name
  void examples(const std::string& text) const;  // the end of the help
  void callback(std::function<void()> call) const;
  void on_parsed(std::function<void()> call) const;  // before the callback
  bool given(const std::string& name) const;

 private:
  CLI::App* app_;
};

}  // namespace cowatch
