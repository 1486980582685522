// Food.
#include <cmath>

#include "media/worker/render/figure.h"

namespace cowatch {
namespace {

void steam(Canvas& c, const Look& l, double y) {
  for (int k = -1; k <= 1; ++k) {
    const double w = 0.07 * std::sin(3 * l.seconds + k);
    c.line({{0.25 * k, y}, {0.25 * k + w, y - 0.14}, {0.25 * k - w, y - 0.28}}, 0.05,
           faded(rgb(0xFFFFFF), 0.6));
  }
}

void noodles(Canvas& c, const Look& l) {
  steam(c, l, -0.35);
  for (int s : {-1, 1})
    c.line({{0.2 + 0.1 * s, 0.1}, {0.62 + 0.06 * s, -0.95 + 0.12 * l.swing}}, 0.06, rgb(0x9C4A2F));
  c.ellipse(0, 0.1, 0.82, 0.26, l.second);
  for (int k = -4; k <= 4; ++k)
    c.curve({{k * 0.16, 0.22}, {k * 0.15 + 0.05 * l.swing, -0.02}, {k * 0.13 + 0.1, 0.12}}, 0.07,
            rgb(0xF6D77A));
  for (int k = 0; k < 3; ++k)
    c.curve({{0.2 + 0.06 * k, 0.12}, {0.34 + 0.05 * k, -0.2}, {0.5, -0.55 + 0.12 * l.swing}}, 0.045,
            rgb(0xF6D77A));
  c.ellipse(-0.36, 0.03, 0.24, 0.15, rgb(0xFFFFFF));
  c.ellipse(-0.36, 0.03, 0.12, 0.08, rgb(0xF59F2E));
  for (int k = 0; k < 4; ++k) c.circle(-0.05 + 0.12 * k, 0.02 + 0.06 * (k % 2), 0.045, rgb(0x5DA04A));
  c.blob({{-0.84, 0.12}, {0, 0.36}, {0.84, 0.12}, {0.66, 0.68}, {0.34, 0.95}, {-0.34, 0.95}, {-0.66, 0.68}},
         l.main);
  c.curve({{-0.7, 0.42}, {-0.35, 0.52}, {0, 0.56}, {0.35, 0.52}, {0.7, 0.42}}, 0.07, l.accent);
  draw_face(c, l, 0, 0.66, 0.34);
}

void burger(Canvas& c, const Look& l) {
  const double gap = 0.05 * std::abs(l.swing);
  c.blob({{-0.8, 0.5}, {0.8, 0.5}, {0.78, 0.85}, {0.5, 0.96}, {-0.5, 0.96}, {-0.78, 0.85}}, l.main);
  c.box(0, 0.42 - gap, 1.7, 0.26, 0.13, rgb(0x6B3E2A));
  c.polygon({{-0.82, 0.28 - gap},
             {0.82, 0.28 - gap},
             {0.5, 0.55 - gap},
             {0.2, 0.33 - gap},
             {-0.2, 0.58 - gap},
             {-0.5, 0.33 - gap}},
            rgb(0xFFC83D));
  c.box(0, 0.24 - 1.5 * gap, 1.56, 0.14, 0.07, rgb(0xE0453A));
  c.blob({{-0.9, 0.15 - 2 * gap},
          {-0.6, 0.05 - 2 * gap},
          {0.6, 0.05 - 2 * gap},
          {0.9, 0.15 - 2 * gap},
          {0.6, 0.22 - 2 * gap},
          {0.3, 0.12 - 2 * gap},
          {0, 0.24 - 2 * gap},
          {-0.3, 0.12 - 2 * gap},
          {-0.6, 0.22 - 2 * gap}},
         rgb(0x7CBF4B));
  c.at(0, -3 * gap, 0.04 * l.swing, 1, 1, [&] {
    c.blob({{-0.82, 0.06}, {-0.72, -0.4}, {-0.3, -0.72}, {0.3, -0.72}, {0.72, -0.4}, {0.82, 0.06}}, l.main);
    for (int k = 0; k < 7; ++k)
      c.ellipse(-0.48 + 0.16 * k, -0.5 - 0.09 * (k % 2) + 0.012 * (k - 3) * (k - 3), 0.055, 0.035,
                rgb(0xFFF3D6));
    draw_face(c, l, 0, -0.2, 0.42);
  });
  if (l.variant % 2 == 0) {
    c.line({{0.1, -0.6 - 3 * gap}, {0.1, -1.05}}, 0.04, rgb(0xC9A27A));
    c.polygon({{0.1, -1.1}, {0.45, -0.98 + 0.05 * l.swing}, {0.1, -0.85}}, l.accent);
  }
}

void icecream(Canvas& c, const Look& l) {
  c.polygon({{-0.38, 0.12}, {0.38, 0.12}, {0, 1}}, rgb(0xE0A458));
  for (int k = 0; k < 3; ++k) {
    c.line({{-0.26 + 0.2 * k, 0.2}, {0.02 + 0.1 * k, 0.72 - 0.2 * k}}, 0.03, rgb(0xB87A35));
    c.line({{0.26 - 0.2 * k, 0.2}, {-0.02 - 0.1 * k, 0.72 - 0.2 * k}}, 0.03, rgb(0xB87A35));
  }
  c.circle(-0.24, -0.02, 0.36, l.second);
  c.circle(0.24, -0.02, 0.36, mix(l.accent, rgb(0xFFFFFF), 0.4));
  c.at(0.02 * l.swing, 0, 0.08 * l.swing, 1, 1, [&] {
    c.blob({{-0.46, -0.25},
            {-0.4, -0.7},
            {0, -0.9},
            {0.4, -0.7},
            {0.46, -0.25},
            {0.26, -0.12},
            {0.1, -0.22},
            {-0.1, -0.08},
            {-0.28, -0.22}},
           l.main);
    draw_face(c, l, 0, -0.45, 0.32);
    c.circle(0.08, -0.92, 0.12, rgb(0xD7263D));
    c.curve({{0.1, -1}, {0.16, -1.12}, {0.28, -1.16}}, 0.035, rgb(0x4B7F3B));
  });
  for (int k = 0; k < 8; ++k)
    c.at(-0.42 + 0.12 * k, -0.02 + 0.12 * std::sin(4.0 * k), k, 1, 1,
         [&] { c.box(0, 0, 0.1, 0.035, 0.015, k % 2 ? rgb(0xFFFFFF) : l.accent); });
}

void cake(Canvas& c, const Look& l) {
  c.ellipse(0, 0.92, 0.95, 0.13, rgb(0xF1F1F6));
  c.box(0, 0.66, 1.44, 0.52, 0.1, l.main);
  c.box(0, 0.68, 1.44, 0.08, 0, l.second);
  c.box(0, 0.14, 1, 0.56, 0.1, l.second);
  for (int layer = 0; layer < 2; ++layer) {
    const double w = layer == 0 ? 0.72 : 0.5, y = layer == 0 ? 0.42 : -0.12;
    Points icing{{-w, y - 0.05}, {w, y - 0.05}};
    for (int k = 4; k >= 0; --k) icing.push_back({-w + w * k / 2.0, y + (k % 2 == 0 ? 0.2 : 0.06)});
    c.blob(icing, layer == 0 ? rgb(0xFFFFFF) : l.accent);
  }
  draw_face(c, l, 0, 0.26, 0.3);
  for (int k = -1; k <= 1; ++k) {
    c.box(k * 0.26, -0.34, 0.09, 0.34, 0.03, k == 0 ? l.main : rgb(0xFFFFFF));
    c.at(k * 0.26, -0.55, 0.3 * std::sin(7 * l.seconds + k), 1, 1, [&] {
      c.ellipse(0, -0.08, 0.075, 0.14, rgb(0xFFB627));
      c.ellipse(0, -0.04, 0.035, 0.07, rgb(0xFFF3B0));
    });
  }
}

void sushi(Canvas& c, const Look& l) {
  c.box(0, 0.88, 1.9, 0.14, 0.04, rgb(0x9C6B44));
  for (int s : {-1, 1}) c.box(s * 0.6, 0.98, 0.2, 0.1, 0.02, rgb(0x7A5236));
  c.blob({{-0.8, 0.8}, {-0.85, 0.35}, {-0.5, 0.12}, {0.5, 0.12}, {0.85, 0.35}, {0.8, 0.8}}, rgb(0xFBFAF5));
  c.at(0, 0.05, 0.05 * l.swing, 1, 1, [&] {
    c.blob({{-0.98, 0.3},
            {-0.7, -0.2},
            {0, -0.38},
            {0.7, -0.2},
            {0.98, 0.3},
            {0.6, 0.12},
            {0, 0.05},
            {-0.6, 0.12}},
           l.main);
    for (int k = -2; k <= 2; ++k)
      c.curve({{k * 0.28 - 0.06, 0.05}, {k * 0.28, -0.12}, {k * 0.26 + 0.1, -0.26 + 0.03 * k * k}}, 0.06,
              l.second);
  });
  c.box(0, 0.34, 0.3, 0.92, 0.05, rgb(0x24382F));
  for (int s : {-1, 1}) {
    draw_eye(c, l, s * 0.34, 0.44, 0.1);
    c.ellipse(s * 0.55, 0.58, 0.08, 0.05, faded(rgb(0xFF6F7D), 0.5));
  }
  draw_hat(c, l, 0, -0.2, 0.3);
}

constexpr Figure food[] = {
    {"noodles", noodles, 0xD63C3C, 0xE9A857},   {"burger", burger, 0xE0A04E, 0xFFF1D6},
    {"icecream", icecream, 0xF8A5C2, 0xFFF1D0}, {"cake", cake, 0xF48FB1, 0xFFF3E0},
    {"sushi", sushi, 0xFF7F50, 0xFFC9A8},
};

}  // namespace

std::span<const Figure> food_figures() {
  return food;
}

}  // namespace cowatch
