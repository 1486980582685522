// People: one body in several dresses and poses.
#include <cmath>

#include "media/worker/render/figure.h"

namespace cowatch {
namespace {

struct Build {
  Color skin, hair, top, legs;
  double arm_left = 0.5, arm_right = -0.5;  // radians from hanging down, outwards by sign
  double bend_left = 0, bend_right = 0;     // of the lower arm
  double leg_left = 0.1, leg_right = -0.1;
  bool long_hair = false;
};

Build build_of(const Look& l) {
  constexpr uint32_t skins[] = {0xFFD9B8, 0xE8B48A, 0xC58A5E, 0x8D5A3B,
                                0xF3C9A5, 0xA86F48, 0xFFE0C7, 0x6F452E};
  constexpr uint32_t hairs[] = {0x2B2026, 0x5B3A29, 0xB5651D, 0x1B1B26,
                                0xD9A441, 0x7A2E3A, 0x3C3C4A, 0x4A2C6B};
  const auto v = static_cast<size_t>(l.variant);
  return {.skin = rgb(skins[v]),
          .hair = rgb(hairs[(v * 3 + 1) % 8]),
          .top = l.main,
          .legs = l.second,
          .long_hair = v % 2 == 1};
}

void limb(Canvas& c, double x, double y, double turn, double bend, double length, double width, Color upper,
          Color lower, Color end) {
  c.at(x, y, turn, 1, 1, [&] {
    c.at(0, length, bend, 1, 1, [&] {
      c.box(0, length * 0.45, width * 0.9, length * 1.1, width / 2, lower);
      c.circle(0, length, width * 0.62, end);
    });
    c.box(0, length * 0.5, width, length * 1.2, width / 2, upper);
  });
}

void body(Canvas& c, const Look& l, const Build& b) {
  limb(c, -0.13, 0.42, b.leg_left, -0.3 * b.leg_left, 0.27, 0.19, b.legs, b.legs, l.accent);
  limb(c, 0.13, 0.42, b.leg_right, -0.3 * b.leg_right, 0.27, 0.19, b.legs, b.legs, l.accent);
  if (b.long_hair) c.blob({{-0.42, -0.6}, {0.42, -0.6}, {0.46, 0.05}, {0, 0.12}, {-0.46, 0.05}}, b.hair);
  c.blob({{-0.27, -0.1}, {0.27, -0.1}, {0.3, 0.5}, {-0.3, 0.5}}, b.top);
  limb(c, -0.3, 0, b.arm_left, b.bend_left, 0.24, 0.15, b.top, b.skin, b.skin);
  limb(c, 0.3, 0, b.arm_right, b.bend_right, 0.24, 0.15, b.top, b.skin, b.skin);
  c.circle(0, -0.5, 0.37, b.skin);
  c.blob(
      {{-0.4, -0.48}, {-0.34, -0.82}, {0, -0.95}, {0.34, -0.82}, {0.4, -0.48}, {0.2, -0.68}, {-0.15, -0.68}},
      b.hair);
  draw_face(c, l, 0, -0.46, 0.3);
}

void dancer(Canvas& c, const Look& l) {
  Build b = build_of(l);
  b.arm_left = 1.9 + 0.6 * l.swing;
  b.arm_right = -1.9 + 0.6 * l.swing;
  b.bend_left = 0.5;
  b.bend_right = -0.5;
  b.leg_left = 0.2 + 0.5 * std::max(0.0, l.swing);
  b.leg_right = -0.2 - 0.5 * std::max(0.0, -l.swing);
  body(c, l, b);
  c.blob({{-0.3, 0.3}, {0.3, 0.3}, {0.58, 0.6 + 0.06 * l.swing}, {0, 0.68}, {-0.58, 0.6 - 0.06 * l.swing}},
         l.accent);
}

void cook(Canvas& c, const Look& l) {
  Build b = build_of(l);
  b.top = rgb(0xFFFFFF);
  b.arm_left = 0.5;
  b.bend_left = -0.6;
  b.arm_right = -1.2 + 0.25 * l.swing;
  body(c, l, b);
  c.box(0, 0.32, 0.36, 0.4, 0.06, l.main);
  c.circle(-0.2, -1.02, 0.2, rgb(0xFFFFFF));
  c.circle(0.2, -1.02, 0.2, rgb(0xFFFFFF));
  c.circle(0, -1.08, 0.22, rgb(0xFFFFFF));
  c.box(0, -0.86, 0.56, 0.18, 0.04, rgb(0xFFFFFF));
  c.at(0.72, 0.08 + 0.08 * l.swing, 0.25 * l.swing, 1, 1, [&] {
    c.ellipse(0.12, 0, 0.26, 0.08, rgb(0x3A3A46));
    c.circle(0.12, -0.28 - 0.16 * l.swing, 0.1, rgb(0xF2B84B));
  });
}

void skater(Canvas& c, const Look& l) {
  Build b = build_of(l);
  b.arm_left = 1.2 + 0.3 * l.swing;
  b.arm_right = -1.2 + 0.3 * l.swing;
  b.leg_left = 0.4;
  b.leg_right = -0.3;
  c.box(0, 0.94, 1.1, 0.08, 0.04, l.accent);
  for (int s : {-1, 1}) c.circle(s * 0.36, 1, 0.09, rgb(0xF4F1DE));
  body(c, l, b);
  c.blob({{-0.4, -0.6}, {-0.3, -0.95}, {0.3, -0.95}, {0.4, -0.6}}, l.accent);
  c.box(0.36, -0.62, 0.36, 0.09, 0.04, shade(l.accent, 0.8));
}

void yogi(Canvas& c, const Look& l) {
  const Build b = build_of(l);
  c.ellipse(0, 0.93, 0.95, 0.1, l.accent);
  for (int s : {-1, 1})
    c.curve({{s * 0.15, 0.5}, {s * 0.75, 0.72}, {s * 0.45, 0.9}, {-s * 0.2, 0.88}}, 0.22, b.legs);
  if (b.long_hair) c.circle(0, -0.92, 0.2, b.hair);
  c.blob({{-0.28, -0.08}, {0.28, -0.08}, {0.26, 0.72}, {-0.26, 0.72}}, b.top);
  const double lift = 0.15 * l.swing;
  for (int s : {-1, 1})
    c.curve({{s * 0.28, 0}, {s * 0.7, -0.1 - lift}, {s * 0.5, -0.62 - lift}, {s * 0.08, -1.02 - lift}}, 0.14,
            b.skin);
  c.circle(0, -0.42, 0.36, b.skin);
  c.blob(
      {{-0.39, -0.42}, {-0.32, -0.74}, {0, -0.86}, {0.32, -0.74}, {0.39, -0.42}, {0.18, -0.6}, {-0.18, -0.6}},
      b.hair);
  Look calm = l;
  calm.blink = 1;
  draw_face(c, calm, 0, -0.38, 0.3);
}

void talker(Canvas& c, const Look& l) {
  const Build b = build_of(l);
  if (b.long_hair) c.blob({{-0.62, -0.5}, {0.62, -0.5}, {0.66, 0.4}, {0, 0.5}, {-0.66, 0.4}}, b.hair);
  c.blob({{-0.35, 0.3}, {0.35, 0.3}, {0.8, 0.55}, {0.85, 1}, {-0.85, 1}, {-0.8, 0.55}}, b.top);
  c.box(0, 0.34, 0.26, 0.3, 0.1, b.skin);
  c.ellipse(0, -0.25, 0.54, 0.58, b.skin);
  c.blob({{-0.58, -0.2}, {-0.5, -0.7}, {0, -0.98}, {0.5, -0.7}, {0.58, -0.2}, {0.3, -0.55}, {-0.2, -0.58}},
         b.hair);
  draw_eye(c, l, -0.22, -0.22, 0.09);
  draw_eye(c, l, 0.22, -0.22, 0.09);
  c.line({{-0.33, -0.4}, {-0.13, -0.42}}, 0.05, b.hair);
  c.line({{0.33, -0.4}, {0.13, -0.42}}, 0.05, b.hair);
  c.ellipse(0, 0.08, 0.13, 0.03 + 0.08 * std::abs(std::sin(9 * l.seconds) * std::sin(2.3 * l.seconds)),
            rgb(0x8C2F39));
  c.at(0.58, 0.6, -0.15 + 0.1 * l.swing, 1, 1, [&] {
    c.box(0, 0.1, 0.14, 0.5, 0.06, rgb(0x3A3A46));
    c.circle(0, -0.22, 0.17, rgb(0x8D99AE));
    c.box(0, -0.06, 0.22, 0.07, 0.02, l.accent);
    c.circle(0.02, 0.24, 0.13, b.skin);
  });
}

constexpr Figure people[] = {
    {"dancer", dancer, 0xE83F6F, 0x32305A}, {"cook", cook, 0x3E8E6B, 0x44485A},
    {"skater", skater, 0xF2A541, 0x2F5D8A}, {"yogi", yogi, 0x8E7CC3, 0x4B8F8C},
    {"talker", talker, 0x5B8DEF, 0x444466},
};

}  // namespace

std::span<const Figure> people_figures() {
  return people;
}

}  // namespace cowatch
