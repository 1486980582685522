// The curves of every training run.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { api, type Curves } from "../api";
import { Failure, Notice, Skeletons } from "../parts";
import { useResource } from "../resource";
import { useTheme, type Theme } from "../theme";

interface Line { run: string; steps: number[]; values: (number | null)[] }

// What the tags of learn/relational mean; others are shown by their own name.
const meanings: Record<string, [string, string]> = {
  loss: ["Loss", "of each batch"],
  epoch_loss: ["Loss by epoch", "mean over the batches of an epoch"],
  validation_map: ["Validation MAP", "mean average precision on videos held out of training"],
  retained: ["Retained negatives", "share of drawn negatives that mining keeps"],
  unmined: ["Unmined anchors", "anchors for which mining found nothing"],
  level: ["Level of negatives", "0 is the hardest; 3 is random"],
  rate: ["Learning rate", "of each step"],
  climbed: ["Climbed negatives", "draws that had to climb to a wider cluster"],
};
const order = Object.keys(meanings);
const rank = (tag: string) => (order.indexOf(tag) + order.length + 1) % (order.length + 1);

function linesByTag(curves: Curves): [string, Line[]][] {
  const tags = new Map<string, Line[]>();
  for (const run of curves.Runs) {
    for (const series of run.Series) {
      const lines = tags.get(series.Tag) ?? [];
      lines.push({ run: run.Name, steps: series.Steps, values: series.Values });
      tags.set(series.Tag, lines);
    }
  }
  // A curve that is nought everywhere tells nothing.
  return [...tags].filter(([, lines]) => lines.some((line) => line.values.some((value) => value !== 0)))
    .sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
}

// Runs of one method on several splits share a colour: "split-2-infonce" is infonce again.
const methodOf = (run: string) => run.replace(/^split-\d+-/, "");

function colourOf(run: string, methods: string[], theme: Theme): string {
  const hue = 20 + (360 * methods.indexOf(methodOf(run))) / Math.max(1, methods.length);
  return `oklch(${theme === "dark" ? 0.76 : 0.53} 0.16 ${hue.toFixed(0)})`;
}

const shortened = (value: number) => Number(value.toPrecision(3)).toString();

function Chart({ tag, lines, methods }: { tag: string; lines: Line[]; methods: string[] }) {
  const place = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const [at, setAt] = useState<number>();
  useEffect(() => {
    const box = place.current!;
    const style = getComputedStyle(box);
    const axis: uPlot.Axis = {
      stroke: style.getPropertyValue("--soft"), font: `12px ${style.fontFamily}`,
      grid: { stroke: style.getPropertyValue("--line"), width: 1 }, ticks: { show: false },
    };
    const data = uPlot.join(lines.map((line) => [line.steps, line.values] as uPlot.AlignedData));
    const plot = new uPlot({
      width: box.clientWidth, height: 220, scales: { x: { time: false } }, legend: { show: false },
      cursor: { y: false, points: { size: 7 } },
      axes: [{ ...axis, gap: 6, size: 30 }, { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => shortened(tick)) }],
      series: [{}, ...lines.map((line) => ({
        width: methodOf(line.run) === line.run ? 2.4 : 1.1, spanGaps: true, stroke: colourOf(line.run, methods, theme),
      }))],
      hooks: { setCursor: [(self) => setAt(self.cursor.idx === null || self.cursor.idx === undefined ? undefined : self.data[0][self.cursor.idx])] },
    }, data, box);
    const watcher = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 220 }));
    watcher.observe(box);
    return () => { watcher.disconnect(); plot.destroy(); };
  }, [theme, lines, methods]);
  const [title, meaning] = meanings[tag] ?? [tag.replaceAll("_", " "), ""];
  return (
    <figure>
      <figcaption><h2>{title}</h2>{meaning && <p class="under wrap">{meaning}</p>}</figcaption>
      <div ref={place} aria-hidden="true" />
      <table class="ends">
        <thead class="hidden"><tr><th scope="col">Run</th><th scope="col">First</th><th scope="col">Last</th></tr></thead>
        <tbody>{lines.filter((line) => methodOf(line.run) === line.run || lines.length === 1).map((line) => {
          const known = line.values.filter((value): value is number => value !== null);
          const here = at === undefined ? undefined : line.values[line.steps.indexOf(at)];
          return (
            <tr key={line.run}>
              <th scope="row"><span class="dot" aria-hidden="true" style={{ background: colourOf(line.run, methods, theme) }} />{line.run}</th>
              <td>{known.length > 0 ? `${shortened(known[0]!)} → ${shortened(known[known.length - 1]!)}` : "no value"}</td>
              <td class="here" aria-hidden="true">{at !== undefined && here !== undefined && here !== null && `${shortened(here)} at ${at}`}</td>
            </tr>
          );
        })}</tbody>
      </table>
    </figure>
  );
}

export function TrainingView() {
  const curves = useResource("curves", api.curves);
  const [off, setOff] = useState<ReadonlySet<string>>(new Set());
  const theme = useTheme();
  const tags = useMemo(() => (curves.value ? linesByTag(curves.value) : undefined), [curves.value]);
  const methods = useMemo(() => [...new Set((curves.value?.Runs ?? []).map((run) => methodOf(run.Name)))], [curves.value]);
  const shown = useMemo(() => tags?.map(([tag, lines]): [string, Line[]] => [tag, lines.filter((line) => !off.has(methodOf(line.run)))]).filter(([, lines]) => lines.length > 0), [tags, off]);
  const toggle = (method: string) => setOff((before) => {
    const next = new Set(before);
    if (!next.delete(method)) next.add(method);
    return next;
  });
  const splits = (curves.value?.Runs.length ?? 0) > methods.length;
  return (
    <>
      <div class="hero"><h1 tabIndex={-1}>Training</h1><p>How each run learned, step by step{splits && "; thin lines are the same method on parts of the data, to choose by validation"}. The same curves open in TensorBoard from the workspace's <code>curves</code> folder.</p></div>
      {curves.state === "loading" && <Skeletons n={4} />}
      {curves.state === "failed" && <Failure problem={curves.problem} again={curves.again} />}
      {methods.length > 1 && (
        <ul class="runs" aria-label="Methods shown">
          {methods.map((method) => (
            <li key={method}>
              <button type="button" class="chip" aria-pressed={!off.has(method)} onClick={() => toggle(method)}>
                <span class="dot" aria-hidden="true" style={{ background: colourOf(method, methods, theme) }} />{method}
              </button>
            </li>
          ))}
        </ul>
      )}
      {shown && tags && (tags.length > 0 ? (
        <div class="charts">{shown.map(([tag, lines]) => <Chart key={tag} tag={tag} lines={lines} methods={methods} />)}</div>
      ) : (
        <Notice title="Nothing was trained yet"><p>Curves appear while <code>cowatch train WORKSPACE relational</code> runs.</p></Notice>
      ))}
    </>
  );
}
