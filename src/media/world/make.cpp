// How the videos of a world come about: series, their episodes, and the groups that people draw from.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "media/world.h"
#include "media/world/draws.h"

namespace cowatch {
namespace {

constexpr int64_t day_ms = 86'400'000;

void check(const WorldSettings& settings) {
  const auto refuse = [](std::string what, std::string expected, std::string found) {
    throw Error(ErrorCode::bad_argument, what + " is out of range", {.expected = expected, .found = found});
  };
  if (settings.videos < 1 || settings.videos > 100'000'000)
    refuse("the number of videos", "1 to 100,000,000", std::to_string(settings.videos));
  if (!(settings.correlation >= 0 && settings.correlation <= 1))
    refuse("the correlation of factors", "a number from 0 to 1", std::to_string(settings.correlation));
  if (!(settings.watches_per_person >= 1 && settings.watches_per_person <= 10'000))
    refuse("the number of watches a person", "1 to 10,000", std::to_string(settings.watches_per_person));
  if (!(settings.days >= 1 && settings.days <= 3650))
    refuse("the number of days", "1 to 3650", std::to_string(settings.days));
}

// The value its cause prefers with probability `correlation`, else a uniform one.
uint8_t pulled(Draws& draws, double correlation, size_t preferred, size_t count) {
  const bool follow = draws.chance(correlation);
  const uint32_t free = draws.below(count);
  return static_cast<uint8_t>(follow ? preferred : free);
}

// Episodes of a series: a power law between 2 and 16, 5.5 in the mean.
uint32_t episode_count(Draws& draws) {
  constexpr double least = 2, most = 17, exponent = 0.9;
  const double u = draws.uniform();
  const double a = std::pow(least, -exponent), b = std::pow(most, -exponent);
  return static_cast<uint32_t>(std::pow(a + u * (b - a), -1 / exponent));
}

// What all episodes of a series have in common.
VideoFactors series_factors(const WorldSettings& settings, uint32_t series) {
  Draws draws(settings.seed, WorldStream::series, series);
  VideoFactors factors;
  factors.series = series;
  factors.subject = static_cast<uint8_t>(draws.below(subject_terms().size()));
  const SubjectTerm& subject = subject_terms()[factors.subject];
  factors.family = subject.family;
  factors.motion = pulled(draws, settings.correlation, subject.usual_motion, motion_terms().size());
  factors.sound = pulled(draws, settings.correlation, subject.usual_sound, sound_terms().size());
  factors.variant = static_cast<uint8_t>(draws.below(8));
  factors.tempo = draws.uniform(84, 132);
  factors.key = static_cast<int>(draws.below(12));
  factors.chinese = draws.chance(0.5);
  factors.popularity = std::pow(1.0 - draws.uniform(), -0.45);
  // Some series are about a product: its shape then is the subject's own.
  std::vector<int8_t> shaped;
  for (size_t p = 0; p < product_terms().size(); ++p)
    if (product_terms()[p].subject == factors.subject) shaped.push_back(static_cast<int8_t>(p));
  if (!shaped.empty() && draws.chance(0.6)) {
    factors.product = shaped[draws.below(shaped.size())];
    factors.product_is_subject = true;
    factors.variant = product_terms()[static_cast<size_t>(factors.product)].variant;
  }
  return factors;
}

void choose_segments(Draws& draws, VideoFactors& factors) {
  factors.segment_count = draws.chance(0.4) ? 3 : 2;
  int direction = draws.sign();
  bool lively = draws.chance(0.5);
  for (uint8_t s = 0; s < factors.segment_count; ++s) {
    MotionSegment& segment = factors.segments[s];
    const double share = static_cast<double>(s) / factors.segment_count;
    segment.begin = s == 0 ? 0 : factors.seconds * (share + draws.uniform(-0.08, 0.08));
    // Neighbouring segments differ clearly in pace, or the change could not be seen.
    segment.speed = lively ? draws.uniform(1.25, 1.6) : draws.uniform(0.6, 0.85);
    segment.amplitude = lively ? draws.uniform(0.95, 1.2) : draws.uniform(0.6, 0.85);
    segment.direction = direction;
    lively = !lively;
    if (draws.chance(0.6)) direction = -direction;
  }
}

void choose_video(const WorldSettings& settings, uint32_t video, VideoFactors& factors) {
  Draws draws(settings.seed, WorldStream::video, video);
  const SubjectTerm& subject = subject_terms()[factors.subject];
  const double c = settings.correlation;
  factors.background = pulled(draws, c, subject.usual_background, background_terms().size());
  factors.palette = pulled(draws, c, factors.background % palette_terms().size(), palette_terms().size());
  factors.place = pulled(draws, c, factors.background % place_terms().size(), place_terms().size());
  // The number of the video in the low bits makes it distinct from every other, whatever the upper bits are.
  factors.background_seed = draws.bits() << 32 | video;
  factors.camera_angle = draws.uniform(0, 2 * std::numbers::pi);
  factors.camera_speed = draws.uniform(0.008, 0.03);
  factors.camera_zoom = draws.uniform(1.0, 1.08);
  factors.daylight = draws.uniform(0.35, 1);
  factors.seconds = std::round(draws.uniform(4.8, 6.2) * 10) / 10;
  choose_segments(draws, factors);
  if (factors.product < 0 && draws.chance(0.12)) {
    factors.product = static_cast<int8_t>(draws.below(product_terms().size()));
    factors.product_is_subject = false;
  }
  factors.popularity *= std::pow(1.0 - draws.uniform(), -0.35);
  // Two thirds are older than the log; the others appear while it runs.
  const double age_days = draws.chance(0.67) ? -draws.exponential(30) : draws.uniform(0, settings.days * 0.8);
  factors.created_ms = World::log_begin_ms + static_cast<int64_t>(age_days * static_cast<double>(day_ms));
  if (draws.chance(0.15)) factors.chinese = !factors.chinese;
}

}  // namespace

uint32_t World::Group::draw(double uniform) const {
  const double goal = uniform * cumulative.back();
  const auto place = std::upper_bound(cumulative.begin(), cumulative.end(), goal);
  const auto index = std::min<size_t>(static_cast<size_t>(place - cumulative.begin()), videos.size() - 1);
  return videos[index];
}

const World::Group* World::group_for(int level, const VideoFactors& target) const {
  const size_t sounds = sound_terms().size(), moves = motion_terms().size();
  switch (level) {
    case 5:
      return &by_subject_sound_[target.subject * sounds + target.sound];
    case 4:
      return &by_subject_motion_[target.subject * moves + target.motion];
    case 3:
      return &by_subject_[target.subject];
    case 2:
      return &by_motion_sound_[target.motion * sounds + target.sound];
    case 1:
      return &by_family_[target.family];
    default:
      return &all_;
  }
}

int World::grade(uint32_t u, uint32_t v) const {
  const VideoFactors &a = videos[u], &b = videos[v];
  if (a.series == b.series) return 3;
  if (a.subject == b.subject && (a.motion == b.motion || a.sound == b.sound)) return 2;
  return a.family == b.family ? 1 : 0;
}

World make_world(const WorldSettings& settings) {
  check(settings);
  World world;
  world.settings = settings;
  if (world.settings.people == 0) world.settings.people = 2 * settings.videos;
  world.videos.reserve(settings.videos);
  while (world.videos.size() < settings.videos) {
    const auto number = static_cast<uint32_t>(world.series.size());
    const VideoFactors common = series_factors(settings, number);
    Draws draws(settings.seed, WorldStream::series, 1'000'000'000ull + number);
    const auto first = static_cast<uint32_t>(world.videos.size());
    const uint32_t count = std::min(episode_count(draws), settings.videos - first);
    // A third of the series continue with the author before; others bring a new one.
    if (number == 0 || !draws.chance(0.33)) ++world.authors;
    world.series.push_back({world.authors - 1, {}});
    for (uint32_t v = first; v < first + count; ++v) {
      world.videos.push_back(common);
      choose_video(settings, v, world.videos.back());
    }
  }
  // A catalogue is in order of upload; no neighbourhood of numbers may tell of a series.
  std::stable_sort(world.videos.begin(), world.videos.end(),
                   [](const auto& a, const auto& b) { return a.created_ms < b.created_ms; });
  for (uint32_t v = 0; v < settings.videos; ++v) world.series[world.videos[v].series].episodes.push_back(v);
  const size_t subjects = subject_terms().size(), sounds = sound_terms().size(),
               moves = motion_terms().size();
  world.by_subject_.resize(subjects);
  world.by_subject_sound_.resize(subjects * sounds);
  world.by_subject_motion_.resize(subjects * moves);
  world.by_motion_sound_.resize(moves * sounds);
  world.by_family_.resize(family_terms().size());
  for (uint32_t v = 0; v < world.videos.size(); ++v) {
    for (int level = 0; level <= 5; ++level) {
      auto& group = const_cast<World::Group&>(*world.group_for(level, world.videos[v]));
      const double before = group.cumulative.empty() ? 0 : group.cumulative.back();
      group.videos.push_back(v);
      group.cumulative.push_back(before + world.videos[v].popularity);
    }
  }
  return world;
}

}  // namespace cowatch
