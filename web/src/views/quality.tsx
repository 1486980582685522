// How well the server searches: recall against exact search over time, latency, memory, the queue; and what would mend
// what is wrong, as the command itself.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { api, type MemoryPart, type Quality } from "../api";
import { formatBytes, formatPercent } from "../format";
import { Failure, Notice, Skeletons, capital, count, locale } from "../parts";
import { useResource } from "../resource";
import { useTheme } from "../theme";

const refreshEvery = 10_000;
const words = { none: "not at all", exact: "exactly", graph: "by a graph" } as const;
const bytes = (value: number) => formatBytes(value, locale);
const shareOf = (found: number, wanted: number) => (wanted > 0 ? found / wanted : undefined);
const within = (seconds: number) => (seconds > 0 ? `≤ ${seconds < 1 ? `${1000 * seconds} ms` : `${seconds} s`}` : "over 5 s");
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

type Recall = Quality["Recall"][number];

function Warnings({ notices }: { notices: Quality["Notices"] }) {
  if (notices.length === 0) return <p class="state good" role="status">Nothing needs attention.</p>;
  return (
    <ul class="warnings" aria-label="What needs attention">
      {notices.map((notice) => (
        <li key={notice.Text} class={notice.Kind}>
          <p>{notice.Text}</p>
          <pre tabIndex={0} aria-label="Command"><code>{notice.Command}</code></pre>
          <button type="button" class="button" onClick={() => void navigator.clipboard?.writeText(notice.Command)}>Copy</button>
        </li>
      ))}
    </ul>
  );
}

function RecallChart({ recall }: { recall: Recall }) {
  const place = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  useEffect(() => {
    const box = place.current!;
    const style = getComputedStyle(box);
    const axis: uPlot.Axis = {
      stroke: style.getPropertyValue("--soft"), font: `12px ${style.fontFamily}`,
      grid: { stroke: style.getPropertyValue("--line"), width: 1 }, ticks: { show: false },
    };
    const shares = recall.Found.map((found, i) => shareOf(found, recall.Wanted[i]!) ?? null);
    const least = Math.min(0.9, ...shares.filter((share): share is number => share !== null));
    const plot = new uPlot({
      width: box.clientWidth, height: 180, legend: { show: false }, cursor: { show: false },
      // One minute alone would stretch the axis over years.
      scales: { x: { range: (_, min, max) => (max - min < 3600 ? [max - 3600, max + 60] : [min, max]) }, y: { range: [Math.floor(least * 20) / 20, 1.005] } },
      axes: [{ ...axis, size: 30 }, { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => formatPercent(tick, locale)) }],
      series: [{}, { stroke: style.getPropertyValue("--good"), width: 2.4, points: { show: true, size: 7 } }],
    }, [recall.Times, shares], box);
    const watcher = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 180 }));
    watcher.observe(box);
    return () => { watcher.disconnect(); plot.destroy(); };
  }, [theme, recall]);
  const found = sum(recall.Found);
  const wanted = sum(recall.Wanted);
  const share = shareOf(found, wanted);
  return (
    <figure>
      <figcaption>
        <h3>{capital(recall.Name)}</h3>
        <p class="under wrap">{share === undefined ? "no search was sampled yet" : `${formatPercent(share, locale)}: ${count(found)} of ${count(wanted)} true neighbours found`}</p>
      </figcaption>
      <div ref={place} aria-hidden="true" />
    </figure>
  );
}

function Memory({ name, note, parts }: { name: string; note: string; parts: MemoryPart[] }) {
  const all = sum(parts.map((part) => part.Bytes));
  return (
    <figure class="memory">
      <figcaption><h3>{capital(name)}</h3><p class="under wrap">{note}</p></figcaption>
      <div class="parts" aria-hidden="true">
        {parts.map((part, i) => part.Bytes > 0 && <span key={part.Name} style={{ flexGrow: part.Bytes / Math.max(1, all), "--hue": String(25 + 85 * i) }} />)}
      </div>
      <dl>
        {parts.map((part, i) => (
          <div key={part.Name}>
            <dt><span class="dot" aria-hidden="true" style={{ "--hue": String(25 + 85 * i) }} />{part.Name}</dt>
            <dd>{bytes(part.Bytes)}</dd>
          </div>
        ))}
      </dl>
    </figure>
  );
}

function Shown({ quality }: { quality: Quality }) {
  const { Search, Collections, Recall, Latency, Queues } = quality;
  const busy = Latency.filter((each) => each.Count > 0).sort((a, b) => b.Count - a.Count);
  return (
    <>
      <section aria-labelledby="attention"><h2 id="attention">What needs attention</h2><Warnings notices={quality.Notices} /></section>
      <section aria-labelledby="recall">
        <h2 id="recall">Recall</h2>
        <p class="lede">How many of the true nearest ten an answer holds: a share of the searches is asked again exactly, in the background.</p>
        {Recall.length > 0 ? <div class="charts">{Recall.map((recall) => <RecallChart key={recall.Name} recall={recall} />)}</div>
          : <p class="under wrap">{Search.Index === "exact" ? "Videos are searched exactly: nothing is missed. " : ""}No search was sampled yet.</p>}
      </section>
      <section aria-labelledby="memory">
        <h2 id="memory">Memory by part</h2>
        <div class="charts">
          <Memory name="videos" note={`${count(Search.Embedded)} of ${count(Search.Videos)} embedded, searched ${words[Search.Index]}`} parts={Search.Parts} />
          {Collections.map((each) => (
            <Memory key={each.Name} name={each.Name} parts={each.Parts}
              note={`${count(each.Points)} points, ${count(each.Indexed)} in a graph${each.Working ? ", being indexed or merged now" : ""}`} />
          ))}
        </div>
      </section>
      <section aria-labelledby="load">
        <h2 id="load">Queue and latency</h2>
        <div class="scrolls" tabIndex={0} role="region" aria-label="Queue"><table>
          <thead><tr><th scope="col">Queue</th><th scope="col">Waiting</th><th scope="col">Running</th><th scope="col">Answered</th><th scope="col">Refused</th><th scope="col">Too late</th><th scope="col">Given up</th></tr></thead>
          <tbody>{Queues.map((queue) => (
            <tr key={queue.Name}><th scope="row">{capital(queue.Name)}</th><td>{count(queue.Waiting)}</td><td>{count(queue.Running)}</td><td>{count(queue.Done)}</td><td>{count(queue.Refused)}</td><td>{count(queue.Shed)}</td><td>{count(queue.Cancelled)}</td></tr>
          ))}</tbody>
        </table></div>
        {busy.length > 0 && (
          <div class="scrolls" tabIndex={0} role="region" aria-label="Latency"><table>
            <thead><tr><th scope="col">Operation</th><th scope="col">Requests</th><th scope="col">Half within</th><th scope="col">99 of 100 within</th></tr></thead>
            <tbody>{busy.map((each) => (
              <tr key={each.Operation}><th scope="row">{each.Operation}</th><td>{count(each.Count)}</td><td>{within(each.Median)}</td><td>{within(each.P99)}</td></tr>
            ))}</tbody>
          </table></div>
        )}
      </section>
    </>
  );
}

export function QualityView() {
  const quality = useResource("quality", api.quality);
  const { again } = quality;
  useEffect(() => {
    const timer = window.setInterval(() => document.visibilityState === "visible" && again(), refreshEvery);
    return () => window.clearInterval(timer);
  }, [again]);
  const shown = quality.value;
  return (
    <>
      <div class="hero">
        <h1 tabIndex={-1}>Quality of search</h1>
        <p>What answers miss, how long they take and what they cost, as of now.</p>
      </div>
      {quality.state === "loading" && <Skeletons n={4} rows />}
      {quality.state === "failed" && <Failure problem={quality.problem} again={again} />}
      {shown && <Shown quality={shown} />}
      {shown && shown.Search.Index === "none" && shown.Collections.length === 0 && (
        <Notice title="Nothing is searched yet"><p>Run <code>cowatch run WORKSPACE</code>, or make a collection with <code>cowatch vectors create</code>.</p></Notice>
      )}
    </>
  );
}
