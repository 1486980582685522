import { describe, expect, it } from "vitest";
import { Problem } from "../src/problem";

describe("problem", () => {
  it("keeps the words of a refusal and the way out", () => {
    const body = JSON.stringify({ title: "not found", status: 404, code: "not-found", remedy: "Run it.", extra: 1 });
    expect(Problem.parse(404, "application/problem+json", body).details).toEqual({
      title: "not found",
      status: 404,
      code: "not-found",
      remedy: "Run it.",
    });
  });
  it.each([["application/json", "{broken"], ["application/json", "null"], ["text/html", "<p>Bad gateway"]])(
    "gives the status of an answer that is no problem (%s: %s)",
    (type, body) => expect(Problem.parse(502, type, body).details).toEqual({ title: "HTTP 502", status: 502, detail: body }),
  );
  it("turns a broken connection into a problem", () => {
    expect(Problem.from(new TypeError("no answer")).details).toEqual({ title: "no answer", status: 0, code: "unreachable" });
  });
});
