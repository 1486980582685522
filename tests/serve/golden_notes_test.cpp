// Notes in JSON that former versions wrote beside collections and embeddings (tests/data/notes/FORMAT) are read.
#include <gtest/gtest.h>

#include "pipeline/search_release.h"
#include "search/sharded_collection.h"
#include "serve/vectors/access_tokens.h"
#include "support/error_code.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

const Path notes = Path(COWATCH_TEST_DATA) / "notes/format_1";
constexpr const char* page_token = "cw_0123456789abcdef0123456789abcdef0123456789abcdef";

TEST(GoldenNotes, tokens_open_what_they_opened) {
  const auto grants = serve::AccessTokens::list(notes / "tokens.json");
  ASSERT_EQ(grants.size(), 2u);
  EXPECT_EQ(grants[0].name, "page");
  EXPECT_EQ(grants[0].scope, "read");
  EXPECT_EQ(grants[0].collections, std::vector<std::string>{"films"});
  EXPECT_EQ(grants[0].requests_per_second, 100);
  EXPECT_EQ(grants[1].scope, "manage");
  EXPECT_TRUE(grants[1].collections.empty());
  serve::AccessTokens tokens(notes / "tokens.json", "");
  serve::Request request;
  request.headers["authorization"] = std::string("Bearer ") + page_token;
  EXPECT_NO_THROW(tokens.check(request, serve::Scope::read, "films"));
  EXPECT_THROW(tokens.check(request, serve::Scope::read, "other"), serve::AccessError);
  EXPECT_THROW(tokens.check(request, serve::Scope::write, "films"), serve::AccessError);
  request.headers["authorization"] += "0";
  EXPECT_EQ(test::code_of([&] { tokens.check(request, serve::Scope::read, "films"); }), ErrorCode::unauthorized);
}

TEST(GoldenNotes, shards_are_where_they_were) {
  const ShardedCollection read = read_sharded(notes / "shards.json", "films");
  EXPECT_EQ(read.name, "films");
  EXPECT_EQ(read.dimension, 128u);
  EXPECT_EQ(read.metric, Metric::cosine);
  ASSERT_EQ(read.shards.size(), 2u);
  EXPECT_EQ(read.shards[0].address, "10.0.0.2:8081");
  EXPECT_EQ(read.shards[0].token, "");
  EXPECT_EQ(read.shards[1].address, "10.0.0.3:8081");
  EXPECT_EQ(read.shards[1].token, page_token);
}

TEST(GoldenNotes, what_is_searched_is_the_release_that_was_named) {
  const test::TemporaryFolder folder;
  const Workspace workspace = Workspace::open_or_create(folder / "ws");
  std::filesystem::create_directories(workspace.file("search"));
  std::filesystem::copy(notes / "current.json", current_release_file(workspace));
  const auto release = current_release(workspace);
  ASSERT_TRUE(release);
  EXPECT_EQ(release->name, "0f1e2d3c4b5a-2");
  EXPECT_EQ(release->input, "0f1e2d3c4b5a69788796a5b4c3d2e1f0");
  EXPECT_EQ(release->kind, IndexKind::graph);
  EXPECT_EQ(release->index(workspace), workspace.file("search") / "0f1e2d3c4b5a-2/graph.index");
}

}  // namespace
}  // namespace cowatch
