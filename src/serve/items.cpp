#include "serve/items.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "serve/present.h"
#include "serve/quality.h"
#include "serve/requests.h"
#include "store/import/parse.h"

namespace cowatch::serve {
namespace {

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

Response change_item(Call& call, const std::function<void(ItemRecord&)>& work) {
  const uint32_t index = need_item(call, call.path[0]).index;
  call.service.write([&](Catalogue& catalogue) { catalogue.change_item(index, work); });
  return json_response({{"RowAffected", 1}});
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

}  // namespace

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

Response patch_item(Call& call) {
  return change_item(call, [&](ItemRecord& item) { set_fields(call.body, item); });
}

Response delete_item(Call& call) {
  return change_item(call, [](ItemRecord& item) { item.hidden = true; });
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

Response popular(Call& call) {
  return ranked_response(call, popular_videos(call.catalogue, *call.release, related_query(call, most_ranked)));
}

Response latest(Call& call) {
  return ranked_response(call, latest_videos(call.catalogue, related_query(call, most_ranked)));
}

}  // namespace cowatch::serve
