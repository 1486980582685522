// The curves of every training run.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { api, type Curves } from "../api";
import { clusterHue } from "../colour";
import { Failure, Notice, Skeletons } from "../parts";
import { useResource } from "../resource";
import { useTheme } from "../theme";

type Line = { run: string; steps: number[]; values: (number | null)[] };

function linesByTag(curves: Curves): Map<string, Line[]> {
  const tags = new Map<string, Line[]>();
  for (const run of curves.Runs) {
    for (const series of run.Series) {
      const lines = tags.get(series.Tag) ?? [];
      lines.push({ run: run.Name, steps: series.Steps, values: series.Values });
      tags.set(series.Tag, lines);
    }
  }
  return tags;
}

const shortened = (value: number) => Number(value.toPrecision(4)).toString();

function Chart({ tag, lines }: { tag: string; lines: Line[] }) {
  const place = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  useEffect(() => {
    const box = place.current!;
    const style = getComputedStyle(box);
    const axis: uPlot.Axis = {
      stroke: style.getPropertyValue("--soft"), font: "12px sans-serif",
      grid: { stroke: style.getPropertyValue("--line"), width: 1 }, ticks: { show: false },
    };
    const data = uPlot.join(lines.map((line) => [line.steps, line.values] as uPlot.AlignedData));
    const plot = new uPlot({
      width: box.clientWidth, height: 230, scales: { x: { time: false } }, legend: { show: lines.length > 1 },
      axes: [axis, { ...axis, size: 62 }],
      series: [{ label: "step" }, ...lines.map((line) => ({
        label: line.run, width: 2, spanGaps: true,
        stroke: `oklch(${theme === "dark" ? 0.76 : 0.52} 0.17 ${(clusterHue([...line.run].reduce((sum, c) => sum + c.charCodeAt(0), 0))).toFixed(0)})`,
      }))],
    }, data, box);
    const watcher = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 230 }));
    watcher.observe(box);
    return () => { watcher.disconnect(); plot.destroy(); };
  }, [theme, lines]);
  return (
    <figure>
      <figcaption><h2>{tag}</h2>
        <ul>{lines.map((line) => {
          const known = line.values.filter((value): value is number => value !== null);
          return <li class="under" key={line.run}>{line.run}: {known.length > 0 ? `${shortened(known[0]!)} → ${shortened(known[known.length - 1]!)}` : "no value"}</li>;
        })}</ul>
      </figcaption>
      <div ref={place} aria-hidden="true" />
    </figure>
  );
}

export function TrainingView() {
  const curves = useResource("curves", api.curves);
  const tags = curves.value ? linesByTag(curves.value) : undefined;
  return (
    <>
      <div class="hero"><h1 tabIndex={-1}>Training</h1><p>How each run learned, step by step. The same curves open in TensorBoard from the workspace's <code>curves</code> folder.</p></div>
      {curves.state === "loading" && <Skeletons n={4} />}
      {curves.state === "failed" && <Failure problem={curves.problem} again={curves.again} />}
      {tags && (tags.size > 0 ? (
        <div class="charts">{[...tags].map(([tag, lines]) => <Chart key={tag} tag={tag} lines={lines} />)}</div>
      ) : (
        <Notice title="Nothing was trained yet"><p>Curves appear while <code>cowatch train WORKSPACE relational</code> runs.</p></Notice>
      ))}
    </>
  );
}
