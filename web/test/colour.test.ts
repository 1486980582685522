import { describe, expect, it } from "vitest";
import { clusterHue, oklchToRgb, portionOf } from "../src/colour";

describe("colour", () => {
  it("meets the ends of the grey axis and a published value", () => {
    for (const channel of oklchToRgb(1, 0, 0)) expect(channel).toBeCloseTo(1, 4);
    for (const channel of oklchToRgb(0, 0, 0)) expect(channel).toBeCloseTo(0, 4);
    const [red, green, blue] = oklchToRgb(0.627955, 0.257683, 29.2339); // sRGB red
    expect(red).toBeCloseTo(1, 2);
    expect(green).toBeCloseTo(0, 1);
    expect(blue).toBeCloseTo(0, 1);
  });
  it("keeps the hues of neighbouring clusters far apart", () => {
    for (let cluster = 0; cluster < 1000; cluster++) {
      const apart = Math.abs(clusterHue(cluster) - clusterHue(cluster + 1));
      expect(Math.min(apart, 360 - apart)).toBeGreaterThan(100);
    }
  });
  it("draws the same for the same text, and spreads", () => {
    expect(portionOf("a", 1)).toBe(portionOf("a", 1));
    const quarters = new Set(Array.from({ length: 64 }, (_, i) => Math.floor(portionOf(`v${i}`, 0) * 4)));
    expect(quarters.size).toBe(4);
  });
});
