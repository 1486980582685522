// All embeddings in the plane, coloured by cluster; painted by ourselves, so that 60,000 points stay smooth.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { api, type EmbeddingMap, type Item } from "../api";
import { clusterHue, oklchToRgb } from "../colour";
import { Art, Failure, Notice, Skeletons, count, titleOf } from "../parts";
import { useResource } from "../resource";
import { go, href } from "../router";
import { useTheme, type Theme } from "../theme";

interface Eye { x: number; y: number; zoom: number } // centre in the map's plane; zoom 1 shows all of it
const whole: Eye = { x: 0, y: 0, zoom: 1 };
const reach = 12; // pixels around the pointer in which a point is taken

function packed(rgb: [number, number, number]): number {
  const [red, green, blue] = rgb.map((channel) => Math.round(channel * 255)) as [number, number, number];
  return (255 << 24) | (blue << 16) | (green << 8) | red; // little-endian RGBA, as ImageData holds it
}

function colours(map: EmbeddingMap, theme: Theme): Uint32Array {
  const dark = theme === "dark";
  const alone = packed(oklchToRgb(dark ? 0.5 : 0.72, 0.01, 270));
  return Uint32Array.from(map.Cluster, (cluster) =>
    cluster < 0 ? alone : packed(oklchToRgb(dark ? 0.76 : 0.58, 0.15, clusterHue(cluster))),
  );
}

function paint(canvas: HTMLCanvasElement, map: EmbeddingMap, tints: Uint32Array, eye: Eye, ratio: number, chosen: number): void {
  const { width, height } = canvas;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const scale = 0.48 * Math.min(width, height) * eye.zoom;
  const side = Math.max(1, Math.round(ratio * Math.min(7, 1.6 * Math.sqrt(eye.zoom))));
  for (let i = 0; i < tints.length; i++) {
    const left = Math.round(width / 2 + (map.X[i]! - eye.x) * scale - side / 2);
    const above = Math.round(height / 2 + (map.Y[i]! - eye.y) * scale - side / 2);
    if (left < 0 || above < 0 || left + side > width || above + side > height) continue;
    for (let y = above; y < above + side; y++) pixels.fill(tints[i]!, y * width + left, y * width + left + side);
  }
  context.putImageData(image, 0, 0);
  if (chosen >= 0) {
    context.beginPath();
    context.arc(width / 2 + (map.X[chosen]! - eye.x) * scale, height / 2 + (map.Y[chosen]! - eye.y) * scale, 9 * ratio, 0, 7);
    context.lineWidth = 3 * ratio;
    context.strokeStyle = getComputedStyle(canvas).color;
    context.stroke();
  }
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
  const scale = 0.48 * Math.min(size.width, size.height) * eye.zoom;

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
      paint(element, map, tints, eye, ratio, chosen);
    });
    return () => cancelAnimationFrame(frame);
  }, [map, tints, eye, size, chosen, ratio]);
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
    const unit = 0.48 * Math.min(size.width, size.height);
    const shift = 1 / (unit * before.zoom) - 1 / (unit * zoom);
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
          <a class="row" href={href({ view: "clip", id: item.ItemId })}>
            <Art item={item} small />
            <span class="words"><span class="name">{titleOf(item)}</span>
              <span class="under">{map.Cluster[chosen] === -1 || chosen < 0 ? "in no cluster" : `cluster ${map.Cluster[chosen]}`}</span></span>
          </a>
        )}
      </div>
    </div>
  );
}

export function MapView({ focus }: { focus: string }) {
  const [round, setRound] = useState<number>();
  const map = useResource(`map ${round}`, (signal) => api.map(round, signal));
  const item = useResource(`focus ${focus}`, async (signal) => (focus ? await api.item(focus, signal) : undefined));
  return (
    <>
      <div class="hero maphead">
        <div>
          <h1 tabIndex={-1}>Map</h1>
          <p id="mapkeys">{map.value ? `${count(map.value.X.length)} videos; ` : ""}near each other: alike to the model. Same colour: same cluster. Drag and scroll, or arrow keys, + and −, Enter to open.</p>
        </div>
        {map.value && map.value.Rounds > 0 && (
          <label>Colours after round{" "}
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
