// What the data are like, what they allow, and which stage has run.
import { api, type Health } from "../api";
import { formatDate } from "../format";
import { Failure, Prose, Skeletons, capital, count, locale } from "../parts";
import { useResource } from "../resource";

const words = { good: "good", fair: "fair", poor: "needs attention", fact: "" } as const;
type Fact = Health["Facts"][number];

const legible = (value: string) => (/^\d+$/.test(value) ? count(Number(value)) : value);

// Counts stand as tiles, judgements in a table, what it all allows in a list.
function sorted(facts: Fact[]): { counts: Fact[]; judged: Fact[]; possible: Fact[] } {
  const possible = facts.filter((fact) => fact.Value === "possible" || fact.Value === "not yet");
  const rest = facts.filter((fact) => !possible.includes(fact));
  const counts = rest.filter((fact) => fact.State === "fact" && /^\d+$/.test(fact.Value));
  return { counts, judged: rest.filter((fact) => !counts.includes(fact)), possible };
}

function State({ fact }: { fact: Fact }) {
  return words[fact.State] ? <span class={`state ${fact.State}`}>{words[fact.State]}</span> : null;
}

function Facts({ facts }: { facts: Fact[] }) {
  const { counts, judged, possible } = sorted(facts);
  return (
    <>
      <ul class="tiles" aria-label="Counts">
        {counts.map((fact) => <li key={fact.Name}><span class="under">{capital(fact.Name)}</span><strong>{legible(fact.Value)}</strong></li>)}
      </ul>
      <section aria-labelledby="facts">
        <h2 id="facts">How good they are</h2>
        <div class="scrolls"><table>
          <thead><tr><th scope="col">What</th><th scope="col">Value</th><th scope="col">Judgement</th></tr></thead>
          <tbody>
            {judged.map((fact) => (
              <tr key={fact.Name}>
                <th scope="row">{capital(fact.Name)}{fact.Note && <span class="under wrap">{fact.Note}</span>}</th>
                <td>{legible(fact.Value)}</td>
                <td><State fact={fact} /></td>
              </tr>
            ))}
          </tbody>
        </table></div>
      </section>
      {possible.length > 0 && (
        <section aria-labelledby="allows">
          <h2 id="allows">What they allow</h2>
          <ul class="stages">
            {possible.map((fact) => (
              <li key={fact.Name} class={fact.State === "good" ? "ready" : ""}>
                <span class="mark" aria-hidden="true">{fact.State === "good" ? "✓" : ""}</span>
                <span><strong>{capital(fact.Name)}</strong><span class="under wrap">{fact.Value}{fact.Note && `: ${fact.Note}`}</span></span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

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
          <div><Facts facts={health.value.Facts} /></div>
          <section aria-labelledby="stages">
            <h2 id="stages">Stages</h2>
            <ol class="stages">
              {health.value.Stages.map((stage) => (
                <li key={stage.Name} class={stage.Ready ? "ready" : ""}>
                  <span class="mark" aria-hidden="true">{stage.Ready ? "✓" : ""}</span>
                  <span><strong>{capital(stage.Name)}</strong>
                    {stage.Ready ? <span class="under wrap">made{stage.Made && ` ${formatDate(Date.parse(stage.Made), locale)}`}</span>
                      : <span class="under wrap">{stage.Problem ? <Prose text={stage.Problem} /> : "not made yet"}: <code>{stage.Command}</code></span>}
                  </span>
                </li>
              ))}
            </ol>
          </section>
        </div>
      )}
    </>
  );
}
