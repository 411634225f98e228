// The queries that a run ends with: what came in, what it earned, what people looked at, and what was wrong.
import { QueryFailed, type QueryResult, type QueryTarget, runQuery } from "../../stack/athena";

export interface TitledQuery {
  title: string;
  sql: string;
}

export const DEFAULT_QUERIES: readonly TitledQuery[] = [
  {
    title: "Events by type",
    sql: "SELECT event_type, count(*) AS events, count(DISTINCT session_id) AS sessions FROM events GROUP BY event_type ORDER BY events DESC, event_type",
  },
  {
    title: "Revenue by category",
    sql: "SELECT product_category, count(*) AS purchases, round(sum(revenue), 2) AS revenue FROM events WHERE event_type = 'purchase' GROUP BY product_category ORDER BY revenue DESC, product_category",
  },
  {
    title: "Top pages",
    sql: "SELECT page_url, count(*) AS views FROM events WHERE event_type = 'page_view' GROUP BY page_url ORDER BY views DESC, page_url LIMIT 8",
  },
  {
    title: "Quarantine",
    sql: "SELECT reason, count(*) AS lines FROM quarantine GROUP BY reason ORDER BY lines DESC, reason",
  },
];

export type Answer = QueryResult & { title: string; error?: string };

/** Runs each query; one that Athena refuses does not keep the others from running. */
export async function runQueries(target: QueryTarget, queries: readonly TitledQuery[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const { title, sql } of queries) {
    try {
      answers.push({ title, ...(await runQuery(target, sql)) });
    } catch (error) {
      if (!(error instanceof QueryFailed)) throw error;
      answers.push({ title, sql, columns: [], rows: [], error: error.message });
    }
  }
  return answers;
}
