// One video, what is related to it, and why.
import { api, type Item } from "../api";
import { formatDate, formatLength, languageOf } from "../format";
import { Art, Failure, Notice, Prose, Related, Skeletons, titleOf } from "../parts";
import { useResource } from "../resource";
import { href } from "../router";
import { locale } from "../parts";

export function ClipView({ id }: { id: string }) {
  const item = useResource(`item ${id}`, (signal) => api.item(id, signal));
  const related = useResource(`related ${id}`, (signal) => api.related(id, 24, signal));
  return (
    <div class="clip">
      <article>
        {item.state === "loading" && <><h1 class="hidden" tabIndex={-1}>Video {id}</h1><Skeletons n={1} /></>}
        {item.state === "failed" && <><h1 class="hidden" tabIndex={-1}>Video {id}</h1><Failure problem={item.problem} again={item.again} /></>}
        {item.state === "ready" && <Facts item={item.value} />}
      </article>
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
    </div>
  );
}

function Facts({ item }: { item: Item }) {
  const title = titleOf(item);
  const facts: [string, string][] = [];
  if (item.Seconds) facts.push(["Length", formatLength(item.Seconds)]);
  if (item.Width && item.Height) facts.push(["Picture", `${item.Width} × ${item.Height}`]);
  if (item.HasSound !== undefined) facts.push(["Sound", item.HasSound ? "yes" : "none"]);
  if (item.Timestamp) facts.push(["Made", formatDate(Date.parse(item.Timestamp), locale)]);
  if (item.Language) facts.push(["Language", item.Language]);
  facts.push(["Id", item.ItemId]);
  return (
    <>
      <div class="player">
        {item.Preview ? (
          <video key={item.ItemId} src={item.Preview} poster={item.Poster} controls loop playsInline preload="metadata" aria-label={`Player: ${title}`} />
        ) : (
          <Art item={item} />
        )}
      </div>
      <h1 tabIndex={-1} lang={languageOf(title)}>{title}</h1>
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
