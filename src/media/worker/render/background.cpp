#include "media/worker/render/background.h"

#include <cmath>
#include <numbers>

#include "media/world/draws.h"

namespace cowatch {
namespace {

struct Painter {
  Canvas& canvas;
  const Scene& scene;
  double height;
  Draws draws;

  double horizon() const { return 0.62 * height; }
  void sky() { canvas.vertical_gradient(0, 0, 1, height, scene.sky_top, scene.sky_bottom); }
  void floor(Color near, Color far) { canvas.vertical_gradient(0, horizon(), 1, height, far, near); }

  void sun_or_moon() {
    const double x = draws.uniform(0.12, 0.88), y = draws.uniform(0.08, 0.3) * height;
    const double radius = draws.uniform(0.05, 0.1);
    const Color light = scene.daylight > 0.55 ? rgb(0xFFF2B0) : rgb(0xE8ECF8);
    canvas.glow(x, y, radius * 3.5, faded(light, 0.55));
    canvas.circle(x, y, radius, light);
  }

  void stars(int count, double down_to) {
    for (int i = 0; i < count; ++i) {
      canvas.circle(draws.uniform(), draws.uniform(0, down_to), draws.uniform(0.001, 0.004),
                    faded(rgb(0xFFFFFF), draws.uniform(0.4, 1)));
    }
  }

  void clouds(int count, Color color) {
    for (int i = 0; i < count; ++i) {
      const double x = draws.uniform(), y = draws.uniform(0.06, 0.4) * height, s = draws.uniform(0.03, 0.07);
      for (int k = -2; k <= 2; ++k)
        canvas.ellipse(x + k * s * 0.9, y - (2 - std::abs(k)) * s * 0.25, s, s * (0.75 - 0.15 * std::abs(k)),
                       color);
    }
  }

  // A range of hills: a few waves added up, filled down to the bottom.
  void ridge(double base, double roughness, double frequency, Color color) {
    Points points;
    const double p1 = draws.uniform(0, 6.3), p2 = draws.uniform(0, 6.3), p3 = draws.uniform(0, 6.3);
    for (int i = 0; i <= 40; ++i) {
      const double x = i / 40.0;
      const double y = std::sin(frequency * x * 5 + p1) + 0.5 * std::sin(frequency * x * 11 + p2) +
                       0.25 * std::sin(frequency * x * 23 + p3);
      points.push_back({x, base - roughness * y});
    }
    points.push_back({1, height});
    points.push_back({0, height});
    canvas.polygon(points, color);
  }

  void tree(double x, double base, double size, Color leaves, bool pointed) {
    canvas.box(x, base - size * 0.15, size * 0.12, size * 0.4, 0, mix(rgb(0x6B4A33), scene.ground, 0.3));
    if (pointed) {
      for (int k = 0; k < 3; ++k) {
        const double y = base - size * (0.2 + 0.27 * k), w = size * (0.36 - 0.08 * k);
        canvas.polygon({{x - w, y}, {x, y - size * 0.45}, {x + w, y}}, shade(leaves, 0.9 + 0.08 * k));
      }
    } else {
      canvas.circle(x - size * 0.18, base - size * 0.55, size * 0.28, shade(leaves, 0.9));
      canvas.circle(x + size * 0.18, base - size * 0.55, size * 0.28, shade(leaves, 0.95));
      canvas.circle(x, base - size * 0.75, size * 0.3, leaves);
    }
  }

  void bokeh(int count) {
    for (int i = 0; i < count; ++i) {
      const Color color = draws.chance(0.5) ? scene.accent : scene.accent_second;
      canvas.circle(draws.uniform(), draws.uniform(0, 0.75) * height, draws.uniform(0.015, 0.06),
                    faded(shade(color, 1.2), draws.uniform(0.1, 0.35)));
    }
  }

  void hills() {
    sky();
    sun_or_moon();
    clouds(1 + static_cast<int>(draws.below(4)), faded(rgb(0xFFFFFF), 0.25 + 0.5 * scene.daylight));
    const Color green = mix(rgb(0x7FB069), scene.ground, 0.5);
    ridge(0.5 * height, 0.07, draws.uniform(0.8, 1.6), mix(green, scene.sky_bottom, 0.55));
    ridge(0.58 * height, 0.05, draws.uniform(0.6, 1.4), mix(green, scene.sky_bottom, 0.25));
    ridge(0.68 * height, 0.03, draws.uniform(0.5, 1.2), shade(green, 0.9));
    for (int i = static_cast<int>(draws.below(5)); i >= 0; --i)
      tree(draws.uniform(), 0.66 * height, draws.uniform(0.1, 0.2), shade(green, 0.75), draws.chance(0.5));
  }

  void city() {
    sky();
    if (scene.daylight < 0.6) stars(50, 0.4 * height);
    sun_or_moon();
    for (int layer = 0; layer < 2; ++layer) {
      double x = -0.05;
      while (x < 1) {
        const double w = draws.uniform(0.08, 0.17), h = draws.uniform(0.18, 0.5) * (layer == 0 ? 1.2 : 0.8);
        const Color wall =
            mix(mix(scene.accent, rgb(0x4A5568), 0.6), scene.sky_bottom, layer == 0 ? 0.5 : 0.12);
        const double top = horizon() - h;
        canvas.box(x + w / 2, top + h / 2 + 0.05, w * 0.94, h + 0.1, 0, shade(wall, draws.uniform(0.8, 1.1)));
        if (layer == 1) windows(x, top, w, h);
        x += w;
      }
    }
    floor(mix(rgb(0x55585F), scene.ground, 0.3), mix(rgb(0x7A7D85), scene.ground, 0.3));
    for (int i = 0; i < 5; ++i)
      canvas.box(0.1 + 0.22 * i, horizon() + 0.2 * height, 0.1, 0.015, 0, faded(rgb(0xFFF6D5), 0.8));
  }

  void windows(double x, double top, double w, double h) {
    const bool night = scene.daylight < 0.65;
    for (double y = top + 0.03; y < top + h - 0.03; y += 0.045) {
      for (double u = x + 0.02; u < x + w - 0.02; u += 0.03) {
        const bool lit = draws.chance(night ? 0.55 : 0.2);
        canvas.box(u, y, 0.014, 0.022, 0, lit ? rgb(0xFFE08A) : faded(rgb(0x2B3445), 0.45));
      }
    }
  }

  void beach() {
    sky();
    sun_or_moon();
    clouds(static_cast<int>(draws.below(4)), faded(rgb(0xFFFFFF), 0.55));
    const Color sea = mix(rgb(0x2C9CC4), scene.sky_top, 0.35);
    canvas.vertical_gradient(0, 0.46 * height, 1, 0.72 * height, shade(sea, 0.8), shade(sea, 1.25));
    for (int i = 0; i < 26; ++i) {
      const double y = draws.uniform(0.48, 0.66) * height;
      canvas.box(draws.uniform(), y, draws.uniform(0.03, 0.14), 0.005, 0.003, faded(rgb(0xFFFFFF), 0.35));
    }
    ridge(0.67 * height, 0.012, draws.uniform(0.5, 1.2), faded(rgb(0xFFFFFF), 0.8));
    ridge(0.685 * height, 0.012, draws.uniform(0.5, 1.2), mix(rgb(0xF0D9A0), scene.ground, 0.25));
    if (draws.chance(0.6)) palm(draws.chance(0.5) ? draws.uniform(0.05, 0.2) : draws.uniform(0.8, 0.95));
    if (draws.chance(0.5)) umbrella(draws.uniform(0.1, 0.9));
  }

  void palm(double x) {
    const double base = 0.72 * height, top = base - 0.42, lean = draws.uniform(-0.08, 0.08);
    canvas.curve({{x, base}, {x + lean * 0.3, base - 0.2}, {x + lean, top}}, 0.022, rgb(0x8A6242));
    for (int k = 0; k < 6; ++k) {
      const double angle = -0.4 + 0.75 * k + 2.6;
      canvas.curve({{x + lean, top},
                    {x + lean + 0.09 * std::cos(angle), top + 0.06 * std::sin(angle) - 0.03},
                    {x + lean + 0.17 * std::cos(angle), top + 0.13 * std::sin(angle) + 0.03}},
                   0.022, rgb(0x4B8F4A));
    }
  }

  void umbrella(double x) {
    const double base = 0.72 * height, r = 0.11;
    canvas.line({{x, base}, {x, base - 0.2}}, 0.01, rgb(0xEEEEEE));
    for (int k = 0; k < 4; ++k) {
      const double a = std::numbers::pi * (1 + k / 4.0), b = std::numbers::pi * (1 + (k + 1) / 4.0);
      canvas.polygon({{x, base - 0.2 - r},
                      {x + r * std::cos(a), base - 0.17 + r * 0.5 * std::sin(a)},
                      {x + r * std::cos(b), base - 0.17 + r * 0.5 * std::sin(b)}},
                     k % 2 == 0 ? scene.accent : rgb(0xFFFFFF));
    }
  }

  void wall(Color color) {
    canvas.vertical_gradient(0, 0, 1, height, shade(color, 1.08), shade(color, 0.88));
  }

  void kitchen() {
    const Color tile = mix(scene.sky_bottom, rgb(0xF6EFE2), 0.55);
    wall(tile);
    const double size = draws.uniform(0.07, 0.11);
    for (double y = 0; y < horizon(); y += size) {
      for (double x = 0; x < 1; x += size) {
        const Color color =
            draws.chance(0.12) ? mix(tile, scene.accent, 0.45) : shade(tile, draws.uniform(0.94, 1.05));
        canvas.box(x + size / 2, y + size / 2, size * 0.93, size * 0.93, 0.006, color);
      }
    }
    const double shelf = draws.uniform(0.16, 0.28) * height;
    canvas.box(0.5, shelf, 0.9, 0.02, 0.004, rgb(0x9C6B44));
    for (double x = 0.1; x < 0.9; x += draws.uniform(0.08, 0.16)) {
      const double h = draws.uniform(0.06, 0.12), w = draws.uniform(0.03, 0.035);
      const Color jar = draws.chance(0.5) ? scene.accent : scene.accent_second;
      canvas.box(x, shelf - 0.01 - h / 2, 2 * w, h, 0.012, mix(jar, rgb(0xFFFFFF), draws.uniform(0, 0.5)));
      canvas.box(x, shelf - 0.01 - h, 1.4 * w, 0.015, 0.004, rgb(0x6B4A33));
    }
    floor(mix(rgb(0xB98255), scene.ground, 0.2), mix(rgb(0xD8A574), scene.ground, 0.2));
    canvas.box(0.5, horizon(), 1.1, 0.025, 0, rgb(0xF2EBDD));
  }

  void stage() {
    const Color back = mix(rgb(0x1D1433), scene.accent, 0.25);
    wall(back);
    for (int i = 0; i < 9; ++i)  // curtain
      canvas.vertical_gradient(i / 9.0, 0, 0.055, horizon(), faded(scene.accent_second, 0.35),
                               faded(back, 0.1));
    for (int i = 3 + static_cast<int>(draws.below(3)); i > 0; --i) {
      const double x = draws.uniform(), goal = draws.uniform(), w = draws.uniform(0.08, 0.2);
      const Color beam = draws.chance(0.5) ? scene.accent : scene.accent_second;
      canvas.polygon({{x - 0.01, 0}, {x + 0.01, 0}, {goal + w, height * 0.9}, {goal - w, height * 0.9}},
                     faded(shade(beam, 1.4), 0.22));
      canvas.glow(x, 0, 0.16, faded(rgb(0xFFFFFF), 0.6));
    }
    floor(shade(back, 0.5), mix(back, scene.accent, 0.35));
    bokeh(10);
  }

  void forest() {
    sky();
    const Color leaf = mix(rgb(0x3E7D4E), scene.ground, 0.35);
    for (int layer = 0; layer < 3; ++layer) {
      const Color color = mix(leaf, scene.sky_bottom, 0.6 - 0.3 * layer);
      for (int i = 0; i < 9 - layer; ++i)
        tree((i + draws.uniform(-0.2, 0.9)) / (8.0 - layer), (0.56 + 0.06 * layer) * height,
             draws.uniform(0.26, 0.5), shade(color, draws.uniform(0.85, 1.05)), draws.chance(0.65));
      ridge((0.57 + 0.06 * layer) * height, 0.012, 1.2, shade(color, 0.85));
    }
  }

  void snow() {
    sky();
    if (scene.daylight < 0.6) stars(60, 0.4 * height);
    const Color white = mix(rgb(0xF4F8FC), scene.sky_bottom, 0.12);
    for (int i = 0; i < 4; ++i) {
      const double x = draws.uniform(), w = draws.uniform(0.2, 0.36), top = draws.uniform(0.2, 0.38) * height;
      const Color rock = mix(mix(rgb(0x6F86A6), scene.sky_top, 0.4), scene.sky_bottom, 0.3);
      canvas.polygon({{x - w, horizon()}, {x, top}, {x + w, horizon()}}, rock);
      const double cap = (horizon() - top) * 0.3;
      canvas.polygon({{x - w * 0.3, top + cap},
                      {x, top},
                      {x + w * 0.3, top + cap},
                      {x + w * 0.1, top + cap * 0.8},
                      {x - w * 0.08, top + cap * 1.1}},
                     white);
    }
    ridge(0.6 * height, 0.03, draws.uniform(0.5, 1.1), shade(white, 0.92));
    for (int i = 0; i < 6; ++i)
      tree(draws.uniform(), 0.63 * height, draws.uniform(0.1, 0.22), mix(rgb(0x4C7A66), white, 0.35), true);
    ridge(0.66 * height, 0.02, draws.uniform(0.5, 1.1), white);
  }

  void desert() {
    sky();
    sun_or_moon();
    const Color sand = mix(rgb(0xE3B36B), scene.ground, 0.3);
    for (int i = static_cast<int>(draws.below(3)); i >= 0; --i) {  // mesas
      const double x = draws.uniform(), w = draws.uniform(0.08, 0.18), h = draws.uniform(0.1, 0.22);
      canvas.polygon({{x - w, horizon()},
                      {x - w * 0.75, horizon() - h},
                      {x + w * 0.75, horizon() - h},
                      {x + w, horizon()}},
                     mix(rgb(0xB9663F), scene.sky_bottom, 0.3));
    }
    ridge(0.58 * height, 0.03, draws.uniform(0.4, 0.9), mix(sand, scene.sky_bottom, 0.3));
    ridge(0.66 * height, 0.03, draws.uniform(0.4, 0.9), sand);
    ridge(0.82 * height, 0.03, draws.uniform(0.4, 0.9), shade(sand, 0.9));
  }

  void bedroom() {
    const Color paint = mix(scene.sky_bottom, scene.accent, 0.25);
    wall(paint);
    const int style = static_cast<int>(draws.below(3));
    for (int i = 0; i < 12; ++i) {
      if (style == 0) canvas.box(i / 11.0, horizon() / 2, 0.035, horizon(), 0, shade(paint, 0.94));
      if (style == 1)
        for (int k = 0; k < 9; ++k)
          canvas.circle((i + 0.5 * (k % 2)) / 11.0, k * 0.1, 0.012, shade(paint, 1.25));
    }
    const double x = draws.uniform(0.2, 0.8), y = draws.uniform(0.2, 0.28) * height;
    canvas.box(x, y, 0.34, 0.36, 0.01, rgb(0xFFFFFF));
    canvas.vertical_gradient(x - 0.15, y - 0.16, 0.3, y + 0.16, scene.sky_top, shade(scene.sky_bottom, 1.2));
    canvas.box(x, y, 0.012, 0.34, 0, rgb(0xFFFFFF));
    canvas.box(x, y, 0.32, 0.012, 0, rgb(0xFFFFFF));
    const double px =
        x < 0.5 ? draws.uniform(0.72, 0.88) : draws.uniform(0.12, 0.28);  // a picture on the wall
    canvas.box(px, y, 0.17, 0.21, 0.005, rgb(0x6B4A33));
    canvas.box(px, y, 0.14, 0.18, 0, scene.accent_second);
    canvas.circle(px + draws.uniform(-0.03, 0.03), y, 0.045, shade(scene.accent, 1.2));
    floor(mix(rgb(0xA9764A), scene.ground, 0.25), mix(rgb(0xC8976A), scene.ground, 0.25));
    canvas.box(0.5, horizon(), 1.1, 0.03, 0, rgb(0xFFFFFF));
    canvas.ellipse(0.5, 0.82 * height, 0.42, 0.1, faded(scene.accent, 0.75));
    canvas.ellipse(0.5, 0.82 * height, 0.34, 0.075, faded(shade(scene.accent, 1.3), 0.75));
  }

  void space() {
    canvas.vertical_gradient(0, 0, 1, height, mix(rgb(0x0A0B24), scene.sky_top, 0.15),
                             mix(rgb(0x2A1850), scene.accent, 0.3));
    for (int i = 0; i < 4; ++i)
      canvas.glow(draws.uniform(), draws.uniform() * height, draws.uniform(0.2, 0.5),
                  faded(draws.chance(0.5) ? scene.accent : scene.accent_second, 0.4));
    stars(170, height);
    for (int i = 1 + static_cast<int>(draws.below(3)); i > 0; --i) {
      const double x = draws.uniform(), y = draws.uniform() * height, r = draws.uniform(0.05, 0.14);
      const Color color = draws.chance(0.5) ? scene.accent : scene.accent_second;
      canvas.circle(x, y, r, shade(color, 0.85));
      canvas.circle(x - r * 0.15, y - r * 0.15, r * 0.8, color);
      canvas.circle(x + r * 0.3, y - r * 0.3, r * 0.18, shade(color, 0.8));
      if (draws.chance(0.5))
        canvas.at(x, y, 0.4, 1, 0.3,
                  [&] { canvas.arc(0, 0, r * 1.6, -0.3, 3.5, r * 0.2, shade(color, 1.3)); });
    }
  }

  void reef() {
    const Color water = mix(rgb(0x1487A8), scene.sky_top, 0.3);
    canvas.vertical_gradient(0, 0, 1, height, shade(water, 1.35), shade(water, 0.55));
    for (int i = 0; i < 5; ++i) {
      const double x = draws.uniform();
      canvas.polygon({{x, 0}, {x + 0.07, 0}, {x + 0.25, height}, {x - 0.02, height}},
                     faded(rgb(0xFFFFFF), 0.08));
    }
    ridge(0.72 * height, 0.04, 0.9, shade(water, 0.65));
    for (int i = 0; i < 9; ++i) {
      const double x = draws.uniform(), base = 0.8 * height, h = draws.uniform(0.12, 0.34);
      const Color color = mix(draws.chance(0.5) ? scene.accent : scene.accent_second, water, 0.25);
      if (draws.chance(0.5)) {
        canvas.curve(
            {{x, base}, {x + 0.03, base - h / 3}, {x - 0.03, base - 2 * h / 3}, {x + 0.02, base - h}}, 0.026,
            mix(rgb(0x3C9F6E), water, 0.3));
      } else {
        for (int k = -2; k <= 2; ++k)
          canvas.curve(
              {{x, base}, {x + 0.02 * k, base - h / 3}, {x + 0.035 * k, base - h * (0.75 - 0.08 * k * k)}},
              0.02, color);
      }
    }
    ridge(0.82 * height, 0.02, 0.8, mix(rgb(0xE0CE9A), water, 0.35));
  }

  void park() {
    sky();
    clouds(1 + static_cast<int>(draws.below(3)), faded(rgb(0xFFFFFF), 0.6));
    const Color grass = mix(rgb(0x83BF5B), scene.ground, 0.4);
    for (int i = 0; i < 5; ++i)
      tree(draws.uniform(), 0.63 * height, draws.uniform(0.25, 0.42),
           shade(mix(grass, scene.accent, draws.uniform(0, 0.45)), draws.uniform(0.7, 0.95)), false);
    floor(shade(grass, 0.85), shade(grass, 1.1));
    for (int i = 0; i < 14; ++i)
      canvas.box((i + 0.5) / 14, horizon() - 0.02, 0.02, 0.11, 0.008,
                 shade(rgb(0xE9E2D0), 0.6 + 0.4 * scene.daylight));
    canvas.box(0.5, horizon() - 0.03, 1.1, 0.018, 0, shade(rgb(0xDDD5C0), 0.6 + 0.4 * scene.daylight));
    for (int i = 0; i < 30; ++i) {
      canvas.circle(draws.uniform(), draws.uniform(0.66, 1) * height, draws.uniform(0.005, 0.011),
                    draws.chance(0.5) ? scene.accent : rgb(0xFFFFFF));
    }
  }
};

constexpr void (Painter::*painters[])() = {&Painter::hills,   &Painter::city,   &Painter::beach,
                                           &Painter::kitchen, &Painter::stage,  &Painter::forest,
                                           &Painter::snow,    &Painter::desert, &Painter::bedroom,
                                           &Painter::space,   &Painter::reef,   &Painter::park};

}  // namespace

Scene scene_of(const VideoFactors& factors) {
  struct Colors {
    uint32_t sky_top, sky_bottom, ground, accent, accent_second;
  };
  constexpr Colors palettes[] = {
      {0x8FA8E0, 0xFFD3C2, 0xA8B58A, 0xF28F79, 0xF6C177}, {0x56A9E8, 0xD8F0FB, 0x93C572, 0xFF7A59, 0x3DA5D9},
      {0x7B4B94, 0xFFB07C, 0xB5835A, 0xFF6B5E, 0xFFC857}, {0x141B3C, 0x46508C, 0x3B4A5A, 0x7C83FD, 0xF7B2D9},
      {0x7FD8BE, 0xE8FAF0, 0x9AD3A8, 0x2FA58B, 0xFCD581}, {0xF7A9D8, 0xFFE9F3, 0xC9E4A8, 0xF45B9A, 0x7AD3F0},
      {0xB8BEC6, 0xEEF0F2, 0xA5AAA6, 0x56616E, 0xC2504D}, {0xC9B79C, 0xF8E3BE, 0xB88A4A, 0xD9622B, 0x8E3B46},
  };
  const Colors& colors = palettes[factors.palette];
  // Night is bluer and darker, but never so dark that nothing is seen.
  const auto lit = [&](uint32_t hex) {
    const double dark = 0.42 * (1 - factors.daylight);
    return mix(rgb(hex), rgb(0x1A2350), dark);
  };
  Scene scene;
  scene.sky_top = lit(colors.sky_top);
  scene.sky_bottom = lit(colors.sky_bottom);
  scene.ground = lit(colors.ground);
  scene.ground_far = mix(scene.ground, scene.sky_bottom, 0.4);
  scene.accent = lit(colors.accent);
  scene.accent_second = lit(colors.accent_second);
  scene.daylight = factors.daylight;
  return scene;
}

void paint_background(Canvas& canvas, const VideoFactors& factors, const Scene& scene, double height) {
  Painter painter{canvas, scene, height, Draws(factors.background_seed, WorldStream::picture, 0)};
  (painter.*painters[factors.background])();
}

void paint_particles(Canvas& canvas, const VideoFactors& factors, const Scene& scene, double height,
                     double seconds) {
  enum class Drift { none, fall, rise, twinkle, wander };
  constexpr Drift drifts[] = {Drift::wander,  Drift::none,    Drift::none, Drift::none,
                              Drift::twinkle, Drift::fall,    Drift::fall, Drift::wander,
                              Drift::none,    Drift::twinkle, Drift::rise, Drift::wander};
  const Drift drift = drifts[factors.background];
  if (drift == Drift::none) return;
  const bool flakes = background_terms()[factors.background].id == "snow";
  Draws draws(factors.background_seed, WorldStream::picture, 1);
  for (int i = 0; i < 16; ++i) {
    const double x = draws.uniform(), y = draws.uniform(), size = draws.uniform(0.005, 0.012);
    const double pace = draws.uniform(0.5, 1.5), begin = draws.uniform(0, 6.3);
    const double wave = std::sin(begin + seconds * pace * 2);
    if (drift == Drift::fall) {
      const double down = y + seconds * 0.09 * pace;
      const Color color = flakes ? rgb(0xFFFFFF) : (i % 2 == 0 ? scene.accent : scene.accent_second);
      canvas.ellipse(x + 0.03 * wave, (down - std::floor(down)) * height, size, flakes ? size : size * 0.6,
                     color);
    } else if (drift == Drift::rise) {
      const double up = y - seconds * 0.11 * pace;
      canvas.arc(x + 0.015 * wave, (up - std::floor(up)) * height, size * 1.4, 0, 6.3, 0.004,
                 faded(rgb(0xFFFFFF), 0.7));
    } else if (drift == Drift::twinkle) {
      canvas.star(x, y * 0.7 * height, size * (1.3 + wave), 4, 0.3, 0, faded(rgb(0xFFFFFF), 0.8));
    } else {
      canvas.circle(x + 0.05 * wave, (y * 0.6 + 0.03 * std::cos(begin + seconds * pace * 3)) * height,
                    size * 0.6, faded(shade(scene.accent_second, 1.3), 0.8));
    }
  }
}

}  // namespace cowatch
