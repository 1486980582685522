#include "media/worker/render/sound_track.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "media/world/draws.h"

namespace cowatch {
namespace {

using std::numbers::pi;

enum class Wave { sine, triangle, square, saw };

double wave_at(Wave wave, double phase) {
  const double p = phase - std::floor(phase);
  switch (wave) {
    case Wave::sine:
      return std::sin(2 * pi * p);
    case Wave::triangle:
      return p < 0.5 ? 4 * p - 1 : 3 - 4 * p;
    case Wave::square:
      return p < 0.5 ? 0.6 : -0.6;
    default:
      return 2 * p - 1;
  }
}

class Mixer {
 public:
  Mixer(const VideoFactors& factors, int rate, uint64_t series_seed, uint64_t video_seed)
      : samples(static_cast<size_t>(std::lround(factors.seconds * rate))),
        rate_(rate),
        factors_(factors),
        tune(series_seed, WorldStream::sound_track, factors.series),
        own(video_seed, WorldStream::sound_track, 0) {
    offset_ = own.below(8) * 0.5;
  }

  std::vector<float> samples;

 private:
  int rate_;
  const VideoFactors& factors_;
  double offset_ = 0;  // beats into the tune at which the clip begins

 public:
  Draws tune, own;

  double beat() const { return 60 / factors_.tempo; }
  int beats() const { return static_cast<int>(factors_.seconds / beat()) + 2; }
  double pitch(double semitones) const { return 220 * std::pow(2, (factors_.key % 12 - 6 + semitones) / 12); }

  template <typename Sample>
  void add(double at, double length, Sample&& sample) {
    const auto begin = static_cast<int64_t>((at - offset_ * beat()) * rate_);
    const auto count = static_cast<int64_t>(length * rate_);
    const auto end = std::min<int64_t>(begin + count, static_cast<int64_t>(samples.size()));
    for (int64_t i = std::max<int64_t>(begin, 0); i < end; ++i) {
      const double t = static_cast<double>(i - begin) / rate_;
      const double edge = std::min({1.0, t / 0.004, (length - t) / 0.01});  // no clicks
      samples[static_cast<size_t>(i)] += static_cast<float>(sample(t) * edge);
    }
  }

  void note(Wave wave, double at, double length, double frequency, double gain, double decay = 3) {
    add(at, length, [&](double t) { return gain * wave_at(wave, frequency * t) * std::exp(-decay * t); });
  }
  void kick(double at, double gain = 0.7) {
    add(at, 0.22, [&](double t) {
      return gain * std::sin(2 * pi * (50 * t + 4.5 * (1 - std::exp(-30 * t)))) * std::exp(-13 * t);
    });
  }
  void hiss(double at, double length, double gain, double decay, bool bright) {
    double last = 0;
    add(at, length, [&](double t) {
      const double n = own.uniform(-1, 1), out = bright ? n - last : 0.5 * (n + last);
      last = n;
      return gain * out * std::exp(-decay * t);
    });
  }
  void snare(double at, double gain = 0.35) {
    hiss(at, 0.18, gain, 18, true);
    note(Wave::triangle, at, 0.1, 190, gain * 0.8, 25);
  }
  void hat(double at, double gain = 0.12) { hiss(at, 0.06, gain, 60, true); }
  void chord(Wave wave, double at, double length, std::initializer_list<int> steps, double gain,
             double decay) {
    for (const int step : steps) note(wave, at, length, pitch(step), gain, decay);
  }
  // A string: noise going round a loop that dulls it (Karplus and Strong, 1983).
  void pluck(double at, double length, double frequency, double gain) {
    std::vector<double> loop(static_cast<size_t>(rate_ / frequency) + 1);
    for (double& x : loop) x = own.uniform(-1, 1);
    size_t place = 0;
    add(at, length, [&](double) {
      const size_t next = (place + 1) % loop.size();
      const double out = loop[place];
      loop[place] = 0.498 * (loop[place] + loop[next]);
      place = next;
      return gain * out;
    });
  }

  int scale(int degree) const {  // minor pentatonic, or major for half of the keys
    constexpr int minor[] = {0, 3, 5, 7, 10}, major[] = {0, 2, 4, 7, 9};
    return (factors_.key % 2 == 0 ? minor : major)[degree % 5] + 12 * (degree / 5);
  }

  // Beats from 0 to the end of the clip, whatever the offset.
  int last_beat() const { return beats() + 4; }
  void finish();
};

void lofi(Mixer& m) {
  constexpr int roots[] = {0, 5, -2, 3};
  const double b = m.beat() * 1.25;
  for (int k = 0; k < m.last_beat(); ++k) {
    const int root = roots[k / 2 % 4];
    if (k % 2 == 0) m.chord(Wave::triangle, k * b, 2 * b, {root, root + 3, root + 7, root + 10}, 0.1, 1.2);
    (k % 2 == 0) ? m.kick(k * b, 0.5) : m.snare(k * b, 0.18);
    m.hat((k + 0.6) * b, 0.06);
    if (m.tune.chance(0.6))
      m.note(Wave::sine, (k + 0.3) * b, 0.5, m.pitch(12 + m.scale(static_cast<int>(m.tune.below(6)))), 0.14,
             4);
  }
  for (int k = 0; k < 60; ++k) m.hiss(m.own.uniform(0, 12), 0.004, 0.12, 0, true);  // an old record
}

void house(Mixer& m) {
  const double b = m.beat() * 0.85;
  int root = 0;
  for (int k = 0; k < m.last_beat() * 1.2; ++k) {
    if (k % 4 == 0) root = m.scale(static_cast<int>(m.tune.below(4)));
    m.kick(k * b, 0.75);
    m.hat((k + 0.5) * b, 0.16);
    if (k % 2 == 1) m.snare(k * b, 0.2);
    for (const double s : {0.25, 0.5, 0.75}) m.note(Wave::saw, (k + s) * b, 0.1, m.pitch(root - 24), 0.16, 8);
    if (k % 2 == 0) m.chord(Wave::saw, (k + 0.5) * b, 0.2, {root, root + 3, root + 7}, 0.07, 7);
  }
}

void rock(Mixer& m) {
  const double b = m.beat() * 0.9;
  for (int k = 0; k < m.last_beat() * 1.2; ++k) {
    const int root = m.scale(static_cast<int>(m.tune.below(4))) - 12;
    (k % 2 == 0) ? m.kick(k * b) : m.snare(k * b, 0.4);
    for (const double s : {0.0, 0.5}) {
      m.hat((k + s) * b, 0.14);
      const double f = m.pitch(root);
      m.add((k + s) * b, 0.45 * b, [&](double t) {
        return 0.2 * std::tanh(3 * (wave_at(Wave::saw, f * t) + wave_at(Wave::saw, 1.4983 * f * t))) *
               std::exp(-2 * t);
      });
    }
  }
}

void latin(Mixer& m) {
  const double b = m.beat() * 0.9;
  constexpr double clave[] = {0, 0.75, 1.5, 2.5, 3};
  for (int bar = 0; bar * 4 < m.last_beat() * 1.2; ++bar) {
    const int root = m.scale(static_cast<int>(m.tune.below(4)));
    for (const double s : clave) m.note(Wave::sine, (4 * bar + s) * b, 0.07, 1900, 0.3, 40);
    for (int k = 0; k < 8; ++k) {
      m.note(Wave::sine, (4 * bar + 0.5 * k) * b, 0.16, k % 3 == 0 ? 210 : 320, 0.22, 18);
      constexpr int steps[] = {0, 12, 7, 12, 3, 12, 7, 10};
      m.note(Wave::triangle, (4 * bar + 0.5 * k + 0.25 * (k % 2)) * b, 0.25, m.pitch(root + steps[k]), 0.2,
             6);
    }
    m.note(Wave::triangle, (4 * bar + 1.5) * b, 0.5, m.pitch(root - 12), 0.3, 3);
    m.note(Wave::triangle, (4 * bar + 3) * b, 0.5, m.pitch(root - 5), 0.3, 3);
  }
}

void waltz(Mixer& m) {
  const double b = m.beat() * 0.65;
  for (int bar = 0; bar * 3 < m.last_beat() * 1.7; ++bar) {
    const int root = m.scale(static_cast<int>(m.tune.below(4)));
    m.note(Wave::triangle, 3 * bar * b, b, m.pitch(root - 12), 0.3, 3);
    for (int k = 1; k < 3; ++k)
      m.chord(Wave::triangle, (3 * bar + k) * b, 0.6 * b, {root, root + 4, root + 7}, 0.1, 5);
    for (int k = 0; k < 3; ++k)
      if (m.tune.chance(0.75)) {
        const double f = m.pitch(12 + m.scale(static_cast<int>(m.tune.below(7))));
        m.add((3 * bar + k) * b, 1.1 * b, [&](double t) {
          return 0.17 * std::sin(2 * pi * f * t + 0.25 * std::sin(34 * t)) * std::min(1.0, 12 * t);
        });
      }
  }
}

void chiptune(Mixer& m) {
  const double b = m.beat() / 4 * 0.9;
  int root = 0;
  for (int k = 0; k < m.last_beat() * 5; ++k) {
    if (k % 16 == 0) root = m.scale(static_cast<int>(m.tune.below(4)));
    constexpr int steps[] = {0, 4, 7, 12};
    m.note(Wave::square, k * b, 0.8 * b, m.pitch(12 + root + steps[k % 4]), 0.1, 2);
    if (k % 4 == 0) m.note(Wave::triangle, k * b, 3 * b, m.pitch(root - 12), 0.28, 1);
    if (k % 2 == 0 && m.tune.chance(0.7))
      m.note(Wave::square, k * b, 1.6 * b, m.pitch(24 + m.scale(static_cast<int>(m.tune.below(6)))), 0.12, 3);
    if (k % 8 == 4) m.hiss(k * b, 0.06, 0.25, 40, true);
  }
}

void strings(Mixer& m) {
  const double b = m.beat() / 2;
  for (int k = 0; k < m.last_beat() * 2; ++k) {
    if (k % 4 == 0) m.pluck(k * b, 1.6, m.pitch(m.scale(static_cast<int>(m.tune.below(3))) - 12), 0.4);
    if (m.tune.chance(0.7)) m.pluck(k * b, 1.2, m.pitch(m.scale(static_cast<int>(m.tune.below(8)))), 0.4);
  }
}

// Noise through a one-pole low pass whose corner follows `corner` (0 … 1), with a gain that does the same.
template <typename Shape>
void shaped_noise(Mixer& m, Shape&& shape) {
  double state = 0;
  m.add(0, 20, [&](double t) {
    const auto [gain, corner] = shape(t);
    state += corner * (m.own.uniform(-1, 1) - state);
    return gain * state;
  });
}

void rain(Mixer& m) {
  shaped_noise(m, [](double t) { return std::pair(0.3 + 0.05 * std::sin(0.9 * t), 0.6); });
  for (int k = 0; k < 160; ++k) {
    const double f = m.own.uniform(900, 3200);
    m.note(Wave::sine, m.own.uniform(0, 12), 0.05, f, m.own.uniform(0.05, 0.2), 70);
  }
}

void waves(Mixer& m) {
  const double phase = m.own.uniform(0, 6.3);
  shaped_noise(m, [&](double t) {
    const double swell = 0.5 + 0.5 * std::sin(2 * pi * 0.22 * t + phase);
    return std::pair(0.35 + 1.3 * swell * swell, 0.04 + 0.2 * swell * swell);
  });
}

void birds(Mixer& m) {
  shaped_noise(m, [](double) { return std::pair(0.12, 0.1); });
  for (double at = 0; at < 12; at += m.own.uniform(0.25, 0.7)) {
    const double f = m.own.uniform(2200, 4800), bend = m.own.uniform(-12000, 14000),
                 gain = m.own.uniform(0.12, 0.3);
    const int notes = 1 + static_cast<int>(m.own.below(4));
    for (int k = 0; k < notes; ++k)
      m.add(at + 0.11 * k, 0.08, [&](double t) {
        return gain * std::sin(2 * pi * (f * t + bend * t * t * 0.5)) * std::sin(pi * t / 0.08);
      });
  }
}

void crowd(Mixer& m) {
  const double phase = m.own.uniform(0, 6.3);
  double low = 0, lower = 0;
  m.add(0, 20, [&](double t) {
    low += 0.35 * (m.own.uniform(-1, 1) - low);
    lower += 0.06 * (low - lower);
    return (0.9 + 0.5 * std::sin(1.6 * t + phase)) * (low - lower);
  });
  for (double at = 0; at < 12; at += m.own.uniform(0.03, 0.1))
    m.hiss(at, 0.03, m.own.uniform(0.1, 0.35), 90, true);
  for (int k = 0; k < 4; ++k) {
    const double at = m.own.uniform(0, 10);
    m.add(at, 0.5, [&](double t) {
      return 0.14 * std::sin(2 * pi * (2300 * t + 90 * std::sin(9 * t))) * std::sin(pi * t / 0.5);
    });
  }
}

// Syllables: a buzzing voice through two resonances that glide from vowel to vowel.
void chatter(Mixer& m) {
  const double voice = 110 * std::pow(2.0, m.tune.uniform(0, 1.2));
  for (double at = 0; at < 12;) {
    const double length = m.own.uniform(0.1, 0.24), pitch = voice * m.own.uniform(0.85, 1.25);
    const double first = m.own.uniform(300, 800), second = m.own.uniform(900, 2300);
    double y1 = 0, y2 = 0, z1 = 0, z2 = 0;
    m.add(at, length, [&](double t) {
      const double source = wave_at(Wave::saw, pitch * t * (1 - 0.3 * t)) + 0.1 * m.own.uniform(-1, 1);
      constexpr double r = 0.965, sample_rate = 24000;
      const double y = 0.06 * source + 2 * r * std::cos(2 * pi * first / sample_rate) * y1 - r * r * y2;
      const double z = 0.06 * source + 2 * r * std::cos(2 * pi * second / sample_rate) * z1 - r * r * z2;
      y2 = y1, y1 = y, z2 = z1, z1 = z;
      return (0.6 * y + 0.4 * z) * std::sin(pi * t / length);
    });
    at += length + (m.own.chance(0.15) ? m.own.uniform(0.2, 0.4) : 0.02);
  }
}

// Brought to one loudness, and bent softly where it would exceed the range.
void Mixer::finish() {
  double power = 1e-9;
  for (const float s : samples) power += static_cast<double>(s) * s;
  const double gain = 0.16 / std::sqrt(power / static_cast<double>(samples.size()));
  for (size_t i = 0; i < samples.size(); ++i) {
    const double left = static_cast<double>(std::min(i, samples.size() - 1 - i)) / rate_;
    const double fade = std::min(1.0, left / 0.05);
    samples[i] = static_cast<float>(0.9 * std::tanh(samples[i] * gain / 0.9) * fade);
  }
}

}  // namespace

std::vector<float> sound_track(const World& world, uint32_t video, int rate) {
  constexpr void (*kinds[])(Mixer&) = {lofi,    house, rock,  latin, waltz, chiptune,
                                       strings, rain,  waves, birds, crowd, chatter};
  const VideoFactors& factors = world.videos[video];
  Mixer mixer(factors, rate, world.settings.seed, factors.background_seed);
  kinds[factors.sound](mixer);
  mixer.finish();
  return std::move(mixer.samples);
}

}  // namespace cowatch
