// Which previews play: those in view, a few at a time, and whatever the pointer or the focus rests on. Nobody who
// wants no motion sees any, and one button stops all of it.
import { useEffect, useRef, useState } from "preact/hooks";

const key = "cowatch.previews";
const less = window.matchMedia("(prefers-reduced-motion: reduce)");
const narrow = window.matchMedia("(max-width: 700px)");
const rests = 140; // milliseconds until a pointer that passes over counts as resting
const changed = new EventTarget();

function wanted(): boolean {
  try {
    const chosen = localStorage.getItem(key);
    if (chosen !== null) return chosen === "play";
  } catch {
    // Storage may be forbidden: what the system says is used.
  }
  const connection = (navigator as { connection?: { saveData?: boolean } }).connection;
  return !less.matches && !connection?.saveData;
}

let playing = wanted();

export function switchPlayback(): void {
  playing = !playing;
  try {
    localStorage.setItem(key, playing ? "play" : "still");
  } catch {
    // The choice lasts until the page is left.
  }
  changed.dispatchEvent(new Event("change"));
  choose();
}

export function usePlayback(): boolean {
  const [value, setValue] = useState(playing);
  useEffect(() => {
    const update = () => setValue(playing);
    const system = () => { playing = wanted(); update(); choose(); };
    changed.addEventListener("change", update);
    less.addEventListener("change", system);
    return () => { changed.removeEventListener("change", update); less.removeEventListener("change", system); };
  }, []);
  return value;
}

// Elements in view, each with what tells it to play; the first ones of the page's order play.
const inView = new Set<Element>();
const players = new Map<Element, (play: boolean) => void>();

function choose(): void {
  const most = narrow.matches ? 2 : 8;
  const seen = [...inView].sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
  const chosen = new Set(playing ? seen.slice(0, most) : []);
  for (const [element, tell] of players) tell(chosen.has(element));
}

const watcher = new IntersectionObserver((entries) => {
  for (const { target, intersectionRatio } of entries) {
    if (intersectionRatio >= 0.6) inView.add(target);
    else inView.delete(target);
  }
  choose();
}, { threshold: [0, 0.6, 1] });

// For one card: whether its preview plays now, and what listens to pointer and focus.
export function usePreview<T extends HTMLElement>(has: boolean, unasked: boolean) {
  const place = useRef<T>(null);
  const [chosen, setChosen] = useState(false);
  const [rested, setRested] = useState(false);
  const timer = useRef<number>();
  useEffect(() => {
    const element = place.current;
    if (!element || !has || !unasked) return;
    players.set(element, setChosen);
    watcher.observe(element);
    return () => {
      watcher.unobserve(element);
      players.delete(element);
      inView.delete(element);
    };
  }, [has, unasked]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const start = () => {
    if (!has || (less.matches && !playing)) return;
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setRested(true), rests);
  };
  const stop = () => {
    window.clearTimeout(timer.current);
    setRested(false);
  };
  return {
    place,
    playing: has && (chosen || rested),
    handlers: { onMouseEnter: start, onMouseLeave: stop, onFocusIn: start, onFocusOut: stop },
  };
}
