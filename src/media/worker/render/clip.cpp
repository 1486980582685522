#include "media/worker/render/clip.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include "media/worker/mp4_encoder.h"
#include "media/worker/render/background.h"
#include "media/worker/render/figure.h"
#include "media/worker/render/motion.h"
#include "media/worker/render/sound_track.h"

namespace cowatch {
namespace {

constexpr int rate = 20;  // pictures a second
constexpr Mp4Encoder::Settings shape{.width = 288,
                                     .height = 384,
                                     .ticks_per_second = rate,
                                     .pictures_per_second = rate,
                                     .sound_rate = 24000};
constexpr double height = static_cast<double>(shape.height) / shape.width;  // in widths
constexpr double margin =
    1.3;  // the background is that much larger than the picture: the camera moves over it
constexpr double figure_scale = 0.3, ground = 0.8 * height;

struct FreeSurface {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
struct FreeContext {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
};
using Surface = std::unique_ptr<cairo_surface_t, FreeSurface>;
using Context = std::unique_ptr<cairo_t, FreeContext>;

Surface make_surface(double scale) {
  return Surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                            static_cast<int>(std::ceil(shape.width * scale)),
                                            static_cast<int>(std::ceil(shape.height * scale))));
}

class Clip {
 public:
  explicit Clip(const VideoFactors& factors)
      : factors_(factors),
        scene_(scene_of(factors)),
        figure_(figure_of(factors.subject)),
        look_(look_of(figure_, factors.variant)),
        background_(make_surface(margin)),
        picture_(make_surface(1)) {
    const Context context(cairo_create(background_.get()));
    cairo_scale(context.get(), shape.width * margin, shape.width * margin);
    Canvas canvas(context.get());
    paint_background(canvas, factors_, scene_, height);
  }

  void draw(double seconds) {
    const Context context(cairo_create(picture_.get()));
    place_background(context.get(), seconds);
    cairo_scale(context.get(), shape.width, shape.width);
    Canvas canvas(context.get());
    draw_product_beside(canvas, seconds);
    draw_subject(canvas, seconds);
    paint_particles(canvas, factors_, scene_, height, seconds);
    cairo_surface_flush(picture_.get());
  }

  const uint8_t* pixels() const { return cairo_image_surface_get_data(picture_.get()); }
  int stride() const { return cairo_image_surface_get_stride(picture_.get()); }

 private:
  // The camera drifts from one side of the margin to the other along its angle, and closes in.
  void place_background(cairo_t* context, double seconds) {
    const double progress = seconds / factors_.seconds;
    const double zoom = 1 + (factors_.camera_zoom - 1) * progress;
    const double travelled = factors_.camera_speed * (seconds - factors_.seconds / 2);
    const double room = (margin - 1) / 2;
    const double x = std::clamp(travelled * std::cos(factors_.camera_angle), -room, room) * shape.width;
    const double y = std::clamp(travelled * std::sin(factors_.camera_angle), -room, room) * shape.width;
    cairo_translate(context, shape.width / 2.0 - x, shape.height / 2.0 - y);
    cairo_scale(context, zoom, zoom);
    cairo_set_source_surface(context, background_.get(), -shape.width * margin / 2,
                             -shape.height * margin / 2);
    cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_BILINEAR);
    cairo_paint(context);
    cairo_identity_matrix(context);
  }

  Look look_at(double seconds, double phase) const {
    Look look = look_;
    look.seconds = seconds;
    // Shaking is too fast for limbs to follow.
    look.swing = std::sin(2 * std::numbers::pi * (factors_.motion == 7 ? phase / 4 : phase) *
                          (factors_.motion == 2 ? 2 : 1));
    const double rhythm = 2.1 + 0.13 * factors_.variant;
    look.blink = std::fmod(seconds + 0.4, rhythm) < 0.13 ? 1 : 0;
    return look;
  }

  void draw_subject(Canvas& canvas, double seconds) {
    const Pose pose = pose_at(factors_, seconds);
    const double lift = std::clamp(-pose.y / 0.4, 0.0, 1.0);
    canvas.ellipse(0.5 + pose.x, ground + 0.01, 0.24 * (1 - 0.5 * lift) * pose.scale_x,
                   0.035 * (1 - 0.4 * lift), faded(rgb(0x10121F), 0.32 * (1 - 0.6 * lift)));
    // Turned about its middle, flattened towards its foot.
    const double middle = ground + pose.y - figure_scale * pose.scale_y;
    const double side = pose.faces_left ? -1 : 1;
    canvas.outline = 0.035;
    canvas.at(0.5 + pose.x, middle, pose.turn, side * figure_scale * pose.scale_x,
              figure_scale * pose.scale_y, [&] { figure_.draw(canvas, look_at(seconds, pose.phase)); });
    canvas.outline = 0;
  }

  void draw_product_beside(Canvas& canvas, double seconds) {
    if (factors_.product < 0 || factors_.product_is_subject) return;
    const ProductTerm& product = product_terms()[static_cast<size_t>(factors_.product)];
    const Figure& figure = figure_of(product.subject);
    Look look = look_of(figure, product.variant);
    look.seconds = seconds;
    const double x = factors_.background_seed % 2 == 0 ? 0.16 : 0.84;
    canvas.ellipse(x, ground + 0.1, 0.11, 0.02, faded(rgb(0x10121F), 0.3));
    canvas.outline = 0.04;
    canvas.at(x, ground - 0.01, 0, 0.11, 0.11, [&] { figure.draw(canvas, look); });
    canvas.outline = 0;
  }

  const VideoFactors& factors_;
  Scene scene_;
  const Figure& figure_;
  Look look_;
  Surface background_, picture_;
};

}  // namespace

std::string draw_clip(const World& world, uint32_t video) {
  const VideoFactors& factors = world.videos[video];
  Clip clip(factors);
  Mp4Encoder encoder(shape);
  const auto pictures = static_cast<int>(std::lround(factors.seconds * rate));
  for (int i = 0; i < pictures; ++i) {
    clip.draw(static_cast<double>(i) / rate);
    encoder.add_bgr_picture(clip.pixels(), clip.stride(), i);
  }
  encoder.add_sound(sound_track(world, video, shape.sound_rate));
  return encoder.finish();
}

}  // namespace cowatch
