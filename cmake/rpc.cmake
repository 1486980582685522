# gRPC (src/rpc): messages and stubs from vectors.proto, in a library of their own that only the server and its tests
# link.
set(rpc_made ${CMAKE_BINARY_DIR}/rpc)
file(MAKE_DIRECTORY ${rpc_made})
set(rpc_generated ${rpc_made}/vectors.pb.cc ${rpc_made}/vectors.grpc.pb.cc)
add_custom_command(
  OUTPUT ${rpc_generated} ${rpc_made}/vectors.pb.h ${rpc_made}/vectors.grpc.pb.h
  COMMAND ${PROTOC} -I ${CMAKE_SOURCE_DIR}/src/rpc --cpp_out=${rpc_made} --grpc_out=${rpc_made}
          --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} vectors.proto
  DEPENDS ${CMAKE_SOURCE_DIR}/src/rpc/vectors.proto
  VERBATIM)
add_library(cowatch_rpc_messages STATIC ${rpc_generated})
target_compile_options(cowatch_rpc_messages PRIVATE -w)
target_include_directories(cowatch_rpc_messages SYSTEM PUBLIC ${rpc_made})
target_link_libraries(cowatch_rpc_messages PUBLIC gRPC)
cowatch_library(rpc PUBLIC cowatch_serve cowatch_rpc_messages)
