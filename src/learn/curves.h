// Training curves as TensorBoard event files: records of masked CRC-32C framing, each a protocol buffer
// `Event` with a step and named scalars. One file a training, appended to as it goes; read back for the page.
// docs/formats.md has the bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"

namespace cowatch {

struct CurvePoint {
  uint64_t step = 0;
  double wall_seconds = 0;  // Unix time
  std::string tag;          // "loss", "retained"
  float value = 0;
  bool operator==(const CurvePoint&) const = default;
};

// CRC-32C (Castagnoli), and as event files mask it: rotated right by 15 bits plus 0xa282ead8.
uint32_t crc32c(std::span<const std::byte> bytes);
uint32_t masked_crc32c(std::span<const std::byte> bytes);

class CurveWriter {
 public:
  // Goes on with the points of an existing file up to `last_step` and forgets later ones, which a resumed
  // training makes again.
  CurveWriter(const Path& path, uint64_t last_step);
  void add(uint64_t step, const std::string& tag, double value);
  void sync();

 private:
  void append(const CurvePoint& point);
  std::unique_ptr<OutputFile> file_;
};

// All scalars of one event file, in order. A record cut off at the end (a training under way, or killed) ends
// the list; a record that fails its checksum throws damaged with its place.
std::vector<CurvePoint> read_curves(const Path& path);

// The event files of a folder ("NAME.tfevents"): names without the ending, sorted.
std::vector<std::string> curve_names(const Path& folder);
Path curve_file(const Path& folder, std::string_view name);

}  // namespace cowatch
