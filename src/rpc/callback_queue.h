// The queue that gRPC's callback interface shares among all channels and servers of a process.
#pragma once

namespace cowatch::rpc {

// Keeps that queue until the process ends. gRPC 1.51 ends it with the last channel or server that uses it and joins its
// threads then; when one of these is what let go of the last, the queue is freed while the thread still reads from it
// (https://github.com/grpc/grpc/pull/32584).
void keep_callback_queue();

}  // namespace cowatch::rpc
