// `cowatch serve`: the page and the interface.
#include <iostream>
#include <memory>
#include <optional>

#include "base/error.h"
#include "cli/verbs.h"
#include "rpc/rpc_server.h"
#include "rpc/shard_link.h"
#include "serve/http_server.h"

namespace cowatch {
namespace {

void run_serve(const WorkspaceOptions& options) {
  Workspace workspace = Workspace::open(options.folder, Workspace::Access::read);
  const Settings settings = options.settings(workspace);
  serve::ServerSettings server;
  server.address = settings.get_text("serve.address");
  server.port = static_cast<uint16_t>(settings.get_int("serve.port"));
  server.threads = static_cast<size_t>(settings.get_int("serve.workers"));
  if (server.address != "127.0.0.1" && server.address != "::1" && settings.get_text("serve.key").empty()) {
    throw Error(ErrorCode::bad_argument, "an address that others reach needs a key for writing",
                {.expected = "serve.key to be set",
                 .found = server.address,
                 .remedy = "Add --key KEY (any long random text)."});
  }
  serve::Service service(std::move(workspace), settings);
  service.vectors().reach_shards_by(rpc::open_shard_link);
  std::optional<rpc::RpcServer> grpc;
  if (const int64_t port = settings.get_int("serve.grpc_port"); port >= 0) {
    grpc.emplace(service.vectors(), server.address, static_cast<uint16_t>(port));
  }
  serve::serve(service, server, [&](uint16_t port) {
    std::cout << "serving http://" << server.address << ":" << port << "  (interface: /apidocs; Ctrl-C stops)"
              << std::endl;
    if (grpc) std::cout << "serving gRPC at " << server.address << ":" << grpc->port() << std::endl;
  });
}

}  // namespace

Verb serve_verb() {
  return {"serve", "Questions", "serve the page and the interface",
          "  cowatch serve ws\n  cowatch serve ws --port 0                       any free port\n"
          "  cowatch serve ws --address 0.0.0.0 --key SECRET",
          [](CommandLine app) {
            const auto options = std::make_shared<WorkspaceOptions>();
            options->add(app, {"serve"});
            app.callback([options] { run_serve(*options); });
          }};
}

}  // namespace cowatch
