// Plants, in pots or on a patch of ground.
#include <cmath>

#include "media/worker/render/figure.h"

namespace cowatch {
namespace {

const Color leaf = rgb(0x4E9A51);

void pot(Canvas& c, const Look& l, double width) {
  c.polygon({{-width * 0.85, 0.55}, {width * 0.85, 0.55}, {width * 0.62, 1}, {-width * 0.62, 1}}, l.accent);
  c.box(0, 0.52, width * 2, 0.16, 0.05, shade(l.accent, 1.2));
}

void cactus(Canvas& c, const Look& l) {
  c.at(0, 0.5, 0.1 * l.swing, 1, 1, [&] {
    c.curve({{-0.3, -0.25}, {-0.68, -0.28}, {-0.7, -0.7}}, 0.24, l.main);
    c.curve({{0.3, -0.45}, {0.66, -0.48}, {0.68, -0.9}}, 0.22, l.main);
    c.box(0, -0.58, 0.66, 1.5, 0.33, l.main);
    for (int k = -1; k <= 1; ++k)
      c.line({{k * 0.16, -1.1 + 0.08 * k * k}, {k * 0.16, -0.02}}, 0.03, shade(l.main, 0.75));
    for (int k = 0; k < 6; ++k)
      c.star(-0.24 + 0.1 * k, -1.05 + 0.2 * ((k * 3) % 5), 0.06, 4, 0.3, 0, l.second);
    draw_face(c, l, 0, -0.62, 0.28);
    for (int k = 0; k < 5; ++k)
      c.circle(0.1 * std::cos(1.2566 * k), -1.36 + 0.1 * std::sin(1.2566 * k), 0.1, rgb(0xF25C8A));
    c.circle(0, -1.36, 0.07, rgb(0xFFE066));
  });
  pot(c, l, 0.5);
}

void sunflower(Canvas& c, const Look& l) {
  const double lean = 0.14 * l.swing;
  c.curve({{0, 1}, {0.05, 0.6}, {lean, 0.1}}, 0.11, leaf);
  c.at(0.03, 0.68, -0.5 + 0.2 * l.swing, 1, 1, [&] { c.ellipse(0.3, 0, 0.28, 0.12, leaf); });
  c.at(0.03, 0.78, 0.5 + 0.2 * l.swing, 1, 1, [&] { c.ellipse(-0.3, 0, 0.28, 0.12, leaf); });
  c.at(lean, -0.32, 0.25 * l.swing, 1, 1, [&] {
    for (int k = 0; k < 14; ++k)
      c.at(0, 0, 0.4488 * k, 1, 1,
           [&] { c.ellipse(0, -0.48, 0.13, 0.24, k % 2 ? l.main : shade(l.main, 0.9)); });
    c.circle(0, 0, 0.38, mix(rgb(0x7A4A24), l.second, 0.2));
    draw_face(c, l, 0, -0.02, 0.3);
  });
}

void tulips(Canvas& c, const Look& l) {
  for (int k : {-2, 2, -1, 1, 0}) {
    const double lean = 0.1 * std::sin(2.2 * l.seconds + k) + 0.1 * l.swing, x = 0.32 * k,
                 top = -0.35 - 0.12 * ((k + 4) % 3);
    c.curve({{0.16 * k, 1}, {0.2 * k, 0.5}, {x + lean, top + 0.2}}, 0.07, leaf);
    c.at(0.18 * k, 0.85, 0.3 * k, 1, 1, [&] { c.ellipse(0, -0.22, 0.08, 0.34, shade(leaf, 0.9)); });
    const Color flower = k % 2 == 0 ? l.main : (k < 0 ? l.accent : l.second);
    c.blob({{x + lean - 0.2, top - 0.2},
            {x + lean - 0.1, top - 0.1},
            {x + lean, top - 0.26},
            {x + lean + 0.1, top - 0.1},
            {x + lean + 0.2, top - 0.2},
            {x + lean + 0.18, top + 0.15},
            {x + lean, top + 0.25},
            {x + lean - 0.18, top + 0.15}},
           flower);
  }
  pot(c, l, 0.46);
}

void bonsai(Canvas& c, const Look& l) {
  c.curve({{0, 0.6}, {-0.2, 0.3}, {0.16, 0}, {-0.1, -0.4}}, 0.22, rgb(0x7A5236));
  c.curve({{0.1, 0.06}, {0.4, -0.05}, {0.55, -0.15}}, 0.11, rgb(0x7A5236));
  c.curve({{-0.12, 0.2}, {-0.42, 0.1}, {-0.56, 0}}, 0.1, rgb(0x7A5236));
  const auto crown = [&](double x, double y, double s) {
    const double w = 0.03 * l.swing;
    c.blob({{x - s + w, y},
            {x - 0.6 * s + w, y - 0.45 * s},
            {x + w, y - 0.6 * s},
            {x + 0.6 * s + w, y - 0.45 * s},
            {x + s + w, y},
            {x, y + 0.2 * s}},
           l.main);
    for (int k = -1; k <= 1; ++k) c.circle(x + w + 0.4 * s * k, y - 0.22 * s, 0.06, l.second);
  };
  crown(0.56, -0.15, 0.38);
  crown(-0.56, 0.02, 0.36);
  crown(-0.05, -0.42, 0.58);
  c.box(0, 0.62, 1.3, 0.12, 0.04, shade(l.accent, 1.2));
  c.polygon({{-0.58, 0.68}, {0.58, 0.68}, {0.46, 0.92}, {-0.46, 0.92}}, l.accent);
  for (int s : {-1, 1}) c.box(s * 0.34, 0.96, 0.16, 0.1, 0.02, shade(l.accent, 0.8));
}

void mushroom(Canvas& c, const Look& l) {
  c.blob({{-0.3, 0.1}, {0.3, 0.1}, {0.36, 0.6}, {0.44, 0.96}, {-0.44, 0.96}, {-0.36, 0.6}}, rgb(0xFBF3E4));
  draw_face(c, l, 0, 0.5, 0.32);
  c.at(0, 0.1, 0.06 * l.swing, 1, 1 + 0.04 * l.swing, [&] {
    c.blob(
        {{-0.92, 0.02}, {-0.75, -0.55}, {-0.3, -0.95}, {0.3, -0.95}, {0.75, -0.55}, {0.92, 0.02}, {0, 0.2}},
        l.main);
    c.ellipse(-0.05, -0.6, 0.2, 0.17, l.second);
    c.ellipse(0.48, -0.4, 0.16, 0.15, l.second);
    c.ellipse(-0.52, -0.3, 0.17, 0.14, l.second);
    c.ellipse(0.14, -0.12, 0.14, 0.1, l.second);
  });
  for (int s : {-1, 1})
    c.curve({{s * 0.6, 1}, {s * 0.62 + 0.05 * l.swing, 0.85}, {s * 0.7 + 0.08 * l.swing, 0.72}}, 0.06, leaf);
}

constexpr Figure plants[] = {
    {"cactus", cactus, 0x5BA65B, 0xFFF6D8},     {"sunflower", sunflower, 0xFFC62B, 0x8A5A36},
    {"tulips", tulips, 0xE8436A, 0xFFC845},     {"bonsai", bonsai, 0x4C9F5A, 0xF7B7C8},
    {"mushroom", mushroom, 0xDD3B36, 0xFFFFFF},
};

}  // namespace

std::span<const Figure> plant_figures() {
  return plants;
}

}  // namespace cowatch
