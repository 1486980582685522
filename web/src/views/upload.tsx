// A file of one's own: sent, decoded, embedded, and its neighbours at once.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, upload, type Summary, type Task } from "../api";
import { formatBytes } from "../format";
import { Failure, Notice, Related, locale } from "../parts";
import { usePlayback } from "../playback";
import { Problem } from "../problem";

type Work =
  | { state: "idle" }
  | { state: "sending"; file: File; portion: number }
  | { state: "working"; file: File; task: Task }
  | { state: "done"; file: File; task: Task }
  | { state: "failed"; file: File; problem: Problem };

// A browser plays fewer formats than the server decodes.
function OwnClip({ address }: { address: string }) {
  const plays = usePlayback();
  const [playable, setPlayable] = useState(true);
  if (!playable) return null;
  return (
    <div class="player stage">
      <video key={address} src={address} controls muted loop autoplay={plays} playsInline aria-label="Your clip" onError={() => setPlayable(false)} />
    </div>
  );
}

const pause = (milliseconds: number) => new Promise((resolve) => window.setTimeout(resolve, milliseconds));

export function UploadView({ summary }: { summary: Summary | undefined }) {
  const [work, setWork] = useState<Work>({ state: "idle" });
  const [over, setOver] = useState(false);
  const [picture, setPicture] = useState<string>();
  const stop = useRef<AbortController>();
  const picker = useRef<HTMLInputElement>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const file = work.state === "idle" ? undefined : work.file;
  useEffect(() => {
    if (!file) return;
    const address = URL.createObjectURL(file);
    setPicture(address);
    return () => URL.revokeObjectURL(address);
  }, [file]);

  const take = async (chosen: File | undefined) => {
    if (!chosen) return;
    stop.current?.abort();
    const stopped = new AbortController();
    stop.current = stopped;
    const show = (next: Work) => !stopped.signal.aborted && setWork(next);
    const limit = summary?.UploadLimit;
    if (limit !== undefined && chosen.size > limit) {
      show({ state: "failed", file: chosen, problem: new Problem({
        title: "The file is too large", status: 413,
        detail: `It has ${formatBytes(chosen.size, locale)}; at most ${formatBytes(limit, locale)} are taken.`,
        remedy: "Cut or compress it, or start the server with a higher `serve.upload_limit`.",
      }) });
      return;
    }
    try {
      show({ state: "sending", file: chosen, portion: 0 });
      let task = await upload(chosen, 24, (portion) => show({ state: "sending", file: chosen, portion }), stopped.signal);
      while (task.State === "waiting" || task.State === "running") {
        show({ state: "working", file: chosen, task });
        await pause(250);
        if (stopped.signal.aborted) return;
        task = await api.task(task.TaskId, stopped.signal);
      }
      if (task.State === "failed") show({ state: "failed", file: chosen, problem: new Problem(task.Error ?? { title: "The file could not be used", status: 0 }) });
      else show({ state: "done", file: chosen, task });
    } catch (error) {
      show({ state: "failed", file: chosen, problem: Problem.from(error) });
    }
  };

  const neighbours = work.state === "done" ? (work.task.Result?.Neighbours ?? []) : [];
  return (
    <>
      <div class="hero">
        <h1 tabIndex={-1}>What is like your clip?</h1>
        <p>Give a video nobody has watched yet. It is decoded apart from everything else, placed among the others by sight and sound, and its neighbours are shown.</p>
      </div>
      <div
        class={over ? "drop over" : "drop"}
        onDragOver={(event) => { event.preventDefault(); setOver(true); }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => { event.preventDefault(); setOver(false); void take(event.dataTransfer?.files[0]); }}
      >
        <svg viewBox="0 0 24 24" width="44" height="44" aria-hidden="true"><path d="M12 16V4M7 9l5-5 5 5M4 15v4a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-4" /></svg>
        <p><strong>Drop a video here</strong> or</p>
        <button type="button" class="button primary" onClick={() => picker.current?.click()}>Choose a file</button>
        <input ref={picker} class="hidden" type="file" accept="video/*,.mkv,.avi,.flv" aria-label="Video file" tabIndex={-1}
          onChange={(event) => { void take(event.currentTarget.files?.[0]); event.currentTarget.value = ""; }} />
        {summary && <p class="under wrap">MP4, WebM, Matroska, AVI and more, up to {formatBytes(summary.UploadLimit, locale)}</p>}
      </div>
      <div aria-live="polite">
        {(work.state === "sending" || work.state === "working") && (
          <div class="notice">
            <h2>{work.state === "sending" ? "Sending" : work.task.Step || "Working"}</h2>
            <p>{work.file.name} · {formatBytes(work.file.size, locale)}</p>
            <progress aria-label="Progress" max={1} value={work.state === "sending" ? work.portion : work.task.Progress} />
          </div>
        )}
        {work.state === "failed" && <Failure problem={work.problem} />}
        {work.state === "done" && (
          <section class="found" aria-labelledby="found">
            <div class="own">
              {picture && <OwnClip address={picture} />}
              <p><strong>{work.file.name}</strong><span class="under">{formatBytes(work.file.size, locale)}{work.task.Result?.DecodeSeconds !== undefined && ` · decoded and embedded in ${(work.task.Result.DecodeSeconds + (work.task.Result.EmbedSeconds ?? 0)).toFixed(1)} s`}</span></p>
            </div>
            <div>
              <h2 id="found">Its neighbours</h2>
              {neighbours.length > 0 ? <Related neighbours={neighbours} /> : <Notice title="No neighbours"><p>No video has an embedding yet: run <code>cowatch run WORKSPACE</code>.</p></Notice>}
            </div>
          </section>
        )}
      </div>
    </>
  );
}
