// All embeddings in the plane, coloured by cluster; painted by ourselves, so that 60,000 points stay smooth. Where
// there is room, points grow into pictures.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { api, type EmbeddingMap, type Item } from "../api";
import { Art, Failure, Notice, Skeletons, count, titleOf } from "../parts";
import { languageOf } from "../format";
import { useResource } from "../resource";
import { go, href } from "../router";
import { colours, css, paint, unit, whole, type Eye, type Posters } from "../scatter";
import { useTheme } from "../theme";

const reach = 18; // pixels around the pointer in which a point is taken
// A catalogue up to this size shows posters; a larger one would ask for too much.
const mostPosters = 1000;

function usePosters(map: EmbeddingMap): { posters: Posters; loaded: number } {
  const posters = useRef<Posters>(new Map());
  const [loaded, setLoaded] = useState(0);
  useEffect(() => {
    if (map.Total > mostPosters) return;
    const stop = new AbortController();
    void (async () => {
      for (let cursor = ""; !stop.signal.aborted;) {
        const page = await api.items("", cursor, 200, stop.signal);
        await Promise.all(page.Items.map(async (item) => {
          if (!item.Poster || posters.current.has(item.Index)) return;
          const image = new Image();
          image.src = item.Poster;
          await image.decode().then(() => posters.current.set(item.Index, image), () => undefined);
        }));
        setLoaded(posters.current.size);
        cursor = page.Cursor;
        if (cursor === "") return;
      }
    })().catch(() => undefined); // without posters the points stay points
    return () => stop.abort();
  }, [map.Total]);
  return { posters: posters.current, loaded };
}

function nearest(map: EmbeddingMap, x: number, y: number, within: number): number {
  let best = -1;
  let least = within * within;
  for (let i = 0; i < map.X.length; i++) {
    const across = map.X[i]! - x;
    const down = map.Y[i]! - y;
    const distance = across * across + down * down;
    if (distance < least) { least = distance; best = i; }
  }
  return best;
}

// The next point in the direction of an arrow key: near, and not far off to the side.
function beside(map: EmbeddingMap, from: number, across: number, down: number): number {
  let best = from;
  let least = Infinity;
  for (let i = 0; i < map.X.length; i++) {
    const dx = map.X[i]! - map.X[from]!;
    const dy = map.Y[i]! - map.Y[from]!;
    const along = dx * across + dy * down;
    const aside = Math.abs(dx * down) + Math.abs(dy * across);
    if (along <= 0 || aside > along) continue;
    const cost = along + 2 * aside;
    if (cost < least) { least = cost; best = i; }
  }
  return best;
}

const arrows: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Rows of the catalogue are also the cursors of its pages, so one item can be had by its row.
const itemAt = async (index: number, signal: AbortSignal) => (await api.items("", index > 0 ? String(index) : "", 1, signal)).Items[0];

function Scatter({ map, focus }: { map: EmbeddingMap; focus: Item | undefined }) {
  const theme = useTheme();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [eye, setEye] = useState<Eye>(whole);
  const [chosen, setChosen] = useState(-1);
  const [item, setItem] = useState<Item>();
  const held = useRef(new Map<number, { x: number; y: number }>());
  const moved = useRef(0);
  const tints = useMemo(() => colours(map, theme), [map, theme]);
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const scale = unit(size.width, size.height) * eye.zoom;
  const { posters, loaded } = usePosters(map);

  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => entry && setSize({ width: entry.contentRect.width, height: entry.contentRect.height }));
    watcher.observe(canvas.current!);
    return () => watcher.disconnect();
  }, []);
  useEffect(() => {
    if (!focus) return;
    const at = map.Index.indexOf(focus.Index);
    if (at >= 0) { setChosen(at); setEye({ x: map.X[at]!, y: map.Y[at]!, zoom: 6 }); }
  }, [map, focus]);
  useEffect(() => {
    if (size.width === 0) return;
    const frame = requestAnimationFrame(() => {
      const element = canvas.current!;
      element.width = Math.round(size.width * ratio);
      element.height = Math.round(size.height * ratio);
      paint(element, map, tints, eye, ratio, chosen, posters);
    });
    return () => cancelAnimationFrame(frame);
  }, [map, tints, eye, size, chosen, ratio, posters, loaded]);
  useEffect(() => {
    setItem(undefined);
    if (chosen < 0) return;
    const stop = new AbortController();
    const timer = window.setTimeout(() => itemAt(map.Index[chosen]!, stop.signal).then(setItem, () => setItem(undefined)), 60);
    return () => { window.clearTimeout(timer); stop.abort(); };
  }, [map, chosen]);

  const place = (event: { clientX: number; clientY: number }) => {
    const box = canvas.current!.getBoundingClientRect();
    return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
  };
  const zoomBy = (factor: number, at = { x: 0, y: 0 }) => setEye((before) => {
    const zoom = Math.min(400, Math.max(0.7, before.zoom * factor));
    const pixels = unit(size.width, size.height);
    const shift = 1 / (pixels * before.zoom) - 1 / (pixels * zoom);
    return { zoom, x: before.x + at.x * shift, y: before.y + at.y * shift };
  });
  useEffect(() => {
    const element = canvas.current!;
    const wheel = (event: WheelEvent) => { event.preventDefault(); zoomBy(Math.exp(-event.deltaY * 0.0016), place(event)); };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, [size]);
  const pointAt = (event: PointerEvent) => {
    const at = place(event);
    return nearest(map, eye.x + at.x / scale, eye.y + at.y / scale, reach / scale);
  };
  const move = (event: PointerEvent) => {
    const before = held.current.get(event.pointerId);
    if (!before) { if (event.pointerType === "mouse") setChosen(pointAt(event)); return; }
    const now = { x: event.clientX, y: event.clientY };
    const others = [...held.current].filter(([id]) => id !== event.pointerId);
    held.current.set(event.pointerId, now);
    moved.current += Math.hypot(now.x - before.x, now.y - before.y);
    const other = others[0]?.[1];
    if (other) zoomBy(Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y)), place({ clientX: other.x, clientY: other.y }));
    else setEye((last) => ({ ...last, x: last.x - (now.x - before.x) / scale, y: last.y - (now.y - before.y) / scale }));
  };
  const release = (event: PointerEvent) => {
    if (!held.current.delete(event.pointerId) || event.type !== "pointerup" || moved.current > 6) return;
    const point = pointAt(event);
    if (event.pointerType === "mouse" && point >= 0 && item && point === chosen) go({ view: "clip", id: item.ItemId });
    else setChosen(point);
  };
  const key = (event: KeyboardEvent) => {
    const arrow = arrows[event.key];
    if (arrow) {
      const next = chosen < 0 ? nearest(map, eye.x, eye.y, Infinity) : beside(map, chosen, ...arrow);
      setChosen(next);
      setEye((before) => ({ ...before, x: map.X[next]!, y: map.Y[next]! }));
    } else if (event.key === "+" || event.key === "=") zoomBy(1.5);
    else if (event.key === "-") zoomBy(1 / 1.5);
    else if (event.key === "Escape") { setChosen(-1); setEye(whole); }
    else if (event.key === "Enter" && item) go({ view: "clip", id: item.ItemId });
    else return;
    event.preventDefault();
  };
  return (
    <div class="scatter">
      <canvas ref={canvas} tabIndex={0} role="application" aria-label={`Map of ${map.X.length} videos`} aria-describedby="mapkeys"
        onPointerDown={(event) => {
          canvas.current!.setPointerCapture(event.pointerId);
          if (held.current.size === 0) moved.current = 0;
          held.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
        }}
        onPointerMove={move} onPointerUp={release} onPointerCancel={release} onKeyDown={key} />
      <div class="zoom">
        <button type="button" class="theme" aria-label="Zoom in" onClick={() => zoomBy(1.6)}>+</button>
        <button type="button" class="theme" aria-label="Zoom out" onClick={() => zoomBy(1 / 1.6)}>−</button>
        <button type="button" class="theme" aria-label="Show the whole map" onClick={() => { setEye(whole); setChosen(-1); }}>⤢</button>
      </div>
      <div class="mapcard" aria-live="polite">
        {item && (
          <a class="mapitem" href={href({ view: "clip", id: item.ItemId })}>
            <Art item={item} small />
            <span class="words"><span class="name" lang={languageOf(titleOf(item))}>{titleOf(item)}</span>
              {item.Author && <span class="under">{item.Author}</span>}
              <span class="under">
                {chosen >= 0 && <span class="dot" aria-hidden="true" style={{ background: css(tints[chosen]!) }} />}
                {chosen < 0 || map.Cluster[chosen] === -1 ? "in no cluster" : `cluster ${map.Cluster[chosen]}`}
              </span></span>
          </a>
        )}
      </div>
    </div>
  );
}

// The last round that still tells at least this many clusters apart.
const enoughClusters = 8;
function roundWithColours(levels: { Round: number; Clusters: number }[]): number | undefined {
  const rich = levels.filter((level) => level.Clusters >= enoughClusters);
  return (rich[rich.length - 1] ?? levels[0])?.Round;
}

export function MapView({ focus }: { focus: string }) {
  const [round, setRound] = useState<number>();
  const map = useResource(`map ${round}`, async (signal) => {
    const levels = round === undefined ? await api.tree(signal).then((tree) => tree.Levels, () => []) : [];
    return api.map(round ?? roundWithColours(levels), signal);
  });
  const item = useResource(`focus ${focus}`, async (signal) => (focus ? await api.item(focus, signal) : undefined));
  return (
    <>
      <div class="hero maphead">
        <div>
          <h1 tabIndex={-1}>Map</h1>
          <p id="mapkeys">{map.value ? `${count(map.value.X.length)} videos; ` : ""}near each other means alike to the model{map.value?.Rounds === 0 ? "" : ", a cluster has one colour"}. Drag and scroll, or use the arrow keys, + and −; Enter opens.</p>
        </div>
        {map.value && map.value.Rounds > 0 && (
          <label class="choice">Clusters after round{" "}
            <select value={String(map.value.Round)} onChange={(event) => setRound(Number(event.currentTarget.value))}>
              {Array.from({ length: map.value.Rounds }, (_, i) => <option key={i} value={String(i + 1)}>{i + 1}</option>)}
            </select>
          </label>
        )}
      </div>
      {map.state === "loading" && <Skeletons n={1} rows />}
      {map.state === "failed" && <>
        <Failure problem={map.problem} again={map.again} />
        {map.problem.details.status === 404 && <Notice title="How the map is made"><p>It is drawn from the embeddings: run <code>cowatch run WORKSPACE</code>.</p></Notice>}
      </>}
      {map.state === "ready" && <Scatter map={map.value} focus={item.value} />}
    </>
  );
}
