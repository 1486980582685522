// All videos as a wall that grows while one scrolls.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api, type Item, type Summary } from "../api";
import { Problem } from "../problem";
import { href, type Order } from "../router";
import { Failure, Notice, Skeletons, Wall, count } from "../parts";

const pageSize = 48;
const orderNames: Record<Order, string> = { popular: "Popular", latest: "Newest", added: "As imported" };
interface Page { items: Item[]; cursor: string }
// What was loaded stays, so that coming back from a clip finds the wall as it was left.
const kept = new Map<string, Page>();

function ordersOf(summary: Summary | undefined): Order[] {
  const orders: Order[] = ["added"];
  if (summary && summary.Dated > 0) orders.unshift("latest");
  if (summary?.PopularBy) orders.unshift("popular");
  return orders;
}

async function load(query: string, order: Order, held: Page | undefined): Promise<Page> {
  const before = held?.items ?? [];
  if (query !== "" || order === "added") {
    const answer = await api.items(query, held?.cursor ?? "", pageSize);
    return { items: [...before, ...answer.Items], cursor: answer.Cursor };
  }
  const answer = await api.ranked(order, before.length, pageSize);
  const items = [...before, ...answer.map((ranked) => ranked.Item)];
  return { items, cursor: answer.length < pageSize ? "" : String(items.length) };
}

interface Properties { query: string; asked: Order | undefined; summary: Summary | undefined; settled: boolean }

export function WallView({ query, asked, summary, settled }: Properties) {
  const orders = ordersOf(summary);
  const order = asked ?? orders[0]!;
  const known = settled || asked !== undefined || query !== ""; // which order: the summary tells
  const key = query !== "" ? `? ${query}` : order;
  const [page, setPage] = useState(kept.get(key));
  const [problem, setProblem] = useState<Problem>();
  const shown = useRef(key);
  const busy = useRef(false);

  const more = useCallback(async () => {
    if (busy.current) return;
    busy.current = true;
    try {
      setProblem(undefined);
      const next = await load(query, order, kept.get(key));
      kept.set(key, next);
      if (shown.current === key) setPage(next);
    } catch (error) {
      if (shown.current === key) setProblem(Problem.from(error));
    } finally {
      busy.current = false;
    }
  }, [key]);

  useEffect(() => {
    shown.current = key;
    busy.current = false;
    setPage(kept.get(key));
    setProblem(undefined);
    if (known && !kept.has(key)) void more();
  }, [key, known, more]);

  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!end.current) return;
    const watcher = new IntersectionObserver((seen) => seen[0]?.isIntersecting && void more(), { rootMargin: "900px" });
    watcher.observe(end.current);
    return () => watcher.disconnect();
  }, [more, page]);

  const items = page?.items ?? [];
  return (
    <>
      <div class="hero">
        <h1 tabIndex={-1}>{query ? <>Results for “{query}”</> : summary && summary.Users === 0 && !summary.Edges ? "All videos" : "What people watch together"}</h1>
        {query ? (
          <p><a href={href({ view: "wall", query: "" })}>Show all videos</a></p>
        ) : (
          summary && (
            <p>
              {count(summary.Items)} videos
              {summary.Users > 0 && <> · {count(summary.Users)} people</>}
              {summary.Edges !== undefined && summary.Edges > 0 && <> · {count(summary.Edges)} {summary.PopularBy === "links" ? "links between them" : "pairs watched together"}</>}
              {summary.Embedded !== undefined && summary.Embedded < summary.Items && <> · {count(summary.Embedded)} embedded</>}
            </p>
          )
        )}
        {query === "" && orders.length > 1 && (
          <div class="orders" role="group" aria-label="Order of the videos">
            {orders.map((name) => (
              <a class="chip" key={name} href={href({ view: "wall", query: "", order: name })} aria-current={name === order ? "true" : undefined}>
                {name === "popular" && summary?.PopularBy === "links" ? "Most linked" : orderNames[name]}
              </a>
            ))}
          </div>
        )}
      </div>
      {items.length > 0 && <Wall items={items} label={query ? `Results for ${query}` : "All videos"} />}
      {page && items.length === 0 && (query ? (
        <Notice title="No video matches">
          <p>Titles, authors and hashtags were searched for “{query}”. Try a single word, or <a href={href({ view: "wall", query: "" })}>show all videos</a>.</p>
        </Notice>
      ) : (
        <Notice title="No videos yet">
          <p>Bring in a watch log and the videos, then let everything be computed:</p>
          <pre tabIndex={0}><code>{"cowatch import WORKSPACE --events log.csv --videos clips/\ncowatch run WORKSPACE"}</code></pre>
        </Notice>
      ))}
      {problem ? <Failure problem={problem} again={() => void more()} /> : !page && <Skeletons n={12} />}
      {page && page.cursor !== "" && !problem && (
        <div class="end" ref={end}><button type="button" class="button" onClick={() => void more()}>More videos</button></div>
      )}
    </>
  );
}
