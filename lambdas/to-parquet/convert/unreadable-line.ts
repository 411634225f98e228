// The quarantine line of a raw line that cannot be read, in the format of the Spark job (quarantine.py).

import type { QuarantineLine } from "../../../schema/event";
import { arrivalHour, parseObjectKey } from "../../shared/layout";

interface UnreadableLine extends Omit<Partial<QuarantineLine>, "reason"> {
  reason: "unreadable_raw_line";
}

/** The arrival is that of the object, as far as its key has it. */
export function unreadableLine(key: string, payload: string, reason: string): string {
  const range = parseObjectKey(key);
  const hour = arrivalHour(key);
  const line: UnreadableLine = {
    reason: "unreadable_raw_line",
    detail: `A line of ${key.slice(key.lastIndexOf("/") + 1)}: ${reason}.`,
    payload,
    payload_encoding: "utf8",
  };
  if (range !== undefined && hour !== undefined) {
    line.shard_id = range.shardId;
    line.sequence_number = range.first;
  }
  if (hour !== undefined) {
    line.arrival_time = new Date(hour).toISOString().replace("T", " ").replace("Z", "");
  }
  return JSON.stringify(line);
}
