#include "media/worker/render/motion.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cowatch {
namespace {

using std::numbers::pi;

struct Course {
  double phase = 0;      // cycles
  double amplitude = 1;  // eased over the change of segments
  int direction = 1;
};

// Follows the segments: the phase is continuous, so a change of speed or direction never makes a jump.
Course course_at(const VideoFactors& factors, double rate, double seconds) {
  constexpr double ease_seconds = 0.3;
  Course course;
  for (uint8_t s = 0; s < factors.segment_count; ++s) {
    const MotionSegment& segment = factors.segments[s];
    if (s > 0 && seconds < segment.begin) break;
    const double end = s + 1 < factors.segment_count ? factors.segments[s + 1].begin : seconds;
    course.phase += rate * segment.speed * segment.direction * (std::min(end, seconds) - segment.begin);
    const double before = s > 0 ? factors.segments[s - 1].amplitude : segment.amplitude;
    const double eased = std::clamp((seconds - segment.begin) / ease_seconds, 0.0, 1.0);
    course.amplitude = before + (segment.amplitude - before) * eased;
    course.direction = segment.direction;
  }
  return course;
}

// −1 … 1 in straight lines, period 1.
double triangle(double phase) {
  const double p = phase - std::floor(phase);
  return p < 0.5 ? 4 * p - 1 : 3 - 4 * p;
}

}  // namespace

Pose pose_at(const VideoFactors& factors, double seconds) {
  constexpr double rates[] = {1.3, 0.75, 0.5, 0.55, 0.6, 1.1, 0.42, 5.5};  // cycles a second, by motion
  const Course course = course_at(factors, rates[factors.motion], seconds);
  const double a = course.amplitude, angle = 2 * pi * course.phase;
  Pose pose;
  pose.phase = course.phase;
  switch (factors.motion) {
    case 0: {  // bounce: up and down, flattened on the ground
      const double height = std::abs(std::sin(angle / 2));
      const double squash = std::pow(1 - height, 4) * 0.22 * a;
      pose.y = -0.34 * a * height;
      pose.scale_x = 1 + squash;
      pose.scale_y = 1 - squash;
      break;
    }
    case 1:  // sway
      pose.x = 0.12 * a * std::sin(angle);
      pose.turn = 0.32 * a * std::sin(angle);
      break;
    case 2:  // spin
      pose.turn = angle;
      pose.y = -0.06;
      break;
    case 3:  // orbit
      pose.x = 0.2 * a * std::cos(angle);
      pose.y = -0.12 + 0.22 * a * std::sin(angle);
      break;
    case 4:  // zigzag
      pose.x = 0.2 * a * triangle(course.phase);
      pose.y = -0.08 + 0.16 * a * triangle(2 * course.phase + 0.25);
      pose.turn = 0.15 * (triangle(course.phase + 0.02) > triangle(course.phase) ? 1 : -1);
      break;
    case 5: {  // pulse
      const double swell = 0.24 * a * std::sin(angle);
      pose.scale_x = pose.scale_y = 1 + swell;
      break;
    }
    case 6:  // glide: to and fro, looking ahead
      pose.x = 0.24 * a * std::sin(angle);
      pose.y = -0.015 * std::abs(std::sin(4 * angle));
      pose.faces_left = std::cos(angle) * course.direction < 0;
      break;
    default:  // shiver
      pose.x = 0.035 * a * std::sin(angle);
      pose.y = 0.02 * a * std::sin(1.7 * angle);
      pose.turn = 0.07 * a * std::sin(1.3 * angle + 1);
      break;
  }
  return pose;
}

}  // namespace cowatch
