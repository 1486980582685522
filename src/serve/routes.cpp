// The table of all routes, and the operations that are a line.
#include "base/json.h"
#include "serve/feedback.h"
#include "serve/items.h"
#include "serve/quality.h"
#include "serve/service.h"
#include "serve/users.h"
#include "serve/views.h"

namespace cowatch::serve {
namespace {

Response live(Call&) {
  return json_response({{"Live", true}});
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
