// `cowatch vectors …`: every verb as people type it, what it prints, and how it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/small_workspace.h"
#include "support/server.h"
#include "support/vector_files.h"

namespace cowatch {
namespace {

using test::Finished;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct VectorsVerb : testing::Test {
  test::TemporaryFolder folder;
  Workspace workspace = Workspace::open_or_create(folder / "ws");
  const test::VectorTable table = test::VectorTable::of(300, 6);

  Finished run(const std::string& verb, std::vector<std::string> arguments) {
    std::vector<std::string> all{"vectors", verb, workspace.folder().string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    all.emplace_back("--quiet");
    return test::run_cowatch(all);
  }
  std::string done(const std::string& verb, std::vector<std::string> arguments) {
    const Finished finished = run(verb, std::move(arguments));
    EXPECT_EQ(finished.status, 0) << verb << ": " << finished.output;
    return finished.output;
  }
  std::string refused(const std::string& verb, std::vector<std::string> arguments) {
    const Finished finished = run(verb, std::move(arguments));
    EXPECT_EQ(finished.status, 2) << verb << ": " << finished.output;
    return finished.output;
  }
  std::string file(const std::string& name) { return test::write_vector_file(folder.path(), name, table).string(); }
};

TEST_F(VectorsVerb, lead_through_the_life_of_a_collection) {
  done("create", {"films", "--size", "6", "--distance", "Euclid"});
  EXPECT_EQ(done("import", {"films", file("a.jsonl")}), "300 rows imported; 300 points\n");
  EXPECT_EQ(done("count", {"films"}), "300\n");
  const std::string even = R"({"must":[{"key":"even","match":{"value":true}}]})";
  EXPECT_EQ(done("count", {"films", "--filter", even}), "150\n");

  EXPECT_THAT(done("search", {"films", "--like", "7", "--count", "3"}), testing::StartsWith("7  0  {\"even\":false}\n"));
  const Json vector = std::vector<float>(table.row(8).begin(), table.row(8).end());
  EXPECT_EQ(done("search", {"films", "--vector", vector.dump(), "--count", "1", "--filter", even}), "8  0  {\"even\":true}\n");
  EXPECT_EQ(done("search", {"films", "--like", "8", "--count", "5", "--exact"}), done("search", {"films", "--like", "8", "--count", "5"}));

  const std::string page = done("scroll", {"films", "--from", "297", "--count", "2", "--vectors"});
  EXPECT_THAT(page, AllOf(HasSubstr("{\"id\":297,\"vector\":["), HasSubstr("\"id\":298"), HasSubstr("more follow: --from 299")));
  EXPECT_THAT(done("scroll", {"films", "--from", "297", "--count", "9"}), AllOf(Not(HasSubstr("vector")), Not(HasSubstr("more follow"))));

  std::string snapshot = done("snapshot", {"films"});
  snapshot.pop_back();
  EXPECT_THAT(done("snapshots", {"films"}), HasSubstr(snapshot));
  done("import", {"films", file("a.npy"), "--first-id", "1000"});
  EXPECT_EQ(done("count", {"films"}), "600\n");
  EXPECT_EQ(done("restore", {"films", snapshot}), "300 points\n");
  EXPECT_EQ(done("restore", {"copy", (workspace.folder() / "vectors/snapshots/films" / snapshot).string()}), "300 points\n");

  done("alias", {"live", "copy"});
  EXPECT_EQ(done("count", {"live"}), "300\n");
  EXPECT_THAT(done("info", {}), AllOf(HasSubstr("films: 300 points of 6 numbers, Euclid"), HasSubstr("live is copy")));
  EXPECT_THAT(done("check", {"films"}), HasSubstr("300 points, every byte as it was written"));
  EXPECT_THAT(refused("drop", {"live"}), HasSubstr("this is an alias"));
  EXPECT_THAT(refused("alias", {"live"}), HasSubstr("--remove"));
  EXPECT_THAT(refused("alias", {"live", "copy", "--remove"}), HasSubstr("both"));
  EXPECT_THAT(refused("alias", {"gone", "--remove"}), HasSubstr("no alias"));
  done("drop", {"copy"});
  EXPECT_THAT(done("info", {}), Not(HasSubstr("copy")));
  done("drop", {"films"});
  EXPECT_THAT(done("snapshots", {"films"}), HasSubstr(snapshot));
  EXPECT_EQ(done("restore", {"films", snapshot}), "300 points\n");
}

TEST_F(VectorsVerb, choose_any_index_and_codes) {
  done("create", {"lists", "--size", "6", "--distance", "Dot", "--index", "ivf", "--codes", "product4",
                  "--code-bytes", "2", "--anisotropic", "0.2", "--index-threshold", "100"});
  done("import", {"lists", file("a.npy")});
  EXPECT_THAT(done("info", {}), HasSubstr("300 indexed (ivf)"));
  const std::string all = done("search", {"lists", "--like", "7", "--exact"});
  EXPECT_EQ(done("search", {"lists", "--like", "7", "--probes", "1000"}).substr(0, all.find('\n')), all.substr(0, all.find('\n')));
  done("create", {"usual", "--size", "6", "--index", "ivf"});
  EXPECT_THAT(refused("create", {"x", "--size", "6", "--index", "ivf", "--codes", "product4", "--codebook", "c", "--shard", "127.0.0.1:1"}),
              HasSubstr("--codebook excludes --shard"));
  EXPECT_THAT(refused("create", {"x", "--size", "6", "--index", "tree"}), HasSubstr("exact, graph or ivf"));
  EXPECT_THAT(refused("create", {"x", "--size", "6", "--codes", "product4"}), HasSubstr("or an ivf index"));
  EXPECT_THAT(refused("create",
                      {"x", "--size", "6", "--index", "ivf", "--codes", "product4", "--anisotropic", "0.2"}),
              AllOf(HasSubstr("inner products"), HasSubstr("cosine")));
  EXPECT_THAT(
      refused("create", {"x", "--size", "6", "--index", "ivf", "--codes", "product4", "--codebook", "none"}),
      HasSubstr("none"));
}

TEST_F(VectorsVerb, bring_in_every_format_and_write_those_that_are_written) {
  for (const std::string& name : test::vector_file_names) {
    const std::string collection = "c-" + name;
    done("create", {collection, "--size", "6", "--distance", "Dot"});
    EXPECT_EQ(done("import", {collection, file(name)}), "300 rows imported; 300 points\n") << name;
    const std::string out = (folder / "out.fvecs").string();
    EXPECT_EQ(done("export", {collection, out}), "300 points, in order of id\n");
    EXPECT_EQ(read_text(out), test::vecs_text<float>(table)) << name;
  }
  done("create", {"again", "--size", "6", "--distance", "Dot"});
  for (const char* name : {"b.npy", "b.fvecs", "b.bvecs", "b.safetensors", "b.hdf5", "b.jsonl"}) {
    done("export", {"c-a.jsonl", (folder / name).string()});
    done("import", {"again", (folder / name).string()});
    EXPECT_EQ(done("count", {"again"}), "300\n") << name;
  }
  EXPECT_EQ(done("count", {"again", "--filter", R"({"must":[{"key":"even","match":{"value":false}}]})"}), "150\n");
  EXPECT_THAT(refused("export", {"again", (folder / "b.csv").string()}), HasSubstr("expected: .npy, .fvecs, .bvecs, .safetensors, .hdf5 or .jsonl"));
}

TEST_F(VectorsVerb, delete_points_by_id_or_filter) {
  done("create", {"films", "--size", "6", "--distance", "Dot"});
  done("import", {"films", file("a.jsonl")});
  EXPECT_EQ(done("delete", {"films", "--id", "7", "--id", "8", "--id", "7"}), "2 points deleted; 298 left\n");
  EXPECT_EQ(done("delete", {"films", "--filter", R"({"must":[{"key":"even","match":{"value":true}}]})"}),
            "149 points deleted; 149 left\n");
  EXPECT_EQ(done("count", {"films"}), "149\n");
  EXPECT_EQ(done("delete", {"films", "--id", "7"}), "0 points deleted; 149 left\n");
  EXPECT_THAT(refused("delete", {"films"}), HasSubstr("--id, --filter"));
  EXPECT_THAT(refused("delete", {"films", "--id", "x y"}), HasSubstr("--id"));
  EXPECT_EQ(done("count", {"films"}), "149\n");
}

TEST_F(VectorsVerb, refuse_with_the_place_and_change_nothing) {
  done("create", {"films", "--size", "6"});
  auto wrong = table;
  wrong.values[70] = NAN;
  EXPECT_THAT(refused("import", {"films", test::write_vector_file(folder.path(), "nan.fvecs", wrong).string()}),
              AllOf(HasSubstr("nan.fvecs, row 11"), HasSubstr("NaN at 4")));
  std::fill_n(wrong.values.begin() + 66, 6, 0.0f);
  EXPECT_THAT(refused("import", {"films", test::write_vector_file(folder.path(), "zero.npy", wrong).string()}),
              AllOf(HasSubstr("zero.npy, row 11"), HasSubstr("for Cosine")));
  EXPECT_THAT(refused("import", {"films", test::write_vector_file(folder.path(), "wide.npy", test::VectorTable::of(5, 9)).string()}),
              AllOf(HasSubstr("wide.npy, row 0"), HasSubstr("6 numbers"), HasSubstr("9")));
  const std::string bytes = read_text(file("a.npy"));
  EXPECT_THAT(refused("import", {"films", test::write_text(folder / "cut.npy", bytes.substr(0, bytes.size() - 5)).string()}), HasSubstr("cut.npy"));
  std::string swapped = test::vecs_text<float>(table);
  std::reverse(swapped.begin(), swapped.begin() + 4);
  EXPECT_THAT(refused("import", {"films", test::write_text(folder / "s.fvecs", swapped).string()}), HasSubstr("byte order"));
  EXPECT_THAT(refused("import", {"films", (folder / "none.npy").string()}), HasSubstr("none.npy"));
  EXPECT_EQ(done("count", {"films"}), "0\n") << "nothing was half-applied";

  EXPECT_THAT(refused("count", {"film"}), HasSubstr("Did you mean `films`?"));
  EXPECT_THAT(refused("create", {"films", "--size", "6"}), HasSubstr("already exists"));
  EXPECT_THAT(refused("create", {"x", "--size", "0"}), AllOf(HasSubstr("--size"), HasSubstr("1 to 65536")));
  EXPECT_THAT(refused("create", {"x", "--size", "6", "--build-effort", "4000000000"}), AllOf(HasSubstr("--build-effort"), HasSubstr("1 to 4096")));
  EXPECT_THAT(refused("create", {"x", "--size", "6", "--code-bytes", "2"}), HasSubstr("--index"));
  EXPECT_THAT(refused("create", {"x", "--size", "6", "--index-memory", "99999999999999"}), HasSubstr("--index-memory"));
  EXPECT_THAT(refused("import", {"films", test::write_text(folder / "p.jsonl", R"({"id":1,"vector":[1,2,3,4,5,6],"payloads":{"a":1}})").string()}),
              AllOf(HasSubstr("p.jsonl, line 1"), HasSubstr("'payloads'"), HasSubstr("Did you mean 'payload'?")));
  EXPECT_THAT(refused("search", {"films", "--like", "7", "--probes", "3"}), AllOf(HasSubstr("--probes"), HasSubstr("index graph")));
  EXPECT_THAT(refused("import", {"films", file("a.npy"), "--first-id", "18446744073709551600"}), HasSubstr("--first-id"));
  EXPECT_THAT(refused("create", {"../x", "--size", "3"}), HasSubstr("cannot be the name"));
  EXPECT_THAT(refused("search", {"films"}), HasSubstr("--like, --vector"));
  EXPECT_THAT(refused("search", {"films", "--vector", "[1,2]"}), AllOf(HasSubstr("--vector"), HasSubstr("6 numbers")));
  EXPECT_THAT(refused("search", {"films", "--vector", "[0,0,0,0,0,0]"}), HasSubstr("zeros"));
  EXPECT_THAT(refused("search", {"films", "--like", "7"}), HasSubstr("there is no such point"));
  EXPECT_THAT(refused("search", {"films", "--like", "7", "--count", "0"}), HasSubstr("--count"));
  EXPECT_THAT(refused("count", {"films", "--filter", R"({"must":[{"key":"a","mach":{}}]})"}), AllOf(HasSubstr("--filter/must/0"), HasSubstr("match")));
  EXPECT_THAT(refused("count", {"films", "--filter", "{"}), HasSubstr("--filter"));
  EXPECT_THAT(refused("restore", {"films", file("a.npy")}), HasSubstr("a.npy"));
  EXPECT_EQ(done("count", {"films"}), "0\n");
  EXPECT_THAT(refused("restore", {"films", "none.snapshot"}), HasSubstr("none.snapshot"));
  EXPECT_THAT(refused("token", {"--name", "page", "--scope", "all"}), HasSubstr("read"));
  EXPECT_THAT(refused("token", {"--name", "page", "--scope", "read", "--rate", "-3"}), HasSubstr("at least 0"));
}

TEST_F(VectorsVerb, say_that_a_server_has_the_collections) {
  test::fill_catalogue(workspace);
  done("create", {"films", "--size", "6"});
  test::Server server(workspace.folder(), {"--grpc-port", "0"});
  const std::string said = server.process().output_with("serving gRPC at 127.0.0.1:");
  const auto port = static_cast<uint16_t>(std::stoi(said.substr(said.find("gRPC at 127.0.0.1:") + 18)));
  EXPECT_TRUE(test::Connection(port).connected());
  for (const char* verb : {"count", "drop", "snapshot"})
    EXPECT_THAT(refused(verb, {"films"}), AllOf(HasSubstr("another process"), HasSubstr("process " + std::to_string(server.process().id())))) << verb;
  EXPECT_THAT(refused("create", {"more", "--size", "6"}), HasSubstr("another process"));
}

TEST_F(VectorsVerb, make_tokens_that_are_shown_once) {
  const std::string token = done("token", {"--name", "page", "--scope", "read", "--rate", "100"});
  EXPECT_THAT(token, testing::MatchesRegex("cw_[0-9a-f]{48}\n"));
  const std::string kept = read_text(workspace.folder() / "vectors/tokens.json");
  EXPECT_EQ(kept.find(token.substr(0, 20)), kept.npos) << "only a hash is kept";
  EXPECT_THAT(kept, HasSubstr("\"page\""));
  done("token", {"--name", "job", "--scope", "write", "--collection", "films"});
  EXPECT_EQ(done("token", {"--list"}), "page: read, all collections, 100 requests a second\njob: write, films\n");
  EXPECT_THAT(refused("token", {"--revoke", "pages"}), HasSubstr("Did you mean 'page'?"));
  EXPECT_THAT(done("token", {"--revoke", "page"}), testing::StartsWith("1 revoked"));
  EXPECT_EQ(done("token", {"--list"}), "job: write, films\n");
  EXPECT_THAT(refused("token", {"--name", "page"}), HasSubstr("--scope"));
}

TEST_F(VectorsVerb, have_help_with_an_example_each) {
  const std::string all = test::run_cowatch({"vectors", "--help"}).output;
  for (const char* verb : {"create", "import", "export", "search", "count", "scroll", "info", "check", "snapshot", "snapshots",
                           "restore", "alias", "drop", "token"}) {
    EXPECT_THAT(all, HasSubstr(std::string("\n  ") + verb));
    const Finished help = test::run_cowatch({"vectors", verb, "--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_THAT(help.output, HasSubstr(std::string(":\n  cowatch vectors ") + verb + " ws")) << verb;
  }
  EXPECT_THAT(test::run_cowatch({"vectors", "cuont", "ws", "films"}).output, HasSubstr("Did you mean count?"));
}

}  // namespace
}  // namespace cowatch
