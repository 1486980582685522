#include "serve/schemas.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/settings.h"
#include "store/import/parse.h"

namespace cowatch::serve {
namespace {

// Field names are those of Gorse where Gorse has the noun, so that its clients read our answers.
constexpr const char* nouns = R"json({
"Problem": {"type": "object", "description": "What went wrong (RFC 7807), and what to do about it.",
  "required": ["type", "title", "status", "detail", "code"],
  "properties": {
    "type": {"type": "string", "description": "where the error is explained: /apidocs#errors-CODE"},
    "title": {"type": "string", "description": "the meaning of the code"},
    "status": {"type": "integer"},
    "detail": {"type": "string", "description": "what happened this time"},
    "code": {"type": "string", "description": "stable name of the error, such as not-found"},
    "where": {"type": "string"}, "expected": {"type": "string"}, "found": {"type": "string"},
    "remedy": {"type": "string", "description": "what to do, often a command"}}},
"Item": {"type": "object", "description": "A video.",
  "required": ["ItemId", "Index", "IsHidden", "Categories", "Labels", "Comment", "Title"],
  "properties": {
    "ItemId": {"type": "string"},
    "Index": {"type": "integer", "description": "row of the item in every artifact"},
    "IsHidden": {"type": "boolean"},
    "Categories": {"type": "array", "items": {"type": "string"}, "description": "hashtags"},
    "Timestamp": {"type": "string", "description": "when it was made, ISO 8601 in UTC"},
    "Labels": {"type": ["object", "array"], "description": "further attributes"},
    "Comment": {"type": "string", "description": "the title, as Gorse names it"},
    "Title": {"type": "string"}, "Description": {"type": "string"}, "Author": {"type": "string"},
    "Language": {"type": "string"},
    "Seconds": {"type": "number"},
    "Poster": {"type": "string", "description": "address of a JPEG picture"},
    "Preview": {"type": "string", "description": "address of a short MP4"},
    "Width": {"type": "integer"}, "Height": {"type": "integer"}, "HasSound": {"type": "boolean"},
    "MediaState": {"type": "string", "enum": ["extracted", "refused", "unknown"]},
    "MediaReason": {"type": "string", "description": "why the file was refused"}}},
"ItemInput": {"type": "object", "required": ["ItemId"], "additionalProperties": false,
  "properties": {
    "ItemId": {"type": "string", "minLength": 1, "maxLength": 512},
    "IsHidden": {"type": "boolean"},
    "Categories": {"type": "array", "items": {"type": "string", "maxLength": 512}, "maxItems": 1000},
    "Timestamp": {"type": ["string", "integer"], "description": "ISO 8601, or seconds since 1970"},
    "Labels": {"type": ["object", "array", "null"]},
    "Comment": {"type": "string"}, "Title": {"type": "string"},
    "Description": {"type": "string"}, "Author": {"type": "string"},
    "Language": {"type": "string"}}},
"ItemInputs": {"type": "array", "items": {"$ref": "#/components/schemas/ItemInput"}, "maxItems": 10000},
"ItemPatch": {"type": "object", "additionalProperties": false,
  "description": "Fields that are named replace what is known; null, an empty text or list takes it away.",
  "properties": {
    "IsHidden": {"type": "boolean"},
    "Categories": {"type": "array", "items": {"type": "string", "maxLength": 512}, "maxItems": 1000},
    "Timestamp": {"type": ["string", "integer", "null"]},
    "Labels": {"type": ["object", "array", "null"]},
    "Comment": {"type": ["string", "null"]}, "Title": {"type": ["string", "null"]},
    "Description": {"type": ["string", "null"]}, "Author": {"type": ["string", "null"]},
    "Language": {"type": ["string", "null"]}}},
"ItemPage": {"type": "object", "required": ["Cursor", "Items"],
  "properties": {
    "Cursor": {"type": "string", "description": "give it back to get the next page; empty: this was the last"},
    "Items": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}}},
"RowsAffected": {"type": "object", "required": ["RowAffected"], "properties": {"RowAffected": {"type": "integer"}}},
"User": {"type": "object", "required": ["UserId", "Labels", "Comment"],
  "properties": {"UserId": {"type": "string"}, "Labels": {"type": ["object", "array"]}, "Comment": {"type": "string"}}},
"UserInput": {"type": "object", "required": ["UserId"], "additionalProperties": false,
  "properties": {"UserId": {"type": "string", "minLength": 1, "maxLength": 512},
    "Labels": {"type": ["object", "array", "null"]}, "Comment": {"type": "string"}}},
"UserInputs": {"type": "array", "items": {"$ref": "#/components/schemas/UserInput"}, "maxItems": 10000},
"UserPatch": {"type": "object", "additionalProperties": false,
  "properties": {"Labels": {"type": ["object", "array", "null"]}, "Comment": {"type": ["string", "null"]}}},
"UserPage": {"type": "object", "required": ["Cursor", "Users"],
  "properties": {"Cursor": {"type": "string"},
    "Users": {"type": "array", "items": {"$ref": "#/components/schemas/User"}}}},
"Feedback": {"type": "object", "description": "One thing a person did with a video.",
  "required": ["FeedbackType", "UserId", "ItemId", "Value", "Comment"],
  "properties": {
    "FeedbackType": {"type": "string"}, "UserId": {"type": "string"}, "ItemId": {"type": "string"},
    "Timestamp": {"type": "string"},
    "Value": {"type": "number", "description": "watch: portion watched where known; otherwise 1"},
    "WatchedSeconds": {"type": "number"}, "LengthSeconds": {"type": "number"},
    "Comment": {"type": "string", "description": "the query, comment or hashtag"}}},
"FeedbackInput": {"type": "object", "required": ["FeedbackType", "UserId", "ItemId"], "additionalProperties": false,
  "properties": {
    "FeedbackType": {"type": "string",
      "enum": ["impression", "watch", "click", "like", "dislike", "hide", "share", "follow", "search", "comment", "hashtag"]},
    "UserId": {"type": "string", "minLength": 1, "maxLength": 512},
    "ItemId": {"type": "string", "minLength": 1, "maxLength": 512},
    "Timestamp": {"type": ["string", "integer"], "description": "ISO 8601, or seconds since 1970; left out: now"},
    "Value": {"type": "number", "minimum": 0, "description": "watch: portion watched, 1 = to the end"},
    "WatchedSeconds": {"type": "number", "minimum": 0},
    "LengthSeconds": {"type": "number", "minimum": 0},
    "Comment": {"type": "string"}}},
"FeedbackInputs": {"type": "array", "items": {"$ref": "#/components/schemas/FeedbackInput"}, "maxItems": 10000},
"FeedbackList": {"type": "array", "items": {"$ref": "#/components/schemas/Feedback"}},
"FeedbackPage": {"type": "object", "required": ["Cursor", "Feedback"],
  "properties": {"Cursor": {"type": "string"}, "Feedback": {"$ref": "#/components/schemas/FeedbackList"}}},
"Why": {"type": "object", "description": "Why two videos are related.",
  "required": ["Score", "Hashtags", "Text"],
  "properties": {
    "Score": {"type": "number", "description": "cosine of the two embeddings"},
    "Cluster": {"type": "object", "description": "smallest cluster of the affinity tree that holds both; absent: none",
      "required": ["Round", "Cluster", "Size"],
      "properties": {"Round": {"type": "integer"}, "Cluster": {"type": "integer"}, "Size": {"type": "integer"}}},
    "CoWatchers": {"type": "integer", "description": "people who watched both, when the graph was made; absent: the log has no watches"},
    "EdgeWeight": {"type": "number", "description": "weight of their edge in the co-watch graph; absent: no edge"},
    "Hashtags": {"type": "array", "items": {"type": "string"}, "description": "hashtags of both"},
    "Text": {"type": "string", "description": "the same as a sentence"}}},
"Neighbour": {"type": "object", "required": ["Id", "Score"],
  "properties": {
    "Id": {"type": "string"}, "Score": {"type": "number"},
    "Item": {"$ref": "#/components/schemas/Item"}, "Why": {"$ref": "#/components/schemas/Why"}}},
"Neighbours": {"type": "array", "items": {"$ref": "#/components/schemas/Neighbour"}},
"Ranked": {"type": "object", "required": ["Id", "Score", "Item", "Text"],
  "properties": {
    "Id": {"type": "string"}, "Score": {"type": "number"},
    "Item": {"$ref": "#/components/schemas/Item"}, "Text": {"type": "string", "description": "why it stands here"}}},
"RankedList": {"type": "array", "items": {"$ref": "#/components/schemas/Ranked"}},
"Ids": {"type": "array", "items": {"type": "string"}}
})json";

constexpr const char* views = R"json({
"Task": {"type": "object", "description": "Work that goes on after the answer.",
  "required": ["TaskId", "Kind", "State", "Step", "Progress", "Created", "Updated", "Next"],
  "properties": {
    "TaskId": {"type": "string"}, "Kind": {"type": "string", "enum": ["search-upload"]},
    "State": {"type": "string", "enum": ["waiting", "running", "done", "failed"]},
    "Step": {"type": "string", "description": "what goes on now, in words"},
    "Progress": {"type": "number", "minimum": 0, "maximum": 1},
    "Created": {"type": "string"}, "Updated": {"type": "string"},
    "Next": {"type": "string", "description": "what to do next, in words"},
    "Error": {"$ref": "#/components/schemas/Problem"},
    "Result": {"type": "object", "required": ["Neighbours"],
      "properties": {"Neighbours": {"$ref": "#/components/schemas/Neighbours"},
        "Seconds": {"type": "number", "description": "length of the upload"},
        "DecodeSeconds": {"type": "number", "description": "taken to look into it"},
        "EmbedSeconds": {"type": "number", "description": "taken to embed it"}}}}},
"Live": {"type": "object", "required": ["Live"], "properties": {"Live": {"type": "boolean"}}},
"TaskList": {"type": "array", "items": {"$ref": "#/components/schemas/Task"}},
"Ready": {"type": "object", "required": ["Ready", "Missing"],
  "properties": {"Ready": {"type": "boolean"},
    "Missing": {"type": "array", "items": {"type": "object", "required": ["Stage", "Command"],
      "properties": {"Stage": {"type": "string"}, "Command": {"type": "string"}}}}}},
"Health": {"type": "object", "description": "What the data are like and what they allow.",
  "required": ["Facts", "Stages"],
  "properties": {
    "Facts": {"type": "array", "items": {"type": "object", "required": ["Name", "Value", "State", "Note"],
      "properties": {"Name": {"type": "string"}, "Value": {"type": "string"},
        "State": {"type": "string", "enum": ["good", "fair", "poor", "fact"]}, "Note": {"type": "string"}}}},
    "Stages": {"type": "array", "items": {"$ref": "#/components/schemas/Stage"}}}},
"Quality": {"type": "object", "description": "How well the server searches.",
  "required": ["Search", "Collections", "Recall", "Latency", "Queues", "Notices"],
  "properties": {
    "Search": {"type": "object", "description": "of the platform's videos", "required": ["Index", "Videos", "Embedded", "Parts"],
      "properties": {"Index": {"type": "string", "enum": ["none", "exact", "graph"]}, "Videos": {"type": "integer"},
        "Embedded": {"type": "integer"}, "Parts": {"$ref": "#/components/schemas/MemoryParts"}}},
    "Collections": {"type": "array", "items": {"type": "object", "required": ["Name", "Points", "Indexed", "Working", "Parts", "Troubles"],
      "properties": {"Name": {"type": "string"}, "Points": {"type": "integer"},
        "Indexed": {"type": "integer", "description": "points that a graph covers; the others are scanned"},
        "Working": {"type": "boolean"}, "Parts": {"$ref": "#/components/schemas/MemoryParts"},
        "Troubles": {"type": "array", "items": {"type": "string"}}}}},
    "Recall": {"type": "array", "description": "sampled against exact search, by minute",
      "items": {"type": "object", "required": ["Name", "Times", "Found", "Wanted"],
        "properties": {"Name": {"type": "string"},
          "Times": {"type": "array", "items": {"type": "integer"}, "description": "seconds since 1970"},
          "Found": {"type": "array", "items": {"type": "integer"}}, "Wanted": {"type": "array", "items": {"type": "integer"}}}}},
    "Latency": {"type": "array", "items": {"type": "object", "required": ["Operation", "Count", "Median", "P99"],
      "properties": {"Operation": {"type": "string"}, "Count": {"type": "integer"},
        "Median": {"type": "number", "description": "seconds that half of the answers kept to; 0: more than 5"},
        "P99": {"type": "number"}}}},
    "Queues": {"type": "array", "items": {"type": "object",
      "required": ["Name", "Waiting", "Running", "Done", "Refused", "Shed", "Cancelled"],
      "properties": {"Name": {"type": "string"}, "Waiting": {"type": "integer"}, "Running": {"type": "integer"},
        "Done": {"type": "integer"}, "Refused": {"type": "integer"}, "Shed": {"type": "integer"}, "Cancelled": {"type": "integer"}}}},
    "Notices": {"type": "array", "items": {"type": "object", "required": ["Kind", "Text", "Command"],
      "properties": {"Kind": {"type": "string", "enum": ["damage", "recall", "release", "index", "load"]},
        "Text": {"type": "string"}, "Command": {"type": "string", "description": "what mends it"}}}}}},
"MemoryParts": {"type": "array", "items": {"type": "object", "required": ["Name", "Bytes"],
  "properties": {"Name": {"type": "string"}, "Bytes": {"type": "integer"}}}},
"Stage": {"type": "object", "required": ["Name", "Ready", "Command"],
  "properties": {"Name": {"type": "string"}, "Ready": {"type": "boolean"},
    "Made": {"type": "string", "description": "when, ISO 8601"}, "Program": {"type": "string"},
    "Command": {"type": "string", "description": "what makes it"},
    "Problem": {"type": "string", "description": "why a file that is there cannot be used"}}},
"Cluster": {"type": "object", "description": "A cluster of the affinity tree.",
  "required": ["Round", "Cluster", "Size", "Children", "Hashtags", "Sample"],
  "properties": {"Round": {"type": "integer"}, "Cluster": {"type": "integer"}, "Size": {"type": "integer"},
    "Children": {"type": "integer", "description": "clusters of an earlier round, or single videos, it was merged from"},
    "Hashtags": {"type": "array", "items": {"type": "string"}, "description": "most frequent in the sample"},
    "Sample": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}}},
"Tree": {"type": "object", "required": ["Rounds", "Videos", "Alone", "Levels", "Total", "Roots"],
  "properties": {"Rounds": {"type": "integer"}, "Videos": {"type": "integer"},
    "Alone": {"type": "integer", "description": "videos no cluster holds: nobody watched them with another"},
    "Levels": {"type": "array", "items": {"type": "object", "required": ["Round", "Clusters", "Largest"],
      "properties": {"Round": {"type": "integer"}, "Clusters": {"type": "integer", "description": "of at least two videos"},
        "Largest": {"type": "integer"}}}},
    "Total": {"type": "integer", "description": "roots of at least two videos"},
    "Roots": {"type": "array", "items": {"$ref": "#/components/schemas/Cluster"}, "description": "largest first"}}},
"ClusterPage": {"type": "object", "required": ["Round", "Cluster", "Size", "Path", "Total", "Children", "Items"],
  "properties": {"Round": {"type": "integer"}, "Cluster": {"type": "integer"}, "Size": {"type": "integer"},
    "Path": {"type": "array", "description": "clusters that hold this one, the root first", "items":
      {"type": "object", "required": ["Round", "Cluster", "Size"],
       "properties": {"Round": {"type": "integer"}, "Cluster": {"type": "integer"}, "Size": {"type": "integer"}}}},
    "Total": {"type": "integer", "description": "children of at least two videos"},
    "Children": {"type": "array", "items": {"$ref": "#/components/schemas/Cluster"}, "description": "largest first"},
    "Items": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}, "description": "videos, in tree order"}}},
"Map": {"type": "object", "description": "A picture of all embeddings in the plane, row by row.",
  "required": ["Method", "Rounds", "Round", "Total", "Index", "X", "Y", "Cluster"],
  "properties": {"Method": {"type": "string"}, "Rounds": {"type": "integer"}, "Round": {"type": "integer"},
    "Total": {"type": "integer", "description": "videos with a position; more than listed when n is smaller"},
    "Index": {"type": "array", "items": {"type": "integer"}, "description": "Index of the item"},
    "X": {"type": "array", "items": {"type": "number"}, "description": "in [-1, 1]"},
    "Y": {"type": "array", "items": {"type": "number"}, "description": "in [-1, 1]"},
    "Cluster": {"type": "array", "items": {"type": "integer"}, "description": "cluster after Round; -1: alone"}}},
"Curves": {"type": "object", "required": ["Runs"],
  "properties": {"Runs": {"type": "array", "items": {"type": "object", "required": ["Name", "Series"],
    "properties": {"Name": {"type": "string"}, "Series": {"type": "array", "items":
      {"type": "object", "required": ["Tag", "Steps", "Values"],
       "properties": {"Tag": {"type": "string"}, "Steps": {"type": "array", "items": {"type": "integer"}},
         "Values": {"type": "array", "items": {"type": ["number", "null"]}}}}}}}}}},
"Summary": {"type": "object",
  "required": ["Program", "Commit", "Items", "Users", "Feedback", "FeedbackByType", "Stages", "NeedsKey", "UploadLimit"],
  "properties": {"Program": {"type": "string"}, "Commit": {"type": "string"},
    "Items": {"type": "integer"}, "Users": {"type": "integer"}, "Feedback": {"type": "integer"},
    "FeedbackByType": {"type": "object"},
    "Edges": {"type": "integer", "description": "of the co-watch graph"},
    "Rounds": {"type": "integer", "description": "of the affinity tree"},
    "PopularBy": {"type": "string", "enum": ["people", "links"], "description": "what popular videos are counted by; absent: nothing was counted yet"},
    "Dated": {"type": "integer", "description": "videos whose time is known"},
    "Embedded": {"type": "integer", "description": "videos with an embedding"},
    "Dimensions": {"type": "integer"}, "Model": {"type": "string", "description": "hash of the released model"},
    "Released": {"type": "string", "description": "when the embeddings were made"},
    "Stages": {"type": "array", "items": {"$ref": "#/components/schemas/Stage"}},
    "NeedsKey": {"type": "boolean", "description": "writing needs the key"},
    "UploadLimit": {"type": "integer", "description": "bytes an upload may have"}}}
})json";

// What comes in is bounded as rows of an import are.
void set_bounds(Json& properties) {
  const auto bound = [&](std::initializer_list<const char*> fields, const char* name, double most) {
    for (const char* field : fields) {
      if (properties.contains(field)) properties[field][name] = static_cast<int64_t>(most);
    }
  };
  bound({"Comment", "Title", "Description", "Author", "Language"}, "maxLength", longest_text);
  bound({"WatchedSeconds", "LengthSeconds"}, "maximum", longest_seconds);
  bound({"Value"}, "maximum", most_portion);
}

Json parse_schemas() {
  Json all = Json::parse(nouns);
  all.update(Json::parse(views));
  for (const char* name : {"ItemInput", "ItemPatch", "UserInput", "UserPatch", "FeedbackInput"})
    set_bounds(all[name]["properties"]);
  return all;
}

[[noreturn]] void refuse(const std::string& place, const std::string& expected, const Json& found) {
  throw Error(ErrorCode::bad_input, "the body does not have the documented shape",
              {.where = place.empty() ? "the body" : place,
               .expected = expected,
               .found = found.dump().substr(0, 60),
               .remedy = "/apidocs lists the fields."});
}

bool is_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  return value.is_null();
}

void check_type(const Json& value, const Json& type, const std::string& place) {
  std::string names;
  for (const Json& name : type.is_array() ? type : Json::array({type})) {
    if (is_type(value, name.get<std::string>())) return;
    names += (names.empty() ? "" : " or ") + name.get<std::string>();
  }
  refuse(place, names, value);
}

void check_bounds(const Json& value, const Json& schema, const std::string& place) {
  const auto within = [&](const char* least, const char* most, double number, const char* what) {
    if (schema.contains(least) && number < schema[least].get<double>())
      refuse(place, what + (" of at least " + schema[least].dump()), value);
    if (schema.contains(most) && number > schema[most].get<double>())
      refuse(place, what + (" of at most " + schema[most].dump()), value);
  };
  if (value.is_number()) within("minimum", "maximum", value.get<double>(), "a number");
  if (value.is_string() && value.get_ref<const std::string&>().find('\0') != std::string::npos)
    refuse(place, "text without zero bytes", value);
  if (value.is_string())
    within("minLength", "maxLength", static_cast<double>(value.get_ref<const std::string&>().size()),
           "a length");
  if (value.is_array())
    within("minItems", "maxItems", static_cast<double>(value.size()), "a number of entries");
}

void check(const Json& value, const Json& schema, const std::string& place) {
  if (schema.contains("$ref")) {
    const std::string reference = schema["$ref"].get<std::string>();
    return check(value, schemas().at(reference.substr(reference.rfind('/') + 1)), place);
  }
  if (schema.contains("type")) check_type(value, schema["type"], place);
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) {
    refuse(place, "one of " + schema["enum"].dump(), value);
  }
  check_bounds(value, schema, place);
  if (value.is_array() && schema.contains("items")) {
    for (size_t i = 0; i < value.size(); ++i)
      check(value[i], schema["items"], place + "/" + std::to_string(i));
  }
  if (!value.is_object()) return;
  for (const Json& name : schema.value("required", Json::array())) {
    if (!value.contains(name.get<std::string>())) refuse(place, "a field " + name.get<std::string>(), value);
  }
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, field] : value.items()) {
    if (properties.contains(name)) {
      check(field, properties[name], place + "/" + name);
    } else if (schema.contains("additionalProperties") && !schema["additionalProperties"].get<bool>()) {
      std::vector<std::string> known;
      for (const auto& [key, ignored] : properties.items()) known.push_back(key);
      const std::string near = nearest_name(name, known);
      refuse(place + "/" + name, near.empty() ? "no such field" : "no such field; did you mean " + near + "?",
             field);
    }
  }
}

}  // namespace

void check_schema(const Json& value, std::string_view name) {
  check(value, schemas().at(std::string(name)), "");
}

const Json& schemas() {
  static const Json all = parse_schemas();
  return all;
}

}  // namespace cowatch::serve
