// The columns of extracted features: which block says what.
//
// All blocks are zero-centred or square roots of histograms (Hellinger: the dot product of two such blocks is
// the Bhattacharyya coefficient), and each is brought to a norm of at most sqrt(weight), the weights of one
// modality adding up to 1: so the plain cosine of two rows is a weighted mean of block similarities.
// Measured over the sampled time (plan() in worker/analyse.cpp); "parts" are thirds of it, in which motion that
// changes shows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cowatch {

// Raise when the meaning of any column changes: it is part of every item's fingerprint, so all are extracted
// again.
inline constexpr uint32_t feature_layout_version = 1;

enum class MediaModality : uint8_t { picture, motion, sound };
inline constexpr size_t modality_count = 3;
std::string_view modality_name(MediaModality modality);

// Sizes that the worker's code and the blocks below share.
inline constexpr size_t grid = 4;  // pictures are cut into grid × grid cells
inline constexpr size_t cells = grid * grid;
inline constexpr size_t parts = 3;         // thirds of the sampled time
inline constexpr size_t colour_bins = 56;  // 8 greys, then 12 hues × 2 chromas × 2 lightnesses
inline constexpr size_t orientations = 8;  // of edges, half a turn; of motion, a whole turn
inline constexpr size_t speed_bins = 4;
inline constexpr size_t camera_speed_bins = 3;
inline constexpr size_t rhythm_bins = 8;  // 0.5 to 4 Hz by half a hertz
inline constexpr size_t mel_bands = 64;   // 50 to 7600 Hz
inline constexpr size_t mel_groups = 4;
inline constexpr size_t beat_bins = 12;  // 0.5 to 12 Hz, evenly in the logarithm

enum class Block : uint8_t {
  colour_moments,
  colour_change,
  colour_histogram,
  colour_histogram_change,
  edges,
  edges_change,
  residual_directions,
  residual_places,
  camera_directions,
  camera_moments,
  subject_motion,
  subject_path,
  motion_rhythm,
  mel_mean,
  mel_deviation,
  mel_delta,
  sound_beat,
  sound_moments,
};

struct BlockLayout {
  Block block;
  MediaModality modality;
  std::string_view name;
  size_t size;
  float weight;  // share of its modality's squared norm
  std::string_view meaning;
};

inline constexpr std::array<BlockLayout, 18> feature_blocks = {{
    {Block::colour_moments, MediaModality::picture, "colour_moments", cells * 6, 0.25f,
     "mean and deviation of L*, a*, b* in each cell, mean over time"},
    {Block::colour_change, MediaModality::picture, "colour_change", cells * 3, 0.05f,
     "deviation over time of each cell's mean L*, a*, b*"},
    {Block::colour_histogram, MediaModality::picture, "colour_histogram", colour_bins, 0.25f,
     "greys, hues, chromas and lightnesses in L*C*h, mean over time"},
    {Block::colour_histogram_change, MediaModality::picture, "colour_histogram_change", colour_bins, 0.05f,
     "its deviation over time"},
    {Block::edges, MediaModality::picture, "edges", cells* orientations, 0.3f,
     "histogram of edge orientations in each cell, weighted by strength, mean over time"},
    {Block::edges_change, MediaModality::picture, "edges_change", cells* orientations, 0.1f,
     "its deviation over time"},
    {Block::residual_directions, MediaModality::motion, "residual_directions",
     parts* orientations* speed_bins, 0.3f,
     "optical flow without the camera's: direction and speed, in each part"},
    {Block::residual_places, MediaModality::motion, "residual_places", cells * 2, 0.1f,
     "its energy in each cell, mean and deviation over time"},
    {Block::camera_directions, MediaModality::motion, "camera_directions", orientations* camera_speed_bins,
     0.1f, "direction and speed of the whole picture"},
    {Block::camera_moments, MediaModality::motion, "camera_moments", (parts + 1) * 4, 0.1f,
     "the camera's shift x, y, zoom and turn: mean in each part, deviation over all"},
    {Block::subject_motion, MediaModality::motion, "subject_motion", (parts + 1) * 4, 0.15f,
     "shift x, y, growth and turn of what moves, about its centre: mean in each part, deviation over all"},
    {Block::subject_path, MediaModality::motion, "subject_path", parts * 3, 0.05f,
     "where the centre of motion is, x and y, and how wide it spreads, in each part"},
    {Block::motion_rhythm, MediaModality::motion, "motion_rhythm", 5 * rhythm_bins, 0.2f,
     "spectrum of speed, shift x, shift y, growth and turn over time"},
    {Block::mel_mean, MediaModality::sound, "mel_mean", mel_bands, 0.35f,
     "mean log energy of each mel band, the mean over bands taken off"},
    {Block::mel_deviation, MediaModality::sound, "mel_deviation", mel_bands, 0.2f,
     "its deviation over time, the mean over bands taken off"},
    {Block::mel_delta, MediaModality::sound, "mel_delta", mel_bands, 0.15f,
     "mean size of its change over 20 ms, the mean over bands taken off"},
    {Block::sound_beat, MediaModality::sound, "sound_beat", mel_groups* beat_bins, 0.25f,
     "spectrum over time of the onsets in four bands: tempo and roughness"},
    {Block::sound_moments, MediaModality::sound, "sound_moments", 6, 0.05f,
     "loudness and its deviation, brightness and its deviation, noisiness, share of silence"},
}};

constexpr size_t block_begin(Block block) {
  size_t begin = 0;
  for (const BlockLayout& layout : feature_blocks) {
    if (layout.block == block) return begin;
    begin += layout.size;
  }
  return begin;
}

constexpr size_t total_feature_count() {
  size_t count = 0;
  for (const BlockLayout& layout : feature_blocks) count += layout.size;
  return count;
}
inline constexpr size_t feature_count = total_feature_count();

// Columns [begin, end) of one modality.
struct ColumnRange {
  size_t begin, end;
};
ColumnRange modality_columns(MediaModality modality);

// The columns of `block` within a whole row.
std::span<float> block_columns(std::span<float> row, Block block);

}  // namespace cowatch
