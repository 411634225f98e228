// The queries that `npm start` ends with: events, revenue, pages, and what was quarantined.
import { sqlSince } from "../../infra/catalog/saved-queries";
import { QueryFailed, type QueryResult, type QueryTarget, runQuery } from "../../stack/athena";

export interface TitledQuery {
  title: string;
  sql: string;
  /** Rows that the terminal shows; all are in the JSON document. */
  rowsShown?: number;
}

/** `since` is the first day that the run wrote to. The saved queries look back from today, a run can add older events. */
export function defaultQueries(since: string): TitledQuery[] {
  return [
    { title: "Events by type", sql: sqlSince("events-by-type", since) },
    {
      title: "Revenue by category",
      sql: "SELECT product_category, count(*) AS purchases, round(sum(revenue), 2) AS revenue FROM events WHERE event_type = 'purchase' GROUP BY product_category ORDER BY revenue DESC, product_category",
    },
    { title: "Top pages", sql: sqlSince("top-pages", since), rowsShown: 8 },
    { title: "Quarantine by reason", sql: sqlSince("quarantine-by-reason", since) },
  ];
}

export type Answer = QueryResult & Pick<TitledQuery, "title" | "rowsShown"> & { error?: string };

/** Runs each query. If Athena refuses one, the others still run. */
export async function runQueries(target: QueryTarget, queries: readonly TitledQuery[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const { title, rowsShown, sql } of queries) {
    try {
      answers.push({ title, rowsShown, ...(await runQuery(target, sql)) });
    } catch (error) {
      if (!(error instanceof QueryFailed)) throw error;
      answers.push({ title, sql, columns: [], rows: [], error: error.message });
    }
  }
  return answers;
}
