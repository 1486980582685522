// What figures and backgrounds are drawn with: filled shapes with an outline, over Cairo.
#pragma once

#include <cairo.h>

#include <cstdint>
#include <vector>

namespace cowatch {

struct Color {
  double red = 0, green = 0, blue = 0, alpha = 1;
};

Color rgb(uint32_t hex);  // 0xRRGGBB
Color mix(Color a, Color b, double share_of_b);
Color shade(Color color, double factor);  // below 1 darker, above 1 lighter
Color faded(Color color, double alpha);

struct Point {
  double x = 0, y = 0;
};
using Points = std::vector<Point>;

// Draws in the units of the current transformation; y grows downwards.
class Canvas {
 public:
  explicit Canvas(cairo_t* context) : context_(context) {}

  double outline = 0;  // width of the line around filled shapes, in a darker tone; 0: none

  void circle(double x, double y, double radius, Color fill) { ellipse(x, y, radius, radius, fill); }
  void ellipse(double x, double y, double radius_x, double radius_y, Color fill);
  void box(double x, double y, double width, double height, double radius, Color fill);  // x, y: its middle
  void polygon(const Points& corners, Color fill);
  void blob(const Points& around, Color fill);  // a smooth closed curve through the points
  void line(const Points& points, double width, Color color);
  void curve(const Points& points, double width, Color color);  // a smooth open one
  void arc(double x, double y, double radius, double from, double to, double width, Color color);
  void star(double x, double y, double radius, int points, double depth, double turn, Color fill);
  // From y = top to y = bottom over the whole width.
  void vertical_gradient(double x, double top, double width, double bottom, Color from, Color to);
  void glow(double x, double y, double radius, Color color);  // fades to nothing at the radius

  template <typename Draw>
  void at(double x, double y, double turn, double scale_x, double scale_y, Draw&& draw) {
    cairo_save(context_);
    cairo_translate(context_, x, y);
    if (turn != 0) cairo_rotate(context_, turn);
    cairo_scale(context_, scale_x, scale_y);
    draw();
    cairo_restore(context_);
  }

 private:
  void fill(Color color);
  void stroke(double width, Color color);
  void smooth(const Points& points, bool closed);

  cairo_t* context_;
};

}  // namespace cowatch
