#include "pipeline/ranking.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "pipeline/graph_stage.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

// Watches as text, `ann: a b c`, one minute apart, over items a … f made a day apart, f without a time. Items
// a, b and c lie near each other, so do d and e; f has no embedding.
struct World {
  test::TemporaryFolder folder;
  Workspace workspace = Workspace::open_or_create(folder / "ws");
  std::vector<float> rows = {1, 0, 0.9f, 0.43589f, 0.8f, 0.6f, 0, 1, -0.1f, 0.99499f, 0, 0};

  explicit World(const std::string& log, const std::vector<StoredEdge>& edges = {}) {
    std::vector<ItemRecord> items(6);
    for (size_t i = 0; i < items.size(); ++i) {
      items[i].id = std::string(1, static_cast<char>('a' + i));
      items[i].title = "Film " + items[i].id;
      if (i < 5) items[i].created_ms = 1'700'000'000'000 + static_cast<int64_t>(i) * 86'400'000;
    }
    catalogue().put_items(items);
    catalogue().add_edges(edges);
    std::vector<Event> events;
    std::string user;
    for (const char c : log) {
      if (c == '\n') user.clear();
      if (c >= 'a' && c <= 'z' && user.ends_with(':')) {
        events.emplace_back();
        events.back().user = user.substr(0, user.size() - 1);
        events.back().item = std::string(1, c);
        events.back().time_ms = 1'700'000'000'000 + static_cast<int64_t>(events.size()) * 60'000;
      } else if (c > ' ') {
        user += c;
      }
    }
    catalogue().add_events(events);
    run_graph_stage(workspace, Settings());
    TensorFileWriter writer("embeddings", 1);
    writer.add<float>("embeddings", {6, 2}, rows);
    writer.write(workspace.embeddings());
  }
  Catalogue catalogue() const { return Catalogue(workspace.catalogue(), Catalogue::Mode::write); }
  std::shared_ptr<const Release> release() const { return Release::open(workspace); }
};

std::string text_of(const std::vector<Ranked>& list) {
  std::string ids;
  for (const Ranked& ranked : list) ids += (ids.empty() ? "" : " ") + ranked.item.id;
  return ids;
}

RelatedQuery query(size_t count, size_t offset = 0, std::string user = "",
                   std::vector<std::string> exclude = {}) {
  RelatedQuery made;
  made.count = count, made.offset = offset, made.user = std::move(user), made.exclude = std::move(exclude);
  return made;
}

TEST(RankingTest, PopularIsByPeopleWithoutWhatIsHiddenWatchedOrExcluded) {
  const World world("ann: a b\nbob: b c b\ncid: b d\ndan: d\n");
  const Catalogue catalogue = world.catalogue();
  const auto popular = popular_videos(catalogue, *world.release(), query(10));
  EXPECT_EQ(text_of(popular), "b d a c e f");
  EXPECT_EQ(popular[0].score, 3);
  EXPECT_EQ(popular[0].why, "3 people watched it");
  EXPECT_EQ(popular[2].why, "1 person watched it");
  EXPECT_EQ(popular[5].score, 0);
  EXPECT_EQ(text_of(popular_videos(catalogue, *world.release(), query(2, 1))), "d a");
  EXPECT_EQ(text_of(popular_videos(catalogue, *world.release(), query(2, 0, "cid", {"a"}))), "c e");
  world.catalogue().hide_item(1, true);
  EXPECT_EQ(text_of(popular_videos(catalogue, *world.release(), query(2, 1))), "a c");
  EXPECT_EQ(text_of(popular_videos(catalogue, *world.release(), query(2, 6))), "");
}

TEST(RankingTest, WithoutALogPopularIsByLinks) {
  const World world("", {{0, 1, 2}, {1, 2, 3}, {3, 4, 4}});
  const auto popular = popular_videos(world.catalogue(), *world.release(), query(4));
  EXPECT_EQ(text_of(popular), "b d e c");
  EXPECT_EQ(popular[0].score, 5);
  EXPECT_EQ(popular[0].why, "links of weight 5 in the imported graph");
}

TEST(RankingTest, LatestIsByTimeAndThoseWithoutOneComeLast) {
  const World world("ann: e\n");
  const Catalogue catalogue = world.catalogue();
  const auto latest = latest_videos(catalogue, query(10));
  EXPECT_EQ(text_of(latest), "e d c b a f");
  EXPECT_EQ(latest[0].score, 1'700'000'000 + 4 * 86'400);
  EXPECT_EQ(latest[5].score, 0);
  EXPECT_EQ(text_of(latest_videos(catalogue, query(2, 1))), "d c");
  EXPECT_EQ(text_of(latest_videos(catalogue, query(2, 1, "ann", {"c"}))), "b a");
  world.catalogue().hide_item(3, true);
  EXPECT_EQ(text_of(latest_videos(catalogue, query(2))), "e c");
  EXPECT_EQ(catalogue.dated_item_count(), 5u);
}

TEST(RankingTest, RecommendsNeighboursOfWhatOneWatchedAndSaysOfWhich) {
  const World world("ann: d a\nbob: f\n");
  const Catalogue catalogue = world.catalogue();
  const auto release = world.release();
  const auto found = recommended_videos(catalogue, *release, query(10, 0, "ann"));
  // Watched are a, newest, and d. By hand: (⟨a,x⟩ + 0.9 ⟨d,x⟩) / 1.9.
  ASSERT_EQ(text_of(found), "c b e");
  EXPECT_NEAR(found[0].score, (0.8 + 0.9 * 0.6) / 1.9, 1e-5);
  EXPECT_NEAR(found[1].score, (0.9 + 0.9 * 0.43589) / 1.9, 1e-5);
  EXPECT_NEAR(found[2].score, (-0.1 + 0.9 * 0.99499) / 1.9, 1e-5);
  EXPECT_EQ(found[0].why, "near 'Film a'");
  EXPECT_EQ(found[2].why, "near 'Film d'");
  EXPECT_EQ(text_of(recommended_videos(catalogue, *release, query(1, 1, "ann", {"c"}))), "e");
  world.catalogue().hide_item(1, true);
  EXPECT_EQ(text_of(recommended_videos(catalogue, *release, query(10, 0, "ann"))), "c e");
  // Of what bob watched there is no embedding: popular videos, without his own.
  EXPECT_EQ(text_of(recommended_videos(catalogue, *release, query(3, 0, "bob"))), "a d c");
}

TEST(RankingTest, CoWatchersArePeopleWhoWatchedBoth) {
  const World world("ann: a b\nbob: b a c\ncid: a c\n", {{0, 4, 7}});
  const Catalogue catalogue = world.catalogue();
  const auto release = world.release();
  const auto why = [&](const std::string& id) {
    for (const Related& related : related_videos(catalogue, *release, 0, query(10))) {
      if (related.item.id == id) return related.why;
    }
    return Why{};
  };
  EXPECT_EQ(why("b").co_watchers, 2u);
  EXPECT_EQ(why("c").co_watchers, 2u);
  EXPECT_EQ(why("d").co_watchers, 0u);
  EXPECT_NE(why("b").text.find("2 people watched both"), std::string::npos) << why("b").text;
  EXPECT_NE(why("e").text.find("linked in the imported graph (weight 7)"), std::string::npos)
      << why("e").text;
  const World imported("", {{0, 4, 7}});
  const auto related = related_videos(imported.catalogue(), *imported.release(), 0, query(10));
  for (const Related& entry : related) EXPECT_FALSE(entry.why.co_watchers) << entry.item.id;
}

TEST(RankingTest, BeforeTheGraphNothingIsPopular) {
  const test::TemporaryFolder folder;
  const Workspace workspace = Workspace::open_or_create(folder / "ws");
  const Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::write);
  try {
    popular_videos(catalogue, *Release::open(workspace), query(1));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::missing_stage);
  }
}

}  // namespace
}  // namespace cowatch
