#include "rpc/rpc_server.h"

#include <grpcpp/grpcpp.h>

#include "base/error.h"
#include "base/json.h"
#include "rpc/callback_queue.h"
#include "rpc/proto_json.h"
#include "vectors.grpc.pb.h"

namespace cowatch::rpc {
namespace {

using google::protobuf::Message;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using grpc::StatusCode;
using serve::Outcome;

constexpr int largest_message = 32 << 20;  // a body over HTTP may be half of it, and grow when it is forwarded

StatusCode status_code(int http) {
  switch (http) {
    case 400:
    case 422:
      return StatusCode::INVALID_ARGUMENT;
    case 401:
      return StatusCode::UNAUTHENTICATED;
    case 403:
      return StatusCode::PERMISSION_DENIED;
    case 404:
      return StatusCode::NOT_FOUND;
    case 409:
      return StatusCode::ALREADY_EXISTS;
    case 413:
    case 429:
    case 507:
      return StatusCode::RESOURCE_EXHAUSTED;
    case 501:
      return StatusCode::UNIMPLEMENTED;
    case 503:
      return StatusCode::UNAVAILABLE;
    default:
      return StatusCode::INTERNAL;
  }
}

// The operation that a method is over HTTP: "POST" and "/collections/{collection}/points".
std::pair<std::string, std::string> operation_of(const std::string& method) {
  static const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName("cowatch.v1.Vectors");
  const std::string rest = service->FindMethodByName(method)->options().GetExtension(v1::rest);
  const size_t space = rest.find(' ');
  return {rest.substr(0, space), rest.substr(space + 1)};
}

std::shared_ptr<serve::Request> empty_request(const CallbackServerContext& context) {
  auto request = std::make_shared<serve::Request>();
  for (const auto& [name, value] : context.client_metadata())
    request->headers[std::string(name.data(), name.size())] = std::string(value.data(), value.size());
  return request;
}

std::shared_ptr<const serve::Request> request_of(const std::string&, const CallbackServerContext& context,
                                                 const v1::Operation& operation) {
  auto request = empty_request(context);
  request->method = operation.method();
  serve::parse_target(operation.path(), *request);
  request->body = operation.body();
  return request;
}

std::shared_ptr<const serve::Request> request_of(const std::string& method, const CallbackServerContext& context,
                                                 const Message& message) {
  auto request = empty_request(context);
  auto [verb, path] = operation_of(method);
  Json body = to_json(message);
  if (const size_t at = path.find("{collection}"); at != path.npos) {
    const std::string name = body.value("collection", "");
    if (name.empty()) throw Error(ErrorCode::bad_argument, "the collection is not named", {.where = "collection"});
    // A name is a part of an address: with a slash it would be another one.
    if (name.find('/') != name.npos) throw Error(ErrorCode::not_found, "there is no such collection", {.found = name.substr(0, 80)});
    path.replace(at, std::string_view("{collection}").size(), name);
    body.erase("collection");
  }
  request->method = std::move(verb);
  request->path = std::move(path);
  request->parsed = std::make_shared<const Json>(std::move(body));
  return request;
}

std::optional<Job::Clock::time_point> deadline_of(const CallbackServerContext& context) {
  const auto deadline = context.deadline(), now = std::chrono::system_clock::now();
  if (deadline - now > std::chrono::hours(24)) return std::nullopt;  // none was given
  return Job::Clock::now() + std::chrono::duration_cast<Job::Clock::duration>(deadline - now);
}

// Ends a call once. A cancelled request is dropped without a word: then the last one to hold this ends its call.
class Ending {
 public:
  explicit Ending(ServerUnaryReactor& call) : call_(call) {}
  Ending(const Ending&) = delete;
  ~Ending() { finish(grpc::Status::CANCELLED); }
  void finish(const grpc::Status& status) {
    if (!std::exchange(ended_, true)) call_.Finish(status);  // the call may be gone from here on
  }

 private:
  ServerUnaryReactor& call_;
  bool ended_ = false;
};

// How a call ends: with the reply filled, or with the words of the refusal.
grpc::Status reply_of(Outcome outcome, Message& reply) {
  if (outcome.status >= 300) return {status_code(outcome.status), outcome.error};
  from_json(outcome.result, reply);
  return grpc::Status::OK;
}
grpc::Status reply_of(Outcome outcome, v1::Outcome& reply) {
  if (outcome.response && outcome.status == 200)
    return {StatusCode::UNIMPLEMENTED, "this operation answers with a file or a text"};
  reply.set_status(static_cast<uint32_t>(outcome.status));
  if (outcome.status == 200) reply.set_result(outcome.result.dump());
  reply.set_error(outcome.error);
  return grpc::Status::OK;
}

grpc::Status refused(const std::exception& caught) {
  const Error error = error_of(caught);
  return {status_code(error_kind(error.code()).http_status), error.what()};
}
template <class Work>
grpc::Status status_of(const Work& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return refused(error);
  }
}

// One call under way; deletes itself when the library is done with it.
class Call : public ServerUnaryReactor {
 public:
  template <typename Query, typename Reply>
  void start(serve::VectorService& service, const std::string& method, const CallbackServerContext& context,
             const Query& message, Reply& reply) {
    const auto ending = std::make_shared<Ending>(*this);
    try {
      service.ask(request_of(method, context, message), cancel_, deadline_of(context),
                  [ending, &reply](Outcome outcome) { ending->finish(status_of([&] { return reply_of(std::move(outcome), reply); })); });
    } catch (const std::exception& error) {
      ending->finish(refused(error));
    }
  }
  void OnCancel() override { cancel_->store(true); }
  void OnDone() override { delete this; }

 private:
  const std::shared_ptr<std::atomic<bool>> cancel_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace

class RpcServer::Implementation : public v1::Vectors::CallbackService {
 public:
  Implementation(serve::VectorService& service, const std::string& address, uint16_t port) : service_(service) {
    keep_callback_queue();
    grpc::ServerBuilder builder;
    const std::string host = address.find(':') == address.npos ? address : "[" + address + "]";
    int bound = 0;
    builder.AddListeningPort(host + ":" + std::to_string(port), grpc::InsecureServerCredentials(), &bound);
    builder.SetMaxReceiveMessageSize(largest_message);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    if (!server_ || bound == 0) {
      throw Error(ErrorCode::conflict, "cannot listen for gRPC",
                  {.where = host + ":" + std::to_string(port),
                   .remedy = "Another program has the port: give --grpc-port, or 0 for any free one."});
    }
    port_ = static_cast<uint16_t>(bound);
  }
  ~Implementation() override { server_->Shutdown(std::chrono::system_clock::now()); }
  uint16_t port() const { return port_; }

 private:
  using Context = CallbackServerContext;
  using Reactor = ServerUnaryReactor;

  Reactor* ListCollections(Context* c, const v1::ListRequest* q, v1::CollectionList* r) override { return call("ListCollections", c, q, r); }
  Reactor* CreateCollection(Context* c, const v1::CreateRequest* q, v1::Done* r) override { return call("CreateCollection", c, q, r); }
  Reactor* GetCollection(Context* c, const v1::CollectionRequest* q, v1::CollectionInfo* r) override { return call("GetCollection", c, q, r); }
  Reactor* DeleteCollection(Context* c, const v1::CollectionRequest* q, v1::Done* r) override { return call("DeleteCollection", c, q, r); }
  Reactor* ChangeAliases(Context* c, const v1::AliasRequest* q, v1::Done* r) override { return call("ChangeAliases", c, q, r); }
  Reactor* Upsert(Context* c, const v1::UpsertRequest* q, v1::Written* r) override { return call("Upsert", c, q, r); }
  Reactor* Delete(Context* c, const v1::DeleteRequest* q, v1::Written* r) override { return call("Delete", c, q, r); }
  Reactor* SetPayload(Context* c, const v1::PayloadRequest* q, v1::Written* r) override { return call("SetPayload", c, q, r); }
  Reactor* Retrieve(Context* c, const v1::RetrieveRequest* q, v1::PointList* r) override { return call("Retrieve", c, q, r); }
  Reactor* Search(Context* c, const v1::SearchRequest* q, v1::PointList* r) override { return call("Search", c, q, r); }
  Reactor* Query(Context* c, const v1::QueryRequest* q, v1::PointList* r) override { return call("Query", c, q, r); }
  Reactor* Scroll(Context* c, const v1::ScrollRequest* q, v1::PointPage* r) override { return call("Scroll", c, q, r); }
  Reactor* Count(Context* c, const v1::CountRequest* q, v1::CountAnswer* r) override { return call("Count", c, q, r); }

  Reactor* Forward(Context* c, const v1::Operation* q, v1::Outcome* r) override { return call("Forward", c, q, r); }

  template <typename Query, typename Reply>
  Reactor* call(const char* method, Context* context, const Query* message, Reply* reply) {
    auto* call = new Call;  // deletes itself
    call->start(service_, method, *context, *message, *reply);
    return call;
  }

  serve::VectorService& service_;
  std::unique_ptr<grpc::Server> server_;
  uint16_t port_ = 0;
};

RpcServer::RpcServer(serve::VectorService& service, const std::string& address, uint16_t port)
    : implementation_(std::make_unique<Implementation>(service, address, port)) {}
RpcServer::~RpcServer() = default;

uint16_t RpcServer::port() const {
  return implementation_->port();
}

}  // namespace cowatch::rpc
