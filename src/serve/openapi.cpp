// The interface described from its own declarations: OpenAPI for programs, a page for people.
#include "base/json.h"
#include "base/version.h"
#include "serve/schemas.h"
#include "serve/service.h"

namespace cowatch::serve {
namespace {

Json reference(const std::string& schema) {
  return {{"$ref", "#/components/schemas/" + schema}};
}

Json path_parameters(const std::string& path) {
  Json list = Json::array();
  for (size_t begin = path.find('{'); begin != std::string::npos; begin = path.find('{', begin + 1)) {
    const std::string name = path.substr(begin + 1, path.find('}', begin) - begin - 1);
    list.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  return list;
}

Json parameters(const Route& route) {
  Json list = path_parameters(route.path);
  for (const auto& [name, meaning] : route.query) {
    const bool whole = name == "n" || name == "offset" || name == "round";
    list.push_back({{"name", name},
                    {"in", "query"},
                    {"description", meaning},
                    {"schema", {{"type", whole ? "integer" : "string"}}}});
  }
  return list;
}

Json operation(const Route& route) {
  Json success = {{"description", route.summary}};
  if (!route.answer_schema.empty())
    success["content"]["application/json"]["schema"] = reference(route.answer_schema);
  Json json = {{"summary", route.summary}, {"parameters", parameters(route)}};
  json["responses"][std::to_string(route.status)] = success;
  json["responses"]["default"] = {
      {"description", "What went wrong."},
      {"content", {{"application/problem+json", {{"schema", reference("Problem")}}}}}};
  if (route.body_schema == "file") {
    json["requestBody"] = {
        {"required", true},
        {"content",
         {{"application/octet-stream", {{"schema", {{"type", "string"}, {"format", "binary"}}}}}}}};
  } else if (!route.body_schema.empty()) {
    json["requestBody"] = {{"required", true},
                           {"content", {{"application/json", {{"schema", reference(route.body_schema)}}}}}};
  }
  return json;
}

// Bodies and answers are Qdrant's, whose own description tells their fields.
Json operation(const VectorRoute& route) {
  Json json = {{"summary", route.summary}, {"parameters", path_parameters(route.path)}};
  json["responses"]["200"] = {{"description", route.summary}};
  json["responses"]["default"] = {{"description", "What went wrong, as {\"status\": {\"error\": …}}."}};
  if (route.method != "GET" && route.method != "DELETE")
    json["requestBody"] = {{"content", {{"application/json", {{"schema", {{"type", "object"}}}}}}}};
  return json;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

}  // namespace

std::string openapi_text() {
  Json paths = Json::object();
  for (const Route& route : routes()) paths[route.path][lower(route.method)] = operation(route);
  for (const VectorRoute& route : vector_routes()) paths[route.path][lower(route.method)] = operation(route);
  const Json all = {{"openapi", "3.1.0"},
                    {"info", {{"title", "Cowatch"}, {"version", version()}}},
                    {"paths", paths},
                    {"components", {{"schemas", schemas()}}}};
  return all.dump(1);
}

std::string api_page() {
  std::string html =
      "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
      "content='width=device-width'><title>Cowatch: interface</title>"
      "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 "
      "1rem;color-scheme:light dark}"
      "code{font-size:.95em}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.35rem "
      ".75rem .35rem 0;"
      "border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent);vertical-align:top}</style>"
      "<main><h1>Cowatch: interface</h1><p>For programs: <a href=/api/openapi.json>/api/openapi.json</a>. "
      "Answers are JSON; errors are "
      "<code>application/problem+json</code>. Writing needs the key (<code>X-API-Key</code>) where one is "
      "set.</p><table><tr><th>Operation<th>What it does";
  for (const Route& route : routes()) {
    html +=
        "<tr><td><code>" + route.method + " " + escaped(route.path) + "</code><td>" + escaped(route.summary);
    for (const auto& [name, meaning] : route.query)
      html += "<br><code>" + name + "</code>: " + escaped(meaning);
    if (!route.body_schema.empty()) html += "<br>takes <code>" + route.body_schema + "</code>";
    if (!route.answer_schema.empty()) html += "<br>answers <code>" + route.answer_schema + "</code>";
  }
  html += "</table><h2>Collections of vectors</h2><p>In the shapes of Qdrant's REST interface: bodies and answers are "
          "described there.</p><table><tr><th>Operation<th>What it does";
  for (const VectorRoute& route : vector_routes())
    html += "<tr><td><code>" + route.method + " " + escaped(route.path) + "</code><td>" + escaped(route.summary);
  html += "</table><h2>Errors</h2><table><tr><th>Code<th>Status<th>Meaning";
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    const ErrorKind& kind = error_kind(static_cast<ErrorCode>(code));
    html += "<tr id=errors-" + std::string(kind.name) + "><td><code>" + std::string(kind.name) +
            "</code><td>" + std::to_string(kind.http_status) + "<td>" + std::string(kind.meaning);
  }
  return html + "</table></main></html>";
}

}  // namespace cowatch::serve
