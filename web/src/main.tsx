import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, type Summary } from "./api";
import { Notice } from "./parts";
import { switchPlayback, usePlayback } from "./playback";
import { useResource } from "./resource";
import { go, href, top, useVisit, type Route } from "./router";
import { switchTheme, useTheme } from "./theme";
import { ClipView } from "./views/clip";
import { ClustersView } from "./views/clusters";
import { DataView } from "./views/data";
import { MapView } from "./views/map";
import { QualityView } from "./views/quality";
import { TrainingView } from "./views/training";
import { UploadView } from "./views/upload";
import { WallView } from "./views/wall";
import "./style.css";

const places: { route: Route; name: string; icon: string }[] = [
  { route: { view: "wall", query: "" }, name: "Videos", icon: "M3 4h8v7H3zM13 4h8v7h-8zM3 13h8v7H3zM13 13h8v7h-8z" },
  { route: { view: "upload" }, name: "Upload", icon: "M12 16V4M7 9l5-5 5 5M4 15v4a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-4" },
  { route: top, name: "Clusters", icon: "M12 4v5M12 9H5v5M12 9h7v5M3 14h4v5H3zM17 14h4v5h-4zM10 14h4v5h-4zM12 9v5" },
  { route: { view: "map", focus: "" }, name: "Map", icon: "M6 7h.01M11 5h.01M9 11h.01M16 8h.01M19 13h.01M14 14h.01M7 17h.01M12 19h.01M18 18h.01" },
  { route: { view: "training" }, name: "Training", icon: "M3 4v16h18M6 7c2 7 5 9 14 10" },
  { route: { view: "data" }, name: "Data", icon: "M2 12h5l3-8 4 16 3-8h5" },
  { route: { view: "quality" }, name: "Quality", icon: "M4 17a9 9 0 1 1 16 0M12 15l4-6" },
];

function View({ route, summary, settled }: { route: Route; summary: Summary | undefined; settled: boolean }) {
  switch (route.view) {
    case "wall":
      return <WallView query={route.query} asked={route.order} summary={summary} settled={settled} />;
    case "clip":
      return <ClipView id={route.id} />;
    case "upload":
      return <UploadView summary={summary} />;
    case "clusters":
      return <ClustersView level={route.level} cluster={route.cluster} />;
    case "map":
      return <MapView focus={route.focus} />;
    case "training":
      return <TrainingView />;
    case "data":
      return <DataView />;
    case "quality":
      return <QualityView />;
    case "missing":
      return (
        <>
          <h1 tabIndex={-1}>Nothing is here</h1>
          <Notice title="This address leads nowhere"><p><a href={href({ view: "wall", query: "" })}>Go to all videos</a></p></Notice>
        </>
      );
  }
}

function Search({ route }: { route: Route }) {
  const asked = route.view === "wall" ? route.query : "";
  const [text, setText] = useState(asked);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef<number>();
  useEffect(() => {
    if (document.activeElement !== field.current) setText(asked);
  }, [asked]);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select");
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        field.current?.focus();
      }
    };
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, []);
  const search = (query: string) => {
    window.clearTimeout(timer.current);
    go({ view: "wall", query: query.trim() }, route.view === "wall");
  };
  return (
    <form role="search" onSubmit={(event) => { event.preventDefault(); search(text); }}>
      <input
        ref={field} type="search" aria-label="Search videos" placeholder="Search titles, authors, hashtags" value={text}
        autoComplete="off" enterKeyHint="search" aria-keyshortcuts="/"
        onInput={(event) => {
          const value = event.currentTarget.value;
          setText(value);
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(() => search(value), 300);
        }}
      />
    </form>
  );
}

function Page() {
  const { route, scroll } = useVisit();
  const theme = useTheme();
  const plays = usePlayback();
  const summary = useResource("summary", api.summary);
  const address = href(route);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const place = route.view === "clip" || route.view === "clusters" ? address : route.view;
  useEffect(() => {
    const heading = main.current?.querySelector("h1");
    document.title = route.view === "wall" ? "Cowatch" : `${heading?.textContent ?? route.view} · Cowatch`;
    if (first.current) first.current = false;
    else if (!(document.activeElement instanceof HTMLInputElement)) heading?.focus({ preventScroll: true });
    window.scrollTo(0, scroll);
  }, [place]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.querySelector("h1")?.focus(); }}>Skip to the content</a>
      <header>
        <a class="brand" aria-label="Cowatch" href={href({ view: "wall", query: "" })}><img src="./icon.svg" alt="" width="30" height="30" /><span>Cowatch</span></a>
        <nav aria-label="Views">
          {places.map(({ route: to, name, icon }) => (
            <a key={name} href={href(to)} aria-current={to.view === route.view ? "page" : undefined}>
              <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d={icon} /></svg>
              <span>{name}</span>
            </a>
          ))}
        </nav>
        <Search route={route} />
        <button type="button" class="theme" onClick={switchPlayback} aria-label={plays ? "Stop previews" : "Play previews"} title={plays ? "Stop previews" : "Play previews"}>
          <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d={plays ? "M8 5v14M16 5v14" : "M8 5l11 7-11 7z"} /></svg>
        </button>
        <button type="button" class="theme" onClick={switchTheme} aria-label={theme === "dark" ? "Switch to light" : "Switch to dark"}>
          <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
            <path d={theme === "dark" ? "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM12 1v3M12 20v3M1 12h3M20 12h3M4.2 4.2l2.1 2.1M17.7 17.7l2.1 2.1M4.2 19.8l2.1-2.1M17.7 6.3l2.1-2.1" : "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.500 10.500z"} />
          </svg>
        </button>
      </header>
      <main id="main" ref={main} class={`view-${route.view}`}>
        <View key={route.view === "clusters" ? address : route.view} route={route} summary={summary.value} settled={summary.state !== "loading"} />
      </main>
    </>
  );
}

render(<Page />, document.getElementById("app")!);
