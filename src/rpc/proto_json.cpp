#include "rpc/proto_json.h"

#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace cowatch::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Type = FieldDescriptor::CppType;

constexpr int deepest = 64;

// The oneof that stands for the message, or null.
const google::protobuf::OneofDescriptor* choice_of(const Descriptor& type) {
  return type.real_oneof_decl_count() == 1 && type.oneof_decl(0)->name() == "is" ? type.oneof_decl(0) : nullptr;
}

// The one field that stands for the message, or null.
const FieldDescriptor* content_of(const Descriptor& type) {
  if (type.field_count() != 1) return nullptr;
  const FieldDescriptor* field = type.field(0);
  return field->is_map() || (field->is_repeated() && field->name() == "values") ? field : nullptr;
}

std::string name_of(const FieldDescriptor& field) {
  return field.has_json_name() ? field.json_name() : field.name();
}

Json number_json(double value, const FieldDescriptor& field) {
  if (std::isfinite(value)) return value;
  throw Error(ErrorCode::bad_input, "a number is not finite",
              {.where = field.full_name(), .expected = "a finite number", .found = std::isnan(value) ? "NaN" : "infinity"});
}

Json message_json(const Message& message, int depth);

// One value: of a field, or of place `at` of a repeated one.
Json value_json(const Message& message, const FieldDescriptor& field, int at, int depth) {
  const Reflection& look = *message.GetReflection();
  const bool one = at < 0;
  switch (field.cpp_type()) {
    case Type::CPPTYPE_BOOL:
      return one ? look.GetBool(message, &field) : look.GetRepeatedBool(message, &field, at);
    case Type::CPPTYPE_INT64:
      return one ? look.GetInt64(message, &field) : look.GetRepeatedInt64(message, &field, at);
    case Type::CPPTYPE_UINT64:
      return one ? look.GetUInt64(message, &field) : look.GetRepeatedUInt64(message, &field, at);
    case Type::CPPTYPE_FLOAT:
      return number_json(one ? look.GetFloat(message, &field) : look.GetRepeatedFloat(message, &field, at), field);
    case Type::CPPTYPE_DOUBLE:
      return number_json(one ? look.GetDouble(message, &field) : look.GetRepeatedDouble(message, &field, at), field);
    case Type::CPPTYPE_STRING:
      return one ? look.GetString(message, &field) : look.GetRepeatedString(message, &field, at);
    case Type::CPPTYPE_MESSAGE:
      return message_json(one ? look.GetMessage(message, &field) : look.GetRepeatedMessage(message, &field, at), depth + 1);
    default:
      throw Error(ErrorCode::internal, "a field of a type that is not in use", {.where = field.full_name()});
  }
}

Json map_json(const Message& message, const FieldDescriptor& field, int depth) {
  Json object = Json::object();
  const Reflection& look = *message.GetReflection();
  for (int i = 0; i < look.FieldSize(message, &field); ++i) {
    const Message& entry = look.GetRepeatedMessage(message, &field, i);
    const Descriptor& type = *entry.GetDescriptor();
    object[entry.GetReflection()->GetString(entry, type.map_key())] = value_json(entry, *type.map_value(), -1, depth);
  }
  return object;
}

Json list_json(const Message& message, const FieldDescriptor& field, int depth) {
  Json list = Json::array();
  const int size = message.GetReflection()->FieldSize(message, &field);
  list.get_ref<Json::array_t&>().reserve(static_cast<size_t>(size));
  for (int i = 0; i < size; ++i) list.push_back(value_json(message, field, i, depth));
  return list;
}

Json field_json(const Message& message, const FieldDescriptor& field, int depth) {
  if (field.is_map()) return map_json(message, field, depth);
  return field.is_repeated() ? list_json(message, field, depth) : value_json(message, field, -1, depth);
}

Json message_json(const Message& message, int depth) {
  const Descriptor& type = *message.GetDescriptor();
  if (depth > deepest)
    throw Error(ErrorCode::bad_input, "a message is nested too deeply",
                {.where = type.full_name(), .expected = "at most " + std::to_string(deepest) + " levels"});
  const Reflection& look = *message.GetReflection();
  if (const auto* choice = choice_of(type)) {
    const FieldDescriptor* set = look.GetOneofFieldDescriptor(message, choice);
    return set ? value_json(message, *set, -1, depth) : Json();
  }
  if (const FieldDescriptor* content = content_of(type)) return field_json(message, *content, depth);
  Json object = Json::object();
  std::vector<const FieldDescriptor*> fields;
  look.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const auto [member, added] = object.emplace(name_of(*field), Json());
    if (!added)
      throw Error(ErrorCode::bad_input, "a value is given twice",
                  {.where = field->full_name(), .expected = "one of the fields for " + name_of(*field)});
    *member = field_json(message, *field, depth);
  }
  return object;
}

// The member of a choice that holds such a value, or null.
const FieldDescriptor* chosen(const google::protobuf::OneofDescriptor& choice, const Json& json) {
  const auto first = [&](std::initializer_list<Type> types) -> const FieldDescriptor* {
    for (const Type type : types)
      for (int i = 0; i < choice.field_count(); ++i)
        if (choice.field(i)->cpp_type() == type) return choice.field(i);
    return nullptr;
  };
  if (json.is_null()) return nullptr;
  if (json.is_boolean()) return first({Type::CPPTYPE_BOOL});
  if (json.is_number_float()) return first({Type::CPPTYPE_DOUBLE});
  if (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX) return first({Type::CPPTYPE_UINT64, Type::CPPTYPE_DOUBLE});
  if (json.is_number_unsigned()) return first({Type::CPPTYPE_UINT64, Type::CPPTYPE_INT64, Type::CPPTYPE_DOUBLE});
  if (json.is_number()) return first({Type::CPPTYPE_INT64, Type::CPPTYPE_DOUBLE});
  if (json.is_string()) return first({Type::CPPTYPE_STRING});
  for (int i = 0; i < choice.field_count(); ++i) {
    const FieldDescriptor* field = choice.field(i);
    if (field->cpp_type() != Type::CPPTYPE_MESSAGE) continue;
    const FieldDescriptor* content = content_of(*field->message_type());
    if (json.is_array() == (content && !content->is_map())) return field;
  }
  return nullptr;
}

void set_value(Message& message, const FieldDescriptor& field, const Json& json) {
  const Reflection& look = *message.GetReflection();
  const bool list = field.is_repeated();
  switch (field.cpp_type()) {
    case Type::CPPTYPE_BOOL:
      return list ? look.AddBool(&message, &field, json.get<bool>()) : look.SetBool(&message, &field, json.get<bool>());
    case Type::CPPTYPE_INT64:
      return list ? look.AddInt64(&message, &field, json.get<int64_t>()) : look.SetInt64(&message, &field, json.get<int64_t>());
    case Type::CPPTYPE_UINT64:
      return list ? look.AddUInt64(&message, &field, json.get<uint64_t>()) : look.SetUInt64(&message, &field, json.get<uint64_t>());
    case Type::CPPTYPE_FLOAT:
      return list ? look.AddFloat(&message, &field, json.get<float>()) : look.SetFloat(&message, &field, json.get<float>());
    case Type::CPPTYPE_DOUBLE:
      return list ? look.AddDouble(&message, &field, json.get<double>()) : look.SetDouble(&message, &field, json.get<double>());
    case Type::CPPTYPE_STRING:
      return list ? look.AddString(&message, &field, json.get<std::string>())
                  : look.SetString(&message, &field, json.get<std::string>());
    case Type::CPPTYPE_MESSAGE:
      return from_json(json, *(list ? look.AddMessage(&message, &field) : look.MutableMessage(&message, &field)));
    default:
      throw Error(ErrorCode::internal, "a field of a type that is not in use", {.where = field.full_name()});
  }
}

void set_field(Message& message, const FieldDescriptor& field, const Json& json) {
  if (field.is_map()) {
    for (const auto& [name, value] : json.items()) {
      Message& entry = *message.GetReflection()->AddMessage(&message, &field);
      const Descriptor& type = *entry.GetDescriptor();
      entry.GetReflection()->SetString(&entry, type.map_key(), name);
      set_value(entry, *type.map_value(), value);
    }
  } else if (field.is_repeated()) {
    for (const Json& each : json) set_value(message, field, each);
  } else if (!json.is_null()) {
    set_value(message, field, json);
  }
}

}  // namespace

Json to_json(const Message& message) {
  return message_json(message, 0);
}

void from_json(const Json& json, Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  if (const auto* choice = choice_of(type)) {
    if (const FieldDescriptor* field = chosen(*choice, json)) set_value(message, *field, json);
    return;
  }
  if (const FieldDescriptor* content = content_of(type)) return set_field(message, *content, json);
  if (json.is_array() && type.field_count() == 1) return set_field(message, *type.field(0), json);
  for (int i = 0; i < type.field_count(); ++i)
    if (const auto found = json.find(name_of(*type.field(i))); found != json.end())
      set_field(message, *type.field(i), *found);
}

}  // namespace cowatch::rpc
