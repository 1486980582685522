#include "media/worker/render/figure.h"

#include <cmath>
#include <numbers>

#include "base/error.h"

namespace cowatch {

const Figure& figure_of(uint8_t subject) {
  const std::string_view id = subject_terms()[subject].id;
  for (const auto& figures : {animal_figures(), people_figures(), food_figures(), vehicle_figures(),
                              thing_figures(), plant_figures()}) {
    for (const Figure& figure : figures)
      if (figure.subject == id) return figure;
  }
  throw Error(ErrorCode::internal, "a subject has no figure", {.found = std::string(id)});
}

Look look_of(const Figure& figure, uint8_t variant) {
  constexpr uint32_t tints[] = {0xF2B705, 0xE4572E, 0x4C9F70, 0x3D7DD8,
                                0xA05BC8, 0xF28CB1, 0x5C6B7A, 0x35B6B4};
  constexpr uint32_t accents[] = {0xE63946, 0x2A9D8F, 0xF4A261, 0x7B2CBF,
                                  0x118AB2, 0xFFD166, 0x06D6A0, 0xEF476F};
  const size_t v = variant % std::size(tints);
  Look look;
  look.main = mix(rgb(figure.main), rgb(tints[v]), 0.22);
  look.second = mix(rgb(figure.second), rgb(tints[(v + 3) % 8]), 0.12);
  look.accent = rgb(accents[v]);
  look.variant = static_cast<int>(v);
  return look;
}

void draw_eye(Canvas& canvas, const Look& look, double x, double y, double radius) {
  const Color dark = rgb(0x1F1B2E);
  if (look.blink > 0.5) {
    canvas.arc(x, y - radius * 0.3, radius * 0.8, 0.5, 2.64, radius * 0.35, dark);
    return;
  }
  const double line = canvas.outline;
  canvas.outline = 0;
  canvas.circle(x, y, radius, dark);
  canvas.circle(x + radius * 0.3, y - radius * 0.35, radius * 0.36, rgb(0xFFFFFF));
  canvas.circle(x - radius * 0.3, y + radius * 0.35, radius * 0.18, rgb(0xFFFFFF));
  canvas.outline = line;
}

void draw_face(Canvas& canvas, const Look& look, double x, double y, double size) {
  draw_eye(canvas, look, x - size * 0.5, y, size * 0.2);
  draw_eye(canvas, look, x + size * 0.5, y, size * 0.2);
  canvas.arc(x, y + size * 0.18, size * 0.2, 0.3, std::numbers::pi - 0.3, size * 0.08, rgb(0x3A2430));
  const double line = canvas.outline;
  canvas.outline = 0;
  canvas.ellipse(x - size * 0.78, y + size * 0.3, size * 0.16, size * 0.1, faded(rgb(0xFF6F7D), 0.5));
  canvas.ellipse(x + size * 0.78, y + size * 0.3, size * 0.16, size * 0.1, faded(rgb(0xFF6F7D), 0.5));
  canvas.outline = line;
}

void draw_hat(Canvas& canvas, const Look& look, double x, double y, double s) {
  switch (look.variant) {
    case 0:  // party hat
      canvas.polygon({{x - s * 0.35, y}, {x, y - s}, {x + s * 0.35, y}}, look.accent);
      canvas.circle(x, y - s, s * 0.14, rgb(0xFFFFFF));
      break;
    case 1:  // cap
      canvas.blob(
          {{x - s * 0.5, y}, {x - s * 0.3, y - s * 0.45}, {x + s * 0.3, y - s * 0.45}, {x + s * 0.5, y}},
          look.accent);
      canvas.box(x + s * 0.55, y - s * 0.02, s * 0.7, s * 0.14, s * 0.07, shade(look.accent, 0.8));
      break;
    case 2:  // bow
    case 5:
      canvas.polygon({{x, y}, {x - s * 0.5, y - s * 0.32}, {x - s * 0.5, y + s * 0.32}}, look.accent);
      canvas.polygon({{x, y}, {x + s * 0.5, y - s * 0.32}, {x + s * 0.5, y + s * 0.32}}, look.accent);
      canvas.circle(x, y, s * 0.15, shade(look.accent, 1.3));
      break;
    case 3:  // top hat
      canvas.box(x, y - s * 0.45, s * 0.65, s * 0.8, s * 0.05, rgb(0x2D2A3A));
      canvas.box(x, y - s * 0.2, s * 0.67, s * 0.18, 0, look.accent);
      canvas.box(x, y - s * 0.04, s * 1.15, s * 0.14, s * 0.06, rgb(0x2D2A3A));
      break;
    case 4:  // crown
      canvas.polygon({{x - s * 0.45, y},
                      {x - s * 0.5, y - s * 0.55},
                      {x - s * 0.2, y - s * 0.28},
                      {x, y - s * 0.65},
                      {x + s * 0.2, y - s * 0.28},
                      {x + s * 0.5, y - s * 0.55},
                      {x + s * 0.45, y}},
                     rgb(0xFFD166));
      break;
    case 6:  // flower
      for (int k = 0; k < 5; ++k) {
        const double a = 1.2566 * k + 0.3 * look.swing;
        canvas.circle(x + s * 0.26 * std::cos(a), y - s * 0.1 + s * 0.26 * std::sin(a), s * 0.2, look.accent);
      }
      canvas.circle(x, y - s * 0.1, s * 0.18, rgb(0xFFE066));
      break;
    default:  // woollen hat
      canvas.blob(
          {{x - s * 0.5, y}, {x - s * 0.35, y - s * 0.55}, {x + s * 0.35, y - s * 0.55}, {x + s * 0.5, y}},
          look.accent);
      canvas.box(x, y, s * 1.1, s * 0.22, s * 0.1, shade(look.accent, 1.35));
      canvas.circle(x, y - s * 0.65, s * 0.18, rgb(0xFFFFFF));
      break;
  }
}

void draw_mark(Canvas& canvas, int variant, double x, double y, double s) {
  constexpr uint32_t colors[] = {0x1D3557, 0x9D0208, 0x006D77, 0x5A189A,
                                 0xD00000, 0x14213D, 0x386641, 0xBC6C25};
  const Color color = rgb(colors[variant % 8]);
  canvas.circle(x, y, s, rgb(0xFFFFFF));
  const double line = canvas.outline;
  canvas.outline = 0;
  switch (variant % 4) {
    case 0:
      canvas.star(x, y, s * 0.8, 3 + variant, 0.45, 0, color);
      break;
    case 1:
      canvas.circle(x, y, s * 0.7, color);
      canvas.circle(x + s * 0.2, y - s * 0.1, s * 0.45, rgb(0xFFFFFF));
      break;
    case 2:
      for (int k = -1; k <= 1; ++k)
        canvas.box(x, y + k * s * 0.4, s * (1.2 - 0.3 * std::abs(k)), s * 0.22, 0, color);
      break;
    default:
      canvas.polygon({{x - s * 0.6, y + s * 0.45}, {x, y - s * 0.7}, {x + s * 0.6, y + s * 0.45}}, color);
      canvas.circle(x, y + s * 0.1, s * 0.22, rgb(0xFFFFFF));
      break;
  }
  canvas.outline = line;
}

}  // namespace cowatch
