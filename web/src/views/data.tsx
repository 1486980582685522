// What the data are like, what they allow, and which stage has run.
import { api } from "../api";
import { formatDate } from "../format";
import { Failure, Skeletons, locale } from "../parts";
import { useResource } from "../resource";

const words = { good: "good", fair: "fair", poor: "needs attention", fact: "" } as const;

export function DataView() {
  const health = useResource("health", api.health);
  return (
    <>
      <div class="hero">
        <h1 tabIndex={-1}>Health of the data</h1>
        <p>How much there is to learn from, what it allows, and what has been computed.</p>
      </div>
      {health.state === "loading" && <Skeletons n={6} rows />}
      {health.state === "failed" && <Failure problem={health.problem} again={health.again} />}
      {health.state === "ready" && (
        <div class="halves">
          <section aria-labelledby="facts">
            <h2 id="facts">Data</h2>
            <table>
              <thead><tr><th scope="col">What</th><th scope="col">Value</th></tr></thead>
              <tbody>
                {health.value.Facts.map((fact) => (
                  <tr key={fact.Name}>
                    <th scope="row">{fact.Name}{fact.Note && <span class="under wrap">{fact.Note}</span>}</th>
                    <td>{fact.Value}{words[fact.State] && <span class={`state ${fact.State}`}>{words[fact.State]}</span>}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
          <section aria-labelledby="stages">
            <h2 id="stages">Stages</h2>
            <ol class="stages">
              {health.value.Stages.map((stage) => (
                <li key={stage.Name} class={stage.Ready ? "ready" : ""}>
                  <span class="mark" aria-hidden="true">{stage.Ready ? "✓" : ""}</span>
                  <span><strong>{stage.Name}</strong><span class="under wrap">
                    {stage.Ready ? <>made{stage.Made && ` ${formatDate(Date.parse(stage.Made), locale)}`}</> : <>{stage.Problem ?? "not made yet"}: <code>{stage.Command}</code></>}
                  </span></span>
                </li>
              ))}
            </ol>
          </section>
        </div>
      )}
    </>
  );
}
