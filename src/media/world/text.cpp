// What is written about videos: titles, captions with hashtags, comments and queries, in English and Chinese.
//
// As on a platform, the words say something about subject, motion and sound, but not always, and they are
// mixed with bait (#fyp), tags that have nothing to do with the clip, greetings and emoji.
#include <algorithm>
#include <cstdio>

#include "media/world.h"
#include "media/world/draws.h"

namespace cowatch {
namespace {

constexpr std::string_view bait_tags[] = {"fyp",  "foryou", "viral", "trending", "followme",
                                          "热门", "上热门", "推荐",  "涨粉",     "日常"};

// {s} subject, {m} motion, {a} sound, {p} place, {n} episode.
constexpr std::string_view english_titles[] = {
    "{s} {m} all day",
    "The {s} of {p}, part {n}",
    "{m} {s}, sound on",
    "A {s} meets {a}",
    "Wait for the {s} at the end",
    "My {s} loves {a}",
    "{s} at home, episode {n}",
    "Greetings from {p}: a {s}",
    "Can your {s} do this?",
    "{a} and a {s}",
    "Just a {s} {m}",
    "Every day one {s}: no. {n}",
};
constexpr std::string_view chinese_titles[] = {
    "{m}的{s}，根本停不下来", "{p}的{s}，第{n}集", "{s}配{a}，太治愈了", "今天的{s}又{m}了",
    "等到最后，{s}有惊喜",    "我家{s}最爱{a}",    "{p}随手拍：{s}",     "每天一个{s}，第{n}天",
    "谁能拒绝{m}的{s}",       "{a}一响，{s}就来",
};
constexpr std::string_view english_captions[] = {
    "filmed in {p}",
    "sound on for the {a}",
    "nobody asked, here is a {s}",
    "look how it is {m}",
    "second try, better light",
    "for everyone who had a long day",
    "part {n}, more tomorrow",
    "",
};
constexpr std::string_view chinese_captions[] = {
    "拍摄于{p}",
    "记得打开声音听{a}",
    "送给今天辛苦的你",
    "看它{m}的样子",
    "第{n}集，明天继续",
    "光线终于对了",
    "",
};

constexpr std::string_view english_comments[] = {
    "this {s} made my day",  "how is it {m} like that??",
    "the {a} fits so well",  "I need this {s}",
    "greetings from {p}",    "more {s} please",
    "part {n} when?",        "the {m} part gets me every time",
    "where in {p} is this?", "played it ten times",
    "my {s} would never",    "which song is this? love {a}",
};
constexpr std::string_view chinese_comments[] = {
    "这个{s}太可爱了", "{m}的样子笑死我",     "{a}配得太好了", "求{s}同款",     "{p}人路过",
    "还要看{s}",       "第{n}集什么时候更新", "循环了十遍",    "这是{p}哪里呀", "{s}本{s}没错了",
};
constexpr std::string_view greetings[] = {"first!",     "hi from my couch", "good morning everyone",
                                          "来了来了",   "大家好",           "早上好",
                                          "前排",       "follow me back",   "互关吗",
                                          "nice video", "哈哈哈哈",         "lol"};
constexpr std::string_view emoji[] = {"😂😂", "❤️", "🔥🔥🔥", "👏", "😍", "🙌", "🥰", "💯", "🐼", "✨"};

constexpr std::string_view english_queries[] = {"{s}",     "{s} {m}",       "funny {s}",
                                                "{s} {a}", "{a} music {s}", "{m} {s} video"};
constexpr std::string_view chinese_queries[] = {"{s}", "{s}{m}", "搞笑{s}", "{s} {a}", "{a}", "{s}视频"};

constexpr std::string_view author_first[] = {"sunny", "little", "mister", "daily", "slow", "loud",
                                             "north", "paper",  "lucky",  "tiny",  "moon", "river",
                                             "amber", "velvet", "quiet",  "jolly"};
constexpr std::string_view author_last[] = {"otter", "studio", "corner",  "noodle",  "garden", "radio",
                                            "pixel", "cloud",  "lantern", "biscuit", "harbor", "comet",
                                            "attic", "marble", "kiosk",   "fern"};

std::string fill(std::string_view pattern, const VideoFactors& f, bool chinese, uint32_t episode) {
  const auto word = [&](const auto& term) { return std::string(chinese ? term.chinese : term.english); };
  std::string text;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{') {
      text += pattern[i];
      continue;
    }
    switch (pattern[i + 1]) {
      case 's':
        text += word(subject_terms()[f.subject]);
        break;
      case 'm':
        text += word(motion_terms()[f.motion]);
        break;
      case 'a':
        text += word(sound_terms()[f.sound]);
        break;
      case 'p':
        text += word(place_terms()[f.place]);
        break;
      default:
        text += std::to_string(episode);
        break;
    }
    i += 2;
  }
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

// A hashtag holds no spaces.
std::string tag_of(std::string_view word) {
  std::string tag;
  for (const char c : word)
    if (c != ' ' && c != '-') tag += c;
  return tag;
}

void add_tag(std::vector<std::string>& tags, std::string_view word) {
  std::string tag = tag_of(word);
  if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(std::move(tag));
}

std::vector<std::string> choose_hashtags(Draws& draws, const VideoFactors& f) {
  std::vector<std::string> tags;
  // Tags in the language of the caption, now and then in the other.
  const auto add = [&](double probability, const auto& term) {
    if (!draws.chance(probability)) return;
    add_tag(tags, f.chinese != draws.chance(0.15) ? term.chinese : term.english);
  };
  add(0.85, subject_terms()[f.subject]);
  add(0.5, family_terms()[f.family]);
  add(0.35, motion_terms()[f.motion]);
  add(0.4, sound_terms()[f.sound]);
  add(0.25, place_terms()[f.place]);
  if (f.product >= 0) add(0.6, product_terms()[static_cast<size_t>(f.product)]);
  if (draws.chance(0.15))
    add(1, subject_terms()[draws.below(subject_terms().size())]);  // nothing to do with it
  for (uint32_t n = draws.below(3); n > 0; --n) add_tag(tags, draws.pick(bait_tags));
  return tags;
}

uint32_t episode_number(const World& world, uint32_t video) {
  const auto& episodes = world.series[world.videos[video].series].episodes;
  return static_cast<uint32_t>(std::lower_bound(episodes.begin(), episodes.end(), video) - episodes.begin()) +
         1;
}

std::string number_text(const char* format, uint32_t number) {
  char text[32];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

}  // namespace

std::string person_id(uint32_t person) {
  return number_text("u%07u", person);
}

std::string video_id(uint32_t video) {
  return number_text("v%06u", video);
}

VideoText video_text(const World& world, uint32_t video) {
  const VideoFactors& f = world.videos[video];
  const Series& series = world.series[f.series];
  const uint32_t episode = episode_number(world, video);
  Draws draws(world.settings.seed, WorldStream::text, video);
  VideoText text;
  text.id = video_id(video);
  text.language = f.chinese ? "zh" : "en";
  text.title =
      fill(f.chinese ? draws.pick(chinese_titles) : draws.pick(english_titles), f, f.chinese, episode);
  text.description =
      fill(f.chinese ? draws.pick(chinese_captions) : draws.pick(english_captions), f, f.chinese, episode);
  text.hashtags = choose_hashtags(draws, f);
  for (const std::string& tag : text.hashtags)
    text.description += (text.description.empty() ? "#" : " #") + tag;
  Draws names(world.settings.seed, WorldStream::text, 1'000'000'000ull + series.author);
  text.author = std::string(names.pick(author_first)) + "_" + std::string(names.pick(author_last)) +
                number_text("_%u", series.author);
  text.place = std::string(f.chinese ? place_terms()[f.place].chinese : place_terms()[f.place].english);
  text.music = std::string(sound_terms()[f.sound].id) + number_text("-%06u", f.series);
  return text;
}

std::string event_text(const World& world, const WorldEvent& event, const Person& person) {
  const VideoFactors& f = world.videos[event.video];
  Draws draws(event.text_seed, WorldStream::comment, event.video);
  const bool chinese = person.chinese;
  const uint32_t episode = episode_number(world, event.video) + 1;
  switch (event.kind) {
    case FeedbackKind::comment: {
      if (draws.chance(0.2)) return std::string(draws.pick(greetings));
      if (draws.chance(0.12)) return std::string(draws.pick(emoji));
      std::string text =
          fill(chinese ? draws.pick(chinese_comments) : draws.pick(english_comments), f, chinese, episode);
      if (draws.chance(0.3)) text += " " + std::string(draws.pick(emoji));
      return text;
    }
    case FeedbackKind::search: {
      std::string text =
          fill(chinese ? draws.pick(chinese_queries) : draws.pick(english_queries), f, chinese, episode);
      for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      return text;
    }
    case FeedbackKind::hashtag: {
      const auto& term = subject_terms()[f.subject];
      return tag_of(draws.chance(0.2) ? draws.pick(bait_tags) : chinese ? term.chinese : term.english);
    }
    case FeedbackKind::follow:
      return video_text(world, event.video).author;
    default:
      return "";
  }
}

}  // namespace cowatch
