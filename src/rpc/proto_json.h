// Messages of vectors.proto as the JSON that the same operation has over HTTP, and answers in JSON as messages: by
// reflection, so that an operation is declared in the .proto alone.
//
//   set fields                      members of an object, by name; empty lists and maps are left out
//   a oneof called `is`             the value that is set, in place of the message; none set: null
//   one repeated field `values`     an array, in place of the message
//   a map                           an object
//   a field with a json_name        is called by that
#pragma once

#include <google/protobuf/message.h>

#include "base/json_forward.h"

namespace cowatch::rpc {

// bad_input when it is nested more than 64 deep, holds a number that JSON has no word for, or two fields of one name.
Json to_json(const google::protobuf::Message& message);
// Members that the message does not have are left out, as is null. An array fills a message's one repeated field.
void from_json(const Json& json, google::protobuf::Message& message);

}  // namespace cowatch::rpc
