// `cowatch serve` killed (kill -9) at random moments of writing, merging, indexing, snapshots, recoveries,
// deletions and alias switches, while searches are under way, its files then damaged as a disk may damage them, and started again with other settings:
// every acknowledged batch is there, an unacknowledged one wholly or not at all. The expected state is kept
// here, outside the server. (What a disk forgets when the power goes is the matter of
// search/collection_crash_test.cpp.) COWATCH_TEST_KILLS and COWATCH_TEST_SEED set how many and which; 20, or
// 300 with `scripts/test.sh --all`.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>

#include "base/json.h"
#include "base/random.h"
#include "search/io/manifest.h"
#include "store/catalogue.h"
#include "store/workspace.h"
#include "support/json_client.h"

namespace cowatch {
namespace {

uint64_t environment_number(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text ? std::stoull(text) : fallback;
}

// What a point is after a batch: the batch's number, or 0 when it erased the point.
using Batch = std::map<uint64_t, uint64_t>;

Json vector_of(uint64_t id, uint64_t batch) {
  return {static_cast<double>(id % 97) + 1, static_cast<double>(batch % 89), static_cast<double>(id % 13),
          1.0};
}

using Client = test::JsonClient;

class KilledCollections : public testing::Test {
 protected:
  KilledCollections() { Catalogue(workspace_.catalogue(), Catalogue::Mode::write); }

  double draw() { return random_.uniform(draws_++, 9); }

  Batch next_batch() {
    Batch batch;
    ++batches_;
    for (int i = 0; i < 40; ++i) batch[static_cast<uint64_t>(draw() * 400)] = draw() < 0.2 ? 0 : batches_;
    return batch;
  }

  // One request: erasures and upserts of a batch as one write each.
  int write(Client& client, const Batch& batch, bool erase) {
    Json points = Json::array();
    for (const auto& [id, number] : batch) {
      if (erase)
        points.push_back(id);
      else
        points.push_back({{"id", id}, {"vector", vector_of(id, number)}, {"payload", {{"batch", number}}}});
    }
    return erase ? client.ask("POST", "/collections/films/points/delete", {{"points", points}})
                 : client.ask("PUT", "/collections/films/points", {{"points", points}});
  }

  // Until the connection breaks: what was acknowledged goes to expected_, what was under way to pending_.
  void work(uint16_t port) {
    Client client(port);
    for (;;) {
      Batch upserts, erasures;
      for (const auto& [id, number] : next_batch()) (number ? upserts : erasures)[id] = number;
      for (const bool erase : {false, true}) {
        const Batch& batch = erase ? erasures : upserts;
        if (batch.empty()) continue;
        pending_ = batch;
        const int status = write(client, batch, erase);
        if (status == 0) return;
        if (status == 200) apply(pending_);
        pending_.clear();
      }
      const double which = draw();
      if (which < 0.05 && !make_snapshot(client)) return;
      if (which > 0.05 && which < 0.1 && !recover(client)) return;
      if (which > 0.1 && which < 0.13 && !make_anew(client)) return;
      if (which > 0.8) {
        alias_pending_ = alias_ == "films" ? "other" : "films";
        const Json actions = {
            {"actions", {{{"create_alias", {{"collection_name", alias_pending_}, {"alias_name", "live"}}}}}}};
        if (client.ask("POST", "/collections/aliases", actions) == 0) return;
        alias_ = std::exchange(alias_pending_, "");
      }
    }
  }

  // False: the connection broke.
  bool make_snapshot(Client& client) {
    Json answer;
    const int status = client.ask("POST", "/collections/films/snapshots", Json::object(), &answer);
    if (status == 200) snapshot_ = {answer["result"]["name"].get<std::string>(), expected_};
    return status != 0;
  }
  // The last snapshot takes the collection's place.
  bool recover(Client& client) {
    if (snapshot_.first.empty()) return true;
    recovering_ = true;
    const int status =
        client.ask("PUT", "/collections/films/snapshots/recover", {{"location", snapshot_.first}});
    if (status == 0) return false;
    EXPECT_EQ(status, 200);
    expected_ = snapshot_.second;
    recovering_ = false;
    return true;
  }

  // Deleted and made again, empty; its aliases go with it.
  bool make_anew(Client& client) {
    making_anew_ = true;
    const int deleted = client.ask("DELETE", "/collections/films", nullptr);
    const int made = deleted == 0 ? 0 : client.ask("PUT", "/collections/films", films_config());
    if (made == 0) return false;
    EXPECT_EQ(deleted, 200);
    EXPECT_EQ(made, 200);
    took_effect();
    return true;
  }
  void took_effect() {
    expected_.clear();
    if (alias_ == "films") alias_.clear();
    making_anew_ = false;
  }
  // Segments of 64 points get a graph index: 1 KB of vectors.
  static Json films_config() {
    return {{"vectors", {{"size", 4}, {"distance", "Euclid"}}},
            {"table_points", 64},
            {"optimizers_config", {{"indexing_threshold", 1}}}};
  }

  // Holds the collections, whatever becomes of them, until the connection breaks.
  void keep_asking(uint16_t port) {
    Client client(port);
    Json searches = Json::array();
    for (uint64_t id = 0; id < 64; ++id) searches.push_back({{"vector", vector_of(id, 1)}, {"limit", 50}});
    while (client.ask("POST", "/collections/films/points/search/batch", {{"searches", searches}}) != 0) {
    }
  }

  void apply(const Batch& batch) {
    for (const auto& [id, number] : batch) {
      if (number)
        expected_[id] = number;
      else
        expected_.erase(id);
    }
  }

  // What the server holds: id → batch; the vectors and payloads must belong together.
  std::map<uint64_t, uint64_t> held(Client& client) {
    Json answer;
    const int status = client.ask("POST", "/collections/films/points/scroll",
                                  {{"limit", 10000}, {"with_vector", true}}, &answer);
    EXPECT_EQ(status, 200) << answer.dump();
    std::map<uint64_t, uint64_t> points;
    for (const Json& point : answer["result"]["points"]) {
      const auto id = point["id"].get<uint64_t>(), number = point["payload"]["batch"].get<uint64_t>();
      EXPECT_EQ(point["vector"], vector_of(id, number)) << id;
      points[id] = number;
    }
    return points;
  }

  void check(uint16_t port) {
    EXPECT_EQ(test::status_of(test::Connection(port).ask("/readyz")), 200) << "every collection is opened, once";
    Client client(port);
    const bool gone = making_anew_ && client.ask("GET", "/collections/films", nullptr) == 404;
    if (gone) {
      ASSERT_EQ(client.ask("PUT", "/collections/films", films_config()), 200);
    }
    const auto now = held(client);
    // One that was empty before does not tell by its points whether it was deleted; its alias does.
    const bool maybe_kept = making_anew_ && !gone && expected_.empty() && alias_ == "films";
    if (making_anew_ && now.empty()) took_effect();
    making_anew_ = false;
    if (now != expected_ && !pending_.empty()) apply(pending_);  // wholly, then
    if (now != expected_ && recovering_) expected_ = snapshot_.second;
    ASSERT_EQ(now, expected_);
    recovering_ = false;
    pending_.clear();
    Json answer;
    ASSERT_EQ(client.ask("GET", "/aliases", nullptr, &answer), 200);
    const auto live = answer["result"]["aliases"].empty()
                          ? ""
                          : answer["result"]["aliases"][0]["collection_name"].get<std::string>();
    if ((!alias_pending_.empty() && live == alias_pending_) || (maybe_kept && live == "films")) alias_ = live;
    EXPECT_EQ(live, alias_);
    alias_pending_.clear();
    // The nearest point to each of a few is itself.
    for (const auto& [id, number] : now) {
      if (draw() > 0.02) continue;
      const Json body = {{"vector", vector_of(id, number)}, {"limit", 3}};
      ASSERT_EQ(client.ask("POST", "/collections/films/points/search?timeout=20", body, &answer), 200)
          << answer.dump();
      EXPECT_EQ(answer["result"][0]["score"].get<double>(), 0) << answer.dump();
    }
  }

  // A bit of a derived file turns over, or bytes that were under way follow the log's end. The file, when it
  // must be named.
  std::string damage() {
    const Path folder = workspace_.file("vectors") / "collections" / "films";
    std::vector<Path> derived;
    // Those that are in use: a segment that a kill kept from the manifest is removed, whatever it holds.
    if (const Path manifest = folder / "manifest.safetensors"; std::filesystem::exists(manifest)) {
      derived.push_back(manifest);
      for (const auto& segment : Manifest::read(manifest).segments) {
        derived.push_back(folder / segment.file);
        const Path index = Path(derived.back()).replace_extension(".index");
        if (std::filesystem::exists(index)) derived.push_back(index);
      }
    }
    // A snapshot is about to take the collection's place: what is damaged here is never opened again.
    if (std::filesystem::exists(folder.parent_path() / ".restored-films")) return "none";
    const double which = draw();
    if (which < 0.3) {
      std::ofstream(folder / "records.sqlite-wal", std::ios::app | std::ios::binary)
          << std::string(1000, '\x5a');
      return "none";
    }
    if (which > 0.6 || derived.empty()) return "none";
    const Path& path = derived[static_cast<size_t>(draw() * static_cast<double>(derived.size()))];
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto at =
        static_cast<std::streamoff>(draw() * static_cast<double>(std::filesystem::file_size(path)));
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ (1 << static_cast<int>(draw() * 8)));
    file.seekp(at);
    file.put(byte);
    return path.filename().string();
  }

  test::TemporaryFolder folder_;
  Workspace workspace_ = Workspace::open_or_create(folder_ / "ws");
  Random random_{environment_number("COWATCH_TEST_SEED", 1), 4};
  uint64_t draws_ = 0, batches_ = 0;
  std::map<uint64_t, uint64_t> expected_;
  Batch pending_;
  std::string alias_, alias_pending_;
  std::pair<std::string, std::map<uint64_t, uint64_t>> snapshot_;  // its name, and what it holds
  bool recovering_ = false, making_anew_ = false;
};

TEST_F(KilledCollections, lose_nothing_that_was_acknowledged) {
  const uint64_t kills = environment_number("COWATCH_TEST_KILLS", std::getenv("COWATCH_TEST_ALL") ? 300 : 20);
  std::string damaged = "none";
  for (uint64_t kill = 0; kill <= kills; ++kill) {
    SCOPED_TRACE("kill " + std::to_string(kill));
    test::Server server(workspace_.folder(), {"--threads", kill % 2 ? "1" : "2", "--set",
                                              "vectors.queue=" + std::to_string(10 + kill % 7)});
    if (kill == 0) {
      Client client(server.port());
      ASSERT_EQ(client.ask("PUT", "/collections/films", films_config()), 200);
      ASSERT_EQ(client.ask("PUT", "/collections/other", films_config()), 200);
    }
    check(server.port());
    if (HasFatalFailure()) return;
    Client(server.port())
        .ask("PATCH", "/collections/films",
             {{"optimizers_config", {{"indexing_threshold", 1 + kill % 3}}},
              {"hnsw_config", {{"m", 4 + kill % 5}}}});
    // Damage is named in the log, with the file.
    if (damaged != "none") {
      EXPECT_NE(server.process().output().find(damaged), std::string::npos) << damaged;
    }
    const auto pause = std::chrono::milliseconds(20 + static_cast<int>(draw() * 400));
    std::jthread worker([&] { work(server.port()); });
    std::jthread reader([&] { keep_asking(server.port()); });
    std::this_thread::sleep_for(pause);
    server.process().kill();
    worker.join();
    reader.join();
    damaged = damage();
  }
  EXPECT_GT(batches_, kills);
}

// A disk of 10 MB, as the system knows it: a limit on the size of the server's files. What is refused with
// 507 changed nothing, reading goes on, and what was acknowledged is there after a restart with room.
TEST_F(KilledCollections, answer_507_on_a_full_disk_and_lose_nothing) {
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small = {10u << 20, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::map<uint64_t, uint64_t> acknowledged;
  {
    test::Server server(workspace_.folder());
    setrlimit(RLIMIT_FSIZE, &before);
    Client client(server.port());
    ASSERT_EQ(client.ask("PUT", "/collections/films",
                         {{"vectors", {{"size", 512}, {"distance", "Euclid"}}}, {"table_points", 256}}),
              200);
    int refused = 0;
    for (uint64_t batch = 1; refused < 3 && batch < 400; ++batch) {
      Json points = Json::array();
      for (uint64_t id = batch * 50; id < batch * 50 + 50; ++id)
        points.push_back({{"id", id},
                          {"vector", std::vector<int>(512, static_cast<int>(id % 1000))},
                          {"payload", {{"batch", batch}}}});
      Json answer;
      const int status = client.ask("PUT", "/collections/films/points", {{"points", points}}, &answer);
      if (status == 200) {
        for (uint64_t id = batch * 50; id < batch * 50 + 50; ++id) acknowledged[id] = batch;
      } else {
        EXPECT_EQ(status, 507) << answer.dump().substr(0, 300);
        ++refused;
      }
    }
    EXPECT_EQ(refused, 3);
    Json answer;
    ASSERT_EQ(client.ask("POST", "/collections/films/points/count", Json::object(), &answer), 200);
    EXPECT_EQ(answer["result"]["count"], acknowledged.size());
    ASSERT_EQ(client.ask("POST", "/collections/films/points/search?timeout=20",
                         {{"vector", std::vector<int>(512, 7)}, {"limit", 1}}),
              200);
  }
  test::Server server(workspace_.folder());
  Client client(server.port());
  Json answer;
  ASSERT_EQ(client.ask("POST", "/collections/films/points/scroll", {{"limit", 10000}, {"with_payload", true}},
                       &answer),
            200);
  std::map<uint64_t, uint64_t> now;
  for (const Json& point : answer["result"]["points"]) now[point["id"]] = point["payload"]["batch"];
  EXPECT_EQ(now, acknowledged);
  EXPECT_EQ(client.ask("PUT", "/collections/films/points",
                       {{"points", {{{"id", 1}, {"vector", std::vector<int>(512, 1)}}}}}),
            200);
}

}  // namespace
}  // namespace cowatch
