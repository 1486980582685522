import { describe, expect, it } from "vitest";
import { href, parse, type Route } from "../src/router";

describe("addresses", () => {
  const routes: Route[] = [
    { view: "wall", query: "" },
    { view: "wall", query: "猫 & dogs?" },
    { view: "wall", query: "", order: "latest" },
    { view: "clip", id: "a/b#c?d%e 猫" },
    { view: "upload" },
    { view: "clusters", level: 0, cluster: 0 },
    { view: "clusters", level: 3, cluster: 41 },
    { view: "map", focus: "x/y" },
    { view: "training" },
    { view: "data" },
  ];
  it.each(routes)("reads back what it wrote: %o", (route) => expect(parse(href(route))).toEqual(route));
  it("leaves out an order that there is not", () => expect(parse("#/?order=best")).toEqual({ view: "wall", query: "" }));
  it.each(["#/nothing", "#/clip/", "#/clip/%E0%A4%A", "#/clusters/1", "#/clusters/x/y", "#/upload/1"])(
    "names an address that leads nowhere: %s",
    (address) => expect(parse(address)).toEqual({ view: "missing", address }),
  );
});
