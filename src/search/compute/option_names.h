// The options of an index that are chosen by name, each once: in configurations of record, over HTTP and
// gRPC, on the command line.
#pragma once

#include "search/compute/vector_index.h"

namespace cowatch {

// visit(name, option, meaning) for each; an option is a whole number, a float, or an enumeration with
// option_name() and read_option().
template <typename Options, typename Visit>
void each_option(Options& options, const Visit& visit) {
  visit("index", options.kind, "kind of index: graph, ivf or exact");
  visit("codes", options.codes, "codes of the index: scalar4x8 for a graph, scalar4 for ivf, or any other");
  visit("degree", options.degree, "graph: most links of a point, 4 to 256");
  visit("build_effort", options.build_effort, "graph: candidates kept while a point is linked, 1 to 4096");
  visit("lists", options.lists, "ivf: inverted lists, at most 1048576; 0: 2 √n");
  visit("code_bytes", options.code_bytes, "product codes: bytes of one; 0: a bit for each number");
  visit("kept_dimensions", options.kept_dimensions, "ivf: principal directions that are coded; 0: all");
  visit("anisotropic", options.anisotropic,
        "product codes: threshold of the loss for inner products, a cosine; 0: the plain loss");
}

inline std::string_view option_name(IndexKind kind) {
  return index_kind_name(kind);
}
inline std::string_view option_name(CodeKind codes) {
  return code_kind_name(codes);
}
inline void read_option(std::string_view name, IndexKind& kind) {
  kind = index_kind_of(name);
}
inline void read_option(std::string_view name, CodeKind& codes) {
  codes = code_kind_of(name);
}

// What a kind of index has where no codes were asked for.
inline CodeKind usual_codes(IndexKind kind) {
  return kind == IndexKind::ivf ? CodeKind::scalar4 : CodeKind::scalar4x8;
}

}  // namespace cowatch
