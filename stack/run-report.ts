// Reads the summary of a run's report from an execution's output, and checks that its numbers add up.

export interface RunReport {
  execution: string;
  outcome: string;
  seconds: number;
  curated: number;
  duplicates: number;
  redelivered: number;
  quarantined: number;
  quarantine_reasons: Record<string, number>;
  /** The number of days that the run wrote to, the first and the last. */
  dates: { count: number; first: string | null; last: string | null };
  /** These days. If they are more than 5,000, only the first and last ten. */
  partitions: string[];
  files: number;
  curated_bytes: number;
}

/** The output of a successful execution. */
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

export interface Sum {
  sent: number;
  curated: number;
  quarantined: number;
  duplicates: number;
}

/** Says by how much the numbers differ; undefined if sent = curated + quarantined + duplicates. */
export function imbalance({ sent, curated, quarantined, duplicates }: Sum): string | undefined {
  const accounted = curated + quarantined + duplicates;
  if (accounted === sent) return undefined;
  const by = Math.abs(sent - accounted);
  const direction = accounted < sent ? "missing" : "too many";
  return `${sent} sent, but ${curated} curated + ${quarantined} quarantined + ${duplicates} duplicates = ${accounted}: ${by} ${direction}`;
}

/**
 * How to accept events outside of the accepted window; undefined if there were none. `begins` is the configured
 * beginning of the window, `earliest` the time of the earliest event sent, if the sender knows it.
 */
export function windowHint(
  reasons: Readonly<Record<string, number>>,
  begins: string,
  earliest?: string,
): string | undefined {
  const outside = reasons.event_time_out_of_window ?? 0;
  if (outside === 0) return undefined;
  const what = `${outside.toLocaleString("en-US")} lines are outside of the accepted window of event times`;
  if (earliest === undefined || Date.parse(earliest) >= Date.parse(begins)) {
    return `${what}, which begins at ${begins} (earliestEventTime) and ends latestEventLeadHours after arrival.`;
  }
  const time = `${earliest.slice(0, 10)}T00:00:00Z`;
  return (
    `${what}, which begins at ${begins}. The earliest event sent is from ${earliest.slice(0, 10)}. To accept it on the ` +
    `local stack, set earliestEventTime: "${time}" under config: in Pulumi.dev.yaml and run again; ` +
    `on AWS: pulumi config set earliestEventTime ${time}, then pulumi up.`
  );
}

/** A run that curated nothing is not a success, even if its numbers add up. `hint` says how to fix it. */
export function nothingCurated(
  {
    curated,
    quarantined,
    quarantine_reasons,
  }: Pick<RunReport, "curated" | "quarantined" | "quarantine_reasons">,
  hint: string | undefined,
): string | undefined {
  if (curated > 0 || quarantined === 0) return undefined;
  const reasons = Object.entries(quarantine_reasons).map(
    ([reason, lines]) => `${reason} ${lines.toLocaleString("en-US")}`,
  );
  return (
    `Nothing was curated: all ${quarantined.toLocaleString("en-US")} lines went to the quarantine (${reasons.join(", ")}). ` +
    (hint ??
      "To see why, run it again with --query 'SELECT reason, detail, payload FROM quarantine LIMIT 10'.")
  );
}
