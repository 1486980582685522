// Every setting of the program. Sorted by name within a section; `cowatch config` prints this list.

#include "base/settings.h"

namespace cowatch {
namespace {

const std::vector<Setting>& declarations() {
  static const std::vector<Setting> all = {
      // How well embeddings find related videos (learn/evaluation.h).
      {"evaluate.methods", std::string(""), "methods to compare, by comma; empty: raw, random_mined, infonce and train.method"},
      {"evaluate.seed", int64_t{1}, "of the split into training and test videos", 0, 9e15},
      {"evaluate.train_share", 0.7, "share of videos that graph, tree and training see", 0.1, 0.95},
      // What decoding one file may cost (media/limits.h).
      {"extract.cpu_seconds", 30.0, "processor time for one file, in seconds", 1, 86400},
      {"extract.max_file", int64_t{4096}, "largest file, in MiB", 1, 1e7},
      {"extract.max_memory", int64_t{2048}, "memory of the process that decodes a file, in MiB", 512, 1e6},
      {"extract.max_pixels", int64_t{16777216}, "largest picture, width times height", 1, 1e9},
      {"extract.max_seconds", 14400.0, "longest video, in seconds", 1, 1e6},
      {"extract.preview_pixels", int64_t{480}, "longer side of posters and previews", 32, 1280},
      {"extract.preview_seconds", 6.0, "length of a preview, in seconds; 0: none", 0, 60},
      {"extract.wall_seconds", 60.0, "time for one file, in seconds", 1, 86400},

      // How the co-watch graph is made (graph/pairs.h).
      {"graph.feedback", "watch,like", "kinds of feedback that count as watching, separated by commas"},
      {"graph.half_life_days", 30.0, "age at which a pair counts half, with weight decayed", 0.001, 1e6},
      {"graph.max_degree", int64_t{0}, "most neighbours of a video, its strongest; 0: any number", 0, 1e9},
      {"graph.max_watches", int64_t{500}, "newest watches of a person that count", 2, 10000},
      {"graph.memory", int64_t{4096}, "memory for counting pairs, in MiB; counts spill to disk past it", 16,
       1e7},
      {"graph.min_people", int64_t{2}, "people who must have watched both videos of a pair", 1, 1e6},
      {"graph.min_watch_ms", int64_t{0}, "shortest watch that counts, in milliseconds", 0, 1e12},
      {"graph.min_watch_share", 0.0, "least share of its length a watch needs to count", 0, 1},
      {"graph.positions", int64_t{5}, "watches apart that still make a pair, with window positions", 1,
       10000},
      {"graph.session_gap_minutes", 30.0, "pause that ends a session, with window session", 0, 1e7},
      {"graph.top_k", int64_t{0}, "strongest neighbours a video keeps, if either end does; 0: all", 0, 1e9},
      {"graph.weight",
       "count",
       "weight of a pair: people, cosine, pointwise mutual information, or people fading with age",
       -1e18,
       1e18,
       {"count", "cosine", "pmi", "decayed"}},
      {"graph.window",
       "any",
       "when two watches of a person make a pair: at any time, in one session, or few positions apart",
       -1e18,
       1e18,
       {"any", "session", "positions"}},

      // How embeddings are indexed for search (pipeline/index_stage.h).
      {"index.build_effort", int64_t{128}, "graph: candidates kept while a video is linked", 8, 4096},
      {"index.code_bytes", int64_t{0}, "ivf: bytes of a product code; 0: a bit for each number", 0, 65536},
      {"index.codes", std::string(""),
       "codes of the index (docs/vector-search.md); empty: scalar4x8 for graph, scalar4 for ivf"},
      {"index.degree", int64_t{32}, "graph: most links of a video", 4, 256},
      {"index.graph_from", int64_t{20000}, "videos from which an index is made; fewer are searched exactly",
       1, 1e18},
      {"index.kind",
       std::string("graph"),
       "a graph is fastest; ivf (inverted lists) takes least memory",
       -1e18,
       1e18,
       {"graph", "ivf"}},
      {"index.lists", int64_t{0}, "ivf: inverted lists; 0: 2 √n", 0, 1u << 20},
      {"index.memory", int64_t{0}, "most memory that indexing and searching may take, in MiB; 0: any", 0,
       1e9},

      // How embeddings are learned (learn/relational/options.h).
      {"train.anchor_power", 0.0, "anchors are drawn in proportion to their number of neighbours to this power", -4, 4},
      {"train.batch", int64_t{1000}, "triplets in a step; mining looks through all their negatives", 2, 1e6},
      {"train.budget", int64_t{16}, "default: trainings of a network it may take; 16: three kinds, on three validation splits and all videos, those of much weight again", 0, 1000},
      {"train.checkpoint_every", int64_t{50}, "steps between checkpoints", 1, 1e9},
      {"train.class_round", int64_t{2}, "pseudo_class: a video's class is its cluster after this round", 1, 16},
      {"train.class_samples", int64_t{4096}, "pseudo_class: classes compared against in a step", 1, 1e7},
      {"train.curriculum_share", 0.05, "curriculum_retained: share of retained negatives at which the next level begins", 0, 1},
      {"train.decay", 0.98, "schedule decay: factor of the rate", 0, 1},
      {"train.decay_every", int64_t{300000}, "schedule decay: steps between factors", 1, 1e12},
      {"train.device", std::string("cpu"), "where networks are trained; cuda: a card that libtorch can use, torch-cpu: the same by libtorch on the processor, to try it", -1e18, 1e18,
       {"cpu", "cuda", "torch-cpu"}},
      {"train.hidden", int64_t{4000}, "hidden units of the network; at most 16 for each video it learns from", 1, 65536},
      {"train.hidden_dropout", 0.0, "share of hidden units left out in a step", 0, 0.9},
      {"train.margin", 0.5, "margin of the triplet loss, in squared distance", 0, 4},
      {"train.method", std::string("default"), "what is trained; default: the best join on validation videos", -1e18, 1e18,
       {"default", "random", "random_mined", "l0", "l0_mined", "l1", "l1_mined", "l2", "l2_mined", "curriculum",
        "curriculum_retained", "pseudo_class", "infonce"}},
      {"train.modality_dropout", 0.0, "chance that a step hides one of a video's modalities", 0, 0.9},
      {"train.momentum", 0.0, "optimiser sgd: momentum", 0, 0.999},
      {"train.normalisation", std::string("columns"), "of features: none, each column, or one factor for the table", -1e18, 1e18,
       {"none", "columns", "table"}},
      {"train.optimiser", std::string("adamw"), "how parameters follow the gradient", -1e18, 1e18, {"sgd", "adamw"}},
      {"train.outputs", int64_t{256}, "width of an embedding", 2, 4096},
      {"train.positive_by_weight", false, "positives are drawn in proportion to the edge's weight"},
      {"train.precision", std::string("float32"), "of matrix products; bf16 keeps activations in bfloat16", -1e18, 1e18,
       {"float32", "bf16"}},
      {"train.product_of_towers", false, "a network for each modality, multiplied"},
      {"train.rate", 0.001, "learning rate at its highest", 1e-9, 100},
      {"train.schedule", std::string("cosine"), "of the learning rate", -1e18, 1e18, {"constant", "cosine", "decay"}},
      {"train.seed", int64_t{1}, "of every random draw of training", 0, 9e15},
      {"train.steps", int64_t{0}, "training steps; 0: by the number of videos", 0, 1e12},
      {"train.temperature", 0.1, "of the softmax losses", 1e-3, 100},
      {"train.warm_up", int64_t{20}, "steps in which the rate rises", 0, 1e9},
      {"train.weight_decay", 0.01, "decoupled: parameters shrink by rate times this each step", 0, 100},

      // The server (serve/http_server.h).
      {"serve.address", std::string("127.0.0.1"), "where the server listens"},
      {"serve.grpc_port", int64_t{-1}, "port of the collections over gRPC; 0: any free one, -1: none", -1, 65535},
      {"serve.key", std::string(""), "key that writing needs; empty: none, which only a loopback address allows"},
      {"serve.port", int64_t{8080}, "port; 0: any free one", 0, 65535},
      {"serve.workers", int64_t{4}, "threads that answer; at least two more than processors are taken", 1, 256},
      {"serve.upload_limit", int64_t{200000000}, "bytes an upload may have", 1000, 4e9},
      // How it is clustered (graph/tree.h).
      {"tree.linkage",
       "average",
       "affinity of two clusters",
       -1e18,
       1e18,
       {"maximum", "average", "sum", "minimum", "sparsity"}},
      {"tree.max_cluster_size", int64_t{0}, "most videos of a cluster; 0: any number", 0, 4e9},
      {"tree.rounds", int64_t{4}, "rounds of clustering", 1, 64},
      {"tree.thresholds", "", "least affinity to merge in round 1, 2, ..., separated by commas; empty: none"},

      // Collections of vectors (serve/vectors/vector_service.h).
      {"vectors.batch", int64_t{32}, "most waiting searches of a collection without index that share a pass over it; 1: each alone", 1, 1000},
      {"vectors.deadline_ms", 50.0, "time a search may take, waiting included, in milliseconds; what would take longer is refused at once", 1, 60000},
      {"vectors.recall_every", int64_t{100}, "one search in so many is asked again exactly, in the background, to know the recall; 0: none", 0, 1e9},
      {"vectors.queue", int64_t{1000}, "most searches that wait", 1, 1e6},
  };
  return all;
}

}  // namespace

std::span<const Setting> setting_declarations() {
  return declarations();
}

}  // namespace cowatch
