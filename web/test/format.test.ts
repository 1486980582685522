import { describe, expect, it } from "vitest";
import { commonLeads, formatLength, formatPercent, formatScore, languageOf, splitTitle, wallAspect } from "../src/format";

describe("format", () => {
  it.each([[0, "0:00"], [65, "1:05"], [3599.6, "1:00:00"], [3700, "1:01:40"]])("%d s is %s", (seconds, text) =>
    expect(formatLength(seconds)).toBe(text),
  );
  it("keeps small portions and scores readable", () => {
    expect(formatPercent(0.0012, "en")).toBe("0.12%");
    expect(formatPercent(0.42, "en")).toBe("42%");
    expect(formatScore(0.01234)).toBe("0.0123");
    expect(formatScore(0.91234)).toBe("0.912");
  });
  it("splits a music video's title into who and what", () => {
    expect(splitTitle("Brian McKnight - Still")).toEqual({ lead: "Brian McKnight", rest: "Still" });
    expect(splitTitle("- Still")).toEqual({ lead: "", rest: "- Still" });
  });
  it("tells scripts apart", () => {
    expect(languageOf("雨中的猫")).toBe("zh-Hans");
    expect(languageOf("ねこ")).toBe("ja");
    expect(languageOf("고양이")).toBe("ko");
    expect(languageOf("cat")).toBeUndefined();
  });
  it("shapes a wall like most of its pictures, within reason", () => {
    const tall = { Width: 288, Height: 384 };
    expect(wallAspect([tall, tall, { Width: 1920, Height: 1080 }])).toBe(0.75);
    expect(wallAspect([{ Width: 100, Height: 1000 }])).toBe(0.75);
    expect(wallAspect([{ Width: 3000, Height: 100 }])).toBeCloseTo(16 / 9);
    expect(wallAspect([{}, { Width: 0, Height: 0 }])).toBe(1.6);
  });
  it("names a group of titles by what most of them begin with", () => {
    expect(commonLeads(["A - x", "B - y", "B - z", "no lead"], 2)).toEqual(["B", "A"]);
    expect(commonLeads(["one", "two"], 2)).toEqual([]);
  });
});
