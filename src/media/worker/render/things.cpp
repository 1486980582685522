// Sport, music and gadgets.
#include <cmath>

#include "media/worker/render/figure.h"

namespace cowatch {
namespace {

const Color ink = rgb(0x24222F), metal = rgb(0xC9D1DC), wood = rgb(0x8A5A36);

void football(Canvas& c, const Look& l) {
  c.circle(0, 0.15, 0.84, mix(l.second, rgb(0xFFFFFF), 0.5));
  const double turn = 1.2 * l.swing;
  for (int k = 0; k < 5; ++k) {
    const double a = turn + 1.2566 * k;
    c.line({{0.28 * std::sin(a), 0.15 - 0.28 * std::cos(a)}, {0.6 * std::sin(a), 0.15 - 0.6 * std::cos(a)}},
           0.05, ink);
    c.at(0.68 * std::sin(a), 0.15 - 0.68 * std::cos(a), a, 1, 0.6,
         [&] { c.star(0, 0, 0.24, 5, 0.82, 3.14, l.main); });
  }
  c.star(0, 0.15, 0.3, 5, 0.82, turn, l.main);
}

void basketball(Canvas& c, const Look& l) {
  c.circle(0, 0.15, 0.84, l.main);
  c.at(0, 0.15, 0.8 * l.swing, 1, 1, [&] {
    c.line({{-0.83, 0}, {0.83, 0}}, 0.06, ink);
    c.line({{0, -0.83}, {0, 0.83}}, 0.06, ink);
    c.curve({{-0.58, -0.6}, {-0.28, 0}, {-0.58, 0.6}}, 0.06, ink);
    c.curve({{0.58, -0.6}, {0.28, 0}, {0.58, 0.6}}, 0.06, ink);
    c.star(0.42, -0.3, 0.14, 5, 0.45, 0, l.accent);
  });
}

void tennis(Canvas& c, const Look& l) {
  c.at(-0.15, 0.1, -0.5 + 0.4 * l.swing, 1, 1, [&] {
    c.box(0, 0.72, 0.16, 0.66, 0.06, l.accent);
    c.ellipse(0, -0.2, 0.52, 0.64, l.main);
    c.ellipse(0, -0.2, 0.42, 0.54, rgb(0xEFF5EA));
    for (int k = -3; k <= 3; ++k) {
      const double x = 0.12 * k, h = 0.54 * std::sqrt(1 - x * x / 0.1764 * 0.95),
                   w = 0.42 * std::sqrt(1 - 0.09 * k * k);
      c.line({{x, -0.2 - h}, {x, -0.2 + h}}, 0.018, rgb(0x9AA88F));
      c.line({{-w, -0.2 + 0.16 * k}, {w, -0.2 + 0.16 * k}}, 0.018, rgb(0x9AA88F));
    }
  });
  c.at(0.55, 0.2 - 0.25 * l.swing, 3 * l.swing, 1, 1, [&] {
    c.circle(0, 0, 0.27, rgb(0xD4F04A));
    c.arc(-0.26, 0, 0.22, -0.9, 0.9, 0.05, rgb(0xFFFFFF));
    c.arc(0.26, 0, 0.22, 2.24, 4.04, 0.05, rgb(0xFFFFFF));
  });
}

void skateboard(Canvas& c, const Look& l) {
  c.at(0, 0.35, -0.25 + 0.12 * l.swing, 1, 1, [&] {
    c.curve({{-0.95, -0.22}, {-0.7, 0}, {0.7, 0}, {0.95, -0.22}}, 0.2, l.main);
    c.curve({{-0.9, -0.24}, {-0.68, -0.05}, {0.68, -0.05}, {0.9, -0.24}}, 0.06, l.second);
    for (int s : {-1, 1}) {
      c.box(s * 0.5, 0.14, 0.24, 0.12, 0.03, metal);
      c.circle(s * 0.5, 0.3, 0.19, l.accent);
      c.circle(s * 0.5, 0.3, 0.08, rgb(0xFFFFFF));
    }
    c.star(0, -0.34, 0.26, 5 + l.variant % 3, 0.5, 2 * l.swing, l.accent);
  });
}

void kite(Canvas& c, const Look& l) {
  c.curve({{0, 0.5}, {0.25 * l.swing, 0.7}, {-0.2 * l.swing, 0.9}, {0.2 * l.swing, 1.15}}, 0.04, ink);
  for (int k = 0; k < 3; ++k) {
    const double x = (k == 1 ? -0.1 : 0.14) * l.swing, y = 0.68 + 0.18 * k;
    c.polygon({{x - 0.14, y - 0.07}, {x + 0.14, y + 0.07}, {x + 0.14, y - 0.07}, {x - 0.14, y + 0.07}},
              k % 2 ? l.main : l.accent);
  }
  c.polygon({{0, -1}, {0.7, -0.25}, {0, 0.5}}, l.main);
  c.polygon({{0, -1}, {-0.7, -0.25}, {0, 0.5}}, l.second);
  c.polygon({{0, -0.25}, {0.7, -0.25}, {0, 0.5}}, l.accent);
  c.polygon({{0, -1}, {-0.7, -0.25}, {0, -0.25}}, mix(l.accent, rgb(0xFFFFFF), 0.5));
  draw_face(c, l, 0, -0.28, 0.34);
}

void waisted_body(Canvas& c, Color wood_color, double s) {
  c.blob({{0, -0.05 * s},
          {0.34 * s, 0},
          {0.42 * s, 0.25 * s},
          {0.3 * s, 0.42 * s},
          {0.5 * s, 0.68 * s},
          {0.4 * s, 1.02 * s},
          {0, 1.12 * s},
          {-0.4 * s, 1.02 * s},
          {-0.5 * s, 0.68 * s},
          {-0.3 * s, 0.42 * s},
          {-0.42 * s, 0.25 * s},
          {-0.34 * s, 0}},
         wood_color);
}

void guitar(Canvas& c, const Look& l) {
  c.at(0, 0, 0.35 + 0.08 * l.swing, 1, 1, [&] {
    c.box(0, -0.5, 0.16, 1, 0.03, wood);
    c.box(0, -1, 0.26, 0.26, 0.05, ink);
    for (int s : {-1, 1})
      for (int k : {0, 1}) c.circle(s * 0.17, -1.06 + 0.13 * k, 0.04, metal);
    waisted_body(c, l.main, 0.98);
    c.circle(0, 0.38, 0.19, ink);
    c.arc(0, 0.38, 0.24, 0, 6.3, 0.04, l.accent);
    c.box(0, 0.84, 0.4, 0.08, 0.02, wood);
    for (int k = -2; k <= 2; ++k) {
      const double w = 0.02 * std::sin(40 * l.seconds + k);
      c.line({{k * 0.03, -0.95}, {k * 0.04 + w, 0.2}, {k * 0.04, 0.84}}, 0.014, rgb(0xF3EEDC));
    }
  });
}

void drums(Canvas& c, const Look& l) {
  for (int s : {-1, 1}) {
    c.line({{s * 0.78, 1}, {s * 0.72, -0.35}}, 0.04, metal);
    c.at(s * 0.72, -0.4, s * 0.15 + 0.2 * l.swing * s, 1, 1,
         [&] { c.ellipse(0, 0, 0.34, 0.07, rgb(0xE9C14B)); });
  }
  for (int s : {-1, 1}) {
    c.box(s * 0.3, -0.06, 0.5, 0.36, 0.06, l.main);
    c.ellipse(s * 0.3, -0.24, 0.25, 0.08, rgb(0xF6F6F6));
  }
  c.circle(0, 0.46, 0.53, l.main);
  c.circle(0, 0.46, 0.43, mix(l.second, rgb(0xFFFFFF), 0.6));
  c.star(0, 0.46, 0.26 + 0.03 * std::abs(l.swing), 5, 0.45, 0, l.accent);
  for (int s : {-1, 1}) {
    const double lift = std::max(0.0, s * l.swing);
    c.at(s * 0.62, -0.75 - 0.1 * lift, -s * (0.3 + 0.5 * lift), 1, 1, [&] {
      c.line({{0, 0}, {-s * 0.36, 0.4}}, 0.05, wood);
      c.circle(-s * 0.36, 0.4, 0.05, wood);
    });
  }
}

void keyboard(Canvas& c, const Look& l) {
  for (int s : {-1, 1}) c.line({{s * 0.6, 1}, {-s * 0.5, 0.3}}, 0.08, ink);
  c.box(0, 0.05, 1.96, 0.74, 0.1, l.main);
  c.box(-0.5, -0.18, 0.66, 0.16, 0.03, rgb(0xA7E8BD));
  for (int k = 0; k < 4; ++k) c.circle(0.1 + 0.2 * k, -0.18, 0.06, k % 2 ? l.accent : l.second);
  const int pressed = static_cast<int>(std::fmod(5 * l.seconds, 10));
  for (int k = 0; k < 10; ++k)
    c.box(-0.81 + 0.18 * k, 0.2 + (k == pressed ? 0.03 : 0), 0.165, 0.36, 0.02,
          k == pressed ? l.accent : rgb(0xFFFFFF));
  for (int k = 0; k < 9; ++k)
    if (k % 7 != 2 && k % 7 != 6) c.box(-0.72 + 0.18 * k, 0.12, 0.09, 0.2, 0.01, ink);
  for (int k = 0; k < 2; ++k) {
    const double t = std::fmod(0.7 * l.seconds + 0.5 * k, 1.0), x = -0.4 + 0.7 * k + 0.1 * std::sin(6 * t),
                 y = -0.35 - 0.6 * t;
    const Color note = faded(l.accent, 1 - t);
    c.ellipse(x, y, 0.09, 0.07, note);
    c.line({{x + 0.08, y}, {x + 0.08, y - 0.26}, {x + 0.2, y - 0.2}}, 0.035, note);
  }
}

void violin(Canvas& c, const Look& l) {
  c.at(0, 0, -0.3, 1, 1, [&] {
    c.box(0, -0.48, 0.11, 0.95, 0.03, ink);
    c.circle(0, -0.96, 0.1, wood);
    waisted_body(c, l.main, 0.85);
    for (int s : {-1, 1}) c.curve({{s * 0.16, 0.4}, {s * 0.12, 0.52}, {s * 0.2, 0.66}}, 0.035, ink);
    c.box(0, 0.82, 0.12, 0.3, 0.04, ink);
    c.box(0, 0.6, 0.24, 0.05, 0.01, rgb(0xE7D3A8));
    for (int k = -1; k <= 1; ++k) c.line({{k * 0.03, -0.9}, {k * 0.04, 0.7}}, 0.012, rgb(0xF3EEDC));
  });
  c.at(0.15 + 0.3 * l.swing, 0.3 - 0.1 * l.swing, -0.35, 1, 1, [&] {
    c.line({{-0.95, 0}, {0.85, 0}}, 0.05, wood);
    c.line({{-0.95, 0.07}, {0.8, 0.07}}, 0.025, rgb(0xFFFFFF));
    c.box(0.85, 0.03, 0.16, 0.14, 0.03, l.accent);
  });
}

void trumpet(Canvas& c, const Look& l) {
  c.at(0, 0.1, -0.12 + 0.1 * l.swing, 1, 1, [&] {
    c.box(-0.15, 0.12, 0.95, 0.44, 0.2, l.main);
    c.box(-0.15, 0.12, 0.72, 0.24, 0.12, shade(l.main, 0.55));
    c.line({{-0.98, -0.1}, {0.5, -0.1}}, 0.13, l.main);
    c.box(-0.98, -0.1, 0.1, 0.24, 0.03, metal);
    c.blob({{0.3, -0.17}, {0.7, -0.28}, {0.98, -0.6}, {0.98, 0.4}, {0.7, 0.08}, {0.3, -0.03}}, l.main);
    c.ellipse(0.98, -0.1, 0.1, 0.5, shade(l.main, 0.7));
    for (int k = 0; k < 3; ++k) {
      const double press = 0.08 * std::max(0.0, std::sin(8 * l.seconds + 2 * k));
      c.box(-0.35 + 0.2 * k, -0.32 + press, 0.05, 0.2, 0.01, metal);
      c.circle(-0.35 + 0.2 * k, -0.44 + press, 0.07, l.accent);
      c.box(-0.35 + 0.2 * k, 0.05, 0.13, 0.46, 0.03, shade(l.main, 1.2));
    }
  });
}

void phone(Canvas& c, const Look& l) {
  c.box(0, 0, 1.06, 1.94, 0.18, l.main);
  c.box(0, 0, 0.92, 1.74, 0.1, rgb(0x10142B));
  c.vertical_gradient(-0.43, -0.8, 0.86, 0.8, l.accent, l.second);
  const int icons = 3;
  for (int row = 0; row < 3; ++row)
    for (int k = 0; k < icons; ++k)
      c.box(-0.26 + 0.26 * k, -0.28 + 0.28 * row, 0.18, 0.18, 0.05,
            (row + k + l.variant) % 2 ? rgb(0xFFFFFF) : mix(l.main, rgb(0xFFFFFF), 0.4));
  draw_mark(c, l.variant, 0, -0.58 + 0.03 * l.swing, 0.16);
  c.box(0, 0.72, 0.4, 0.05, 0.02, rgb(0xFFFFFF));
  c.circle(0, -0.82, 0.035, ink);
}

void sneaker(Canvas& c, const Look& l) {
  c.blob({{-0.85, 0.55},
          {-0.9, -0.35},
          {-0.68, -0.5},
          {-0.45, -0.38},
          {-0.15, -0.35},
          {0.2, 0.02},
          {0.75, 0.18},
          {0.95, 0.55}},
         l.main);
  c.blob({{0.5, 0.55}, {0.55, 0.2}, {0.8, 0.22}, {0.94, 0.55}}, l.second);
  c.blob({{-0.86, 0.5}, {-0.88, 0}, {-0.6, 0.08}, {-0.55, 0.52}}, l.accent);
  for (int k = 0; k < 4; ++k)
    c.line({{-0.24 + 0.16 * k, -0.24 + 0.11 * k}, {-0.1 + 0.16 * k, 0.0 + 0.08 * k}}, 0.06, rgb(0xFFFFFF));
  c.curve({{-0.5, 0.42}, {-0.1, 0.36}, {0.25, 0.2}}, 0.1, l.accent);
  c.box(0.02, 0.66, 1.92, 0.26, 0.12, rgb(0xFFFFFF));
  c.box(0.02, 0.78, 1.88, 0.09, 0.04, l.accent);
  draw_mark(c, l.variant, -0.28, 0.2, 0.15);
  c.at(-0.05, -0.3, 0.4 * l.swing, 1, 1, [&] {
    c.curve({{0, 0}, {0.2, -0.2}, {0.32, 0}}, 0.04, rgb(0xFFFFFF));
    c.curve({{0, 0}, {-0.14, -0.24}, {-0.28, -0.1}}, 0.04, rgb(0xFFFFFF));
  });
}

void headphones(Canvas& c, const Look& l) {
  c.arc(0, 0.05, 0.78, 3.0, 6.42, 0.24, shade(l.main, 0.55));
  c.arc(0, 0.05, 0.78, 3.0, 6.42, 0.17, l.main);
  c.arc(0, 0.05, 0.7, 3.9, 5.5, 0.1, l.second);
  for (int s : {-1, 1}) {
    const double beat = 0.04 * std::abs(l.swing);
    c.box(s * 0.56, 0.42, 0.2, 0.74 + beat, 0.1, ink);
    c.box(s * 0.76, 0.42, 0.34 + beat, 0.84 + beat, 0.15, l.main);
    draw_mark(c, l.variant, s * 0.78, 0.42, 0.14);
    for (int k = 1; k <= 2; ++k)
      c.arc(s * 0.3, 0.45, 0.1 * k + beat, s > 0 ? 2.4 : -0.7, s > 0 ? 3.9 : 0.7, 0.04, l.accent);
  }
}

void camera(Canvas& c, const Look& l) {
  c.box(-0.2, -0.44, 0.6, 0.3, 0.08, l.main);
  c.box(0.6, -0.36, 0.22, 0.14, 0.04, l.accent);
  c.box(0, 0.2, 1.86, 1.12, 0.16, l.main);
  c.box(0, 0.3, 1.86, 0.56, 0, l.second);
  c.circle(0, 0.26, 0.5, rgb(0xE5E8EE));
  c.circle(0, 0.26, 0.4, ink);
  c.circle(0, 0.26, 0.26 + 0.04 * l.swing, rgb(0x31466F));
  c.circle(-0.1, 0.14, 0.09, rgb(0xFFFFFF));
  draw_mark(c, l.variant, -0.68, -0.14, 0.13);
  c.box(0.66, -0.16, 0.24, 0.16, 0.04, rgb(0xFFF3B0));
  if (std::fmod(l.seconds, 1.7) < 0.15) c.glow(0.66, -0.16, 0.9, rgb(0xFFFFFF));
}

void mug(Canvas& c, const Look& l) {
  for (int k = -1; k <= 1; ++k) {
    const double w = 0.07 * std::sin(3 * l.seconds + k);
    c.line({{0.2 * k, -0.75}, {0.2 * k + w, -0.9}, {0.2 * k - w, -1.05}}, 0.05, faded(rgb(0xFFFFFF), 0.6));
  }
  c.arc(0.52, 0.25, 0.32, -1.4, 1.4, 0.2, shade(l.main, 0.55));
  c.arc(0.52, 0.25, 0.32, -1.4, 1.4, 0.13, l.main);
  c.blob({{-0.56, -0.5}, {0.56, -0.5}, {0.54, 0.2}, {0.44, 0.94}, {-0.44, 0.94}, {-0.54, 0.2}}, l.main);
  c.box(0, 0.66, 0.98, 0.14, 0.02, l.accent);
  c.box(0, -0.52, 1.26, 0.22, 0.09, l.second);
  c.box(0, -0.66, 0.94, 0.12, 0.05, ink);
  draw_mark(c, l.variant, 0, -0.1, 0.2);
  draw_face(c, l, 0, 0.32, 0.3);
}

constexpr Figure things[] = {
    {"football", football, 0x24304A, 0xFFFFFF},
    {"basketball", basketball, 0xE8762C, 0x2A2333},
    {"tennis", tennis, 0xD7263D, 0xFFFFFF},
    {"skateboard", skateboard, 0x3A86C8, 0xFFD166},
    {"kite", kite, 0xE63946, 0x3D7DD8},
    {"guitar", guitar, 0xC9803F, 0xFFFFFF},
    {"drums", drums, 0xB5262E, 0xFFFFFF},
    {"keyboard", keyboard, 0x3B3F5C, 0xF4A261},
    {"violin", violin, 0x9C4A22, 0xFFFFFF},
    {"trumpet", trumpet, 0xE9B93A, 0xFFFFFF},
    {"phone", phone, 0x3A3F58, 0xF2C6DE},
    {"sneaker", sneaker, 0xE8453C, 0xF6F6F6},
    {"headphones", headphones, 0x38405F, 0xE8E8F0},
    {"camera", camera, 0x4A4E5A, 0x2F3140},
    {"mug", mug, 0x2E8B7A, 0xF4E9D8},
};

}  // namespace

std::span<const Figure> thing_figures() {
  return things;
}

}  // namespace cowatch
