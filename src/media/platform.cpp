#include "media/platform.h"

#include <cstring>

#include "base/error.h"
#include "base/json.h"
#include "base/progress.h"

namespace cowatch {
namespace {

constexpr std::string_view mark = "cowatch rendered platform";
constexpr int format = 1;

Json to_json(const PlatformSettings& settings) {
  const WorldSettings& world = settings.world;
  return {{"kind", mark},
          {"format", format},
          {"videos", world.videos},
          {"people", world.people},
          {"seed", world.seed},
          {"correlation", world.correlation},
          {"watches_per_person", world.watches_per_person},
          {"days", world.days},
          {"clips", settings.clips}};
}

// Collects lines and hands them on in large pieces.
class Lines {
 public:
  explicit Lines(OutputFile& file) : file_(file) {}
  void add(const Json& line) {
    text_ += line.dump();
    text_ += '\n';
    if (text_.size() > (1u << 20)) flush();
  }
  void flush() {
    file_.write(std::as_bytes(std::span(text_)));
    text_.clear();
  }

 private:
  OutputFile& file_;
  std::string text_;
};

void write_lines(const Path& path, const std::function<void(Lines&)>& fill) {
  write_atomically(path, [&](OutputFile& file) {
    Lines lines(file);
    fill(lines);
    lines.flush();
  });
}

void write_videos(const World& world, bool clips, const Path& folder) {
  write_lines(folder / "videos.jsonl", [&](Lines& lines) {
    for (uint32_t v = 0; v < world.videos.size(); ++v) {
      const VideoText text = video_text(world, v);
      const VideoFactors& factors = world.videos[v];
      Json line = {{"id", text.id},
                   {"title", text.title},
                   {"description", text.description},
                   {"author", text.author},
                   {"created", factors.created_ms},
                   {"seconds", factors.seconds},
                   {"language", text.language},
                   {"hashtags", text.hashtags},
                   {"place", text.place}};
      if (clips) line["file"] = clip_path({}, v).generic_string();
      lines.add(line);
    }
  });
}

uint64_t write_events(const World& world, const Path& folder) {
  uint64_t count = 0;
  Progress progress("writing what people did", "people", world.settings.people);
  write_lines(folder / "events.jsonl", [&](Lines& lines) {
    for (uint32_t p = 0; p < world.settings.people; ++p) {
      throw_if_interrupted();
      const Person person = world.person(p);
      const std::string user = person_id(p);
      for (const WorldEvent& event : world.events_of(p)) {
        Json line = {{"user", user},
                     {"item", video_id(event.video)},
                     {"kind", feedback_name(event.kind)},
                     {"time_ms", event.time_ms}};
        if (count == 0) {  // readers learn from the first rows which columns there are
          for (const char* column : {"watched_ms", "length_ms", "text"}) line[column] = nullptr;
        }
        if (event.watched_ms >= 0) line["watched_ms"] = event.watched_ms;
        if (event.length_ms >= 0) line["length_ms"] = event.length_ms;
        std::string text = event_text(world, event, person);
        if (!text.empty()) line["text"] = std::move(text);
        lines.add(line);
        ++count;
      }
      progress.add();
    }
  });
  return count;
}

template <typename Terms>
std::string name_of(const Terms& terms, size_t index) {
  return std::string(terms[index].id);
}

Json segments_of(const VideoFactors& factors) {
  Json segments = Json::array();
  for (uint8_t s = 0; s < factors.segment_count; ++s) {
    const MotionSegment& segment = factors.segments[s];
    segments.push_back({{"begin", segment.begin},
                        {"speed", segment.speed},
                        {"amplitude", segment.amplitude},
                        {"direction", segment.direction}});
  }
  return segments;
}

void write_factors(const World& world, const Path& folder) {
  write_lines(folder / "factors.jsonl", [&](Lines& lines) {
    for (uint32_t v = 0; v < world.videos.size(); ++v) {
      const VideoFactors& f = world.videos[v];
      Json line = {{"id", video_id(v)},
                   {"music", video_text(world, v).music},
                   {"series", f.series},
                   {"family", name_of(family_terms(), f.family)},
                   {"subject", name_of(subject_terms(), f.subject)},
                   {"motion", name_of(motion_terms(), f.motion)},
                   {"sound", name_of(sound_terms(), f.sound)},
                   {"background", name_of(background_terms(), f.background)},
                   {"palette", name_of(palette_terms(), f.palette)},
                   {"place", name_of(place_terms(), f.place)},
                   {"background_seed", f.background_seed},
                   {"camera_angle", f.camera_angle},
                   {"camera_speed", f.camera_speed},
                   {"camera_zoom", f.camera_zoom},
                   {"daylight", f.daylight},
                   {"variant", f.variant},
                   {"tempo", f.tempo},
                   {"key", f.key},
                   {"popularity", f.popularity},
                   {"segments", segments_of(f)}};
      if (f.product >= 0) {
        line["product"] = name_of(product_terms(), static_cast<size_t>(f.product));
        line["product_is_subject"] = f.product_is_subject;
      }
      lines.add(line);
    }
  });
}

Json to_json(const std::array<Interest, 3>& interests) {
  Json list = Json::array();
  for (const Interest& interest : interests)
    list.push_back({{"series", interest.series}, {"weight", interest.weight}});
  return list;
}

void write_people(const World& world, const Path& folder) {
  write_lines(folder / "people.jsonl", [&](Lines& lines) {
    for (uint32_t p = 0; p < world.settings.people; ++p) {
      const Person person = world.person(p);
      lines.add({{"id", person_id(p)},
                 {"early", to_json(person.early)},
                 {"late", to_json(person.late)},
                 {"drift_ms", person.drift_ms},
                 {"exploration", person.exploration},
                 {"hour", person.hour},
                 {"place", name_of(place_terms(), person.place)},
                 {"chinese", person.chinese},
                 {"sessions", person.sessions}});
    }
  });
}

// NumPy's format 1.0: magic, version, length of a padded header, header, rows.
void write_features(const World& world, const Path& path) {
  const SimulatedFeatures features = simulate_features(world);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                       std::to_string(world.videos.size()) + ", " + std::to_string(features.columns) + "), }";
  constexpr size_t prefix = 10, alignment = 64;
  header.append(alignment - (prefix + header.size() + 1) % alignment, ' ');
  header += '\n';
  std::string start("\x93NUMPY\x01\x00", 8);
  start += static_cast<char>(header.size() & 255);
  start += static_cast<char>(header.size() >> 8);
  write_atomically(path, [&](OutputFile& file) {
    file.write(std::as_bytes(std::span(start)));
    file.write(std::as_bytes(std::span(header)));
    file.write(std::as_bytes(std::span(features.values)));
  });
}

void write_readme(const PlatformSettings& settings, const Path& folder) {
  std::string text =
      "A platform that does not exist: its videos, people and log were made by `cowatch render` from\n"
      "the settings in render.json. The same settings make the same files.\n\n"
      "    cowatch import WS --videos videos.jsonl --events events.jsonl";
  text += settings.clips ? "\n\nvideos/ holds the clips.\n"
                         : " --features features.npy\n\nThere are no clips; features.npy stands for them "
                           "(a row a video, in the order of videos.jsonl).\n";
  text += "truth/ holds the factors behind it all. It is for evaluation: nothing learns from it.\n";
  write_atomically(folder / "README.md", text);
}

void claim(const PlatformSettings& settings, const Path& folder) {
  const Path own = folder / "render.json";
  std::error_code ignored;
  if (std::filesystem::exists(folder, ignored) && !std::filesystem::is_directory(folder, ignored)) {
    throw Error(ErrorCode::conflict, "the target is a file",
                {.where = folder.string(), .remedy = "Name a new folder."});
  }
  if (std::filesystem::exists(own)) {
    if (to_json(read_platform_settings(folder)) != to_json(settings)) {
      throw Error(ErrorCode::conflict, "the folder holds a platform made from other settings",
                  {.where = own.string(),
                   .expected = to_json(settings).dump(),
                   .found = to_json(read_platform_settings(folder)).dump(),
                   .remedy = "Name a new folder, or repeat the settings found."});
    }
    return;
  }
  if (std::filesystem::is_directory(folder, ignored) && !std::filesystem::is_empty(folder)) {
    throw Error(ErrorCode::conflict, "the folder holds something else",
                {.where = folder.string(),
                 .expected = "an empty folder, or one that `cowatch render` made",
                 .remedy = "Name a new folder."});
  }
  std::filesystem::create_directories(folder / "truth");
  write_atomically(own, to_json(settings).dump(1) + "\n");
}

}  // namespace

Path clip_path(const Path& folder, uint32_t video) {
  return folder / "videos" / (video_id(video) + ".mp4");
}

PlatformSettings read_platform_settings(const Path& folder) {
  const Path path = folder / "render.json";
  const Json json = Json::parse(read_text(path), nullptr, false);
  const auto refuse = [&](std::string found) -> PlatformSettings {
    throw Error(ErrorCode::bad_input, "this is not a rendered platform",
                {.where = path.string(),
                 .expected = "\"kind\": \"" + std::string(mark) + "\", \"format\": " + std::to_string(format),
                 .found = std::move(found),
                 .remedy = "Name a folder that `cowatch render` made."});
  };
  if (!json.is_object()) return refuse("no JSON object");
  try {
    if (json.at("kind") != mark || json.at("format") != format) return refuse("another kind or format");
    PlatformSettings settings;
    settings.world.videos = json.at("videos");
    settings.world.people = json.at("people");
    settings.world.seed = json.at("seed");
    settings.world.correlation = json.at("correlation");
    settings.world.watches_per_person = json.at("watches_per_person");
    settings.world.days = json.at("days");
    settings.clips = json.at("clips");
    return settings;
  } catch (const Json::exception& problem) {
    return refuse(problem.what());
  }
}

PlatformSummary write_platform(const PlatformSettings& settings, const Path& folder) {
  const World world = make_world(settings.world);
  PlatformSettings exact = settings;
  exact.world = world.settings;
  claim(exact, folder);
  std::filesystem::create_directories(folder / "truth");
  write_videos(world, exact.clips, folder);
  PlatformSummary summary;
  summary.events = write_events(world, folder);
  summary.videos = world.videos.size();
  summary.people = world.settings.people;
  summary.series = world.series.size();
  if (exact.clips) std::filesystem::create_directories(folder / "videos");
  if (!exact.clips) write_features(world, folder / "features.npy");
  write_factors(world, folder / "truth");
  write_people(world, folder / "truth");
  write_readme(exact, folder);
  return summary;
}

}  // namespace cowatch
