// Which view the address names. Addresses live behind the `#`, so that the page works from any path, behind
// any proxy and from any static server.
import { useEffect, useState } from "preact/hooks";

export type Order = "popular" | "latest" | "added";
const orders: string[] = ["popular", "latest", "added"] satisfies Order[];

export type Route =
  | { view: "wall"; query: string; order?: Order } // without an order: the first that the data allow
  | { view: "clip"; id: string }
  | { view: "upload" }
  | { view: "clusters"; level: number; cluster: number }
  | { view: "map"; focus: string }
  | { view: "training" }
  | { view: "data" }
  | { view: "quality" }
  | { view: "missing"; address: string };

export const top: Route = { view: "clusters", level: 0, cluster: 0 };

export function href(route: Route): string {
  switch (route.view) {
    case "wall":
      if (route.query) return `#/?q=${encodeURIComponent(route.query)}`;
      return route.order ? `#/?order=${route.order}` : "#/";
    case "clip":
      return `#/clip/${encodeURIComponent(route.id)}`;
    case "clusters":
      return route.level > 0 ? `#/clusters/${route.level}/${route.cluster}` : "#/clusters";
    case "map":
      return route.focus ? `#/map?focus=${encodeURIComponent(route.focus)}` : "#/map";
    case "missing":
      return route.address;
    default:
      return `#/${route.view}`;
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export function parse(hash: string): Route {
  const missing: Route = { view: "missing", address: hash };
  const [path = "", search = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const parts = path.split("/").filter((part) => part !== "");
  const parameters = new URLSearchParams(search);
  const [view, first, second] = parts;
  if (view === undefined) {
    const query = parameters.get("q") ?? "", order = parameters.get("order") ?? "";
    return query === "" && orders.includes(order) ? { view: "wall", query, order: order as Order } : { view: "wall", query };
  }
  if (view === "clip" && first !== undefined && parts.length === 2) {
    const id = decoded(first);
    return id === undefined ? missing : { view: "clip", id };
  }
  if (view === "clusters" && parts.length === 1) return top;
  if (view === "clusters" && parts.length === 3 && /^\d+$/.test(first!) && /^\d+$/.test(second!)) {
    return { view: "clusters", level: Number(first), cluster: Number(second) };
  }
  if (view === "map" && parts.length === 1) return { view: "map", focus: parameters.get("focus") ?? "" };
  if (parts.length === 1 && (view === "upload" || view === "training" || view === "data" || view === "quality")) return { view };
  return missing;
}

export function go(route: Route, replace = false): void {
  if (replace) {
    history.replaceState(history.state, "", href(route));
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = href(route);
  }
}

// Where each visited entry of the history was scrolled to. Entries are told apart by a number kept in
// history.state: an entry without one is a new visit and starts at the top.
const scrolled = new Map<number, number>();
let entry = 0;
let entries = 0;

function enter(): { revisited: boolean } {
  const known: unknown = history.state?.entry;
  if (typeof known === "number") {
    entry = known;
    entries = Math.max(entries, known);
    return { revisited: scrolled.has(known) };
  }
  entry = ++entries;
  history.replaceState({ ...history.state, entry }, "");
  return { revisited: false };
}

export interface Visit {
  route: Route;
  scroll: number; // where the page has to be scrolled to once the view is drawn
}

export function useVisit(): Visit {
  const [visit, setVisit] = useState<Visit>(() => {
    history.scrollRestoration = "manual";
    enter();
    return { route: parse(location.hash), scroll: 0 };
  });
  useEffect(() => {
    const remember = () => scrolled.set(entry, window.scrollY);
    const change = () => {
      const { revisited } = enter();
      setVisit({ route: parse(location.hash), scroll: revisited ? scrolled.get(entry)! : 0 });
    };
    window.addEventListener("scroll", remember, { passive: true });
    window.addEventListener("hashchange", change);
    return () => {
      window.removeEventListener("scroll", remember);
      window.removeEventListener("hashchange", change);
    };
  }, []);
  return visit;
}
