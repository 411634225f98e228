// The JSON document of --json: the same keys for a run that went through and for one that failed, which adds "error".

import type { Mail } from "../../local/mailbox";
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
  error?: string;
}

/** All that is known at the end of a run, be it a good or a bad one. */
export interface RunFacts {
  execution?: Execution;
  sent?: number;
  report?: RunReport;
  mails: Mail[];
  queries: (QueryResult & { error?: string })[];
  /** Every reason for which the run is no success. */
  problems: string[];
}

export function runDocument({ execution, sent, report, mails, queries, problems }: RunFacts): RunDocument {
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
    queries: queries.map(({ sql, columns, rows, error }) => ({
      sql,
      columns,
      rows,
      ...(error && { error }),
    })),
    ...(problems.length > 0 && { error: problems.join("\n") }),
  };
}
