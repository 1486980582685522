// What the operations promise beyond the shape of their answers.
#include "serve/service.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "serve/schemas.h"
#include "serve/small_workspace.h"

namespace cowatch {
namespace {

using serve::Request;
using serve::Response;
using test::ids_of;
using test::json_of;
using test::request_of;
using testing::Test;

struct ServiceTest : Test {
  test::SmallWorkspace made;
  serve::Service service{made.opened(), Settings()};

  Response ask(const std::string& method, const std::string& target, const std::string& body = "") {
    return service.answer(request_of(method, target, body));
  }
  std::vector<std::string> related(const std::string& rest) {
    const Response response = ask("GET", "/api/item-to-item/related/" + rest);
    EXPECT_EQ(response.status, 200) << response.body;
    return ids_of(json_of(response));
  }
  static bool has(const std::vector<std::string>& ids, const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  }
};

// All other videos, most similar first, computed from the table itself.
std::vector<std::string> by_hand(uint64_t seed, uint32_t video) {
  const std::vector<float> rows = test::small_embeddings(seed);
  std::vector<std::pair<double, uint32_t>> scored;
  for (uint32_t other = 0; other < test::small_videos; ++other) {
    double score = 0;
    for (size_t i = 0; i < test::small_width; ++i)
      score += static_cast<double>(rows[video * test::small_width + i]) *
               static_cast<double>(rows[other * test::small_width + i]);
    if (other != video) scored.emplace_back(-score, other);
  }
  std::sort(scored.begin(), scored.end());
  std::vector<std::string> ids;
  for (const auto& [score, index] : scored) ids.push_back(test::video_id(index));
  return ids;
}

TEST_F(ServiceTest, RanksByEmbedding) {
  const auto all = by_hand(1, 0);
  EXPECT_EQ(related("v0?n=200"), all);
  EXPECT_EQ(related("v0?n=4&offset=3"), std::vector<std::string>(all.begin() + 3, all.begin() + 7));
  const Json first = json_of(ask("GET", "/api/item-to-item/related/v0?n=1"))[0];
  EXPECT_EQ(first["Score"], first["Why"]["Score"]);
  EXPECT_FALSE(first["Why"]["Text"].get<std::string>().empty());
}

TEST_F(ServiceTest, NeverAnswersWhatIsHiddenWatchedOrExcluded) {
  const auto all = by_hand(1, 0);
  const std::string &hidden = all[0], &excluded = all[1], &disliked = all[2];
  EXPECT_EQ(ask("DELETE", "/api/item/" + hidden).status, 200);
  auto found = related("v0?n=200");
  EXPECT_EQ(found, std::vector<std::string>(all.begin() + 1, all.end()));
  found = related("v0?n=200&exclude=" + excluded + ",none,,");
  EXPECT_EQ(found, std::vector<std::string>(all.begin() + 2, all.end()));
  // u0 watched v0 … v6.
  for (const std::string& id : related("v0?n=200&user-id=u0")) EXPECT_GE(std::stoi(id.substr(1)), 7) << id;
  EXPECT_TRUE(has(related("v0?n=200&user-id=somebody"), disliked));
  EXPECT_EQ(ask("POST", "/api/feedback",
                R"([{"FeedbackType": "dislike", "UserId": "somebody", "ItemId": ")" + disliked + "\"}]")
                .status,
            200);
  EXPECT_FALSE(has(related("v0?n=200&user-id=somebody"), disliked));
  EXPECT_TRUE(has(related("v0?n=200"), disliked)) << "another person's feedback does not filter";
  EXPECT_EQ(ask("DELETE", "/api/feedback/dislike/somebody/" + disliked).status, 200);
  EXPECT_TRUE(has(related("v0?n=200&user-id=somebody"), disliked));
  EXPECT_EQ(ask("PATCH", "/api/item/" + hidden, R"({"IsHidden": false})").status, 200);
  EXPECT_EQ(related("v0?n=200"), all);
  // Hidden items are not listed either.
  EXPECT_EQ(ask("DELETE", "/api/item/v5").status, 200);
  for (const char* target : {"/api/items?n=200", "/api/items?n=200&query=film"}) {
    const Json items = json_of(ask("GET", target))["Items"];
    EXPECT_EQ(items.size(), test::small_videos - 1) << target;
    for (const Json& item : items) EXPECT_NE(item["ItemId"], "v5") << target;
  }
  const Json map = json_of(ask("GET", "/api/map"));
  EXPECT_EQ(map["Total"], test::small_videos - 1);
  EXPECT_EQ(map["Index"].size(), test::small_videos - 1);
  for (const Json& index : map["Index"]) EXPECT_NE(index, 5);
}

TEST_F(ServiceTest, StoresFeedbackOnce) {
  const std::string body =
      R"([{"FeedbackType": "watch", "UserId": "p", "ItemId": "v9", "Timestamp": "2024-05-01T10:20:30Z",
          "WatchedSeconds": 2, "LengthSeconds": 8, "Comment": "c"}])";
  EXPECT_EQ(json_of(ask("POST", "/api/feedback", body))["RowAffected"], 1);
  EXPECT_EQ(json_of(ask("POST", "/api/feedback", body))["RowAffected"], 0) << "an exact repeat";
  for (const char* target : {"/api/user/p/feedback", "/api/item/v9/feedback?n=1"}) {
    const Json list = json_of(ask("GET", target));
    ASSERT_EQ(list.size(), 1u) << target;
    EXPECT_EQ(list[0]["UserId"], "p");
    EXPECT_EQ(list[0]["Timestamp"], "2024-05-01T10:20:30Z");
    EXPECT_EQ(list[0]["Value"], 0.25);
    EXPECT_EQ(list[0]["Comment"], "c");
  }
}

TEST_F(ServiceTest, TakesIdsWithSlashesAndOtherSigns) {
  const std::string id = "a/b c%?&\xC3\xA9";
  EXPECT_EQ(ask("POST", "/api/item", Json{{"ItemId", id}, {"Title", "odd"}}.dump()).status, 200);
  const Json item = json_of(ask("GET", "/api/item/a%2Fb%20c%25%3F%26%C3%A9"));
  EXPECT_EQ(item.value("ItemId", ""), id);
  EXPECT_EQ(json_of(ask("GET", "/api/item/a/b%20c%25%3F%26%C3%A9")).value("Title", ""), "odd");
}

TEST_F(ServiceTest, AQueryIsAnsweredPageByPage) {
  std::vector<std::string> seen;
  for (std::string cursor = "0"; !cursor.empty();) {
    const Json page = json_of(ask("GET", "/api/items?n=4&query=film&cursor=" + cursor));
    for (const Json& item : page["Items"]) seen.push_back(item["ItemId"].get<std::string>());
    ASSERT_LE(seen.size(), test::small_videos);
    cursor = page["Cursor"].get<std::string>();
  }
  EXPECT_EQ(seen.size(), test::small_videos);
}

TEST_F(ServiceTest, HashtagsAreCleanedAsThoseOfAnImport) {
  EXPECT_EQ(ask("POST", "/api/item", R"({"ItemId": "w", "Categories": ["#cat", "a\tb", "  ", "new\nline", "cat"]})").status, 200);
  EXPECT_EQ(json_of(ask("GET", "/api/item/w"))["Categories"], Json({"cat", "a_b", "new_line"}));
}

TEST_F(ServiceTest, AnEscapedSlashPartsNoAddress) {
  EXPECT_EQ(ask("POST", "/api/feedback",
                R"([{"FeedbackType": "like", "UserId": "p/q", "ItemId": "a/b"},
                    {"FeedbackType": "watch", "UserId": "p/q", "ItemId": "a/b"}])")
                .status,
            200);
  for (const char* target : {"/api/item/a%2Fb/feedback", "/api/user/p%2fq/feedback", "/api/feedback/p%2Fq/a%2Fb"}) {
    const Response response = ask("GET", target);
    ASSERT_EQ(response.status, 200) << target << " " << response.body;
    EXPECT_EQ(json_of(response).size(), 2u) << target;
  }
  EXPECT_EQ(json_of(ask("GET", "/api/item/a%2Fb/feedback/like")).size(), 1u);
}

TEST_F(ServiceTest, AChangeTouchesTheFieldsItNamesAndCanTakeThemAway) {
  const std::string whole =
      R"({"ItemId": "w", "Title": "t", "Description": "d", "Author": "a", "Language": "en", "Categories": ["x"],
          "Labels": {"k": 1}, "Timestamp": "2024-05-01T10:20:30Z"})";
  EXPECT_EQ(ask("POST", "/api/item", whole).status, 200);
  const Json before = json_of(ask("GET", "/api/item/w"));
  EXPECT_EQ(ask("PATCH", "/api/item/w", R"({"Author": "b"})").status, 200);
  Json expected = before;
  expected["Author"] = "b";
  EXPECT_EQ(json_of(ask("GET", "/api/item/w")), expected);
  EXPECT_EQ(ask("PATCH", "/api/item/w",
                R"({"Title": "", "Description": null, "Language": "", "Categories": [], "Labels": null, "Timestamp": null})")
                .status,
            200);
  const Json cleared = json_of(ask("GET", "/api/item/w"));
  for (const char* field : {"Title", "Description", "Language"}) EXPECT_EQ(cleared[field], "") << field;
  EXPECT_EQ(cleared["Categories"], Json::array());
  EXPECT_EQ(cleared["Labels"], Json::object());
  EXPECT_FALSE(cleared.contains("Timestamp"));
  EXPECT_EQ(cleared["Author"], "b");
}

TEST_F(ServiceTest, UsersAreAddedChangedAndForgotten) {
  EXPECT_EQ(json_of(ask("POST", "/api/users", R"([{"UserId": "p", "Labels": {"city": "Bern"}, "Comment": "c"},
                                                  {"UserId": "q"}])"))["RowAffected"],
            2);
  EXPECT_EQ(json_of(ask("GET", "/api/user/p"))["Labels"], Json({{"city", "Bern"}}));
  EXPECT_EQ(ask("PATCH", "/api/user/p", R"({"Comment": "d"})").status, 200);
  const Json changed = json_of(ask("GET", "/api/user/p"));
  EXPECT_EQ(changed, Json({{"UserId", "p"}, {"Labels", {{"city", "Bern"}}}, {"Comment", "d"}}));
  EXPECT_EQ(json_of(ask("GET", "/api/users?n=1&cursor=p"))["Users"][0]["UserId"], "q");
  EXPECT_EQ(ask("PATCH", "/api/user/nobody", R"({"Comment": "d"})").status, 404);
  EXPECT_EQ(ask("DELETE", "/api/user/nobody").status, 404);

  const int64_t users = json_of(ask("GET", "/api/summary"))["Users"].get<int64_t>();
  const Json watched = json_of(ask("GET", "/api/user/u1/feedback"));
  ASSERT_GT(watched.size(), 0u);
  EXPECT_EQ(ask("DELETE", "/api/user/u1").status, 200);
  EXPECT_EQ(ask("GET", "/api/user/u1").status, 404);
  EXPECT_EQ(json_of(ask("GET", "/api/summary"))["Users"], users - 1);
  const std::string of_video = ask("GET", "/api/item/v1/feedback").body;
  EXPECT_EQ(of_video.find("u1\""), of_video.npos) << of_video;
  EXPECT_EQ(ask("GET", "/api/users?n=200").body.find("removed"), std::string::npos);
  // Who comes back under the same name is somebody new.
  EXPECT_EQ(ask("POST", "/api/feedback", R"([{"FeedbackType": "like", "UserId": "u1", "ItemId": "v3"}])").status, 200);
  EXPECT_EQ(json_of(ask("GET", "/api/user/u1/feedback")).size(), 1u);
  EXPECT_EQ(json_of(ask("GET", "/api/summary"))["Users"], users);
}

TEST_F(ServiceTest, PagesReachEveryItemOnce) {
  ask("DELETE", "/api/item/v3");
  std::vector<std::string> seen;
  std::string cursor = "0";
  while (!cursor.empty()) {
    const Json page = json_of(ask("GET", "/api/items?n=4&cursor=" + cursor));
    for (const Json& item : page["Items"]) seen.push_back(item["ItemId"].get<std::string>());
    ASSERT_LE(seen.size(), test::small_videos);
    cursor = page["Cursor"].get<std::string>();
  }
  std::vector<std::string> expected;
  for (uint32_t i = 0; i < test::small_videos; ++i)
    if (i != 3) expected.push_back(test::video_id(i));
  EXPECT_EQ(seen, expected);
}

TEST_F(ServiceTest, NamesThePlaceOfWhatIsWrong) {
  const std::vector<std::array<std::string, 4>> wrong = {
      {"POST", "/api/items", "{", "the body, byte 2"},
      {"POST", "/api/items", "", "the body, byte 1"},
      {"POST", "/api/items", "{}", "the body"},
      {"POST", "/api/items", R"([{"ItemId": "a"}, {"Title": "b"}])", "/1"},
      {"POST", "/api/items", R"([{"ItemId": 7}])", "/0/ItemId"},
      {"POST", "/api/item", R"({"ItemId": ""})", "/ItemId"},
      {"POST", "/api/item", R"({"ItemId": "a", "Titel": "b"})", "/Titel"},
      {"POST", "/api/item", R"({"ItemId": "a", "Categories": ["x", 1]})", "/Categories/1"},
      {"POST", "/api/item", R"({"ItemId": "a", "Timestamp": "yesterday"})", "/Timestamp"},
      {"PATCH", "/api/item/v1", R"({"IsHidden": "yes"})", "/IsHidden"},
      {"POST", "/api/feedback", R"([{"FeedbackType": "stare", "UserId": "u", "ItemId": "v"}])",
       "/0/FeedbackType"},
      {"POST", "/api/feedback", R"([{"FeedbackType": "like", "UserId": "u", "ItemId": "v", "Value": -1}])",
       "/0/Value"},
      // The bounds are those of an import: a week, 10,000 bytes.
      {"POST", "/api/feedback",
       R"([{"FeedbackType": "watch", "UserId": "u", "ItemId": "v", "WatchedSeconds": 604801}])",
       "/0/WatchedSeconds"},
      {"POST", "/api/item", R"({"ItemId": "a", "Description": ")" + std::string(10001, 'x') + "\"}",
       "/Description"},
      {"GET", "/api/items?n=-1", "", "parameter n"},
      {"GET", "/api/items?n=1e3", "", "parameter n"},
      {"GET", "/api/items?cursor=x", "", "parameter cursor"},
      {"GET", "/api/item-to-item/related/v0?offset=99999999999999999999", "", "parameter offset"},
      {"GET", "/api/map?round=99", "", "parameter round"}};
  for (const auto& [method, target, body, place] : wrong) {
    const Response response = ask(method, target, body);
    const auto code = place.starts_with("parameter") ? ErrorCode::bad_argument : ErrorCode::bad_input;
    EXPECT_EQ(response.status, error_kind(code).http_status) << target << " " << body;
    EXPECT_EQ(json_of(response).value("where", ""), place) << response.body;
  }
  EXPECT_NE(json_of(ask("POST", "/api/item", R"({"ItemId": "a", "Titel": "b"})")).dump().find("Title"),
            std::string::npos);
  EXPECT_EQ(json_of(ask("GET", "/api/summary"))["Items"], test::small_videos) << "something was stored";
}

TEST_F(ServiceTest, RefusesDeepNesting) {
  const size_t depth = 1000000;
  const std::string deep = std::string(depth, '[') + std::string(depth, ']');
  for (const std::string& body : {deep, R"([{"ItemId": "a", "Labels": )" + deep + "}]"}) {
    const Response response = ask("POST", "/api/items", body);
    EXPECT_EQ(response.status, error_kind(ErrorCode::bad_input).http_status);
    EXPECT_NE(response.body.find("nested"), std::string::npos) << response.body;
  }
}

TEST_F(ServiceTest, WritingNeedsTheKeyAndOurOwnPage) {
  const test::SmallWorkspace other;
  serve::Service locked(other.opened(), test::with_key("secret"));
  Request request = request_of("DELETE", "/api/item/v4");
  const auto status_with = [&](serve::Service& asked, const std::string& name, const std::string& value) {
    Request with = request;
    with.headers["host"] = "127.0.0.1:8080";
    if (!name.empty()) with.headers[name] = value;
    const Response response = asked.answer(with);
    if (response.status == 401) {
      EXPECT_EQ(json_of(response).value("code", ""), "unauthorized");
      EXPECT_EQ(response.body.find("secret"), std::string::npos);
    }
    return response.status;
  };
  EXPECT_EQ(status_with(locked, "", ""), 401);
  EXPECT_EQ(status_with(locked, "x-api-key", "secreT"), 401);
  EXPECT_EQ(status_with(locked, "x-api-key", "secret "), 401);
  EXPECT_EQ(status_with(locked, "x-api-key", ""), 401);
  EXPECT_EQ(status_with(locked, "authorization", "secret"), 401);
  EXPECT_EQ(json_of(ask("GET", "/api/item/v4"))["IsHidden"], false);
  EXPECT_EQ(status_with(locked, "x-api-key", "secret"), 200);
  EXPECT_EQ(status_with(locked, "authorization", "Bearer secret"), 200);
  EXPECT_EQ(locked.answer(request_of("GET", "/api/item/v4")).status, 200) << "reading is free";
  // Without a key, a page of another site may not write with a visitor's browser.
  EXPECT_EQ(status_with(service, "origin", "http://elsewhere.example"), 401);
  EXPECT_EQ(status_with(service, "origin", "null"), 401);
  EXPECT_EQ(status_with(service, "origin", "http://127.0.0.1:8080"), 200);
}

TEST_F(ServiceTest, StaysInsideItsFolders) {
  test::write_bytes(made.workspace.folder() / "outside.txt", "outside");
  test::write_bytes(made.workspace.media() / ".hidden", "hidden");
  std::filesystem::create_symlink("../outside.txt", made.workspace.media() / "link.txt");
  for (const char* target : {"/media/../outside.txt", "/media/%2e%2e/outside.txt", "/media/..%2foutside.txt",
                             "/media/.hidden", "/media/link.txt", "/media//etc/passwd",
                             "/media/%2fetc%2fpasswd", "/media/", "/media/.", "/../../../../etc/passwd.txt",
                             "/%2e%2e/%2e%2e/cowatch.bin", "/assets/../../secret.txt", "//etc/host.conf"}) {
    const Response response = ask("GET", target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_TRUE(response.file.empty()) << target;
  }
  // Names longer than a short string's own room, as extraction gives them.
  const std::string preview = "123456-0123456789abcdef.mp4";
  test::write_bytes(made.workspace.media() / preview, "film");
  EXPECT_EQ(ask("GET", "/media/" + preview).status, 200);
  const Response poster = ask("GET", "/media/v0.jpg");
  EXPECT_EQ(poster.status, 200);
  EXPECT_EQ(poster.content_type, "image/jpeg");
  EXPECT_EQ(read_text(poster.file), "0123456789abcdefghij");
}

TEST_F(ServiceTest, PicksUpANewReleaseWhileReadersGoOn) {
  const auto before = by_hand(1, 0), after = by_hand(2, 0);
  ASSERT_NE(before, after);
  std::atomic<bool> stop = false;
  std::atomic<int> torn = 0, answered = 0;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const Response response = service.answer(request_of("GET", "/api/item-to-item/related/v0?n=200"));
        const auto ids = response.status == 200 ? ids_of(json_of(response)) : std::vector<std::string>();
        torn += ids != before && ids != after;
        ++answered;
      }
    });
  }
  test::write_embeddings(made.workspace, 2);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (related("v0?n=200") != after && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  stop = true;
  readers.clear();
  EXPECT_EQ(related("v0?n=200"), after);
  EXPECT_EQ(torn, 0);
  EXPECT_GT(answered, 0);
  EXPECT_EQ(json_of(ask("GET", "/api/summary"))["Model"], "model-2");
}

TEST_F(ServiceTest, KeepsTheFormerReleaseWhenTheNewOneIsDamaged) {
  const auto before = related("v0?n=200");
  std::string bytes = read_text(made.workspace.embeddings());
  bytes.resize(bytes.size() / 2);
  const Path other = made.workspace.file("half");
  test::write_bytes(other, bytes);
  std::filesystem::rename(other, made.workspace.embeddings());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // longer than between two looks at the files
  EXPECT_EQ(related("v0?n=200"), before);
  EXPECT_THROW(serve::Service(made.opened(), Settings()), Error) << "a start names the damage at once";
}

TEST(Service, WithoutWatchesAllVideosAreAloneAndNoneIsPopularByAnything) {
  const test::TemporaryFolder folder;
  const Workspace workspace = Workspace::open_or_create(folder / "ws");
  std::vector<ItemRecord> items(3);
  for (size_t i = 0; i < items.size(); ++i) items[i].id = "v" + std::to_string(i);
  Catalogue(workspace.catalogue(), Catalogue::Mode::write).put_items(items);
  run_graph_stage(workspace, Settings());
  serve::Service service(Workspace::open(workspace.folder(), Workspace::Access::read), Settings());
  const Json tree = json_of(service.answer(request_of("GET", "/api/tree")));
  EXPECT_EQ(tree["Rounds"], 0);
  EXPECT_EQ(tree["Alone"], 3);
  const Json summary = json_of(service.answer(request_of("GET", "/api/summary")));
  EXPECT_FALSE(summary.contains("PopularBy")) << summary;
  EXPECT_EQ(summary["Dated"], 0);
}

}  // namespace
}  // namespace cowatch
