#include "cli/answers.h"

#include <iomanip>
#include <iostream>

#include "base/log.h"
#include "store/text_input.h"

namespace cowatch {

void print_count(const std::string& name, uint64_t value, const std::string& note) {
  std::cout << std::left << std::setw(22) << name << std::right << std::setw(14) << value << "  " << note << "\n";
}

void print(const Related& entry) {
  std::cout << "  " << one_line(entry.item.id + "  " + entry.item.title) << "\n      "
            << one_line(entry.why.text) << "\n";
}

void warn_of_unknown(const Catalogue& catalogue, const RelatedQuery& query) {
  for (const std::string& name : unknown_names(catalogue, query))
    log(LogLevel::warning, one_line("there is no " + name + ": nothing was left out for it"));
}

}  // namespace cowatch
