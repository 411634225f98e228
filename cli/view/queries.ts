// The queries that `npm start` ends with: events, revenue, pages, and what was quarantined.
import { sqlSince } from "../../infra/catalog/saved-queries";
import { DAY_MS } from "../../lambdas/shared/durations";
import { QueryFailed, type QueryResult, type QueryTarget, runQuery } from "../../stack/athena";
import type { RunReport } from "../../stack/run-report";
import { dateOf } from "../report/dates";

export interface TitledQuery {
  title: string;
  sql: string;
  /** Rows that the terminal shows; all are in the JSON document. */
  rowsShown?: number;
}

/** A query over the days of decades reads one file or more for each of them. */
const DAYS_QUERIED = 366;

/** The first of the days that the queries are about: the days that the run wrote to, the newest 366 if they are more. */
export function firstDayQueried({ first, last }: RunReport["dates"], now: number): string {
  const oldest = dateOf((last === null ? now : Date.parse(last)) - (DAYS_QUERIED - 1) * DAY_MS);
  const since = first ?? dateOf(now);
  return since < oldest ? oldest : since;
}

/** The saved queries look back from today, but a run can add older events. What was quarantined arrived just now. */
export function defaultQueries(since: string, now: number): TitledQuery[] {
  return [
    { title: "Events by type", sql: sqlSince("events-by-type", since) },
    {
      title: "Revenue by category",
      sql: `SELECT product_category, count(*) AS purchases, round(sum(revenue), 2) AS revenue FROM events WHERE event_type = 'purchase' AND event_date >= DATE '${since}' GROUP BY product_category ORDER BY revenue DESC, product_category`,
    },
    { title: "Top pages", sql: sqlSince("top-pages", since), rowsShown: 8 },
    { title: "Quarantine by reason", sql: sqlSince("quarantine-by-reason", dateOf(now - DAY_MS)) },
  ];
}

export type Answer = QueryResult & Pick<TitledQuery, "title" | "rowsShown"> & { error?: string };

/** Runs the queries one after the other: one may read what the one before it made. */
export async function runInOrder(target: QueryTarget, queries: readonly TitledQuery[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const query of queries) answers.push(await answerTo(target, query));
  return answers;
}

/** Runs all queries at the same time. Returns the answers in the order of the queries. */
export function runTogether(target: QueryTarget, queries: readonly TitledQuery[]): Promise<Answer[]> {
  return Promise.all(queries.map((query) => answerTo(target, query)));
}

/** If Athena refuses a query, the others still run. */
async function answerTo(target: QueryTarget, { title, rowsShown, sql }: TitledQuery): Promise<Answer> {
  try {
    return { title, rowsShown, ...(await runQuery(target, sql)) };
  } catch (error) {
    if (!(error instanceof QueryFailed)) throw error;
    return { title, sql, columns: [], rows: [], scannedBytes: 0, error: error.message };
  }
}
