import { describe, expect, it } from "vitest";
import { apart } from "../src/scatter";

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
