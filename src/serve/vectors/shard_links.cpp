#include "serve/vectors/shard_links.h"

#include <algorithm>
#include <condition_variable>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "base/json_text.h"

namespace cowatch::serve {
namespace {

// Whether a refusal is about what was asked: its words, and the place they begin with, are the client's
// matter.
std::optional<ErrorCode> fault_of_request(int status) {
  switch (status) {
    case 400:
      return ErrorCode::bad_argument;
    case 413:
      return ErrorCode::too_large;
    case 422:
      return ErrorCode::bad_input;
    case 501:
      return ErrorCode::unsupported;
    default:
      return std::nullopt;
  }
}

// All shards that failed, in one error.
Error shard_error(const ShardedCollection& collection, const std::vector<ShardQuestion>& questions,
                  const std::vector<ShardReply>& replies) {
  std::string failed;
  bool full = false, changes = false;
  for (size_t i = 0; i < replies.size(); ++i) {
    changes = changes || questions[i].changes;
    if (replies[i].status == 200) continue;
    full = full || replies[i].status == 507;
    failed +=
        (failed.empty() ? "" : "; ") + collection.shards[questions[i].shard].address + ": " + replies[i].body;
  }
  return Error(full ? ErrorCode::no_space : ErrorCode::overloaded,
               "not every shard of `" + collection.name + "` answered",
               {.found = failed,
                .remedy = changes ? "The others keep what they took: send the whole request again."
                                  : "Nothing is answered from the others alone: try again."});
}

}  // namespace

void ShardLinks::open_by(OpenShardLink open) {
  const std::lock_guard lock(mutex_);
  open_ = std::move(open);
}

std::shared_ptr<ShardLink> ShardLinks::link(const Shard& shard) {
  const std::lock_guard lock(mutex_);
  auto& found = links_[{shard.address, shard.token}];
  if (!found) {
    if (!open_) throw Error(ErrorCode::unsupported, "this program cannot ask other servers");
    found = open_(shard);
  }
  return found;
}

std::vector<ShardReply> ShardLinks::replies(const ShardedCollection& collection,
                                            const std::vector<ShardQuestion>& questions,
                                            const Patience& patience, const std::string& priority) {
  constexpr std::chrono::milliseconds often{20};  // looks at who asks
  std::vector<std::shared_ptr<ShardLink>> links;
  for (const ShardQuestion& each : questions) links.push_back(link(collection.shards[each.shard]));
  std::vector<ShardReply> replies(questions.size());
  std::mutex mutex;
  std::condition_variable all_came;
  size_t awaited = questions.size();
  std::vector<std::function<void()>> give_up;
  for (size_t i = 0; i < questions.size(); ++i) {
    const ShardQuestion& each = questions[i];
    give_up.push_back(
        links[i]->ask({each.method, "/collections/" + collection.name + each.path, each.body, priority},
                      patience.deadline, [&, i](ShardReply reply) {
                        const std::lock_guard lock(mutex);
                        replies[i] = std::move(reply);
                        if (--awaited == 0) all_came.notify_one();
                      }));
  }
  const bool changes = std::ranges::any_of(questions, &ShardQuestion::changes);
  const auto came = [&] { return awaited == 0; };
  std::unique_lock lock(mutex);
  while (patience.gone && !changes && !all_came.wait_for(lock, often, came)) {
    if (!patience.left()) continue;
    lock.unlock();
    for (const auto& each : give_up) each();
    lock.lock();
    break;
  }
  all_came.wait(lock, came);
  if (!changes && patience.left()) patience.check();
  return replies;
}

std::vector<Json> ShardLinks::results(const ShardedCollection& collection,
                                      const std::vector<ShardQuestion>& questions, const Patience& patience,
                                      const std::string& priority) {
  const auto answers = replies(collection, questions, patience, priority);
  bool complete = true;
  for (const ShardReply& answer : answers) {
    if (const auto code = fault_of_request(answer.status)) throw Error(*code, answer.body);
    complete = complete && answer.status == 200;
  }
  if (!complete) throw shard_error(collection, questions, answers);
  std::vector<Json> results;
  for (size_t i = 0; i < answers.size(); ++i)
    results.push_back(parse_json(answers[i].body, collection.shards[questions[i].shard].address));
  return results;
}

}  // namespace cowatch::serve
