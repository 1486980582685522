#include "media/worker/render/canvas.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cowatch {

constexpr double whole_turn = 2 * std::numbers::pi;

Color rgb(uint32_t hex) {
  return {(hex >> 16 & 255) / 255.0, (hex >> 8 & 255) / 255.0, (hex & 255) / 255.0, 1};
}

Color mix(Color a, Color b, double t) {
  return {a.red + (b.red - a.red) * t, a.green + (b.green - a.green) * t, a.blue + (b.blue - a.blue) * t,
          a.alpha + (b.alpha - a.alpha) * t};
}

Color shade(Color color, double factor) {
  if (factor > 1) return mix(color, {1, 1, 1, color.alpha}, std::min(1.0, factor - 1));
  return {color.red * factor, color.green * factor, color.blue * factor, color.alpha};
}

Color faded(Color color, double alpha) {
  color.alpha = alpha;
  return color;
}

void Canvas::fill(Color color) {
  cairo_set_source_rgba(context_, color.red, color.green, color.blue, color.alpha);
  if (outline <= 0) {
    cairo_fill(context_);
    return;
  }
  cairo_fill_preserve(context_);
  stroke(outline, shade(color, 0.55));
}

void Canvas::stroke(double width, Color color) {
  cairo_set_source_rgba(context_, color.red, color.green, color.blue, color.alpha);
  cairo_set_line_width(context_, width);
  cairo_set_line_cap(context_, CAIRO_LINE_CAP_ROUND);
  cairo_set_line_join(context_, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke(context_);
}

void Canvas::ellipse(double x, double y, double radius_x, double radius_y, Color color) {
  if (radius_x <= 0 || radius_y <= 0) return;
  cairo_save(context_);
  cairo_translate(context_, x, y);
  cairo_scale(context_, radius_x, radius_y);
  cairo_new_path(context_);
  cairo_arc(context_, 0, 0, 1, 0, whole_turn);
  cairo_close_path(context_);
  cairo_restore(context_);
  fill(color);
}

void Canvas::box(double x, double y, double width, double height, double radius, Color color) {
  const double left = x - width / 2, right = x + width / 2, top = y - height / 2, bottom = y + height / 2;
  const double r = std::min({radius, width / 2, height / 2}), quarter = whole_turn / 4;
  cairo_new_path(context_);
  cairo_arc(context_, right - r, top + r, r, -quarter, 0);
  cairo_arc(context_, right - r, bottom - r, r, 0, quarter);
  cairo_arc(context_, left + r, bottom - r, r, quarter, 2 * quarter);
  cairo_arc(context_, left + r, top + r, r, 2 * quarter, 3 * quarter);
  cairo_close_path(context_);
  fill(color);
}

void Canvas::polygon(const Points& corners, Color color) {
  cairo_new_path(context_);
  for (const Point& p : corners) cairo_line_to(context_, p.x, p.y);
  cairo_close_path(context_);
  fill(color);
}

// A Catmull-Rom spline as Bézier pieces.
void Canvas::smooth(const Points& points, bool closed) {
  const auto n = static_cast<std::ptrdiff_t>(points.size());
  const auto point = [&](std::ptrdiff_t i) {
    return points[static_cast<size_t>(closed ? (i + n) % n : std::clamp<std::ptrdiff_t>(i, 0, n - 1))];
  };
  cairo_new_path(context_);
  cairo_move_to(context_, points[0].x, points[0].y);
  for (std::ptrdiff_t i = 0; i < (closed ? n : n - 1); ++i) {
    const Point a = point(i - 1), b = point(i), c = point(i + 1), d = point(i + 2);
    cairo_curve_to(context_, b.x + (c.x - a.x) / 6, b.y + (c.y - a.y) / 6, c.x - (d.x - b.x) / 6,
                   c.y - (d.y - b.y) / 6, c.x, c.y);
  }
  if (closed) cairo_close_path(context_);
}

void Canvas::blob(const Points& around, Color color) {
  smooth(around, true);
  fill(color);
}

void Canvas::line(const Points& points, double width, Color color) {
  cairo_new_path(context_);
  for (const Point& p : points) cairo_line_to(context_, p.x, p.y);
  stroke(width, color);
}

void Canvas::curve(const Points& points, double width, Color color) {
  if (outline > 0) {
    smooth(points, false);
    stroke(width + outline, shade(color, 0.55));
  }
  smooth(points, false);
  stroke(width, color);
}

void Canvas::arc(double x, double y, double radius, double from, double to, double width, Color color) {
  cairo_new_path(context_);
  cairo_arc(context_, x, y, radius, from, to);
  stroke(width, color);
}

void Canvas::star(double x, double y, double radius, int points, double depth, double turn, Color color) {
  cairo_new_path(context_);
  for (int i = 0; i < 2 * points; ++i) {
    const double angle = turn + whole_turn * i / (2 * points) - whole_turn / 4;
    const double r = i % 2 == 0 ? radius : radius * depth;
    cairo_line_to(context_, x + r * std::cos(angle), y + r * std::sin(angle));
  }
  cairo_close_path(context_);
  fill(color);
}

void Canvas::vertical_gradient(double x, double top, double width, double bottom, Color from, Color to) {
  cairo_pattern_t* pattern = cairo_pattern_create_linear(0, top, 0, bottom);
  cairo_pattern_add_color_stop_rgba(pattern, 0, from.red, from.green, from.blue, from.alpha);
  cairo_pattern_add_color_stop_rgba(pattern, 1, to.red, to.green, to.blue, to.alpha);
  cairo_set_source(context_, pattern);
  cairo_rectangle(context_, x, top, width, bottom - top);
  cairo_fill(context_);
  cairo_pattern_destroy(pattern);
}

void Canvas::glow(double x, double y, double radius, Color color) {
  cairo_pattern_t* pattern = cairo_pattern_create_radial(x, y, 0, x, y, radius);
  cairo_pattern_add_color_stop_rgba(pattern, 0, color.red, color.green, color.blue, color.alpha);
  cairo_pattern_add_color_stop_rgba(pattern, 1, color.red, color.green, color.blue, 0);
  cairo_set_source(context_, pattern);
  cairo_arc(context_, x, y, radius, 0, whole_turn);
  cairo_fill(context_);
  cairo_pattern_destroy(pattern);
}

}  // namespace cowatch
