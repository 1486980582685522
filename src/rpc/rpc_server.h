// The collections over gRPC (vectors.proto): each call becomes the request that the same operation is over HTTP, with
// the same tokens (metadata `authorization` or `api-key`), quotas, priorities and queue. A call's deadline is the
// search's deadline; a call that the client cancels is dropped.
#pragma once

#include <memory>
#include <string>

#include "serve/vectors/vector_service.h"

namespace cowatch::rpc {

class RpcServer {
 public:
  // Listens and answers from now on; port 0: any free one. Throws conflict when it cannot. `service` must outlive it.
  RpcServer(serve::VectorService& service, const std::string& address, uint16_t port);
  ~RpcServer();  // ends calls under way

  uint16_t port() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace cowatch::rpc
