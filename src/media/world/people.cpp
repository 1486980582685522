// People: their tastes, and what they did in each session.
#include <algorithm>
#include <cmath>

#include "media/world.h"
#include "media/world/draws.h"

namespace cowatch {
namespace {

constexpr int64_t hour_ms = 3'600'000, one_day_ms = 24 * hour_ms;
// Hours east of Greenwich for place_terms().
constexpr int zone_hours[] = {8, 8, 8, 0, 3, -5, 1, 9, -5, 5, 1, 8};

constexpr double watches_per_session = 6;

}  // namespace

Person World::person(uint32_t index) const {
  Draws draws(settings.seed, WorldStream::person, index);
  Person person;
  // Popular series have more friends. The later interests lean on the first: people mostly stay with a topic.
  const auto series_of = [&](const Group& group) { return videos[group.draw(draws.uniform())].series; };
  const uint32_t home = series_of(all_);
  const VideoFactors& root = videos[series[home].episodes[0]];
  const auto near_home = [&](double same_subject, double same_family) {
    const double u = draws.uniform();
    if (u < same_subject) return series_of(by_subject_[root.subject]);
    if (u < same_subject + same_family) return series_of(by_family_[root.family]);
    return series_of(all_);
  };
  person.early = {Interest{home, 0.6}, Interest{near_home(0.7, 0.25), 0.25},
                  Interest{near_home(0.5, 0.4), 0.15}};
  person.late = person.early;
  if (draws.chance(0.35)) {  // a drift: one of the three is replaced, and becomes the strongest
    person.late[2] = {near_home(0.45, 0.45), 0.6};
    person.late[0].weight = 0.25;
    person.late[1].weight = 0.15;
  }
  person.drift_ms = log_begin_ms + static_cast<int64_t>(draws.uniform(0.4, 0.6) * settings.days * one_day_ms);
  person.exploration = draws.uniform(0.02, 0.12);
  constexpr double hours[] = {7.5, 12.5, 18.5, 21, 23};
  person.hour = draws.pick(hours) + draws.normal(0, 0.7);
  person.chinese = draws.chance(0.5);
  person.place =
      static_cast<uint8_t>(person.chinese ? (draws.chance(0.8) ? draws.below(3) : 11) : 3 + draws.below(8));
  const double mean = settings.watches_per_person / watches_per_session;
  // Activity is uneven: a log-normal with the mean asked for.
  const double activity = mean * std::exp(draws.normal(0, 0.5) - 0.125);
  person.sessions = std::max(1u, static_cast<uint32_t>(activity + draws.uniform()));
  return person;
}

namespace {

// Where the next video of a session comes from, given what the session is after. Levels as in
// World::group_for(); 6 is the series itself.
int draw_level(Draws& draws) {
  const double u = draws.uniform();
  if (u < 0.42) return 6;
  if (u < 0.60) return 5;
  if (u < 0.74) return 4;
  if (u < 0.88) return 3;
  if (u < 0.91) return 2;
  if (u < 0.97) return 1;
  return 0;
}

// How well a video meets the interest of the session, 0 … 1.
double liking(const VideoFactors& video, const VideoFactors& target) {
  if (video.series == target.series) return 1;
  double value = 0;
  if (video.family == target.family) value += 0.2;
  if (video.subject == target.subject) value += 0.3;
  if (video.motion == target.motion) value += 0.2;
  if (video.sound == target.sound) value += 0.25;
  return value;
}

// One person's session, event after event.
class Session {
 public:
  Session(const World& world, uint32_t person, uint32_t number, int64_t begin, Draws& draws)
      : world_(world), person_(person), number_(number), now_(begin), draws_(draws) {}

  void add(FeedbackKind kind, uint32_t video, int64_t after_ms) {
    now_ += after_ms;
    WorldEvent event;
    event.person = person_;
    event.video = video;
    event.kind = kind;
    event.session = number_;
    event.time_ms = now_;
    event.text_seed = draws_.bits();
    events.push_back(event);
  }

  void watch(uint32_t video, double liked) {
    const VideoFactors& factors = world_.videos[video];
    const auto length = static_cast<int32_t>(std::lround(factors.seconds * 1000));
    // Liked clips run through and often again; the others are left early. Nobody is that predictable.
    double portion = liked * draws_.uniform(0.75, 1.25) + draws_.normal(0.05, 0.12);
    if (liked > 0.6 && draws_.chance(0.25)) portion += 1 + (draws_.chance(0.3) ? 1 : 0);
    portion = std::clamp(portion, 0.04, 3.0);
    if (portion > 0.9 && portion < 1.15) portion = 1;
    add(FeedbackKind::watch, video, 400 + draws_.below(2000));
    events.back().watched_ms = static_cast<int32_t>(portion * length);
    events.back().length_ms = length;
    const int64_t end = now_ + events.back().watched_ms;
    react(video, liked, portion);
    now_ = std::max(now_, end);
  }

  int64_t now() const { return now_; }
  std::vector<WorldEvent> events;

 private:
  void react(uint32_t video, double liked, double portion) {
    const bool pleased = portion >= 0.8;
    if (pleased && draws_.chance(0.05 + 0.2 * liked)) add(FeedbackKind::like, video, 900);
    if (pleased && draws_.chance(0.02 + 0.06 * liked)) add(FeedbackKind::comment, video, 1500);
    if (pleased && draws_.chance(0.03 * liked)) add(FeedbackKind::share, video, 700);
    if (pleased && draws_.chance(0.02 * liked)) add(FeedbackKind::follow, video, 500);
    if (pleased && draws_.chance(0.015)) add(FeedbackKind::hashtag, video, 800);
    if (portion < 0.2 && draws_.chance(0.06)) add(FeedbackKind::dislike, video, 300);
    if (portion < 0.2 && draws_.chance(0.04)) add(FeedbackKind::hide, video, 300);
  }

  const World& world_;
  uint32_t person_, number_;
  int64_t now_;
  Draws& draws_;
};

const Interest& choose_interest(const Person& person, int64_t time, Draws& draws) {
  const auto& interests = time < person.drift_ms ? person.early : person.late;
  double u = draws.uniform();
  for (const Interest& interest : interests) {
    u -= interest.weight;
    if (u < 0) return interest;
  }
  return interests[0];
}

}  // namespace

std::vector<WorldEvent> World::events_of(uint32_t index) const {
  const Person who = person(index);
  Draws draws(settings.seed, WorldStream::events, index);
  // Sessions: distinct stretches of the log, near the favourite hour, never overlapping.
  std::vector<int64_t> begins(who.sessions);
  for (int64_t& begin : begins) {
    const auto day = static_cast<int64_t>(draws.below(static_cast<size_t>(settings.days)));
    const double local = draws.chance(0.8) ? draws.normal(who.hour, 1.2) : draws.uniform(7, 24);
    begin = log_begin_ms + day * one_day_ms + static_cast<int64_t>((local - zone_hours[who.place]) * hour_ms);
  }
  std::sort(begins.begin(), begins.end());

  std::vector<WorldEvent> events;
  int64_t free_from = 0;
  for (uint32_t s = 0; s < who.sessions; ++s) {
    Session session(*this, index, s, std::max(begins[s], free_from), draws);
    const bool exploring = draws.chance(who.exploration);
    const uint32_t target_series =
        exploring ? videos[all_.draw(draws.uniform())].series : choose_interest(who, begins[s], draws).series;
    const VideoFactors& target = videos[series[target_series].episodes[0]];
    const auto next = [&]() -> uint32_t {
      for (int attempt = 0; attempt < 6; ++attempt) {
        const int level = draw_level(draws);
        const std::vector<uint32_t>& home = series[target_series].episodes;
        const uint32_t video =
            level == 6 ? home[draws.below(home.size())] : group_for(level, target)->draw(draws.uniform());
        if (videos[video].created_ms <= session.now()) return video;
      }
      return UINT32_MAX;  // nothing of the kind has been uploaded yet
    };
    const uint32_t count = 2 + draws.below(static_cast<size_t>(2 * watches_per_session - 3));
    if (draws.chance(0.12)) {
      const uint32_t found = next();
      if (found != UINT32_MAX) session.add(FeedbackKind::search, found, 2000);
    }
    std::vector<uint32_t> seen;
    for (uint32_t w = 0; w < count; ++w) {
      for (uint32_t shown = draws.below(3); shown > 0; --shown) {  // offered and passed over
        const uint32_t other = all_.draw(draws.uniform());
        if (videos[other].created_ms <= session.now()) session.add(FeedbackKind::impression, other, 200);
      }
      const uint32_t video = next();
      if (video == UINT32_MAX || std::find(seen.begin(), seen.end(), video) != seen.end()) continue;
      seen.push_back(video);
      session.add(FeedbackKind::impression, video, 300);
      if (draws.chance(0.3)) session.add(FeedbackKind::click, video, 350);
      session.watch(video, liking(videos[video], target));
    }
    free_from = session.now() + hour_ms / 4;
    events.insert(events.end(), session.events.begin(), session.events.end());
  }
  return events;
}

}  // namespace cowatch
