// `cowatch serve` on a disk of 10 MB: a file system of that size, mounted for the server alone (a mount namespace of its own).
// What is refused with 507 changed nothing, reading goes on, kill -9 on the full disk loses nothing, and writes are taken
// again as soon as there is room.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "support/json_client.h"

namespace cowatch {
namespace {

constexpr int numbers = 256, batch_points = 50;

// Started, it makes the workspace and serves it, twice: the second server follows when the first was killed.
const char* const script = R"(
mount -t tmpfs -o size=10m none "$1" || { echo "no mount"; exit; }
head -c 1500000 /dev/zero >"$1/other"
"$2" import "$1/ws" --videos "$3" --quiet
trap 'kill -9 $!; exit' TERM
for turn in 1 2; do
  "$2" serve "$1/ws" --port 0 &
  echo "turn $turn is $!"
  wait $!
done)";

class FullDisk : public testing::Test {
 protected:
  FullDisk() {
    std::ofstream(folder_ / "videos.csv") << "id,title\na,a film\n";
    std::filesystem::create_directory(folder_ / "disk");
    const std::string program = (program_folder() / "cowatch").string();
    process_.emplace("/usr/bin/unshare", std::vector<std::string>{"-r", "-m", "sh", "-c", script, "sh", (folder_ / "disk").string(),
                                                                  program, (folder_ / "videos.csv").string()});
    connect(1);
  }
  ~FullDisk() override {
    process_->send(SIGTERM);
    process_->wait();
  }

  // To the server of a turn, which lives in another process than the one started here.
  void connect(int turn) {
    const std::string mark = "turn " + std::to_string(turn) + " is ";
    std::string said;
    for (int i = 0; i < 600 && process_->running(); ++i) {
      said = process_->output();
      const auto at = said.find(mark);
      const auto address = at == said.npos ? at : said.find("127.0.0.1:", at);
      if (address != said.npos && said.find("(interface", address) != said.npos) {
        server_ = std::stoi(said.substr(at + mark.size()));
        client_.emplace(static_cast<uint16_t>(std::stoi(said.substr(address + 10))));
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    said = process_->output();
    ASSERT_TRUE(said.find("no mount") != said.npos || said.find("unshare:") != said.npos) << said;
  }

  int write(uint64_t batch, Json* answer) {
    Json points = Json::array();
    for (uint64_t id = batch * batch_points; id < (batch + 1) * batch_points; ++id)
      points.push_back({{"id", id}, {"vector", std::vector<uint64_t>(numbers, id)}, {"payload", {{"batch", batch}}}});
    return client_->ask("PUT", "/collections/films/points", {{"points", points}}, answer);
  }

  // Each batch wholly or not at all, and just those that were acknowledged.
  void expect_acknowledged() {
    Json answer;
    ASSERT_EQ(client_->ask("POST", "/collections/films/points/scroll", {{"limit", 10000}, {"with_vector", true}}, &answer), 200);
    std::set<uint64_t> batches;
    const Json& points = answer["result"]["points"];
    for (const Json& point : points) {
      batches.insert(point["payload"]["batch"].get<uint64_t>());
      EXPECT_EQ(point["vector"].back(), point["id"]);
    }
    EXPECT_EQ(batches, acknowledged_);
    EXPECT_EQ(points.size(), acknowledged_.size() * batch_points);
    const uint64_t some = *acknowledged_.begin() * batch_points;
    ASSERT_EQ(client_->ask("POST", "/collections/films/points/search?timeout=20",
                           {{"vector", std::vector<uint64_t>(numbers, some)}, {"limit", 1}}, &answer),
              200);
    EXPECT_EQ(answer["result"][0]["id"], some);
  }

  test::TemporaryFolder folder_;
  std::optional<test::Process> process_;
  std::optional<test::JsonClient> client_;
  pid_t server_ = 0;
  std::set<uint64_t> acknowledged_;
};

TEST_F(FullDisk, loses_nothing_and_takes_writes_again_when_there_is_room) {
  if (!client_) GTEST_SKIP() << "this system lets nobody mount a file system in a namespace";
  ASSERT_EQ(client_->ask("PUT", "/collections/films",
                         {{"vectors", {{"size", numbers}, {"distance", "Euclid"}}}, {"table_points", 256}}),
            200);
  int refused = 0;
  Json answer;
  for (uint64_t batch = 1; refused < 3; ++batch) {
    ASSERT_LT(batch, 400u) << "10 MB hold no more";
    const int status = write(batch, &answer);
    if (status == 200) {
      acknowledged_.insert(batch);
    } else {
      EXPECT_EQ(status, 507) << answer.dump().substr(0, 300);
      ++refused;
    }
  }
  EXPECT_GT(acknowledged_.size(), 10u);
  expect_acknowledged();
  ::kill(server_, SIGKILL);
  ASSERT_NO_FATAL_FAILURE(connect(2));
  expect_acknowledged();
  std::filesystem::remove(Path("/proc") / std::to_string(server_) / "root" / (folder_ / "disk").relative_path() / "other");
  for (int i = 0; i < 1000 && write(1000, &answer) != 200; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  acknowledged_.insert(1000);
  expect_acknowledged();
}

}  // namespace
}  // namespace cowatch
