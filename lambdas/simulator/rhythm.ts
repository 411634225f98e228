// Distributes visits over a time window like real shop traffic: busy evenings, quiet nights.

import { DAY_MS, HOUR_MS } from "../shared/durations";
import { HOURLY_RHYTHM, WEEKLY_RHYTHM } from "./behaviour";

const SLICE_MS = HOUR_MS / 4;

export class Rhythm {
  /** Share of the visits that started before each slice, and one more value for the end. */
  private readonly cumulated: number[] = [0];

  constructor(
    private readonly startMs: number,
    endMs: number,
    /** Also with quiet and busy days of the week. */
    weekly = false,
  ) {
    const slices = Math.max(1, Math.ceil((endMs - startMs) / SLICE_MS));
    this.sliceMs = (endMs - startMs) / slices;
    for (let slice = 0; slice < slices; slice += 1) {
      const middleMs = startMs + (slice + 0.5) * this.sliceMs;
      this.cumulated.push(
        (this.cumulated[slice] as number) + weightAt(middleMs) * (weekly ? weightOfDay(middleMs) : 1),
      );
    }
  }

  private readonly sliceMs: number;

  /** The time at which this fraction (0 to 1) of all visits has started. */
  at(fraction: number): number {
    const wanted = fraction * (this.cumulated.at(-1) as number);
    let low = 0;
    let high = this.cumulated.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.cumulated[middle] as number) <= wanted) low = middle;
      else high = middle - 1;
    }
    const from = this.cumulated[low] as number;
    const within = (wanted - from) / ((this.cumulated[low + 1] as number) - from);
    return Math.floor(this.startMs + (low + within) * this.sliceMs);
  }
}

/** 1 January 1970 was a Thursday. */
function weightOfDay(epochMs: number): number {
  return WEEKLY_RHYTHM[(Math.floor(epochMs / DAY_MS) + 4) % 7] as number;
}

/** Interpolates the weight linearly between two full hours. */
function weightAt(epochMs: number): number {
  const hours = (epochMs / HOUR_MS) % 24;
  const hour = Math.floor(hours);
  const here = HOURLY_RHYTHM[hour] as number;
  const next = HOURLY_RHYTHM[(hour + 1) % 24] as number;
  return here + (next - here) * (hours - hour);
}
