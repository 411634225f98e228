// Chooses which line of an object is kept for each event: the first copy to arrive, as in the Spark job.

import type { Arrival } from "./raw-line";

/** Negative if `a` arrived before `b`. */
function compareArrival(a: Arrival, b: Arrival): number {
  return (
    compare(a.time, b.time) ||
    compareText(a.shardId, b.shardId) ||
    [...a.sequenceNumber].length - [...b.sequenceNumber].length ||
    compareText(a.sequenceNumber, b.sequenceNumber) ||
    a.position - b.position
  );
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Spark compares text by its UTF-8 bytes. */
function compareText(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Remembers the first copy of each event by the number of its line. */
export class Copies {
  private readonly first = new Map<string, { line: number; arrival: Arrival }>();

  /** Copies that are not kept. */
  duplicates = 0;

  add(eventId: string, line: number, arrival: Arrival): void {
    const known = this.first.get(eventId);
    if (known !== undefined) this.duplicates += 1;
    if (known === undefined || compareArrival(arrival, known.arrival) < 0) {
      this.first.set(eventId, { line, arrival });
    }
  }

  isKept(eventId: string, line: number): boolean {
    return this.first.get(eventId)?.line === line;
  }
}
