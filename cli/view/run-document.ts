// The JSON document of --json. A failed run has the same keys as a successful one, and "error".

import type { Mail } from "../../local/mailbox";
import type { CallSum } from "../../local/requests";
import type { QueryResult } from "../../stack/athena";
import type { Execution } from "../../stack/execution";
import type { RunReport } from "../../stack/run-report";

export interface RunDocument {
  execution: { name: string | null; status: string; seconds: number | null };
  sent: number | null;
  curated: number | null;
  quarantined: number | null;
  duplicates: number | null;
  partitions: string[];
  mails: Pick<Mail, "to" | "subject" | "body">[];
  queries: (QueryResult & { error?: string })[];
  /** The report as an HTML file; null without one. */
  reportFile: string | null;
  /**
   * The AWS calls of the stack from the start of the traffic to the end of the execution, by service and operation; null
   * on AWS, and if nothing ran.
   */
  calls: CallSum[] | null;
  error?: string;
}

/** All that is known at the end of a run, successful or not. */
export interface RunFacts {
  execution?: Execution;
  sent?: number;
  report?: RunReport;
  mails: Mail[];
  queries: (QueryResult & { error?: string })[];
  /** The report's page, and what its queries read. */
  page?: { file: string; cost: string };
  calls?: CallSum[];
  /** Why the run is not a success; empty if it is. */
  problems: string[];
}

export function runDocument(facts: RunFacts): RunDocument {
  const { execution, sent, report, mails, queries, page, calls, problems } = facts;
  return {
    execution: {
      name: execution?.name ?? null,
      status: execution?.status ?? "NOT_STARTED",
      seconds: execution?.seconds ?? null,
    },
    sent: sent ?? null,
    curated: report?.curated ?? null,
    quarantined: report?.quarantined ?? null,
    duplicates: report?.duplicates ?? null,
    partitions: report?.partitions ?? [],
    mails: mails.map(({ to, subject, body }) => ({ to, subject, body })),
    queries: queries.map(({ sql, columns, rows, scannedBytes, error }) => ({
      sql,
      columns,
      rows,
      scannedBytes,
      ...(error && { error }),
    })),
    reportFile: page?.file ?? null,
    calls: calls ?? null,
    ...(problems.length > 0 && { error: problems.join("\n") }),
  };
}
