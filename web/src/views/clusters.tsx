// The affinity tree, to walk from the largest clusters down to single videos.
import { api, type Cluster } from "../api";
import { clusterHue } from "../colour";
import { commonLeads } from "../format";
import { Art, Failure, Notice, Skeletons, Wall, count, titleOf, useTitle } from "../parts";
import { useResource } from "../resource";
import { href, top } from "../router";

// By hashtags, or by the artists of its videos, or by its number.
function nameOf(cluster: Pick<Cluster, "Cluster" | "Hashtags" | "Sample">): string {
  if (cluster.Hashtags.length > 0) return cluster.Hashtags.slice(0, 3).map((tag) => `#${tag}`).join(" ");
  return commonLeads(cluster.Sample.map(titleOf), 2).join(", ") || `Cluster ${cluster.Cluster}`;
}

const videos = (size: number) => `${count(size)} ${size === 1 ? "video" : "videos"}`;

function ClusterCard({ cluster }: { cluster: Cluster }) {
  return (
    <a class="cluster" style={{ "--hue": clusterHue(cluster.Cluster).toFixed(0) }} href={href({ view: "clusters", level: cluster.Round, cluster: cluster.Cluster })}>
      <span class={cluster.Sample.length < 4 ? "mosaic few" : "mosaic"} aria-hidden="true">
        {cluster.Sample.slice(0, cluster.Sample.length < 4 ? 2 : 4).map((item) => <Art key={item.ItemId} item={item} small />)}
      </span>
      <span class="name">{nameOf(cluster)}</span>
      <span class="under"><span class="dot" aria-hidden="true" />{videos(cluster.Size)}{cluster.Children > 1 && cluster.Round > 1 && ` in ${count(cluster.Children)} parts`}</span>
    </a>
  );
}

function Clusters({ clusters, label }: { clusters: Cluster[]; label: string }) {
  return (
    <ul class="wall clusters" aria-label={label}>
      {clusters.map((cluster) => <li key={`${cluster.Round} ${cluster.Cluster}`}><ClusterCard cluster={cluster} /></li>)}
    </ul>
  );
}

// Where nearly all has joined into one, the walk begins further down: the largest is opened until there is a choice.
const enough = 6;
async function entranceTo(roots: Cluster[], signal: AbortSignal): Promise<Cluster[]> {
  let found = roots;
  while (found.length < enough) {
    const largest = found.find((cluster) => cluster.Round > 1 && cluster.Size > 1);
    if (!largest) break;
    const { Children: inside } = await api.cluster(largest.Round, largest.Cluster, signal);
    if (inside.length === 0) break;
    found = [...found.filter((cluster) => cluster !== largest), ...inside].sort((a, b) => b.Size - a.Size);
  }
  return found;
}

function Top() {
  const tree = useResource("tree", api.tree);
  const entrance = useResource(`entrance ${tree.state}`, async (signal) => (tree.value ? entranceTo(tree.value.Roots, signal) : []));
  return (
    <>
      <div class="hero">
        <h1 tabIndex={-1}>Clusters</h1>
        <p>Videos watched together join, round by round: in each round every cluster joins the one it is most strongly linked to. Walk down from the largest.</p>
      </div>
      {tree.state === "loading" && <Skeletons n={8} />}
      {tree.state === "failed" && <Failure problem={tree.problem} again={tree.again} />}
      {tree.state === "ready" && (
        <>
          <ol class="tiles" aria-label="Rounds">
            {tree.value.Levels.map((level) => (
              <li key={level.Round}><span class="under">After round {level.Round}</span><strong>{count(level.Clusters)}</strong><span class="under">{level.Clusters === 1 ? "cluster" : "clusters"}, largest {count(level.Largest)}</span></li>
            ))}
            <li><span class="under">In no cluster</span><strong>{count(tree.value.Alone)}</strong><span class="under">of {videos(tree.value.Videos)}</span></li>
          </ol>
          {entrance.state === "loading" && <Skeletons n={8} />}
          {entrance.state === "failed" && <Failure problem={entrance.problem} again={entrance.again} />}
          {entrance.state === "ready" && entrance.value.length > 0 && (
            <section>
              <h2>{tree.value.Total > tree.value.Roots.length ? `The largest ${count(tree.value.Roots.length)} of ${count(tree.value.Total)}` : "Largest first"}</h2>
              <Clusters clusters={entrance.value} label="Largest clusters" />
            </section>
          )}
          {tree.value.Roots.length === 0 && (
            <Notice title="No clusters"><p>No two videos were watched together often enough. More of the watch log, or a lower <code>graph.min_people</code>, joins more.</p></Notice>
          )}
        </>
      )}
    </>
  );
}

export function ClustersView({ level, cluster }: { level: number; cluster: number }) {
  return level === 0 ? <Top /> : <One round={level} cluster={cluster} />;
}

function One({ round, cluster }: { round: number; cluster: number }) {
  const page = useResource(`cluster ${round} ${cluster}`, (signal) => api.cluster(round, cluster, signal));
  const name = page.value ? nameOf({ Cluster: cluster, Hashtags: commonTags(page.value.Items), Sample: page.value.Items }) : `Cluster ${cluster}`;
  useTitle(name);
  return (
    <>
      <nav class="crumbs" aria-label="Path in the tree">
        <ol>
          <li><a href={href(top)}>Clusters</a></li>
          {page.value?.Path.map((step) => (
            <li key={step.Round}><a href={href({ view: "clusters", level: step.Round, cluster: step.Cluster })}>{videos(step.Size)}</a></li>
          ))}
          <li aria-current="page">{page.value ? videos(page.value.Size) : "…"}</li>
        </ol>
      </nav>
      <div class="hero">
        <h1 tabIndex={-1}>{name}</h1>
        {page.value && <p>{videos(page.value.Size)} that joined by round {round} · cluster {cluster}</p>}
      </div>
      {page.state === "loading" && <Skeletons n={8} />}
      {page.state === "failed" && <Failure problem={page.problem} again={page.again} />}
      {page.state === "ready" && (
        <>
          {page.value.Children.length > 0 && (
            <section>
              <h2>Made of{page.value.Total > page.value.Children.length && ` (largest ${count(page.value.Children.length)} of ${count(page.value.Total)})`}</h2>
              <Clusters clusters={page.value.Children} label="Clusters inside" />
            </section>
          )}
          {page.value.Items.length > 0 && <section><h2>{page.value.Items.length < page.value.Size ? `Videos (${count(page.value.Items.length)} of ${count(page.value.Size)})` : "Videos"}</h2><Wall items={page.value.Items} label="Videos of the cluster" /></section>}
        </>
      )}
    </>
  );
}

function commonTags(items: { Categories: string[] }[]): string[] {
  const counts = new Map<string, number>();
  for (const item of items) for (const tag of item.Categories) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].filter(([, times]) => times > 1).sort((a, b) => b[1] - a[1]).slice(0, 3).map(([tag]) => tag);
}
