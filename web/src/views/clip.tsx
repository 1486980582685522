// One video, what is related to it, and why.
import { api, type Item } from "../api";
import { formatDate, formatLength, languageOf } from "../format";
import { Art, Failure, Notice, Prose, Related, Skeletons, locale, titleOf, useTitle } from "../parts";
import { usePlayback } from "../playback";
import { useResource } from "../resource";
import { href } from "../router";

export function ClipView({ id }: { id: string }) {
  const item = useResource(`item ${id}`, (signal) => api.item(id, signal));
  const title = item.value ? titleOf(item.value) : `Video ${id}`;
  useTitle(title);
  const related = useResource(`related ${id}`, (signal) => api.related(id, 24, signal));
  return (
    <div class="clip">
      <article>
        {item.state === "loading" && <Skeletons n={1} />}
        {item.state === "failed" && <Failure problem={item.problem} again={item.again} />}
        {item.state === "ready" && <Player item={item.value} />}
        {/* One heading in all states: the focus rests on it while the video comes. */}
        <h1 tabIndex={-1} class={item.state === "ready" ? "" : "hidden"} lang={languageOf(title)}>{title}</h1>
        {item.state === "ready" && <Facts item={item.value} />}
      </article>
      {item.state !== "failed" && (
        <aside aria-labelledby="related">
          <h2 id="related">Related</h2>
          {related.state === "loading" && <Skeletons n={6} rows />}
          {related.state === "failed" && <Failure problem={related.problem} again={related.again} />}
          {related.state === "ready" && (related.value.length > 0 ? <Related neighbours={related.value} /> : (
            <Notice title="Nothing related yet">
              <p>Nobody watched this video with another one, and it has no embedding. After <code>cowatch run WORKSPACE</code> a video
                with features is embedded even if nobody has watched it.</p>
            </Notice>
          ))}
        </aside>
      )}
    </div>
  );
}

function Player({ item }: { item: Item }) {
  const plays = usePlayback();
  if (!item.Preview) return <div class="player"><Art item={item} /></div>;
  // The poster, blurred, fills what a tall picture leaves free.
  return (
    <div class="player stage">
      {item.Poster && <img class="backdrop" src={item.Poster} alt="" aria-hidden="true" />}
      <video key={item.ItemId} src={item.Preview} poster={item.Poster} controls loop muted autoplay={plays} playsInline preload="metadata" aria-label={`Player: ${titleOf(item)}`} />
    </div>
  );
}

function Facts({ item }: { item: Item }) {
  const facts: [string, string][] = [];
  if (item.Seconds) facts.push(["Length", formatLength(item.Seconds)]);
  if (item.Width && item.Height) facts.push(["Picture", `${item.Width} × ${item.Height}`]);
  if (item.HasSound !== undefined && item.Preview) facts.push(["Sound", item.HasSound ? "yes" : "none"]);
  if (item.Timestamp) facts.push(["Made", formatDate(Date.parse(item.Timestamp), locale)]);
  if (item.Language) facts.push(["Language", new Intl.DisplayNames([locale], { type: "language", fallback: "code" }).of(item.Language) ?? item.Language]);
  facts.push(["Id", item.ItemId]);
  return (
    <>
      {item.Author && <p class="author">{item.Author}</p>}
      {item.Description && <p class="description" lang={languageOf(item.Description)}>{item.Description}</p>}
      {item.Categories.length > 0 && (
        <ul class="tags" aria-label="Hashtags">
          {item.Categories.map((tag) => (
            <li key={tag}><a class="chip" lang={languageOf(tag)} href={href({ view: "wall", query: tag })}>#{tag}</a></li>
          ))}
        </ul>
      )}
      {item.MediaState === "refused" && (
        <Notice title="The video file was refused"><Prose text={item.MediaReason ?? "It cannot be decoded."} /></Notice>
      )}
      <dl class="facts">
        {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
      <p><a class="button" href={href({ view: "map", focus: item.ItemId })}>Show it on the map</a></p>
    </>
  );
}
