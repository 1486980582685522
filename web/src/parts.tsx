// What several views are made of: cards, related lists, and what stands where there is nothing to show.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Item, Neighbour } from "./api";
import { portionOf } from "./colour";
import { formatCount, formatLength, formatScore, languageOf, splitTitle, wallAspect } from "./format";
import { usePreview } from "./playback";
import type { Problem } from "./problem";
import { href } from "./router";

export const locale = "en";
export const count = (value: number) => formatCount(value, locale);
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
export const titleOf = (item: Item) => item.Title || item.Comment || item.ItemId;

// The window's title, for views that learn their own only from the server.
export function useTitle(text: string): void {
  useEffect(() => { document.title = `${text} · Cowatch`; }, [text]);
}

// A drawing of its own for every video without a poster; videos of one hashtag, or else of one artist, share a hue.
function TitleCard({ item, small }: { item: Item; small: boolean }) {
  const title = titleOf(item);
  const { lead, rest } = splitTitle(title);
  const hue = 360 * portionOf(item.Categories[0] ?? (lead || item.ItemId), 1);
  const style = {
    "--hue": hue.toFixed(0),
    "--turn": (30 + 60 * portionOf(item.ItemId, 2)).toFixed(0),
    "--x": `${(8 + 84 * portionOf(item.ItemId, 3)).toFixed(0)}%`,
    "--y": `${(5 + 60 * portionOf(item.ItemId, 4)).toFixed(0)}%`,
    "--r": `${(25 + 40 * portionOf(item.ItemId, 5)).toFixed(0)}%`,
    "--tilt": `${(-24 + 48 * portionOf(item.ItemId, 6)).toFixed(0)}deg`,
  };
  const kind = ["rings", "bands", "dots"][Math.floor(3 * portionOf(item.ItemId, 7))]!;
  return (
    <span class={`titlecard ${kind}`} style={style} aria-hidden="true" lang={languageOf(title)}>
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

// The preview over its poster, which stays until the first picture is there.
function Moving({ address }: { address: string }) {
  const [shown, setShown] = useState(false);
  return (
    <video class={shown ? "shown" : ""} src={address} muted autoplay loop playsInline disableRemotePlayback aria-hidden="true"
      tabIndex={-1} onPlaying={() => setShown(true)} />
  );
}

export function Art({ item, small = false, playing = false }: { item: Item; small?: boolean; playing?: boolean }) {
  return (
    <span class={small ? "art small" : "art"}>
      {item.Poster ? <img src={item.Poster} alt="" loading="lazy" decoding="async" /> : <TitleCard item={item} small={small} />}
      {playing && item.Preview && <Moving address={item.Preview} />}
      {!small && item.Seconds !== undefined && item.Seconds > 0 && <span class="length">{formatLength(item.Seconds)}</span>}
    </span>
  );
}

export function Card({ item }: { item: Item }) {
  const { place, playing, handlers } = usePreview<HTMLAnchorElement>(item.Preview !== undefined, true);
  const title = titleOf(item);
  const under = item.Author || item.Categories.slice(0, 3).map((tag) => `#${tag}`).join(" ");
  return (
    <a class="card" ref={place} href={href({ view: "clip", id: item.ItemId })} {...handlers}>
      <Art item={item} playing={playing} />
      <span class={item.Poster ? "name" : "name hidden"} lang={languageOf(title)}>{title}</span>
      {item.Poster && under && <span class="under" lang={languageOf(under)}>{under}</span>}
    </a>
  );
}

export function Wall({ items, label }: { items: Item[]; label: string }) {
  const aspect = wallAspect(items);
  return (
    <ul class={aspect < 1 ? "wall tall" : "wall"} style={{ "--aspect": aspect.toFixed(3) }} aria-label={label}>
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
  const item: Item = neighbour.Item ?? {
    ItemId: neighbour.Id, Index: -1, IsHidden: false, Categories: [], Comment: "", Title: neighbour.Id, Labels: {},
  };
  const { place, playing, handlers } = usePreview<HTMLLIElement>(item.Preview !== undefined, false);
  const why = neighbour.Why;
  const title = titleOf(item);
  return (
    <li ref={place} {...handlers}>
      <Art item={item} small playing={playing} />
      <div class="words">
        <a class="name" lang={languageOf(title)} href={href({ view: "clip", id: item.ItemId })}>{title}</a>
        {item.Author && <span class="under">{item.Author}</span>}
        <span class="score">
          <span class="bar" aria-hidden="true"><span style={{ width: `${Math.max(2, Math.min(1, neighbour.Score) * 100)}%` }} /></span>
          <span><span class="hidden">score </span>{formatScore(neighbour.Score)}</span>
        </span>
        {why && (
          <p class="why">
            <Together people={why.CoWatchers ?? 0} weight={why.EdgeWeight} />
            {why.Cluster && (
              <a class="chip" href={href({ view: "clusters", level: why.Cluster.Round, cluster: why.Cluster.Cluster })}>
                cluster of {count(why.Cluster.Size)}
              </a>
            )}
            {why.Hashtags.slice(0, 2).map((tag) => <span class="chip" key={tag} lang={languageOf(tag)}>#{tag}</span>)}
          </p>
        )}
      </div>
    </li>
  );
}

// People where the log tells of them; a link without people was imported with its weight.
function Together({ people, weight }: { people: number; weight: number | undefined }) {
  if (people > 0) return <span class="chip strong">{count(people)} watched both</span>;
  if (weight === undefined) return null;
  return <span class="chip strong" title="weight of their link in the imported graph">linked{weight === 1 ? "" : ` · ${formatWeight(weight)}`}</span>;
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
      <h2>{unreachable ? "The server does not answer" : capital(details.detail ?? details.title)}</h2>
      {details.expected && details.found && <p>Expected {details.expected}; found {details.found}.</p>}
      {unreachable ? <p>Start it with <code>cowatch serve WORKSPACE</code>, then try again.</p> : details.remedy && <Prose text={details.remedy} />}
      {again && <button type="button" class="button" onClick={again}>Try again</button>}
    </div>
  );
}
