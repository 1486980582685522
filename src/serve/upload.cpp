// Search by upload: the bytes go to a file of the server's own naming, a task looks into it, and the file is
// removed.
#include <unistd.h>
#include <atomic>

#include "base/error.h"
#include "pipeline/like.h"
#include "serve/present.h"
#include "serve/views.h"

namespace cowatch::serve {
namespace {

// Removes the upload when the task is over, however it ends.
struct Upload {
  Path path;
  explicit Upload(Path p) : path(std::move(p)) {}
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

std::shared_ptr<Upload> keep(const Workspace& workspace, std::string_view bytes) {
  static std::atomic<uint64_t> next{0};
  const Path folder = workspace.file("uploads");
  std::filesystem::create_directories(folder);
  auto upload = std::make_shared<Upload>(
      folder / ("upload-" + std::to_string(getpid()) + "-" + std::to_string(next++)));
  const auto file = file_system().create(upload->path);
  file->write(std::as_bytes(std::span(bytes)));
  return upload;
}

}  // namespace

Response search_upload(Call& call) {
  if (call.request.body.empty())
    throw Error(ErrorCode::bad_input, "the upload is empty",
                {.expected = "the bytes of a video file as the body"});
  if (call.request.header("content-type").starts_with("multipart/"))
    throw Error(ErrorCode::bad_input, "an upload is not a form",
                {.where = "Content-Type",
                 .expected = "the bytes of the file as the body",
                 .found = "multipart",
                 .remedy = "Send it as curl --data-binary @clip.mp4 does."});
  if (!call.release->index)
    throw Error(ErrorCode::missing_stage, "nothing has been learnt yet", {.remedy = "Run `cowatch run WS`."});
  Service& service = call.service;
  RelatedQuery query;
  query.count = static_cast<size_t>(call.request.whole("n", 12, 1, 200));
  const auto upload = keep(service.workspace(), call.request.body);
  const auto release = call.release;
  const std::string id =
      service.tasks().start("search-upload", [&service, upload, release, query](const Tasks::Report& report) {
        const Catalogue catalogue(service.workspace().catalogue(), Catalogue::Mode::read);
        const LikeAnswer answer =
            videos_like(service.workspace().settings(), catalogue, *release, upload->path, query, report);
        Json neighbours = Json::array();
        for (const Related& entry : answer.neighbours) neighbours.push_back(to_json(entry, catalogue));
        return Json{{"Neighbours", neighbours},
                    {"Seconds", answer.seconds},
                    {"DecodeSeconds", answer.decode_seconds},
                    {"EmbedSeconds", answer.embed_seconds}};
      });
  return json_response(service.tasks().task(id), 202);
}

}  // namespace cowatch::serve
