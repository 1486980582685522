// A short sequence of draws that belongs to one thing (a series, a video, a person): counter-based, so the
// sequence of one thing does not depend on any other.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/random.h"

namespace cowatch {

// What the world draws, each with a stream of its own.
enum class WorldStream : uint32_t {
  series = 0x5e1,
  video,
  person,
  events,
  text,
  comment,
  mixture,
  features,
  picture,
  sound_track
};

class Draws {
 public:
  Draws(uint64_t seed, WorldStream stream, uint64_t thing)
      : random_(seed, static_cast<uint32_t>(stream)), thing_(thing) {}

  double uniform() { return random_.uniform(thing_, next_++); }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  uint64_t bits() { return random_.bits(thing_, next_++); }
  uint32_t below(size_t bound) { return static_cast<uint32_t>(random_.below(bound, thing_, next_++)); }
  double normal() { return random_.normal(thing_, next_++); }
  double normal(double mean, double deviation) { return mean + deviation * normal(); }
  bool chance(double probability) { return uniform() < probability; }
  int sign() { return chance(0.5) ? 1 : -1; }
  double exponential(double mean) { return -mean * std::log(1.0 - uniform()); }
  template <typename T>
  const T& pick(std::span<const T> from) {
    return from[below(from.size())];
  }
  template <typename T, size_t n>
  const T& pick(const T (&from)[n]) {
    return from[below(n)];
  }

 private:
  Random random_;
  uint64_t thing_;
  uint32_t next_ = 0;
};

}  // namespace cowatch
