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

/**
 * How to let in what lies outside of the accepted window; undefined where nothing did. `begins` is the window's
 * beginning as configured, `earliest` the time of the earliest event that was sent, where the sender knows it.
 */
export function windowHint(
  reasons: Readonly<Record<string, number>>,
  begins: string,
  earliest?: string,
): string | undefined {
  const outside = reasons.event_time_out_of_window ?? 0;
  if (outside === 0) return undefined;
  const what = `${outside.toLocaleString("en-US")} lines lie outside of the accepted window of event times`;
  if (earliest === undefined || Date.parse(earliest) >= Date.parse(begins)) {
    return `${what}, which begins at ${begins} (earliestEventTime) and ends latestEventLeadHours after the arrival.`;
  }
  const time = `${earliest.slice(0, 10)}T00:00:00Z`;
  return (
    `${what}, which begins at ${begins}. The earliest event sent is of ${earliest.slice(0, 10)}. To let it in on the ` +
    `local stack, set earliestEventTime: "${time}" under config: in Pulumi.dev.yaml and run again; ` +
    `on AWS: pulumi config set earliestEventTime ${time}, then pulumi up.`
  );
}

/** A run that curated nothing is no success, even if its numbers add up. `hint` says what would have helped. */
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
      "To see why: run it again with --query 'SELECT reason, detail, payload FROM quarantine LIMIT 10'.")
  );
}
