// Half and brain floating point, as raw 16-bit words: conversion to and from float32 with rounding to nearest
// even.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace cowatch {

float float_from_half(uint16_t half);
uint16_t half_from_float(float value);  // beyond ±65504 becomes infinite; a NaN stays a quiet one

inline float float_from_bfloat(uint16_t word) {
  return std::bit_cast<float>(static_cast<uint32_t>(word) << 16);
}
inline uint16_t bfloat_from_float(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return static_cast<uint16_t>(bits >> 16 | 0x40u);  // a quiet NaN stays one
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

// Whole arrays of the same length, at the speed of memory.
void bfloats_from_floats(std::span<const float> values, std::span<uint16_t> words);
void floats_from_bfloats(std::span<const uint16_t> words, std::span<float> values);
void halves_from_floats(std::span<const float> values, std::span<uint16_t> halves);
void floats_from_halves(std::span<const uint16_t> halves, std::span<float> values);

}  // namespace cowatch
