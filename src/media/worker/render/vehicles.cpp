// Vehicles; wheels turn with the clip's time.
#include <cmath>

#include "media/worker/render/figure.h"

namespace cowatch {
namespace {

const Color glass = rgb(0xBFE6F5), rubber = rgb(0x2B2B36);

void wheel(Canvas& c, const Look& l, double x, double y, double r) {
  c.circle(x, y, r, rubber);
  c.circle(x, y, r * 0.58, rgb(0xD9DEE7));
  c.at(x, y, 8 * l.seconds, 1, 1, [&] {
    for (int k = 0; k < 3; ++k)
      c.at(0, 0, 1.0472 * k, 1, 1, [&] { c.line({{-r * 0.5, 0}, {r * 0.5, 0}}, r * 0.14, rgb(0x7B8494)); });
  });
}

void car(Canvas& c, const Look& l) {
  c.blob({{-0.55, 0.3}, {-0.42, -0.25}, {-0.2, -0.42}, {0.25, -0.42}, {0.45, -0.2}, {0.62, 0.3}}, l.main);
  c.blob({{-0.42, 0.22}, {-0.34, -0.16}, {-0.04, -0.28}, {-0.04, 0.22}}, glass);
  c.blob({{0.06, 0.22}, {0.06, -0.28}, {0.28, -0.24}, {0.48, 0.22}}, glass);
  c.blob({{-0.95, 0.75}, {-0.95, 0.35}, {-0.6, 0.22}, {0.5, 0.22}, {0.9, 0.36}, {0.98, 0.75}}, l.main);
  c.box(0, 0.6, 1.8, 0.1, 0.03, l.second);
  c.circle(0.86, 0.48, 0.1, rgb(0xFFF3B0));
  c.box(-0.9, 0.46, 0.1, 0.18, 0.04, rgb(0xE63946));
  draw_mark(c, l.variant, 0, 0.46, 0.11);
  for (int s : {-1, 1}) wheel(c, l, s * 0.52, 0.76, 0.24);
  if (l.variant % 3 == 1) {
    c.box(0, -0.5, 0.8, 0.06, 0.02, rubber);
    c.box(-0.1, -0.62, 0.42, 0.2, 0.04, l.accent);
  }
}

void bus(Canvas& c, const Look& l) {
  c.box(0, 0.05, 1.9, 1.4, 0.16, l.main);
  c.box(0, 0.42, 1.9, 0.16, 0, l.second);
  for (int k = -1; k <= 1; ++k) {
    c.box(k * 0.46 - 0.2, -0.2, 0.38, 0.44, 0.06, glass);
    c.circle(k * 0.46 - 0.2, -0.1 + 0.04 * std::sin(6 * l.seconds + k), 0.13, rgb(0xF3C9A5));
    draw_eye(c, l, k * 0.46 - 0.15, -0.12 + 0.04 * std::sin(6 * l.seconds + k), 0.04);
  }
  c.box(0.76, -0.16, 0.26, 0.52, 0.06, glass);
  c.box(0.1, -0.54, 1.1, 0.16, 0.04, rubber);
  for (int k = 0; k < 6; ++k) c.box(-0.3 + 0.16 * k, -0.54, 0.08, 0.06, 0.01, rgb(0xFFD166));
  c.circle(0.84, 0.6, 0.09, rgb(0xFFF3B0));
  for (int s : {-1, 1}) wheel(c, l, s * 0.55, 0.78, 0.22);
}

void train(Canvas& c, const Look& l) {
  for (int k = 0; k < 3; ++k) {
    const double t = std::fmod(0.8 * l.seconds + 0.33 * k, 1.0);
    c.circle(0.52 - 0.5 * t, -0.7 - 0.4 * t, 0.1 + 0.12 * t, faded(rgb(0xFFFFFF), 0.8 * (1 - t)));
  }
  c.box(-0.5, -0.1, 0.78, 1.1, 0.08, l.main);
  c.box(-0.5, -0.68, 0.95, 0.14, 0.05, l.accent);
  c.box(-0.5, -0.22, 0.46, 0.4, 0.05, glass);
  c.box(0.38, 0.18, 1.06, 0.58, 0.26, l.second);
  for (int k = 0; k < 3; ++k) c.box(0.1 + 0.28 * k, 0.18, 0.06, 0.58, 0, l.accent);
  c.polygon({{0.42, -0.1}, {0.36, -0.55}, {0.68, -0.55}, {0.62, -0.1}}, rubber);
  c.circle(0.84, 0.12, 0.12, rgb(0xFFF3B0));
  c.box(0, 0.54, 1.86, 0.16, 0.04, l.main);
  c.polygon({{0.78, 0.55}, {1, 0.95}, {0.7, 0.95}}, l.accent);
  wheel(c, l, -0.58, 0.7, 0.3);
  wheel(c, l, 0.05, 0.78, 0.21);
  wheel(c, l, 0.5, 0.78, 0.21);
  const double a = 8 * l.seconds;
  c.line({{-0.58 + 0.15 * std::cos(a), 0.7 + 0.15 * std::sin(a)},
          {0.5 + 0.1 * std::cos(a), 0.78 + 0.1 * std::sin(a)}},
         0.06, rgb(0x9AA3B2));
}

void rocket(Canvas& c, const Look& l) {
  const double flame = 0.25 + 0.12 * std::sin(23 * l.seconds) + 0.08 * l.swing;
  c.blob({{-0.2, 0.6}, {0.2, 0.6}, {0.1, 0.8 + 0.5 * flame}, {0, 0.85 + flame}, {-0.1, 0.8 + 0.5 * flame}},
         rgb(0xFF9F1C));
  c.blob({{-0.1, 0.6}, {0.1, 0.6}, {0, 0.72 + 0.6 * flame}}, rgb(0xFFF3B0));
  for (int s : {-1, 1})
    c.blob({{s * 0.3, 0.1}, {s * 0.68, 0.5}, {s * 0.62, 0.82}, {s * 0.25, 0.6}}, l.accent);
  c.blob({{0, -1}, {0.32, -0.5}, {0.38, 0.1}, {0.25, 0.66}, {-0.25, 0.66}, {-0.38, 0.1}, {-0.32, -0.5}},
         l.second);
  c.blob({{0, -1}, {0.2, -0.75}, {0.3, -0.48}, {0, -0.42}, {-0.3, -0.48}, {-0.2, -0.75}}, l.main);
  c.circle(0, -0.12, 0.22, l.main);
  c.circle(0, -0.12, 0.16, glass);
  draw_eye(c, l, -0.06, -0.12, 0.05);
  draw_eye(c, l, 0.08, -0.12, 0.05);
  c.box(0, 0.36, 0.62, 0.1, 0.02, l.main);
}

void boat(Canvas& c, const Look& l) {
  c.line({{0, 0.5}, {0, -1}}, 0.06, rgb(0x8A6242));
  const double belly = 0.1 + 0.06 * l.swing;
  c.blob({{0.06, -0.92}, {0.4 + belly, -0.3}, {0.7 + belly, 0.3}, {0.06, 0.32}}, l.second);
  c.blob({{-0.06, -0.75}, {-0.35 + 0.5 * belly, -0.2}, {-0.62 + belly, 0.3}, {-0.06, 0.32}}, l.main);
  c.star(0.28, -0.02, 0.16, 5, 0.45, 0.1, l.accent);
  c.polygon({{0, -1}, {-0.3, -0.92 + 0.06 * l.swing}, {0, -0.84}}, l.accent);
  c.blob({{-0.95, 0.42}, {0, 0.5}, {0.98, 0.36}, {0.66, 0.86}, {0.2, 0.94}, {-0.4, 0.94}, {-0.7, 0.84}},
         l.main);
  c.line({{-0.78, 0.62}, {0.76, 0.58}}, 0.07, rgb(0xFFFFFF));
  for (int k = -3; k <= 3; ++k)
    c.arc(k * 0.3, 0.98 + 0.02 * std::sin(5 * l.seconds + k), 0.17, 3.4, 6.0, 0.06,
          faded(rgb(0xFFFFFF), 0.85));
}

constexpr Figure vehicles[] = {
    {"car", car, 0xE5383B, 0xF6F6F6},     {"bus", bus, 0xF2B134, 0xFFFFFF},
    {"train", train, 0x2F6DB5, 0x3FA37C}, {"rocket", rocket, 0xE63946, 0xF4F6FA},
    {"boat", boat, 0xC8553D, 0xFFFFFF},
};

}  // namespace

std::span<const Figure> vehicle_figures() {
  return vehicles;
}

}  // namespace cowatch
