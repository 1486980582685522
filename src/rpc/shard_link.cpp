#include "rpc/shard_link.h"

#include <grpcpp/grpcpp.h>

#include "rpc/callback_queue.h"
#include "vectors.grpc.pb.h"

namespace cowatch::rpc {
namespace {

using serve::ShardReply;

grpc::ChannelArguments channel_arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(-1);  // as long as answers over HTTP may be
  return arguments;
}

ShardReply reply_of(const grpc::Status& status, const v1::Outcome& outcome) {
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) return {0, "no answer in time"};
  if (!status.ok()) return {0, status.error_message()};
  const int http = static_cast<int>(outcome.status());
  return {http, http == 200 ? outcome.result() : outcome.error()};
}

class Link : public serve::ShardLink {
 public:
  explicit Link(const Shard& shard)
      : token_(shard.token),
        stub_(v1::Vectors::NewStub(grpc::CreateCustomChannel(
            shard.address, grpc::InsecureChannelCredentials(), channel_arguments()))) {
    keep_callback_queue();
  }

  std::function<void()> ask(const serve::ShardRequest& request, Clock::time_point deadline,
                            std::function<void(ShardReply)> done) override {
    struct Call {
      grpc::ClientContext context;
      v1::Operation operation;
      v1::Outcome outcome;
    };
    const auto call = std::make_shared<Call>();  // held by what is called at its end
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline - Clock::now());
    call->context.set_deadline(std::chrono::system_clock::now() + left);
    if (!token_.empty()) call->context.AddMetadata("authorization", "Bearer " + token_);
    if (!request.priority.empty()) call->context.AddMetadata("x-priority", request.priority);
    call->operation.set_method(request.method);
    call->operation.set_path(request.path);
    call->operation.set_body(request.body);
    stub_->async()->Forward(&call->context, &call->operation, &call->outcome,
                            [call, done = std::move(done)](const grpc::Status& status) {
                              done(reply_of(status, call->outcome));
                            });
    return [held = std::weak_ptr(call)] {
      if (const auto under_way = held.lock()) under_way->context.TryCancel();
    };
  }

 private:
  std::string token_;
  std::unique_ptr<v1::Vectors::Stub> stub_;
};

}  // namespace

std::unique_ptr<serve::ShardLink> open_shard_link(const Shard& shard) {
  return std::make_unique<Link>(shard);
}

}  // namespace cowatch::rpc
