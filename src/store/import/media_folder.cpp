#include "store/import/media_folder.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "store/catalogue_tools.h"
#include "store/import/file_ids.h"

namespace cowatch {
namespace {

// Those of the formats that the media process opens (src/media/worker/input.cpp), which judges by content.
const std::set<std::string> media_endings = {
    ".mp4",  ".m4v",  ".mov",  ".qt",  ".3gp", ".3g2",  ".mj2",  ".f4v",  ".mkv", ".mk3d", ".webm", ".avi",
    ".flv",  ".ts",   ".m2ts", ".mts", ".mpg", ".mpeg", ".vob",  ".m1v",  ".m2v", ".264",  ".h264", ".265",
    ".h265", ".hevc", ".ivf",  ".ogv", ".asf", ".wmv",  ".gif",  ".m4a",  ".mka", ".weba", ".oga",  ".ogg",
    ".opus", ".wma",  ".mp2",  ".mp3", ".aac", ".adts", ".loas", ".latm", ".ac3", ".eac3", ".ec3",  ".thd",
    ".dts",  ".flac", ".wav",  ".w64", ".aif", ".aiff", ".aifc", ".caf",  ".au",  ".snd",  ".amr"};

// ".txt 5, .jpg 1, none 1": the most frequent first.
std::string list_endings(const std::map<std::string, uint64_t>& counts) {
  constexpr size_t most_named = 12;
  const auto order = most_first(counts);
  std::string text;
  for (size_t i = 0; i < std::min(order.size(), most_named); ++i)
    text += (i == 0 ? "" : ", ") + (order[i].first.empty() ? "none" : one_line(order[i].first)) + " " +
            std::to_string(order[i].second);
  return order.size() > most_named ? text + ", …" : text;
}

uint64_t sum(const std::map<std::string, uint64_t>& counts) {
  uint64_t all = 0;
  for (const auto& [ending, count] : counts) all += count;
  return all;
}

}  // namespace

MediaFiles media_files_below(const Path& folder) {
  MediaFiles found;
  constexpr auto options = std::filesystem::directory_options::skip_permission_denied;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, options)) {
    std::error_code error;
    if (!entry.is_regular_file(error)) continue;
    std::string ending = entry.path().extension().string();
    std::ranges::transform(ending, ending.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (media_endings.contains(ending)) {
      found.files.push_back(entry.path());
    } else {
      ++found.left_out[ending];
    }
  }
  if (found.files.empty()) {
    throw Error(ErrorCode::bad_input, "the folder holds no media files",
                {.where = folder.string(),
                 .expected = "files that end in .mp4, .mkv, .webm, .mov, .mp3 …",
                 .found = found.left_out.empty() ? "none" : "other endings: " + list_endings(found.left_out),
                 .remedy = "Name the folder that holds them, or a table with a column for the file."});
  }
  std::ranges::sort(found.files);  // the order of a folder's listing must not number the items
  return found;
}

void import_media_folder(const Path& folder, const ImportOptions& options, ImportSink& sink) {
  const Path whole = std::filesystem::absolute(folder / "").lexically_normal();
  const std::string name = whole.parent_path().filename().string();
  sink.begin_file(name);
  const MediaFiles found = media_files_below(whole);
  const uint64_t left_out = sum(found.left_out);
  sink.leave_out(left_out);
  options.explain(one_line(name) + ": " + std::to_string(found.files.size()) + " media files" +
                  (left_out == 0 ? ""
                                 : "; " + std::to_string(left_out) +
                                       " with other endings were left out: " + list_endings(found.left_out)));
  std::map<std::string, std::string> gone = sink.known_files();
  FileIds ids(gone);
  std::erase_if(gone, [&](const auto& known) { return !known.first.starts_with(whole.string()); });
  for (const Path& file : found.files) {
    gone.erase(file.string());
    const Path inside = file.lexically_relative(whole);
    ItemRecord item;
    item.media_path = file.string();
    item.id = ids.id_of(item.media_path, inside);
    sink.row();
    size_t at = 0;
    if (!is_utf8(item.id, at) || item.id.size() > longest_id) {
      sink.reject({0, "", "a path of at most " + std::to_string(longest_id) + " bytes in UTF-8",
                   item.id.size() > longest_id ? std::to_string(item.id.size()) + " bytes"
                                               : describe_byte(item.id, at),
                   inside.string()});
      continue;
    }
    item.title = inside.stem().string();
    std::replace(item.title.begin(), item.title.end(), '_', ' ');
    sink.item(std::move(item));
  }
  for (const auto& [path, id] : gone)
    sink.missing_file({0, "", "a file that is there", "none, of video " + id, path});
}

}  // namespace cowatch
