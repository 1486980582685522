// Features as an extractor would find them, without clips.
#include <cmath>

#include "base/threads.h"
#include "media/world.h"
#include "media/world/draws.h"

namespace cowatch {
namespace {

// A fixed random code for value `value` of a factor.
void add_code(std::vector<double>& latent, size_t begin, size_t width, uint64_t seed, uint64_t factor,
              uint64_t value, double scale) {
  Draws draws(seed, WorldStream::mixture, (factor << 32) + value);
  for (size_t i = 0; i < width; ++i) latent[begin + i] += scale * draws.normal();
}

void add_noise(std::vector<double>& latent, size_t begin, size_t width, Draws& draws, double scale) {
  for (size_t i = 0; i < width; ++i) latent[begin + i] += scale * draws.normal();
}

// out = tanh(M latent + offset), M fixed by the seed: correlated, bounded columns as real statistics have.
class Mixture {
 public:
  Mixture(uint64_t seed, uint64_t which, size_t outputs, size_t inputs)
      : outputs_(outputs), inputs_(inputs), weights_(outputs * (inputs + 1)) {
    Draws draws(seed, WorldStream::mixture, (which + 100) << 32);
    const double scale = 0.55 / std::sqrt(static_cast<double>(inputs));
    for (double& weight : weights_) weight = scale * draws.normal();
  }
  void apply(const std::vector<double>& latent, Draws& noise, double noise_scale, float* out) const {
    for (size_t o = 0; o < outputs_; ++o) {
      const double* row = &weights_[o * (inputs_ + 1)];
      double sum = row[inputs_];
      for (size_t i = 0; i < inputs_; ++i) sum += row[i] * latent[i];
      out[o] = static_cast<float>(std::tanh(sum) + noise_scale * noise.normal());
    }
  }

 private:
  size_t outputs_, inputs_;
  std::vector<double> weights_;
};

enum FactorCode : uint64_t {
  family_code,
  subject_code,
  motion_code,
  sound_code,
  series_code,
  background_code,
  palette_code
};

}  // namespace

SimulatedFeatures simulate_features(const World& world) {
  SimulatedFeatures features;
  features.modalities = {{{"picture", 0, 96}, {"motion", 96, 128}, {"sound", 128, 192}}};
  features.columns = 192;
  features.values.resize(world.videos.size() * features.columns);
  const uint64_t seed = world.settings.seed;
  const Mixture picture(seed, 0, 96, 64), motion(seed, 1, 32, 24), sound(seed, 2, 64, 32);

  parallel_for(world.videos.size(), 256, [&](size_t begin, size_t end) {
    for (size_t v = begin; v < end; ++v) {
      const VideoFactors& f = world.videos[v];
      Draws draws(seed, WorldStream::features, v);
      float* row = &features.values[v * features.columns];
      std::vector<double> latent(64);
      add_code(latent, 0, 24, seed, family_code, f.family, 0.7);
      add_code(latent, 0, 24, seed, subject_code, f.subject, 1.0);
      add_code(latent, 0, 24, seed, series_code, f.series, 0.3);
      add_code(latent, 24, 24, seed, background_code, f.background, 1.5);
      add_noise(latent, 24, 24, draws, 1.8);  // a background of its own
      add_code(latent, 48, 16, seed, palette_code, f.palette, 2.0);
      add_noise(latent, 48, 16, draws, 1.0);
      picture.apply(latent, draws, 0.08, row);

      latent.assign(24, 0);
      add_code(latent, 0, 12, seed, motion_code, f.motion, 1.0);
      latent[12] = 2 * std::cos(f.camera_angle) * f.camera_speed / 0.03;
      latent[13] = 2 * std::sin(f.camera_angle) * f.camera_speed / 0.03;
      for (uint8_t s = 0; s < f.segment_count; ++s)
        latent[14 + s] = 2 * f.segments[s].speed * f.segments[s].direction;
      add_noise(latent, 12, 12, draws, 1.2);
      motion.apply(latent, draws, 0.08, row + 96);

      latent.assign(32, 0);
      add_code(latent, 0, 16, seed, sound_code, f.sound, 1.0);
      add_code(latent, 0, 16, seed, series_code, f.series + (1ull << 31), 0.3);
      latent[16] = (f.tempo - 108) / 8;
      latent[17] = f.key / 3.0;
      add_noise(latent, 16, 16, draws, 1.6);
      sound.apply(latent, draws, 0.08, row + 128);
    }
  });
  return features;
}

}  // namespace cowatch
