// IAM policy documents in the form that the rules read: everything that may be one or many is a list.

export interface Statement {
  sid: string;
  effect: string;
  actions: string[];
  resources: string[];
  /** Service principals. */
  services: string[];
  /** Condition keys in lower case, each with its values. */
  conditions: Map<string, string[]>;
}

type OneOrMany<T> = T | T[];
interface RawStatement {
  Sid?: string;
  Effect?: string;
  Action?: OneOrMany<string>;
  Resource?: OneOrMany<string>;
  Principal?: string | { Service?: OneOrMany<string> };
  Condition?: Record<string, Record<string, OneOrMany<string>>>;
}

const list = <T>(value: OneOrMany<T> | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

/** The statements of a document given as JSON; none where there is no document. */
export function statementsOf(document: unknown): Statement[] {
  if (typeof document !== "string" || document === "") return [];
  const parsed = JSON.parse(document) as { Statement?: OneOrMany<RawStatement> };
  return list(parsed.Statement).map((raw) => ({
    sid: raw.Sid ?? "",
    effect: raw.Effect ?? "",
    actions: list(raw.Action),
    resources: list(raw.Resource),
    services: typeof raw.Principal === "object" ? list(raw.Principal.Service) : [],
    conditions: new Map(
      Object.values(raw.Condition ?? {})
        .flatMap((block) => Object.entries(block))
        .map(([key, values]) => [key.toLowerCase(), list(values)]),
    ),
  }));
}
