// The server's nouns, as /api/openapi.json describes them, and the calls the page makes.
import { Problem } from "./problem";

export interface Item {
  ItemId: string; Index: number; IsHidden: boolean; Categories: string[]; Comment: string; Title: string;
  Labels: Record<string, unknown>;
  Timestamp?: string; Description?: string; Author?: string; Language?: string; Seconds?: number;
  Poster?: string; Preview?: string; Width?: number; Height?: number; HasSound?: boolean;
  MediaState?: "extracted" | "refused" | "unknown"; MediaReason?: string;
}
export interface ItemPage { Cursor: string; Items: Item[] }
export interface Why {
  Score: number; Cluster?: { Round: number; Cluster: number; Size: number };
  CoWatchers?: number; EdgeWeight?: number; Hashtags: string[]; Text: string;
}
export interface Neighbour { Id: string; Score: number; Item?: Item; Why?: Why }
export interface Ranked { Id: string; Score: number; Item: Item; Text: string }
export interface ProblemBody { title: string; status: number; code?: string; detail?: string; where?: string; expected?: string; found?: string; remedy?: string }
export interface Task {
  TaskId: string; Kind: string; State: "waiting" | "running" | "done" | "failed"; Step: string; Progress: number;
  Next: string; Error?: ProblemBody; Result?: { Neighbours: Neighbour[]; ItemId?: string; Seconds?: number; DecodeSeconds?: number; EmbedSeconds?: number };
}
export interface Stage { Name: string; Ready: boolean; Made?: string; Program?: string; Command: string; Problem?: string }
export interface Health {
  Facts: { Name: string; Value: string; State: "good" | "fair" | "poor" | "fact"; Note: string }[];
  Stages: Stage[];
}
export interface Cluster { Round: number; Cluster: number; Size: number; Children: number; Hashtags: string[]; Sample: Item[] }
export interface Tree {
  Rounds: number; Videos: number; Alone: number; Total: number;
  Levels: { Round: number; Clusters: number; Largest: number }[]; Roots: Cluster[];
}
export interface ClusterPage {
  Round: number; Cluster: number; Size: number; Total: number;
  Path: { Round: number; Cluster: number; Size: number }[]; Children: Cluster[]; Items: Item[];
}
export interface EmbeddingMap {
  Method: string; Rounds: number; Round: number; Total: number;
  Index: number[]; X: number[]; Y: number[]; Cluster: number[];
}
export interface Curves { Runs: { Name: string; Series: { Tag: string; Steps: number[]; Values: (number | null)[] }[] }[] }
export interface MemoryPart { Name: string; Bytes: number }
export interface Quality {
  Search: { Index: "none" | "exact" | "graph"; Videos: number; Embedded: number; Parts: MemoryPart[] };
  Collections: { Name: string; Points: number; Indexed: number; Working: boolean; Parts: MemoryPart[]; Troubles: string[] }[];
  Recall: { Name: string; Times: number[]; Found: number[]; Wanted: number[] }[];
  Latency: { Operation: string; Count: number; Median: number; P99: number }[];
  Queues: { Name: string; Waiting: number; Running: number; Done: number; Refused: number; Shed: number; Cancelled: number }[];
  Notices: { Kind: string; Text: string; Command: string }[];
}
export interface Summary {
  Program: string; Commit: string; Items: number; Users: number; Feedback: number; Edges?: number; Rounds?: number;
  PopularBy?: "people" | "links"; Dated: number; Embedded?: number; Dimensions?: number; Stages: Stage[]; NeedsKey: boolean; UploadLimit: number;
}

async function ask<T>(path: string, signal?: AbortSignal): Promise<T> {
  const answer = await fetch(`/api/${path}`, { signal: signal ?? null, headers: { accept: "application/json" } });
  if (!answer.ok) {
    throw Problem.parse(answer.status, answer.headers.get("content-type") ?? "", await answer.text());
  }
  return (await answer.json()) as T;
}

const part = encodeURIComponent;

export const api = {
  summary: (signal?: AbortSignal) => ask<Summary>("summary", signal),
  health: (signal?: AbortSignal) => ask<Health>("health", signal),
  quality: (signal?: AbortSignal) => ask<Quality>("quality", signal),
  items: (query: string, cursor: string, n: number, signal?: AbortSignal) =>
    ask<ItemPage>(`items?n=${n}${query ? `&query=${part(query)}` : ""}${cursor ? `&cursor=${part(cursor)}` : ""}`, signal),
  ranked: (order: "popular" | "latest", offset: number, n: number, signal?: AbortSignal) =>
    ask<Ranked[]>(`${order}?n=${n}&offset=${offset}`, signal),
  item: (id: string, signal?: AbortSignal) => ask<Item>(`item/${part(id)}`, signal),
  related: (id: string, n: number, signal?: AbortSignal) =>
    ask<Neighbour[]>(`item-to-item/related/${part(id)}?n=${n}`, signal),
  task: (id: string, signal?: AbortSignal) => ask<Task>(`task/${part(id)}`, signal),
  tree: (signal?: AbortSignal) => ask<Tree>("tree", signal),
  cluster: (round: number, cluster: number, signal?: AbortSignal) => ask<ClusterPage>(`tree/${round}/${cluster}`, signal),
  map: (round: number | undefined, signal?: AbortSignal) =>
    ask<EmbeddingMap>(`map?n=100000${round === undefined ? "" : `&round=${round}`}`, signal),
  curves: (signal?: AbortSignal) => ask<Curves>("curves", signal),
};

// fetch() does not tell how much of a body has left; XMLHttpRequest does.
export function upload(file: File, n: number, progress: (portion: number) => void, signal: AbortSignal): Promise<Task> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/search/upload?n=${n}`);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onerror = () => reject(new Problem({ title: "The server did not take the file", status: 0, code: "unreachable" }));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as Task);
      else reject(Problem.parse(request.status, request.getResponseHeader("content-type") ?? "", request.responseText));
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
