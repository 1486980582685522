// The world behind a rendered platform: videos made from independent factors, people with tastes, and what
// people did.
//
// It needs no drawing: the renderer (media/worker/render/) turns VideoFactors into clips, `cowatch render`
// writes what a platform would export, and benchmarks ask for a world alone, with simulated features in place
// of clips.
//
// Structure. A video belongs to a series (an author's), which fixes its subject, motion and sound. Subjects
// belong to families. So every pair of videos has a grade: 3 same series, 2 same subject and also same motion
// or sound, 1 same family, 0 otherwise. Tastes follow this ladder. Background, palette, place, light and
// camera differ from video to video and tell nothing about who watches it: they are the distractors that a
// learned embedding must see through. With `correlation` c a factor takes the value that its cause prefers
// with probability c, and is uniform otherwise.
//
// Everything is a function of the settings. Nothing is stored that can be recomputed: the events of one
// person are made when asked for, so that a world of millions needs only its videos in memory. Thread-safe
// after construction.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/feedback.h"

namespace cowatch {

// --- the vocabulary
// ---------------------------------------------------------------------------------------------------

struct Term {
  std::string_view id, english, chinese;
};

struct SubjectTerm {
  std::string_view id, english, chinese;
  uint8_t family;
  uint8_t usual_motion, usual_sound, usual_background;  // what correlation pulls towards
};

struct ProductTerm {
  std::string_view id, english, chinese;
  uint8_t subject;  // the subject whose shape it has
  uint8_t variant;  // fixes its colours and its mark
};

std::span<const Term> family_terms();
std::span<const SubjectTerm> subject_terms();  // sorted by family
std::span<const Term> motion_terms();
std::span<const Term> sound_terms();
std::span<const Term> background_terms();
std::span<const Term> palette_terms();
std::span<const Term> place_terms();
std::span<const ProductTerm> product_terms();

// --- videos
// -----------------------------------------------------------------------------------------------------------

struct WorldSettings {
  uint32_t videos = 300;
  uint32_t people = 0;  // 0: twice the videos
  uint64_t seed = 1;
  double correlation = 0.3;        // between factors, 0 … 1
  double watches_per_person = 30;  // mean
  double days = 60;                // length of the log
};

// A stretch of a clip in which the motion keeps its character.
struct MotionSegment {
  double begin = 0;  // seconds from the clip's start; lasts until the next segment or the end
  double speed = 1;  // relative to the pattern's own
  double amplitude = 1;
  int direction = 1;  // 1 or -1
};

struct VideoFactors {
  // What tastes follow.
  uint32_t series = 0;
  uint8_t family = 0, subject = 0, motion = 0, sound = 0;
  // What they do not.
  uint8_t background = 0, palette = 0, place = 0;
  uint64_t background_seed = 0;  // distinct for every video of a world
  double camera_angle = 0;       // radians; the direction of the drift
  double camera_speed = 0;       // frame widths a second
  double camera_zoom = 1;        // final scale of the picture; 1: none
  double daylight = 1;           // 0 night … 1 noon
  // How the clip is performed.
  uint8_t variant = 0;              // of the subject's colours and dress; fixed by the series
  double tempo = 100;               // beats a minute; fixed by the series
  int key = 0;                      // semitones above A; fixed by the series
  int8_t product = -1;              // index of a product, or -1: none
  bool product_is_subject = false;  // else it stands beside the subject
  std::array<MotionSegment, 3> segments;
  uint8_t segment_count = 2;  // at least 2
  double seconds = 6;
  // As a platform sees it.
  bool chinese = false;  // language of the title
  int64_t created_ms = 0;
  double popularity = 1;  // relative; a power law
};

struct Series {
  uint32_t author = 0;
  std::vector<uint32_t> episodes;  // its videos, ascending
};

// --- people
// -----------------------------------------------------------------------------------------------------------

// What somebody is after, from the closest to the widest: a series, and through it a subject, motion and
// sound.
struct Interest {
  uint32_t series = 0;
  double weight = 1;
};

struct Person {
  std::array<Interest, 3> early, late;  // tastes before and after the drift
  int64_t drift_ms = 0;
  double exploration = 0.1;  // share of sessions without an interest
  double hour = 20;          // favourite time of day, local
  uint8_t place = 0;         // decides the time zone
  bool chinese = false;
  uint32_t sessions = 5;
};

struct WorldEvent {
  uint32_t person = 0, video = 0;
  FeedbackKind kind = FeedbackKind::watch;
  uint32_t session = 0;
  int64_t time_ms = 0;
  int32_t watched_ms = -1, length_ms = -1;  // watches only
  uint64_t text_seed = 0;                   // of a query, comment or hashtag: see event_text()
};

class World {
 public:
  // The log begins on 1 July 2026, 00:00 UTC: fixed, so that the settings say everything.
  static constexpr int64_t log_begin_ms = 1'782'864'000'000;

  WorldSettings settings;
  std::vector<VideoFactors> videos;  // in order of creation
  std::vector<Series> series;
  uint32_t authors = 0;

  Person person(uint32_t index) const;
  // Everything one person did, in order of time. Sessions are 0, 1, 2 …
  std::vector<WorldEvent> events_of(uint32_t person) const;
  // 3 same series, 2 same subject and motion or sound, 1 same family, 0 otherwise.
  int grade(uint32_t u, uint32_t v) const;

 private:
  friend World make_world(const WorldSettings&);

  // Videos that share something, most popular first in effect: drawn in proportion to popularity.
  struct Group {
    std::vector<uint32_t> videos;
    std::vector<double> cumulative;
    uint32_t draw(double uniform) const;
  };
  const Group* group_for(int level, const VideoFactors& target) const;

  std::vector<Group> by_subject_, by_subject_sound_, by_subject_motion_, by_motion_sound_, by_family_;
  Group all_;
};

// Throws bad_argument when a setting is out of its range.
World make_world(const WorldSettings& settings);

// --- what is written about videos
// -------------------------------------------------------------------------------------

struct VideoText {
  std::string id, title, description, author, language;  // the description ends with the hashtags
  std::vector<std::string> hashtags;  // without '#'; some are bait or have nothing to do with the video
  std::string place, music;
};
VideoText video_text(const World& world, uint32_t video);
// Query, comment, hashtag or the author followed; else empty. `person` is the event's: World::person().
std::string event_text(const World& world, const WorldEvent& event, const Person& person);
std::string person_id(uint32_t person);  // "u0000012"
std::string video_id(uint32_t video);  // "v000012"

// --- features without clips
// -------------------------------------------------------------------------------------------

// What an extractor would see: each modality is a fixed random nonlinear mixture of the factors it can show
// and of larger nuisances (background, palette, light, loudness), with noise.
struct SimulatedFeatures {
  struct Modality {
    std::string_view name;
    size_t begin, end;  // columns
  };
  size_t columns = 0;
  std::array<Modality, 3> modalities;  // picture, motion, sound
  std::vector<float> values;           // videos × columns, row by row
};
SimulatedFeatures simulate_features(const World& world);

}  // namespace cowatch
