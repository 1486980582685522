#include "serve/feedback.h"

#include <chrono>

#include "base/error.h"
#include "base/json.h"
#include "serve/present.h"
#include "serve/requests.h"
#include "store/import/parse.h"

namespace cowatch::serve {
namespace {

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
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

// What a person did with a video.
std::vector<Event> feedback_between(const Call& call, const std::string& user, const std::string& item) {
  need_user(call, user);
  std::vector<Event> found = call.catalogue.user_events(user, most_events);
  std::erase_if(found, [&](const Event& event) { return event.item != item; });
  return found;
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

}  // namespace

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

}  // namespace cowatch::serve
