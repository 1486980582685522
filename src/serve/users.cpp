#include "serve/users.h"

#include "base/error.h"
#include "base/json.h"
#include "serve/present.h"
#include "serve/requests.h"

namespace cowatch::serve {
namespace {

// Somebody new gets what others watch.
std::vector<Ranked> recommended_to(const Call& call) {
  RelatedQuery query = related_query(call);
  if (!call.catalogue.user(call.path[0])) return popular_videos(call.catalogue, *call.release, query);
  query.user = call.path[0];
  return recommended_videos(call.catalogue, *call.release, query);
}

void set_fields(const Json& body, UserRecord& user) {
  if (body.contains("Labels")) user.labels = labels_of(body);
  if (body.contains("Comment")) user.comment = text_of(body["Comment"]);
}

}  // namespace

Response recommend(Call& call) {
  Json ids = Json::array();
  for (const Ranked& ranked : recommended_to(call)) ids.push_back(ranked.item.id);
  return json_response(ids);
}

Response recommended(Call& call) {
  return ranked_response(call, recommended_to(call));
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

}  // namespace cowatch::serve
