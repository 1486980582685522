// The figures that play in the clips. Each is drawn in [−1, 1] × [−1, 1], standing on y = 1, facing right.
#pragma once

#include <span>
#include <string_view>

#include "media/worker/render/canvas.h"
#include "media/world.h"

namespace cowatch {

// How a figure looks now.
struct Look {
  Color main, second;  // the subject's own colours, tinted by the variant
  Color accent;        // dress and decoration: the variant's
  int variant = 0;     // 0 … 7
  double swing = 0;    // −1 … 1: limbs, tails, strings
  double blink = 0;    // 1: eyes shut
  double seconds = 0;
};

struct Figure {
  std::string_view subject;  // id of a SubjectTerm
  void (*draw)(Canvas&, const Look&);
  uint32_t main, second;  // 0xRRGGBB
};

std::span<const Figure> animal_figures();
std::span<const Figure> people_figures();
std::span<const Figure> food_figures();
std::span<const Figure> vehicle_figures();
std::span<const Figure> thing_figures();  // sport, music, gadgets
std::span<const Figure> plant_figures();

const Figure& figure_of(uint8_t subject);
// `variant` decides tint and dress.
Look look_of(const Figure& figure, uint8_t variant);

// Parts that many figures have.
void draw_eye(Canvas& canvas, const Look& look, double x, double y, double radius);
void draw_face(Canvas& canvas, const Look& look, double x, double y, double size);  // eyes, smile, cheeks
void draw_hat(Canvas& canvas, const Look& look, double x, double y,
              double size);  // or bow, cap …; by variant
void draw_mark(Canvas& canvas, int product_variant, double x, double y, double size);  // a maker's sign

}  // namespace cowatch
