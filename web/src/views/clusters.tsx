// The affinity tree, to walk from the largest clusters down to single videos.
import { api, type Cluster } from "../api";
import { clusterHue } from "../colour";
import { Art, Failure, Notice, Skeletons, Wall, count } from "../parts";
import { useResource } from "../resource";
import { href, top } from "../router";

function ClusterCard({ cluster }: { cluster: Cluster }) {
  const named = cluster.Hashtags.slice(0, 3).map((tag) => `#${tag}`).join(" ");
  return (
    <a class="cluster" style={{ "--hue": clusterHue(cluster.Cluster).toFixed(0) }} href={href({ view: "clusters", level: cluster.Round, cluster: cluster.Cluster })}>
      <span class="mosaic" aria-hidden="true">
        {cluster.Sample.slice(0, 4).map((item) => <Art key={item.ItemId} item={item} small />)}
      </span>
      <span class="name">{named || `Cluster ${cluster.Cluster}`}</span>
      <span class="under"><span class="dot" aria-hidden="true" />{count(cluster.Size)} videos · {count(cluster.Children)} parts · round {cluster.Round}</span>
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

function Top() {
  const tree = useResource("tree", api.tree);
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
          <ol class="levels" aria-label="Rounds">
            {tree.value.Levels.map((level) => (
              <li key={level.Round}><span class="under">Round {level.Round}</span><strong>{count(level.Clusters)}</strong><span class="under">clusters, largest {count(level.Largest)}</span></li>
            ))}
            <li><span class="under">In no cluster</span><strong>{count(tree.value.Alone)}</strong><span class="under">of {count(tree.value.Videos)} videos</span></li>
          </ol>
          {tree.value.Roots.length > 0 ? (
            <>
              {tree.value.Total > tree.value.Roots.length && <p class="lede">The largest {count(tree.value.Roots.length)} of {count(tree.value.Total)}</p>}
              <Clusters clusters={tree.value.Roots} label="Largest clusters" />
            </>
          ) : (
            <Notice title="No clusters"><p>No two videos were watched together often enough. More of the watch log, or a lower <code>graph.min_weight</code>, joins more.</p></Notice>
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
  return (
    <>
      <nav class="crumbs" aria-label="Path in the tree">
        <ol>
          <li><a href={href(top)}>Clusters</a></li>
          {page.value?.Path.map((step) => (
            <li key={step.Round}><a href={href({ view: "clusters", level: step.Round, cluster: step.Cluster })}>{count(step.Size)} videos</a></li>
          ))}
          <li aria-current="page">{page.value ? `${count(page.value.Size)} videos` : "…"}</li>
        </ol>
      </nav>
      <div class="hero">
        <h1 tabIndex={-1}>Cluster {cluster}</h1>
        {page.value && <p>{count(page.value.Size)} videos, joined by round {round}</p>}
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
          {page.value.Items.length > 0 && <section><h2>Videos</h2><Wall items={page.value.Items} label="Videos of the cluster" /></section>}
        </>
      )}
    </>
  );
}
