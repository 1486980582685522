// All videos as a wall that grows while one scrolls.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api, type Item, type Summary } from "../api";
import { Problem } from "../problem";
import { href } from "../router";
import { Failure, Notice, Skeletons, Wall, count } from "../parts";

const pageSize = 48;
// What was loaded stays, so that coming back from a clip finds the wall as it was left.
const kept = new Map<string, { items: Item[]; cursor: string }>();

export function WallView({ query, summary }: { query: string; summary: Summary | undefined }) {
  const [page, setPage] = useState(kept.get(query));
  const [problem, setProblem] = useState<Problem>();
  const shown = useRef(query);
  const busy = useRef(false);

  const more = useCallback(async () => {
    if (busy.current) return;
    busy.current = true;
    const held = kept.get(query);
    try {
      setProblem(undefined);
      const answer = await api.items(query, held?.cursor ?? "", pageSize);
      const next = { items: [...(held?.items ?? []), ...answer.Items], cursor: answer.Cursor };
      kept.set(query, next);
      if (shown.current === query) setPage(next);
    } catch (error) {
      if (shown.current === query) setProblem(Problem.from(error));
    } finally {
      busy.current = false;
    }
  }, [query]);

  useEffect(() => {
    shown.current = query;
    busy.current = false;
    setPage(kept.get(query));
    setProblem(undefined);
    if (!kept.has(query)) void more();
  }, [query, more]);

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
        <h1 tabIndex={-1}>{query ? <>Results for “{query}”</> : "What people watch together"}</h1>
        {query ? (
          <p><a href={href({ view: "wall", query: "" })}>Show all videos</a></p>
        ) : (
          summary && (
            <p>
              {count(summary.Items)} videos
              {summary.Users > 0 && <> · {count(summary.Users)} people</>}
              {summary.Edges !== undefined && <> · {count(summary.Edges)} pairs watched together</>}
              {summary.Embedded !== undefined && summary.Embedded < summary.Items && <> · {count(summary.Embedded)} embedded</>}
            </p>
          )
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
