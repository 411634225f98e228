// The DPUs of Glue's worker types: what Glue bills, and what its quotas count; and the most workers.

/** The most workers that Glue gives a job. */
export const MOST_WORKERS = 299;

const DPUS: Record<string, number> = { "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8 };

export function dpusOf(workerType: string): number {
  const dpus = DPUS[workerType];
  if (dpus === undefined) throw new Error(`infra/transform/worker-types.ts has no DPUs of ${workerType}`);
  return dpus;
}
