// Pets and wild animals.
#include <cmath>

#include "media/worker/render/figure.h"

namespace cowatch {
namespace {

const Color dark = rgb(0x2A2333), pink = rgb(0xF79AA8);

// A sitting animal with a big head; ears and tail come from its kind.
void sitting_body(Canvas& c, const Look& l) {
  c.ellipse(0, 0.62, 0.46, 0.4, l.main);
  c.ellipse(0, 0.66, 0.28, 0.3, l.second);
  c.ellipse(-0.3, 0.94, 0.18, 0.1, l.main);
  c.ellipse(0.3, 0.94, 0.18, 0.1, l.main);
  c.at(-0.36, 0.45, 0.35 + 0.35 * l.swing, 1, 1, [&] { c.ellipse(0, 0.13, 0.1, 0.2, l.main); });
  c.at(0.36, 0.45, -0.35 + 0.35 * l.swing, 1, 1, [&] { c.ellipse(0, 0.13, 0.1, 0.2, l.main); });
  c.box(0, 0.28, 0.62, 0.13, 0.06, l.accent);
}

void head(Canvas& c, const Look& l, double width = 0.62) {
  c.ellipse(0, -0.2, width, 0.52, l.main);
}

void muzzle(Canvas& c, const Look& l, Color nose, double size = 0.24) {
  c.ellipse(0, 0.02, size, size * 0.72, l.second);
  const double line = c.outline;
  c.outline = 0;
  c.ellipse(0, -0.05, 0.075, 0.055, nose);
  c.arc(-0.06, 0.03, 0.06, 0.2, 2.9, 0.03, dark);
  c.arc(0.06, 0.03, 0.06, 0.2, 2.9, 0.03, dark);
  c.outline = line;
  draw_eye(c, l, -0.27, -0.22, 0.1);
  draw_eye(c, l, 0.27, -0.22, 0.1);
}

void cat(Canvas& c, const Look& l) {
  c.curve({{0.35, 0.85}, {0.7, 0.7}, {0.75 + 0.12 * l.swing, 0.35}, {0.65 + 0.25 * l.swing, 0.1}}, 0.14,
          l.main);
  sitting_body(c, l);
  for (int s : {-1, 1}) {
    c.polygon({{s * 0.56, -0.32}, {s * 0.5, -0.95}, {s * 0.14, -0.6}}, l.main);
    c.polygon({{s * 0.46, -0.5}, {s * 0.45, -0.8}, {s * 0.26, -0.6}}, pink);
  }
  head(c, l);
  for (int k = -1; k <= 1; ++k)
    c.line({{k * 0.13, -0.68 + 0.03 * k * k}, {k * 0.1, -0.5}}, 0.06, shade(l.main, 0.7));
  muzzle(c, l, pink, 0.2);
  for (int s : {-1, 1})
    for (int k : {-1, 1}) c.line({{s * 0.3, 0.03 + 0.03 * k}, {s * 0.68, 0.01 + 0.08 * k}}, 0.018, dark);
  draw_hat(c, l, 0, -0.68, 0.36);
}

void dog(Canvas& c, const Look& l) {
  c.curve({{0.35, 0.75}, {0.62, 0.55}, {0.68 + 0.22 * l.swing, 0.25}}, 0.14, l.main);
  sitting_body(c, l);
  head(c, l);
  c.ellipse(0.27, -0.25, 0.22, 0.25, shade(l.main, 0.7));
  for (int s : {-1, 1})
    c.at(s * 0.5, -0.5, s * (-0.35 - 0.2 * l.swing * s), 1, 1,
         [&] { c.ellipse(0, 0.25, 0.17, 0.38, shade(l.main, 0.6)); });
  muzzle(c, l, dark, 0.3);
  c.blob({{-0.07, 0.12}, {0.07, 0.12}, {0.07, 0.26 + 0.04 * l.swing}, {-0.07, 0.26 + 0.04 * l.swing}}, pink);
  draw_hat(c, l, 0, -0.66, 0.36);
}

void rabbit(Canvas& c, const Look& l) {
  c.circle(0.45, 0.8, 0.15, l.second);
  sitting_body(c, l);
  for (int s : {-1, 1})
    c.at(s * 0.22, -0.5, s * 0.16 + 0.12 * l.swing, 1, 1, [&] {
      c.ellipse(0, -0.24, 0.14, 0.36, l.main);
      c.ellipse(0, -0.22, 0.07, 0.26, pink);
    });
  c.ellipse(0, -0.12, 0.54, 0.46, l.main);
  muzzle(c, l, pink, 0.2);
  c.box(0, 0.16, 0.12, 0.1, 0.02, rgb(0xFFFFFF));
}

void panda(Canvas& c, const Look& l) {
  Look body = l;
  body.main = rgb(0x2F2B38);
  sitting_body(c, body);
  for (int s : {-1, 1}) c.circle(s * 0.46, -0.6, 0.2, rgb(0x2F2B38));
  c.ellipse(0, -0.2, 0.64, 0.54, mix(l.main, rgb(0xFFFFFF), 0.6));
  for (int s : {-1, 1})
    c.at(s * 0.27, -0.2, s * 0.5, 1, 1, [&] { c.ellipse(0, 0, 0.15, 0.2, rgb(0x2F2B38)); });
  for (int s : {-1, 1}) c.circle(s * 0.27, -0.22, 0.12, rgb(0xFFFFFF));
  muzzle(c, l, dark, 0.2);
  c.at(0.52, 0.55, -0.5 + 0.2 * l.swing, 1, 1, [&] { c.box(0, -0.2, 0.09, 0.8, 0.03, rgb(0x6FA945)); });
  draw_hat(c, l, 0, -0.7, 0.34);
}

void fox(Canvas& c, const Look& l) {
  c.blob({{0.3, 0.9}, {0.75, 0.85}, {0.95, 0.4 + 0.15 * l.swing}, {0.8, 0.05 + 0.2 * l.swing}, {0.62, 0.5}},
         l.main);
  c.circle(0.83, 0.18 + 0.18 * l.swing, 0.13, l.second);
  sitting_body(c, l);
  for (int s : {-1, 1}) {
    c.polygon({{s * 0.6, -0.3}, {s * 0.55, -0.98}, {s * 0.1, -0.55}}, l.main);
    c.polygon({{s * 0.53, -0.62}, {s * 0.54, -0.94}, {s * 0.34, -0.7}}, dark);
  }
  c.blob({{-0.68, -0.2}, {-0.3, -0.65}, {0.3, -0.65}, {0.68, -0.2}, {0.28, 0.12}, {0, 0.28}, {-0.28, 0.12}},
         l.main);
  for (int s : {-1, 1})
    c.blob({{s * 0.62, -0.16}, {s * 0.3, -0.08}, {s * 0.05, 0.2}, {s * 0.3, 0.1}}, l.second);
  c.ellipse(0, 0.2, 0.09, 0.07, dark);
  draw_eye(c, l, -0.27, -0.22, 0.1);
  draw_eye(c, l, 0.27, -0.22, 0.1);
}

void penguin(Canvas& c, const Look& l) {
  for (int s : {-1, 1}) c.ellipse(s * 0.25, 0.94, 0.22, 0.09, rgb(0xF6A02D));
  for (int s : {-1, 1})
    c.at(s * 0.5, -0.05, s * (-0.35 - 0.45 * l.swing * s), 1, 1,
         [&] { c.ellipse(0, 0.3, 0.12, 0.38, l.main); });
  c.blob({{0, -0.9}, {0.45, -0.6}, {0.6, 0.3}, {0.4, 0.9}, {-0.4, 0.9}, {-0.6, 0.3}, {-0.45, -0.6}}, l.main);
  c.blob({{0, -0.55},
          {0.34, -0.6},
          {0.4, -0.2},
          {0.45, 0.4},
          {0, 0.85},
          {-0.45, 0.4},
          {-0.4, -0.2},
          {-0.34, -0.6}},
         l.second);
  draw_eye(c, l, -0.18, -0.4, 0.09);
  draw_eye(c, l, 0.18, -0.4, 0.09);
  c.polygon({{-0.15, -0.26}, {0.15, -0.26}, {0, -0.1}}, rgb(0xF6A02D));
  c.box(0, 0.02, 0.9, 0.16, 0.08, l.accent);
  c.box(0.28, 0.2, 0.16, 0.32, 0.05, shade(l.accent, 0.85));
}

void parrot(Canvas& c, const Look& l) {
  c.line({{-0.9, 0.9}, {0.9, 0.9}}, 0.1, rgb(0x7A5236));
  for (int k = -1; k <= 1; ++k)
    c.at(-0.1 + 0.1 * k, 0.6, 0.3 + 0.15 * k + 0.1 * l.swing, 1, 1,
         [&] { c.ellipse(0, 0.25, 0.1, 0.36, k == 0 ? l.accent : l.main); });
  c.blob({{0.1, -0.85}, {0.5, -0.5}, {0.5, 0.1}, {0.3, 0.75}, {-0.2, 0.75}, {-0.5, 0.1}, {-0.35, -0.6}},
         l.main);
  c.blob({{0.2, -0.1}, {0.42, 0.1}, {0.22, 0.6}, {-0.05, 0.5}}, l.second);
  c.at(-0.28, -0.1, 0.25 + 0.5 * std::abs(l.swing), 1, 1, [&] {
    c.blob({{0, -0.1}, {0.2, 0.15}, {0.05, 0.7}, {-0.2, 0.4}}, l.accent);
    c.blob({{0, 0.2}, {0.1, 0.3}, {0.03, 0.66}, {-0.12, 0.45}}, rgb(0xFFD166));
  });
  c.circle(0.22, -0.48, 0.2, rgb(0xFFFFFF));
  draw_eye(c, l, 0.24, -0.48, 0.1);
  c.blob({{0.42, -0.62}, {0.72, -0.5}, {0.7, -0.2}, {0.52, -0.26}}, rgb(0x4A4453));
  for (int k = 0; k < 3; ++k)
    c.at(-0.05, -0.8, -0.8 + 0.4 * k, 1, 1, [&] { c.ellipse(0, -0.1, 0.06, 0.17, l.accent); });
}

void owl(Canvas& c, const Look& l) {
  for (int s : {-1, 1}) c.polygon({{s * 0.2, -0.7}, {s * 0.52, -1}, {s * 0.58, -0.5}}, l.main);
  c.blob({{0, -0.8}, {0.55, -0.6}, {0.66, 0.1}, {0.45, 0.85}, {-0.45, 0.85}, {-0.66, 0.1}, {-0.55, -0.6}},
         l.main);
  c.ellipse(0, 0.42, 0.42, 0.42, l.second);
  for (int row = 0; row < 3; ++row)
    for (int k = -1; k <= 1; ++k) c.arc(k * 0.22, 0.2 + 0.2 * row, 0.09, 0.2, 2.9, 0.04, shade(l.main, 0.8));
  for (int s : {-1, 1}) {
    c.at(s * 0.58, 0, s * (-0.2 - 0.4 * std::abs(l.swing)), 1, 1,
         [&] { c.ellipse(0, 0.35, 0.16, 0.42, shade(l.main, 0.75)); });
    c.circle(s * 0.27, -0.3, 0.29, l.second);
    c.circle(s * 0.27, -0.3, 0.2, rgb(0xFFD166));
    draw_eye(c, l, s * 0.27, -0.3, 0.13);
    for (int k = -1; k <= 1; ++k) c.ellipse(s * 0.22 + 0.09 * k, 0.9, 0.06, 0.09, rgb(0xF6A02D));
  }
  c.polygon({{-0.09, -0.2}, {0.09, -0.2}, {0, 0}}, rgb(0xF6A02D));
  if (l.variant % 2 == 0) draw_hat(c, l, 0, -0.76, 0.36);
}

void fish(Canvas& c, const Look& l) {
  c.at(-0.5, 0.1, 0.3 * l.swing, 1, 1, [&] {
    c.blob({{0, 0}, {-0.35, -0.45}, {-0.5, -0.4}, {-0.35, 0}, {-0.5, 0.4}, {-0.35, 0.45}}, l.accent);
  });
  c.blob({{-0.2, -0.4}, {0.1, -0.75}, {0.4, -0.4}}, l.accent);
  c.ellipse(0.1, 0.1, 0.72, 0.56, l.main);
  for (int k = 0; k < 3; ++k)
    c.curve({{-0.3 + 0.24 * k, -0.3}, {-0.22 + 0.24 * k, 0.1}, {-0.3 + 0.24 * k, 0.5}}, 0.1, l.second);
  c.at(0, 0.3, 0.5 + 0.4 * l.swing, 1, 1, [&] { c.ellipse(-0.12, 0.1, 0.24, 0.12, l.accent); });
  c.circle(0.5, -0.05, 0.17, rgb(0xFFFFFF));
  draw_eye(c, l, 0.53, -0.05, 0.11);
  c.arc(0.66, 0.24, 0.12, 1.2, 3.2, 0.05, shade(l.main, 0.45));
}

void octopus(Canvas& c, const Look& l) {
  for (int k = -3; k <= 3; ++k) {
    const double x = k * 0.2, wave = 0.12 * std::sin(l.seconds * 5 + k) + 0.1 * l.swing;
    c.curve({{x, 0.2}, {x * 1.25 + wave, 0.55}, {x * 1.4 - wave, 0.8}, {x * 1.5 + wave * 1.3, 0.95}}, 0.16,
            k % 2 == 0 ? l.main : shade(l.main, 0.88));
  }
  c.blob({{0, -0.95}, {0.55, -0.65}, {0.58, 0}, {0.4, 0.32}, {-0.4, 0.32}, {-0.58, 0}, {-0.55, -0.65}},
         l.main);
  for (int k = 0; k < 4; ++k) c.circle(-0.36 + 0.2 * k, -0.68 + 0.06 * (k % 2), 0.06, l.second);
  draw_face(c, l, 0, -0.12, 0.5);
  if (l.variant % 2 == 1) draw_hat(c, l, 0, -0.86, 0.34);
}

constexpr Figure animals[] = {
    {"cat", cat, 0xF0A04B, 0xFFF1DE},       {"dog", dog, 0xC98B57, 0xFFF4E3},
    {"rabbit", rabbit, 0xE9E2EA, 0xFFFFFF}, {"panda", panda, 0xFFFFFF, 0xFFFFFF},
    {"fox", fox, 0xE8662A, 0xFFF6EA},       {"penguin", penguin, 0x2E3A59, 0xFFFFFF},
    {"parrot", parrot, 0x2FB170, 0xFFE27A}, {"owl", owl, 0x8C6A4F, 0xF3E3C8},
    {"fish", fish, 0xFF8A2B, 0xFFFFFF},     {"octopus", octopus, 0xD8598F, 0xFFC9DE},
};

}  // namespace

std::span<const Figure> animal_figures() {
  return animals;
}

}  // namespace cowatch
