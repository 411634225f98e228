// Makes a row of the table from a readable line: the computed columns depend only on the line and the time of its object.

import { COLUMNS, type Row } from "./columns";
import type { RawLine } from "./raw-line";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

export interface DatedRow {
  row: Row;
  /** The UTC date of the event, 2026-11-26. */
  date: string;
}

export function toRow({ event, arrival }: RawLine, processedAt: bigint): DatedRow {
  const time = new Date(Number(floorDivide(event.event_time as bigint, 1000n)));
  const computed: Row = {
    revenue: revenueOf(event),
    hour: time.getUTCHours(),
    day_of_week: DAYS[time.getUTCDay()] as string,
    ingested_at: arrival.time,
    processed_at: processedAt,
  };
  const row = Object.fromEntries(COLUMNS.map((name) => [name, computed[name] ?? event[name] ?? null]));
  return { row, date: dateOf(event.event_time as bigint) };
}

/** A purchase with a price and no quantity counts as one piece. */
function revenueOf({ event_type, product_price, quantity }: Row): number {
  if (event_type !== "purchase" || product_price === null) return 0;
  return (product_price as number) * ((quantity as number | null) ?? 1);
}

function dateOf(micros: bigint): string {
  return new Date(Number(floorDivide(micros, 1000n))).toISOString().slice(0, 10);
}

/** BigInt's own division rounds towards zero, which is the next day for a time before 1970. */
function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}
