// What the pipeline says about a run (the summary of its run report), and whether the numbers add up.

export interface RunReport {
  execution: string;
  outcome: string;
  seconds: number;
  curated: number;
  duplicates: number;
  redelivered: number;
  quarantined: number;
  quarantine_reasons: Record<string, number>;
  /** How many days the run wrote to, the first and the last. */
  dates: { count: number; first: string | null; last: string | null };
  /** These days; of over 5,000 just the first and the last ten. */
  partitions: string[];
  files: number;
  curated_bytes: number;
}

/** The output of an execution that went through. */
export interface ExecutionOutput {
  report: RunReport;
  sent: number | undefined;
}

export function readOutput(output: Record<string, unknown> | undefined): ExecutionOutput | undefined {
  const report = output?.report as RunReport | undefined;
  if (typeof report?.curated !== "number") return undefined;
  const simulated = output?.simulated as { events?: unknown } | null | undefined;
  return { report, sent: typeof simulated?.events === "number" ? simulated.events : undefined };
}

/** The days of a run for a person; says where the report leaves some out. */
export function partitionsText({ dates, partitions }: Pick<RunReport, "dates" | "partitions">): string {
  if (dates.count <= partitions.length) return partitions.join(", ");
  const half = partitions.length / 2;
  const left = (dates.count - partitions.length).toLocaleString("en-US");
  return [...partitions.slice(0, half), `... ${left} more ...`, ...partitions.slice(half)].join(", ");
}

export interface Sum {
  sent: number;
  curated: number;
  quarantined: number;
  duplicates: number;
}

/** The sentence that says by how much the numbers disagree; undefined when sent = curated + quarantined + duplicates. */
export function imbalance({ sent, curated, quarantined, duplicates }: Sum): string | undefined {
  const accounted = curated + quarantined + duplicates;
  if (accounted === sent) return undefined;
  const by = Math.abs(sent - accounted);
  const direction = accounted < sent ? "are missing" : "are too many";
  return `${sent} sent, but ${curated} curated + ${quarantined} quarantined + ${duplicates} duplicates = ${accounted}: ${by} ${direction}`;
}
