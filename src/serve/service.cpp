#include "serve/service.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "base/clock.h"
#include "base/json.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/version.h"
#include "serve/schemas.h"

namespace cowatch::serve {
namespace {

constexpr double look_every = 1.0;  // seconds between looks at the artifacts on disk
constexpr double bucket_bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};

std::string content_type(const Path& path) {
  static const std::map<std::string, std::string> types = {{".html", "text/html; charset=utf-8"},
                                                           {".js", "text/javascript; charset=utf-8"},
                                                           {".css", "text/css; charset=utf-8"},
                                                           {".svg", "image/svg+xml"},
                                                           {".json", "application/json"},
                                                           {".png", "image/png"},
                                                           {".jpg", "image/jpeg"},
                                                           {".mp4", "video/mp4"},
                                                           {".woff2", "font/woff2"},
                                                           {".ico", "image/x-icon"},
                                                           {".webmanifest", "application/manifest+json"}};
  const auto found = types.find(path.extension().string());
  return found == types.end() ? "application/octet-stream" : found->second;
}

// A file of the folder itself or below; no "..", no hidden names, no links out of it.
Path file_in(const Path& folder, std::string_view name) {
  const std::string whole = "/" + std::string(name);  // the parts point into it
  for (const auto part : path_parts(whole)) {
    if (part.empty() || part.starts_with('.')) return {};
  }
  std::error_code error;
  const Path path = std::filesystem::canonical(folder / Path(name), error);
  if (error || !std::filesystem::is_regular_file(path, error)) return {};
  const Path root = std::filesystem::canonical(folder, error);
  return path.string().starts_with(root.string() + "/") ? path : Path{};
}

std::string gauge(const std::string& name, const std::string& help, const std::string& labels, double value) {
  char number[32];
  std::snprintf(number, sizeof number, "%.17g", value);
  return "# HELP " + name + " " + help + "\n# TYPE " + name + " gauge\n" + name + labels + " " + number +
         "\n";
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

Response not_allowed(const std::string& method, const std::string& allowed) {
  Response response =
      problem(Error(ErrorCode::not_allowed, "this address does not take " + method, {.expected = allowed}));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

Response file_response(Path path, const std::string& cache) {
  Response response;
  response.content_type = content_type(path);
  response.headers.emplace_back("Cache-Control", cache);
  response.file = std::move(path);
  return response;
}

}  // namespace

Service::Service(Workspace workspace, const Settings& settings)
    : workspace_(std::move(workspace)),
      readers_(workspace_.catalogue()),
      settings_(settings),
      upload_limit_(static_cast<size_t>(settings.get_int("serve.upload_limit"))),
      key_(settings.get_text("serve.key")),
      vectors_(workspace_.file("vectors"), settings) {
  // The collections are ours alone from here on: what lies there a killed server left.
  std::error_code ignored;
  std::filesystem::remove_all(workspace_.file("uploads"), ignored);
  release();  // a damaged artifact is named at the start, not at the first question
}

std::shared_ptr<const Release> Service::release() {
  const std::lock_guard lock(release_mutex_);
  if (release_ && seconds_now() - checked_at_ < look_every) return release_;
  checked_at_ = seconds_now();
  if (release_ && release_->made_from == Release::stamp(workspace_)) return release_;
  try {
    release_ = Release::open(workspace_);
  } catch (const Error& error) {
    if (!release_) throw;
    log(LogLevel::error,
        std::string("the new release cannot be used, the former one goes on: ") + error.what());
  }
  return release_;
}

void Service::write(const std::function<void(Catalogue&)>& work) {
  const std::lock_guard lock(write_mutex_);
  Catalogue catalogue(workspace_.catalogue(), Catalogue::Mode::write);
  work(catalogue);
}

Health Service::health(const Catalogue& catalogue) {
  constexpr double at_once = 0.1, share = 0.05;  // seconds that are never too long; of a processor
  const std::lock_guard lock(health_mutex_);     // who comes while it is measured wants the same answer
  const double start = seconds_now();
  if (start < health_until_) return health_;
  health_ = measure_health(catalogue, watching_kinds(settings_));
  const double end = seconds_now(), took = end - start;
  health_until_ = took < at_once ? 0 : end + took / share;
  return health_;
}

void Service::check_key(const Request& request) const {
  // A page of another site must not write with a visitor's browser: those requests carry an Origin that is
  // not ours.
  const std::string_view origin = request.header("origin"), host = request.header("host");
  if (!origin.empty() &&
      origin.substr(origin.find("//") == origin.npos ? 0 : origin.find("//") + 2) != host) {
    throw Error(ErrorCode::unauthorized, "a page of another site may not write here",
                {.expected = std::string(host), .found = std::string(origin)});
  }
  if (key_.empty()) return;
  std::string_view given = request.header("x-api-key");
  const std::string_view bearer = request.header("authorization");
  if (bearer.starts_with("Bearer ")) given = bearer.substr(7);
  unsigned difference = given.size() != key_.size();  // the time taken tells nothing of where they differ
  for (size_t i = 0; i < key_.size(); ++i)
    difference |= static_cast<unsigned char>(key_[i] ^ (i < given.size() ? given[i] : 0));
  if (difference != 0) {
    throw Error(
        ErrorCode::unauthorized, "writing needs the key",
        {.expected = "X-API-Key or Authorization: Bearer", .remedy = "The key is the setting serve.key."});
  }
}

Response Service::page_file(const std::string& path) const {
  const Path folder = shared_file("web");
  if (const Path file = file_in(folder, path.substr(1)); !file.empty()) {
    // Vite names bundles by their content: they never change.
    return file_response(file,
                         path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
  }
  if (Path(path).has_extension())
    throw Error(ErrorCode::not_found, "there is no such page", {.found = path.substr(0, 80)});
  const Path index = file_in(folder, "index.html");
  if (index.empty()) {
    throw Error(ErrorCode::not_found, "the page was not built",
                {.where = "share/web",
                 .remedy = "Build the project's target `page`; the interface under /api works without it."});
  }
  return file_response(index, "no-cache");
}

Response Service::run(const Route& route, const Request& request, const std::vector<std::string>& values) {
  if (route.method != "GET") check_key(request);
  const CatalogueReaders::Lease catalogue = readers_.take();
  Call call{*this, request, *catalogue, release(), values, {}};
  if (!route.body_schema.empty() && route.body_schema != "file") {
    call.body = parse_json(request.body, "the body");
    check_schema(call.body, route.body_schema);
  }
  Response response = route.answer(call);
  if (route.status != 200 && response.status == 200) response.status = route.status;
  return response;
}

Response Service::dispatch(const Request& request, std::string& route_name) {
  std::vector<std::string> values;
  std::string allowed;
  const bool reads = request.method == "GET" || request.method == "HEAD";
  for (const bool rest : {false, true}) {
    for (const Route& route : routes()) {
      if (!request.matches(route.path, rest, values)) continue;
      if (route.method != request.method && !(reads && route.method == "GET")) {
        allowed += (allowed.empty() ? "" : ", ") + route.method;
        continue;
      }
      route_name = route.method + " " + route.path;
      return run(route, request, values);
    }
    if (!allowed.empty()) break;
  }
  if (allowed.empty() && (request.path == "/api" || request.path.starts_with("/api/")))
    throw Error(ErrorCode::not_found, "there is no such operation",
                {.found = request.path.substr(0, 80), .remedy = "/apidocs lists them."});
  if (allowed.empty() && !reads) allowed = "GET, HEAD";
  if (!allowed.empty()) {
    route_name = "method not allowed";
    return not_allowed(request.method, allowed);
  }
  if (request.path.starts_with("/media/")) {
    route_name = "GET /media";
    const Path file = file_in(workspace_.media(), std::string_view(request.path).substr(7));
    if (file.empty())
      throw Error(ErrorCode::not_found, "there is no such file", {.found = request.path.substr(0, 80)});
    return file_response(file, "public, max-age=86400");
  }
  route_name = "GET page";
  return page_file(request.path);
}

// An answer tells places within the workspace, not where the machine keeps it.
Response Service::problem_within(const Error& error) const {
  const std::string folder = workspace_.folder().string() + "/";
  const auto within = [&](std::string text) {
    for (size_t at = text.find(folder); at != text.npos; at = text.find(folder, at))
      text.erase(at, folder.size());
    return text;
  };
  const Error::Details& details = error.details();
  return problem(Error(
      error.code(), within(error.message()),
      {within(details.where), within(details.expected), within(details.found), within(details.remedy)}));
}

Response Service::answer(const Request& request) {
  const double start = seconds_now();
  std::string route = "unknown";
  Response response;
  try {
    response = dispatch(request, route);
  } catch (const Error& error) {
    response = problem_within(error);
    if (error_kind(error.code()).exit_status == 1) log(LogLevel::error, route + ": " + error.what());
  } catch (const std::exception& error) {
    response = problem(error_of(error));
    log(LogLevel::error, route + ": " + error.what());
  }
  record(route, response.status, seconds_now() - start);
  return response;
}

void Service::record(const std::string& route, int status, double seconds) {
  const std::lock_guard lock(metrics_mutex_);
  Histogram& histogram = metrics_[route];
  histogram.buckets.resize(std::size(bucket_bounds));
  for (size_t i = 0; i < std::size(bucket_bounds); ++i) histogram.buckets[i] += seconds <= bucket_bounds[i];
  histogram.sum += seconds;
  ++histogram.count;
  ++histogram.by_status[status];
}

std::string Service::metrics(const Request& request) {
  const std::lock_guard lock(metrics_mutex_);
  std::string text =
      "# HELP cowatch_http_requests_total Requests answered.\n# TYPE cowatch_http_requests_total counter\n";
  char number[32];
  for (const auto& [route, histogram] : metrics_) {
    for (const auto& [status, count] : histogram.by_status) {
      text += "cowatch_http_requests_total{route=\"" + route + "\",status=\"" + std::to_string(status) +
              "\"} " + std::to_string(count) + "\n";
    }
  }
  text +=
      "# HELP cowatch_http_request_seconds Time to answer.\n# TYPE cowatch_http_request_seconds histogram\n";
  for (const auto& [route, histogram] : metrics_) {
    const std::string label = "cowatch_http_request_seconds_bucket{route=\"" + route + "\",le=\"";
    for (size_t i = 0; i < std::size(bucket_bounds); ++i) {
      std::snprintf(number, sizeof number, "%g", bucket_bounds[i]);
      text += label + number + "\"} " + std::to_string(histogram.buckets[i]) + "\n";
    }
    text += label + "+Inf\"} " + std::to_string(histogram.count) + "\n";
    std::snprintf(number, sizeof number, "%.6f", histogram.sum);
    text += "cowatch_http_request_seconds_sum{route=\"" + route + "\"} " + number + "\n";
    text += "cowatch_http_request_seconds_count{route=\"" + route + "\"} " + std::to_string(histogram.count) +
            "\n";
  }
  const auto current = release();
  text += gauge("cowatch_items", "Items of the catalogue.", "",
                static_cast<double>(readers_.take()->item_count()));
  text += gauge("cowatch_embedded_items", "Rows of the released embeddings.", "",
                static_cast<double>(current->index ? current->index->size() : 0));
  text += gauge("cowatch_build_info", "The program that answers; always 1.",
                "{version=\"" + std::string(version()) + "\",commit=\"" + std::string(commit()) + "\"}", 1);
  text +=
      gauge("process_resident_memory_bytes", "Memory in use, mapped files among it.", "", resident_bytes());
  return text + vectors_.metrics(vectors_.may_read_all(request));
}

}  // namespace cowatch::serve
