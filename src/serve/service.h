// What the server answers: one operation a function, over a workspace. No sockets here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/settings.h"
#include "pipeline/release.h"
#include "serve/message.h"
#include "serve/tasks.h"
#include "serve/vectors/vector_service.h"
#include "store/catalogue_readers.h"
#include "store/health.h"
#include "store/workspace.h"

namespace cowatch::serve {

class Service;

// A request matched with its route.
struct Call {
  Service& service;
  const Request& request;
  const Catalogue& catalogue;  // for reading, this thread's own; as it was when the request came
  std::shared_ptr<const Release> release;
  std::vector<std::string> path;  // values of the {…} parts
  Json body;                      // parsed and checked, where the route has a schema
};

// One operation, declared once: dispatch, checks of bodies, OpenAPI and its page come from this.
struct Route {
  std::string method, path;  // "GET", "/api/item/{item-id}"
  std::string summary;
  std::string body_schema;    // of a JSON body; "": none; "file": bytes
  std::string answer_schema;  // of a 2xx JSON answer; "": not JSON
  int status = 200;           // of success
  Response (*answer)(Call&);
  std::vector<std::pair<std::string, std::string>> query = {};  // parameter and its meaning
};

const std::vector<Route>& routes();
std::string openapi_text();  // /api/openapi.json
std::string api_page();      // /apidocs

class Service {
 public:
  Service(Workspace workspace, const Settings& settings);

  // Never throws: errors become problems. Safe for many threads.
  Response answer(const Request& request);
  VectorService& vectors() { return vectors_; }

  const Workspace& workspace() const { return workspace_; }
  const Settings& settings() const { return settings_; }
  Tasks& tasks() { return tasks_; }
  size_t upload_limit() const { return upload_limit_; }
  const std::string& key() const { return key_; }  // "": none needed
  // Writers take turns.
  void write(const std::function<void(Catalogue&)>& work);
  // Counts over the whole log. Where they take long they are kept for a while, so that asking for them again and
  // again never takes more than a twentieth of a processor; small platforms see every change at once.
  Health health(const Catalogue& catalogue);
  std::string metrics(const Request& request);  // of collections only what the request may read

 private:
  Response dispatch(const Request& request, std::string& route_name);
  Response run(const Route& route, const Request& request, const std::vector<std::string>& values);
  Response problem_within(const Error& error) const;
  Response page_file(const std::string& path) const;
  std::shared_ptr<const Release> release();
  void check_key(const Request& request) const;
  void record(const std::string& route, int status, double seconds);

  Workspace workspace_;
  CatalogueReaders readers_;
  Settings settings_;
  size_t upload_limit_;
  std::string key_;
  std::mutex release_mutex_, write_mutex_, metrics_mutex_;
  std::shared_ptr<const Release> release_;
  double checked_at_ = 0;  // when the files were last looked at
  std::mutex health_mutex_;
  Health health_;
  double health_until_ = 0;  // seconds_now() up to which health_ is answered
  struct Histogram {
    std::map<int, uint64_t> by_status;
    std::vector<uint64_t> buckets;
    double sum = 0;
    uint64_t count = 0;
  };
  std::map<std::string, Histogram> metrics_;
  VectorService vectors_;
  Tasks tasks_;
};

}  // namespace cowatch::serve
