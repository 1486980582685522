// What several views are made of: cards, related lists, and what stands where there is nothing to show.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Item, Neighbour } from "./api";
import { portionOf } from "./colour";
import { formatCount, formatLength, formatScore, languageOf, splitTitle } from "./format";
import type { Problem } from "./problem";
import { href } from "./router";

export const locale = "en";
export const count = (value: number) => formatCount(value, locale);
export const titleOf = (item: Item) => item.Title || item.Comment || item.ItemId;

// A drawing of its own for every video without a poster; videos that share their first hashtag share a hue.
function TitleCard({ item, small }: { item: Item; small: boolean }) {
  const title = titleOf(item);
  const { lead, rest } = splitTitle(title);
  const hue = 360 * portionOf(item.Categories[0] ?? item.ItemId, 1);
  const style = {
    "--hue": hue.toFixed(0),
    "--turn": `${(40 + 50 * portionOf(item.ItemId, 2)).toFixed(0)}`,
    "--x": `${(10 + 80 * portionOf(item.ItemId, 3)).toFixed(0)}%`,
    "--y": `${(10 + 80 * portionOf(item.ItemId, 4)).toFixed(0)}%`,
    "--r": `${(25 + 40 * portionOf(item.ItemId, 5)).toFixed(0)}%`,
  };
  return (
    <span class="titlecard" style={style} aria-hidden="true" lang={languageOf(title)}>
      {!small && lead && <span class="lead">{lead}</span>}
      <span class={rest.length > 34 ? "rest long" : "rest"}>{small ? initials(title) : rest}</span>
    </span>
  );
}

function initials(title: string): string {
  const { lead, rest } = splitTitle(title);
  const words = (lead || rest).split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  return words.slice(0, 2).map((word) => [...word.replace(/^[^\p{L}\p{N}]+/u, "")][0] ?? "").join("").toUpperCase();
}

export function Art({ item, small = false, playing = false }: { item: Item; small?: boolean; playing?: boolean }) {
  return (
    <span class={small ? "art small" : "art"}>
      {item.Poster ? <img src={item.Poster} alt="" loading="lazy" decoding="async" /> : <TitleCard item={item} small={small} />}
      {playing && item.Preview && <video src={item.Preview} muted autoplay loop playsInline aria-hidden="true" tabIndex={-1} />}
      {!small && item.Seconds !== undefined && item.Seconds > 0 && <span class="length">{formatLength(item.Seconds)}</span>}
    </span>
  );
}

// Plays the preview once the pointer or the focus has stayed; never for people who want no motion.
function usePreview(): { playing: boolean; handlers: Record<string, () => void> } {
  const [playing, setPlaying] = useState(false);
  const timer = useRef<number>();
  const start = () => {
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setPlaying(true), 140);
  };
  const stop = () => {
    window.clearTimeout(timer.current);
    setPlaying(false);
  };
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return { playing, handlers: { onMouseEnter: start, onMouseLeave: stop, onFocus: start, onBlur: stop } };
}

export function Card({ item }: { item: Item }) {
  const { playing, handlers } = usePreview();
  const title = titleOf(item);
  return (
    <a class="card" href={href({ view: "clip", id: item.ItemId })} {...handlers}>
      <Art item={item} playing={playing} />
      <span class={item.Poster ? "name" : "name hidden"} lang={languageOf(title)}>{title}</span>
      {item.Poster && (item.Author || item.Categories.length > 0) && (
        <span class="under">{item.Author || item.Categories.slice(0, 3).map((tag) => `#${tag}`).join(" ")}</span>
      )}
    </a>
  );
}

export function Wall({ items, label }: { items: Item[]; label: string }) {
  return (
    <ul class="wall" aria-label={label}>
      {items.map((item) => <li key={item.ItemId}><Card item={item} /></li>)}
    </ul>
  );
}

export function Related({ neighbours }: { neighbours: Neighbour[] }) {
  return (
    <ol class="related">
      {neighbours.map((neighbour) => <RelatedRow key={neighbour.Id} neighbour={neighbour} />)}
    </ol>
  );
}

function RelatedRow({ neighbour }: { neighbour: Neighbour }) {
  const { playing, handlers } = usePreview();
  const why = neighbour.Why;
  const item: Item = neighbour.Item ?? {
    ItemId: neighbour.Id, Index: -1, IsHidden: false, Categories: [], Comment: "", Title: neighbour.Id, Labels: {},
  };
  const title = titleOf(item);
  return (
    <li>
      <a class="row" href={href({ view: "clip", id: item.ItemId })} {...handlers}>
        <Art item={item} small playing={playing} />
        <span class="words">
          <span class="name" lang={languageOf(title)}>{title}</span>
          <span class="score">
            <span class="bar" aria-hidden="true"><span style={{ width: `${Math.max(2, Math.min(1, neighbour.Score) * 100)}%` }} /></span>
            <span><span class="hidden">score </span>{formatScore(neighbour.Score)}</span>
          </span>
        </span>
      </a>
      {why && (
        <p class="why">
          {why.Cluster && (
            <a class="chip" href={href({ view: "clusters", level: why.Cluster.Round, cluster: why.Cluster.Cluster })}>
              both in a cluster of {count(why.Cluster.Size)}
            </a>
          )}
          {why.CoWatchers > 0 && <span class="chip">{count(why.CoWatchers)} watched both</span>}
          {why.EdgeWeight !== undefined && <span class="chip" title="weight of their link in the co-watch graph">link {formatWeight(why.EdgeWeight)}</span>}
          {neighbour.Source === "co-watch" && <span class="chip">found by the watch log</span>}
          {why.Hashtags.slice(0, 3).map((tag) => <span class="chip" key={tag}>#{tag}</span>)}
        </p>
      )}
    </li>
  );
}

const formatWeight = (weight: number) => new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 }).format(weight);

export function Skeletons({ n, rows = false }: { n: number; rows?: boolean }) {
  return (
    <div role="status">
      <span class="hidden">Loading…</span>
      <div class={rows ? "skeletons rows" : "skeletons"} aria-hidden="true">
        {Array.from({ length: n }, (_, i) => <span key={i} style={{ animationDelay: `${(i % 8) * 70}ms` }} />)}
      </div>
    </div>
  );
}

export function Notice({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="notice">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

// A remedy often holds a command between back-quotes.
export function Prose({ text }: { text: string }) {
  return <p>{text.split("`").map((piece, i) => (i % 2 === 1 ? <code key={i}>{piece}</code> : piece))}</p>;
}

export function Failure({ problem, again }: { problem: Problem; again?: () => void }) {
  const { details } = problem;
  const unreachable = details.code === "unreachable";
  return (
    <div class="notice failure" role="alert">
      <h2>{unreachable ? "The server does not answer" : details.title}</h2>
      {!unreachable && details.detail && details.detail !== details.title && <Prose text={details.detail} />}
      {details.expected && details.found && <p>Expected {details.expected}; found {details.found}.</p>}
      {unreachable ? <p>Start it with <code>cowatch serve WORKSPACE</code>, then try again.</p> : details.remedy && <Prose text={details.remedy} />}
      {again && <button type="button" class="button" onClick={again}>Try again</button>}
    </div>
  );
}
