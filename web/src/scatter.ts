// Paints the map: points as pixels where there are very many, as dots where there are fewer, and as their posters
// where there is room for them.
import type { EmbeddingMap } from "./api";
import { clusterHue, oklchToRgb } from "./colour";
import type { Theme } from "./theme";

// By index of the item, as they come.
export type Posters = Map<number, HTMLImageElement>;

// Pixels that one unit of the map's plane takes, at zoom 1.
export const unit = (width: number, height: number) => 0.44 * Math.min(width, height);

export interface Eye { x: number; y: number; zoom: number } // centre in the map's plane; zoom 1 shows all of it
export const whole: Eye = { x: 0, y: 0, zoom: 1 };

function packed(rgb: [number, number, number]): number {
  const [red, green, blue] = rgb.map((channel) => Math.round(channel * 255)) as [number, number, number];
  return (255 << 24) | (blue << 16) | (green << 8) | red; // little-endian RGBA, as ImageData holds it
}

// More hues than these nobody tells apart.
const mostHues = 48;

// A hue for each cluster. Few clusters get hues far apart; of many, those that lie in one direction from the middle get
// like hues, so that the eye finds regions where thousands of unrelated hues would be noise.
export function clusterHues(map: Pick<EmbeddingMap, "X" | "Y" | "Cluster">): Map<number, number> {
  const middles = new Map<number, { x: number; y: number }>();
  map.Cluster.forEach((cluster, i) => {
    if (cluster < 0) return;
    const sum = middles.get(cluster) ?? { x: 0, y: 0 };
    middles.set(cluster, { x: sum.x + map.X[i]!, y: sum.y + map.Y[i]! }); // a sum points where the mean does
  });
  const hue = (cluster: number, { x, y }: { x: number; y: number }) =>
    middles.size <= mostHues ? clusterHue(cluster) : ((Math.atan2(y, x) * 180) / Math.PI + 360) % 360;
  return new Map([...middles].map(([cluster, middle]) => [cluster, hue(cluster, middle)]));
}

export function colours(map: EmbeddingMap, theme: Theme): Uint32Array {
  const dark = theme === "dark";
  const alone = packed(oklchToRgb(dark ? 0.5 : 0.72, 0.01, 270));
  const hues = clusterHues(map);
  return Uint32Array.from(map.Cluster, (cluster) =>
    cluster < 0 ? alone : packed(oklchToRgb(dark ? 0.76 : 0.58, 0.15, hues.get(cluster)!)),
  );
}

// Points a window of this size can hold as dots, and as pictures.
const dotsFrom = 6000;
const mostPictures = 320;

// Half the side of a point in pixels of the canvas: larger where there are few and where one has come close.
function pointSize(map: EmbeddingMap, width: number, height: number, eye: Eye, ratio: number): number {
  const share = Math.sqrt((width * height) / Math.max(1, map.X.length)) * 0.11;
  return Math.min(9 * ratio, Math.max(0.9 * ratio, Math.min(5 * ratio, share) * Math.sqrt(eye.zoom)));
}

function paintPixels(context: CanvasRenderingContext2D, tints: Uint32Array, place: Place, size: number): void {
  const { width, height } = context.canvas;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const side = Math.max(1, Math.round(2 * size));
  for (let i = 0; i < tints.length; i++) {
    const left = Math.round(place.x(i) - side / 2);
    const above = Math.round(place.y(i) - side / 2);
    if (left < 0 || above < 0 || left + side > width || above + side > height) continue;
    for (let y = above; y < above + side; y++) pixels.fill(tints[i]!, y * width + left, y * width + left + side);
  }
  context.putImageData(image, 0, 0);
}

interface Place { x: (i: number) => number; y: (i: number) => number }

interface Frame { left: number; above: number; width: number; height: number }

function frameOf(image: HTMLImageElement | undefined, place: Place, i: number, side: number): Frame | undefined {
  if (!image) return undefined;
  const aspect = Math.min(1.6, Math.max(0.7, image.width / image.height));
  const width = side * Math.sqrt(aspect), height = side / Math.sqrt(aspect);
  return { left: place.x(i) - width / 2, above: place.y(i) - height / 2, width, height };
}

// Frames that leave each other free, the chosen one's first; whoever would cover another stays a dot until one comes closer.
export function apart(points: number[], chosen: number, frame: (i: number) => Frame | undefined, gap: number): Map<number, Frame> {
  const kept = new Map<number, Frame>();
  const order = points.includes(chosen) ? [chosen, ...points.filter((i) => i !== chosen)] : points;
  for (const i of order) {
    const own = frame(i);
    if (!own) continue;
    const free = [...kept.values()].every((other) =>
      own.left + own.width + gap <= other.left || other.left + other.width + gap <= own.left ||
      own.above + own.height + gap <= other.above || other.above + other.height + gap <= own.above);
    if (free) kept.set(i, own);
  }
  return kept;
}

function paintPicture(context: CanvasRenderingContext2D, image: HTMLImageElement, frame: Frame, tint: string, ratio: number): void {
  const { left, above, width, height } = frame;
  context.save();
  context.beginPath();
  context.roundRect(left, above, width, height, Math.min(width, height) * 0.12);
  context.lineWidth = 5 * ratio;
  context.strokeStyle = tint;
  context.stroke();
  context.clip();
  const cut = Math.min(image.width / width, image.height / height);
  context.drawImage(image, (image.width - width * cut) / 2, (image.height - height * cut) / 2, width * cut, height * cut, left, above, width, height);
  context.restore();
}

export const css = (tint: number) => `rgb(${tint & 255} ${(tint >> 8) & 255} ${(tint >> 16) & 255})`;

export function paint(canvas: HTMLCanvasElement, map: EmbeddingMap, tints: Uint32Array, eye: Eye, ratio: number, chosen: number, posters: Posters): void {
  const { width, height } = canvas;
  const context = canvas.getContext("2d")!;
  const scale = unit(width, height) * eye.zoom;
  const place: Place = { x: (i) => width / 2 + (map.X[i]! - eye.x) * scale, y: (i) => height / 2 + (map.Y[i]! - eye.y) * scale };
  const size = pointSize(map, width, height, eye, ratio);
  const visible: number[] = [];
  for (let i = 0; i < map.X.length && visible.length <= dotsFrom; i++) {
    if (place.x(i) > -50 && place.y(i) > -50 && place.x(i) < width + 50 && place.y(i) < height + 50) visible.push(i);
  }
  context.clearRect(0, 0, width, height);
  if (visible.length > dotsFrom) paintPixels(context, tints, place, size);
  else {
    const pictures = visible.length <= mostPictures && posters.size > 0;
    // As large as leaves most of the room free: neighbours come in heaps.
    const side = Math.min(96 * ratio, Math.max(22 * ratio, Math.sqrt((0.22 * width * height) / Math.max(1, visible.length))));
    const frames = pictures ? apart(visible, chosen, (i) => frameOf(posters.get(map.Index[i]!), place, i, side), 5 * ratio) : new Map<number, Frame>();
    for (const i of visible) {
      if (frames.has(i)) continue;
      context.beginPath();
      context.arc(place.x(i), place.y(i), size, 0, 7);
      context.fillStyle = css(tints[i]!);
      context.fill();
    }
    for (const [i, frame] of frames) paintPicture(context, posters.get(map.Index[i]!)!, frame, css(tints[i]!), ratio);
  }
  if (chosen >= 0) {
    context.beginPath();
    context.arc(place.x(chosen), place.y(chosen), Math.max(9 * ratio, size + 4 * ratio), 0, 7);
    context.lineWidth = 3 * ratio;
    context.strokeStyle = getComputedStyle(canvas).color;
    context.stroke();
  }
}
