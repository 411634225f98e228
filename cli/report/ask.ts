// Asks Athena the report's queries, all at the same time, for the given dates.
import { sqlBetween } from "../../infra/catalog/saved-queries";
import { type QueryTarget, runQuery, type Value } from "../../stack/athena";
import type { Dates } from "./dates";

/** The files of infra/catalog/queries/report. */
const QUERIES = [
  "days",
  "pages",
  "funnel",
  "retention",
  "revenue",
  "channels",
  "devices",
  "hours",
  "quarantine",
] as const;

type QueryName = (typeof QUERIES)[number];
export type Row = Readonly<Record<string, Value>>;

export interface Answers {
  rows: Readonly<Record<QueryName, Row[]>>;
  /** Bytes that each query scanned. */
  scanned: number[];
}

/** If Athena refuses one of the queries, its error ends all. */
export async function ask(target: QueryTarget, dates: Dates): Promise<Answers> {
  const results = await Promise.all(
    QUERIES.map((name) => runQuery(target, sqlBetween(`report-${name}`, dates.from, dates.to))),
  );
  const rows = results.map(({ columns, rows }) =>
    rows.map((row) => Object.fromEntries(columns.map((column, place) => [column, row[place] ?? null]))),
  );
  return {
    rows: Object.fromEntries(QUERIES.map((name, place) => [name, rows[place]])) as Answers["rows"],
    scanned: results.map(({ scannedBytes }) => scannedBytes),
  };
}
