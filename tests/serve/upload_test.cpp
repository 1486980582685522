// Uploads over HTTP: the sender's names and types are never used, neither as a path nor as a judgement.
#include <gmock/gmock.h>

#include <thread>

#include "serve/small_workspace.h"

namespace cowatch {
namespace {

using test::json_of;
using test::request_of;

std::set<std::string> files_below(const Path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = std::filesystem::relative(entry.path(), folder).string();
    if (!name.ends_with("-wal") && !name.ends_with("-shm")) names.insert(name);
  }
  return names;
}

TEST(Upload, NamesAndTypesOfTheSenderAreNeverUsed) {
  const test::SmallWorkspace made;
  serve::Service service(made.opened(), Settings());
  std::filesystem::create_directory(made.workspace.file("uploads"));
  const std::set<std::string> before = files_below(made.folder.path());
  for (const char* name :
       {"../../escaped.mp4", "/tmp/escaped.mp4", "a%00.php", "..\\..\\escaped.mp4", "x.php.mp4"}) {
    serve::Request request = request_of("POST", "/api/search/upload?n=3", "<?php system('id'); ?>");
    request.headers["content-type"] = "video/mp4";
    request.headers["content-disposition"] =
        std::string("form-data; name=\"file\"; filename=\"") + name + "\"";
    request.headers["x-file-name"] = name;
    const serve::Response response = service.answer(request);
    ASSERT_EQ(response.status, 202) << response.body;
    const std::string id = json_of(response)["TaskId"];
    Json task;
    for (int i = 0; i < 3000; ++i) {
      task = service.tasks().task(id);
      if (task["State"] != "waiting" && task["State"] != "running") break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(task["State"], "failed") << task;
  }
  // The upload goes with its task, a moment after the task's end.
  for (int i = 0; i < 1000 && files_below(made.folder.path()) != before; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(files_below(made.folder.path()), before);
}

}  // namespace
}  // namespace cowatch
