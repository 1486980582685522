import { describe, expect, it } from "vitest";
import { apart, clusterHues } from "../src/scatter";

describe("pictures on the map", () => {
  const at = (positions: number[]) => (i: number) => ({ left: positions[i]!, above: 0, width: 10, height: 10 });
  it("leave each other free", () => {
    expect([...apart([0, 1, 2, 3], -1, at([0, 9, 14, 30]), 2).keys()]).toEqual([0, 2, 3]);
    expect([...apart([0, 1], -1, at([0, 12]), 2).keys()]).toEqual([0, 1]);
    expect([...apart([0, 1], -1, at([0, 11]), 2).keys()]).toEqual([0]);
  });
  it("begin with the chosen one", () => expect([...apart([0, 1, 2], 1, at([0, 9, 14]), 2).keys()]).toEqual([1]));
  it("leave out points without a picture", () =>
    expect([...apart([0, 1], -1, (i) => (i === 0 ? undefined : at([0, 3])(i)), 2).keys()]).toEqual([1]));
});

describe("hues of clusters", () => {
  it("are far apart for few clusters, wherever these lie", () => {
    const hues = clusterHues({ X: [1, 1, 0], Y: [0, 0.01, 5], Cluster: [3, 4, -1] });
    expect([...hues.keys()]).toEqual([3, 4]);
    expect(Math.abs(hues.get(3)! - hues.get(4)!)).toBeGreaterThan(90);
  });
  it("follow the place of many clusters", () => {
    const angles = Array.from({ length: 200 }, (_, i) => (i * 2 * Math.PI) / 200);
    const hues = clusterHues({ X: angles.map(Math.cos), Y: angles.map(Math.sin), Cluster: angles.map((_, i) => i) });
    expect(hues.get(0)).toBeCloseTo(0);
    expect(hues.get(50)).toBeCloseTo(90);
    expect(hues.get(150)).toBeCloseTo(270);
  });
});
