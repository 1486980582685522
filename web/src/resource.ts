// What a view asks the server for, in its three states: on the way, here, refused.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "./problem";

export type Resource<T> =
  | { state: "loading"; value?: T }
  | { state: "ready"; value: T }
  | { state: "failed"; problem: Problem; value?: T };

// Asks once for each `key`; an answer that is no longer wanted is given up. `again` asks anew and keeps
// what is shown until the answer comes.
export function useResource<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
): Resource<T> & { again: () => void } {
  const [attempt, setAttempt] = useState(0);
  const [held, setHeld] = useState<{ key: string; resource: Resource<T> }>({ key, resource: { state: "loading" } });
  const loader = useRef(load);
  loader.current = load;
  useEffect(() => {
    const stop = new AbortController();
    setHeld((before) => ({
      key,
      resource: before.key === key && before.resource.value !== undefined ? before.resource : { state: "loading" },
    }));
    loader.current(stop.signal).then(
      (value) => {
        if (!stop.signal.aborted) setHeld({ key, resource: { state: "ready", value } });
      },
      (error: unknown) => {
        if (!stop.signal.aborted) setHeld({ key, resource: { state: "failed", problem: Problem.from(error) } });
      },
    );
    return () => stop.abort();
  }, [key, attempt]);
  const again = useCallback(() => setAttempt((count) => count + 1), []);
  const resource: Resource<T> = held.key === key ? held.resource : { state: "loading" };
  return { ...resource, again };
}
