// An error as the server says it (application/problem+json, RFC 7807, with what cowatch adds), or the
// page's own words for an answer that never came.

export interface ProblemDetails {
  title: string;
  status: number;
  code?: string;
  type?: string;
  detail?: string;
  where?: string;
  expected?: string;
  found?: string;
  remedy?: string;
}

export class Problem extends Error {
  constructor(readonly details: ProblemDetails) {
    super(details.title);
  }

  static from(error: unknown): Problem {
    if (error instanceof Problem) return error;
    return new Problem({
      title: error instanceof Error ? error.message : String(error),
      status: 0,
      code: "unreachable",
    });
  }

  // Reads the body of a refusal; a body that is not a problem still gives the status.
  static parse(status: number, contentType: string, body: string): Problem {
    if (/json/.test(contentType)) {
      try {
        const value: unknown = JSON.parse(body);
        if (typeof value === "object" && value !== null) {
          const record = value as Record<string, unknown>;
          const text = (name: string) => (typeof record[name] === "string" ? (record[name] as string) : undefined);
          const title = text("title") ?? text("detail");
          if (title !== undefined) {
            return new Problem({
              title,
              status,
              ...optional("code", text("code")),
              ...optional("type", text("type")),
              ...optional("detail", text("detail")),
              ...optional("where", text("where")),
              ...optional("expected", text("expected")),
              ...optional("found", text("found")),
              ...optional("remedy", text("remedy")),
            });
          }
        }
      } catch {
        // Not JSON after all: fall through to the bare status.
      }
    }
    return new Problem({ title: `HTTP ${status}`, status, ...optional("detail", body.slice(0, 300) || undefined) });
  }
}

function optional<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string };
}
