// The keys of what is written for a raw object. They depend only on its key, so a repeated invocation overwrites them.

import { createHash } from "node:crypto";
import { PREFIX } from "../../schema/prefixes";

/** The job removes the file of a raw object by this name. */
function nameOf(rawKey: string): string {
  return createHash("sha256").update(rawKey).digest("hex").slice(0, 32);
}

export function fileKey(rawKey: string, date: string): string {
  return `${PREFIX.arrived}event_date=${date}/${nameOf(rawKey)}.parquet`;
}

export function markerKey(rawKey: string): string {
  return `${PREFIX.runs}arrived/${nameOf(rawKey)}.json`;
}

/** The Spark job uses the same key, so that it overwrites the object. */
export function unreadableKey(rawKey: string): string {
  const name = rawKey.slice(PREFIX.raw.length).replace(/\.jsonl\.gz$/, "");
  return `${PREFIX.quarantine}${name}-unreadable.jsonl.gz`;
}
