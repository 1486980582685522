// The operations on items, users, feedback, related videos and tasks, and the table of all routes.
#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/settings.h"
#include "base/version.h"
#include "pipeline/ranking.h"
#include "serve/present.h"
#include "serve/quality.h"
#include "serve/service.h"
#include "serve/views.h"
#include "store/import/parse.h"

namespace cowatch::serve {
namespace {

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

ItemRecord need_item(const Call& call, const std::string& id) {
  const auto index = call.catalogue.find_item(id);
  if (!index)
    throw Error(ErrorCode::not_found, "there is no such item", {.found = "'" + id.substr(0, 80) + "'"});
  return *call.catalogue.item(*index);
}

uint32_t cursor_of(const Call& call) {
  return static_cast<uint32_t>(call.request.whole("cursor", 0, 0, UINT32_MAX));
}
size_t count_of(const Call& call, int64_t fallback = 24, int64_t most = 200) {
  return static_cast<size_t>(call.request.whole("n", fallback, 0, most));
}

Response live(Call&) {
  return json_response({{"Live", true}});
}

Response list_items(Call& call) {
  const size_t count = count_of(call);
  const std::string words = call.request.text("query");
  const auto from = [&](uint32_t first, size_t limit) {
    return words.empty() ? call.catalogue.items(first, limit) : call.catalogue.find_items(words, first, limit);
  };
  Json items = Json::array();
  uint32_t next = cursor_of(call);
  while (items.size() < count) {
    const auto page = from(next, count);
    for (const ItemRecord& item : page) {
      next = item.index + 1;
      if (!item.hidden) items.push_back(to_json(item, call.catalogue));
      if (items.size() == count) break;
    }
    if (page.size() < count) break;
  }
  const bool more = count > 0 && !from(next, 1).empty();
  return json_response({{"Cursor", more ? std::to_string(next) : ""}, {"Items", items}});
}

Response get_item(Call& call) {
  return json_response(to_json(need_item(call, call.path[0]), call.catalogue));
}

int64_t time_of(const Json& body) {
  if (!body.contains("Timestamp") || body["Timestamp"].is_null()) return -1;
  const std::string text =
      body["Timestamp"].is_string() ? body["Timestamp"].get<std::string>() : body["Timestamp"].dump();
  const auto time = parse_time(text);
  if (!time)
    throw Error(ErrorCode::bad_input, "the time cannot be read",
                {.where = "/Timestamp",
                 .expected = "ISO 8601 or seconds since 1970, from 1990 to 2100",
                 .found = text.substr(0, 40)});
  return *time;
}

// "" where a field is null.
std::string text_of(const Json& field) {
  return field.is_string() ? field.get<std::string>() : std::string();
}

std::string labels_of(const Json& body) {
  const auto found = body.find("Labels");
  return found != body.end() && found->is_structured() ? found->dump() : std::string();
}

// Fields that the body names; what it leaves out stays.
void set_fields(const Json& body, ItemRecord& item) {
  const auto set = [&](const char* name, std::string& field) {
    if (body.contains(name)) field = text_of(body[name]);
  };
  set("Comment", item.title);
  set("Title", item.title);
  set("Description", item.description);
  set("Author", item.author);
  set("Language", item.language);
  if (body.contains("Timestamp")) item.created_ms = time_of(body);
  if (body.contains("IsHidden")) item.hidden = body["IsHidden"].get<bool>();
  if (body.contains("Labels")) item.attributes = labels_of(body);
  if (!body.contains("Categories")) return;
  item.hashtags.clear();
  for (const Json& tag : body["Categories"]) {
    for (std::string& text : split_tags(tag.get<std::string>(), "")) {
      if (std::find(item.hashtags.begin(), item.hashtags.end(), text) == item.hashtags.end())
        item.hashtags.push_back(std::move(text));
    }
  }
}

// One record or several.
Json each_of(const Json& body) {
  return body.is_array() ? body : Json::array({body});
}

Response put_items(Call& call) {
  std::vector<ItemRecord> items;
  for (const Json& body : each_of(call.body)) {
    items.emplace_back().id = body["ItemId"].get<std::string>();
    set_fields(body, items.back());
  }
  call.service.write([&](Catalogue& catalogue) {
    catalogue.put_items(items);
    for (const Json& body : each_of(call.body)) {
      if (body.contains("IsHidden"))
        catalogue.hide_item(*catalogue.find_item(body["ItemId"].get<std::string>()), body["IsHidden"].get<bool>());
    }
  });
  return json_response({{"RowAffected", items.size()}});
}

Response change_item(Call& call, const std::function<void(ItemRecord&)>& work) {
  const uint32_t index = need_item(call, call.path[0]).index;
  call.service.write([&](Catalogue& catalogue) { catalogue.change_item(index, work); });
  return json_response({{"RowAffected", 1}});
}

Response patch_item(Call& call) {
  return change_item(call, [&](ItemRecord& item) { set_fields(call.body, item); });
}

Response delete_item(Call& call) {
  return change_item(call, [](ItemRecord& item) { item.hidden = true; });
}

RelatedQuery related_query(const Call& call, int64_t most_offset = 1000) {
  RelatedQuery query;
  query.count = count_of(call, 10);
  query.offset = static_cast<size_t>(call.request.whole("offset", 0, 0, most_offset));
  query.user = call.request.text("user-id");
  std::string list = call.request.text("exclude");
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    if (end > 0) query.exclude.push_back(list.substr(0, end));
    list.erase(0, end + 1);
  }
  return query;
}

// A share of the questions is asked again exactly, later; what both found is counted.
void measure_recall(Call& call, uint32_t video) {
  const auto& index = call.release->index;
  RecallSampler& sampler = call.service.vectors().recall();
  if (!index || index->kind() == IndexKind::exact || video >= index->size() || !index->embedded(video) ||
      !sampler.takes(related_recall))
    return;
  sampler.offer(related_recall, [release = call.release, video] {
    const EmbeddingIndex& index = *release->index;
    const auto truth = index.search(index.row(video), 10, {video}, EmbeddingIndex::Way::exact);
    const auto answer = index.search(index.row(video), 10, {video});
    const float least = truth.empty() ? 0 : truth.back().score - 1e-6f;
    const auto found = std::count_if(answer.begin(), answer.end(), [&](const Scored& each) { return each.score >= least; });
    return RecallSampler::Count{std::min(truth.size(), static_cast<size_t>(found)), truth.size()};
  });
}

Response item_to_item(Call& call) {
  const ItemRecord item = need_item(call, call.path[0]);
  measure_recall(call, item.index);
  Json list = Json::array();
  for (const Related& related :
       related_videos(call.catalogue, *call.release, item.index, related_query(call))) {
    list.push_back(to_json(related, call.catalogue));
  }
  return json_response(list);
}

Json ranked_json(const Call& call, const std::vector<Ranked>& list) {
  Json json = Json::array();
  for (const Ranked& ranked : list) json.push_back(to_json(ranked, call.catalogue));
  return json;
}

constexpr int64_t most_ranked = 10'000'000;  // a wall may be walked to its end

Response popular(Call& call) {
  return json_response(
      ranked_json(call, popular_videos(call.catalogue, *call.release, related_query(call, most_ranked))));
}

Response latest(Call& call) {
  return json_response(ranked_json(call, latest_videos(call.catalogue, related_query(call, most_ranked))));
}

UserRecord need_user(const Call& call, const std::string& id) {
  if (auto user = call.catalogue.user(id)) return std::move(*user);
  throw Error(ErrorCode::not_found, "there is no such user", {.found = "'" + id.substr(0, 80) + "'"});
}

// Somebody new gets what others watch.
std::vector<Ranked> recommended_to(const Call& call) {
  RelatedQuery query = related_query(call);
  if (!call.catalogue.user(call.path[0])) return popular_videos(call.catalogue, *call.release, query);
  query.user = call.path[0];
  return recommended_videos(call.catalogue, *call.release, query);
}

Response recommend(Call& call) {
  Json ids = Json::array();
  for (const Ranked& ranked : recommended_to(call)) ids.push_back(ranked.item.id);
  return json_response(ids);
}

Response recommended(Call& call) {
  return json_response(ranked_json(call, recommended_to(call)));
}

Response list_users(Call& call) {
  const auto found = call.catalogue.users(call.request.text("cursor"), count_of(call));
  Json users = Json::array();
  for (const UserRecord& user : found) users.push_back(to_json(user));
  return json_response(
      {{"Cursor", found.size() < count_of(call) || found.empty() ? "" : found.back().id}, {"Users", users}});
}

Response get_user(Call& call) {
  return json_response(to_json(need_user(call, call.path[0])));
}

void set_fields(const Json& body, UserRecord& user) {
  if (body.contains("Labels")) user.labels = labels_of(body);
  if (body.contains("Comment")) user.comment = text_of(body["Comment"]);
}

Response put_users(Call& call) {
  std::vector<UserRecord> users;
  for (const Json& body : each_of(call.body)) {
    users.emplace_back().id = body["UserId"].get<std::string>();
    set_fields(body, users.back());
  }
  call.service.write([&](Catalogue& catalogue) { catalogue.put_users(users); });
  return json_response({{"RowAffected", users.size()}});
}

Response patch_user(Call& call) {
  need_user(call, call.path[0]);
  call.service.write([&](Catalogue& catalogue) {
    catalogue.change_user(call.path[0], [&](UserRecord& user) { set_fields(call.body, user); });
  });
  return json_response({{"RowAffected", 1}});
}

Response delete_user(Call& call) {
  need_user(call, call.path[0]);
  call.service.write([&](Catalogue& catalogue) { catalogue.remove_user(call.path[0]); });
  return json_response({{"RowAffected", 1}});
}

Json events_json(std::span<const Event> events) {
  Json list = Json::array();
  for (const Event& event : events) list.push_back(to_json(event));
  return list;
}

FeedbackKind need_kind(const std::string& name) {
  if (const auto kind = feedback_kind(name)) return *kind;
  std::vector<std::string> names = feedback_names();
  const std::string near = nearest_name(name, names);
  throw Error(ErrorCode::bad_argument, "there is no such feedback",
              {.expected = "a FeedbackType",
               .found = "'" + name.substr(0, 80) + "'",
               .remedy = near.empty() ? "/apidocs lists them." : "Did you mean " + near + "?"});
}

constexpr size_t most_events = 100000;  // of one person or video that are looked through, newest first

// The newest events of a list, those of one kind where the address names it.
Response newest(Call& call, std::vector<Event> (*events)(Call&, size_t)) {
  const size_t count = count_of(call, 100, 10000);
  if (call.path.size() == 1) return json_response(events_json(events(call, count)));
  const FeedbackKind kind = need_kind(call.path[1]);
  std::vector<Event> found = events(call, most_events);
  std::erase_if(found, [&](const Event& event) { return event.kind != kind; });
  if (found.size() > count) found.resize(count);
  return json_response(events_json(found));
}

Response user_feedback(Call& call) {
  need_user(call, call.path[0]);
  return newest(call,
                [](Call& from, size_t count) { return from.catalogue.user_events(from.path[0], count); });
}

Response item_feedback(Call& call) {
  need_item(call, call.path[0]);
  return newest(call, [](Call& from, size_t count) {
    return from.catalogue.item_events(*from.catalogue.find_item(from.path[0]), count);
  });
}

// What a person did with a video.
std::vector<Event> feedback_between(const Call& call, const std::string& user, const std::string& item) {
  need_user(call, user);
  std::vector<Event> found = call.catalogue.user_events(user, most_events);
  std::erase_if(found, [&](const Event& event) { return event.item != item; });
  return found;
}

Response pair_feedback(Call& call) {
  return json_response(events_json(feedback_between(call, call.path[0], call.path[1])));
}

Response one_feedback(Call& call) {
  const FeedbackKind kind = need_kind(call.path[0]);
  for (const Event& event : feedback_between(call, call.path[1], call.path[2])) {
    if (event.kind == kind) return json_response(to_json(event));
  }
  throw Error(ErrorCode::not_found, "there is no such feedback of this person");
}

Event event_of(const Json& body) {
  Event event;
  event.user = body["UserId"].get<std::string>();
  event.item = body["ItemId"].get<std::string>();
  event.kind = *feedback_kind(body["FeedbackType"].get<std::string>());
  event.time_ms = body.contains("Timestamp") ? time_of(body) : now_ms();
  if (body.contains("WatchedSeconds"))
    event.watched_ms = static_cast<int64_t>(body["WatchedSeconds"].get<double>() * 1000);
  if (body.contains("LengthSeconds"))
    event.length_ms = static_cast<int64_t>(body["LengthSeconds"].get<double>() * 1000);
  if (event.kind == FeedbackKind::watch && body.contains("Value"))
    event.portion = body["Value"].get<double>();
  event.text = body.value("Comment", std::string());
  return event;
}

Response post_feedback(Call& call) {
  std::vector<Event> events;
  for (const Json& body : call.body) events.push_back(event_of(body));
  Catalogue::Written written;
  call.service.write([&](Catalogue& catalogue) { written = catalogue.add_events(events); });
  return json_response({{"RowAffected", written.accepted}});
}

Response delete_feedback(Call& call) {
  const FeedbackKind kind = need_kind(call.path[0]);
  bool removed = false;
  call.service.write(
      [&](Catalogue& catalogue) { removed = catalogue.remove_event(call.path[1], call.path[2], kind); });
  if (!removed) throw Error(ErrorCode::not_found, "there is no such feedback of this person");
  return json_response({{"RowAffected", 1}});
}

Response list_tasks(Call& call) {
  return json_response(call.service.tasks().list());
}
Response get_task(Call& call) {
  return json_response(call.service.tasks().task(call.path[0]));
}

Response openapi(Call&) {
  Response response;
  response.body = openapi_text();
  return response;
}

Response metrics(Call& call) {
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = call.service.metrics(call.request);
  return response;
}

Response docs(Call&) {
  Response response;
  response.content_type = "text/html; charset=utf-8";
  response.body = api_page();
  return response;
}

const std::pair<std::string, std::string>
    n = {"n", "how many at most"},
    cursor = {"cursor", "where to go on, from the last answer"}, offset = {"offset", "how many to skip"},
    user = {"user-id", "leave out what this person has watched, disliked or hidden"},
    exclude = {"exclude", "ids to leave out, parted by commas"};

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> all = {
      {"GET", "/api/health/live", "Whether the process answers.", "", "Live", 200, live},
      {"GET", "/api/health/ready", "Whether related videos can be answered, and what is missing.", "",
       "Ready", 200, ready},
      {"GET", "/api/health", "What the data are like and what they allow.", "", "Health", 200, health},
      {"GET", "/api/quality", "How well searches find, how fast, in how much memory; and what would mend it.", "", "Quality", 200, quality},
      {"GET", "/api/summary", "Counts and versions.", "", "Summary", 200, summary},
      {"GET",
       "/api/items",
       "Items, page by page, or those with every word of a query in title, author or hashtags, or as their id.",
       "",
       "ItemPage",
       200,
       list_items,
       {n, cursor, {"query", "words"}}},
      {"POST", "/api/items", "Add or change items.", "ItemInputs", "RowsAffected", 200, put_items},
      {"POST", "/api/item", "Add or change one item.", "ItemInput", "RowsAffected", 200, put_items},
      {"GET", "/api/item/{item-id}", "One item.", "", "Item", 200, get_item},
      {"PATCH", "/api/item/{item-id}", "Change some fields of an item.", "ItemPatch", "RowsAffected", 200,
       patch_item},
      {"DELETE", "/api/item/{item-id}", "Hide an item: it is never answered again.", "", "RowsAffected", 200,
       delete_item},
      {"GET",
       "/api/item/{item-id}/feedback",
       "Feedback on an item, newest first.",
       "",
       "FeedbackList",
       200,
       item_feedback,
       {n}},
      {"GET",
       "/api/item-to-item/related/{item-id}",
       "Related videos, with why.",
       "",
       "Neighbours",
       200,
       item_to_item,
       {n, offset, user, exclude}},
      {"GET",
       "/api/item/{item-id}/neighbors",
       "Related videos, at the address that older clients of Gorse ask.",
       "",
       "Neighbours",
       200,
       item_to_item,
       {n}},
      {"GET",
       "/api/popular",
       "Videos by the number of people who watched them when the graph was made; without a log, by the "
       "weight of "
       "their links in the imported graph.",
       "",
       "RankedList",
       200,
       popular,
       {n, offset, user, exclude}},
      {"GET",
       "/api/latest",
       "Newest videos first, those without a time last.",
       "",
       "RankedList",
       200,
       latest,
       {n, offset, user, exclude}},
      {"GET",
       "/api/recommend/{user-id}",
       "Ids of videos near those a person watched last; popular ones for who watched nothing that is "
       "embedded.",
       "",
       "Ids",
       200,
       recommend,
       {n, offset, exclude}},
      {"GET",
       "/api/user/{user-id}/recommended",
       "The same with scores, items and why.",
       "",
       "RankedList",
       200,
       recommended,
       {n, offset, exclude}},
      {"GET",
       "/api/item/{item-id}/feedback/{feedback-type}",
       "Feedback of one type on an item, newest first.",
       "",
       "FeedbackList",
       200,
       item_feedback,
       {n}},
      {"GET", "/api/users", "Users, page by page.", "", "UserPage", 200, list_users, {n, cursor}},
      {"POST", "/api/users", "Add users, or replace what is known of them.", "UserInputs", "RowsAffected", 200, put_users},
      {"POST", "/api/user", "Add a user, or replace what is known.", "UserInput", "RowsAffected", 200, put_users},
      {"GET", "/api/user/{user-id}", "One user.", "", "User", 200, get_user},
      {"PATCH", "/api/user/{user-id}", "Change some fields of a user.", "UserPatch", "RowsAffected", 200, patch_user},
      {"DELETE", "/api/user/{user-id}", "Forget a user: id, labels and all feedback.", "", "RowsAffected", 200,
       delete_user},
      {"GET",
       "/api/user/{user-id}/feedback",
       "A user's feedback, newest first.",
       "",
       "FeedbackList",
       200,
       user_feedback,
       {n}},
      {"GET",
       "/api/user/{user-id}/feedback/{feedback-type}",
       "A user's feedback of one type, newest first.",
       "",
       "FeedbackList",
       200,
       user_feedback,
       {n}},
      {"POST", "/api/feedback", "Add feedback; exact repeats are ignored.", "FeedbackInputs", "RowsAffected",
       200, post_feedback},
      {"PUT", "/api/feedback", "The same: what is there already is left as it is.", "FeedbackInputs",
       "RowsAffected", 200, post_feedback},
      {"GET", "/api/feedback/{user-id}/{item-id}", "What a user did with an item, newest first.", "",
       "FeedbackList", 200, pair_feedback},
      {"GET", "/api/feedback/{feedback-type}/{user-id}/{item-id}",
       "The newest feedback of one type of a user on an item.", "", "Feedback", 200, one_feedback},
      {"DELETE", "/api/feedback/{feedback-type}/{user-id}/{item-id}", "Remove feedback.", "", "RowsAffected",
       200, delete_feedback},
      {"POST",
       "/api/search/upload",
       "Search by a video file nobody has watched: starts a task.",
       "file",
       "Task",
       202,
       search_upload,
       {n}},
      {"GET", "/api/tasks", "Tasks, newest first.", "", "TaskList", 200, list_tasks},
      {"GET", "/api/task/{task-id}", "One task.", "", "Task", 200, get_task},
      {"GET", "/api/tree", "The affinity tree: its levels and largest clusters.", "", "Tree", 200, tree, {n}},
      {"GET",
       "/api/tree/{round}/{cluster}",
       "One cluster, its children and videos.",
       "",
       "ClusterPage",
       200,
       cluster,
       {n}},
      {"GET",
       "/api/map",
       "All embeddings in the plane.",
       "",
       "Map",
       200,
       map,
       {{"round", "of the clusters that colour it"}, n}},
      {"GET", "/api/curves", "Training curves.", "", "Curves", 200, curves},
      {"GET", "/api/openapi.json", "This interface, as OpenAPI 3.", "", "", 200, openapi},
      {"GET", "/metrics", "Prometheus metrics.", "", "", 200, metrics},
      {"GET", "/apidocs", "This interface, for people.", "", "", 200, docs},
  };
  return all;
}

}  // namespace cowatch::serve
