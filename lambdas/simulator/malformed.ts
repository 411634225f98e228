// Corrupts an event as broken producers do. Every result is quarantined.

import { IDENTITY_FIELDS } from "../../schema/contract";

const NOBODY = Object.fromEntries(IDENTITY_FIELDS.map((name) => [name, null]));

type Spoil = (event: Record<string, unknown>, line: string, unit: number) => string;

const SPOILS: readonly Spoil[] = [
  // A producer that crashed while writing the line.
  (_, line, unit) => line.slice(0, 1 + Math.floor(unit * (line.length - 2))),
  // A JavaScript literal, not JSON.
  (_, line) => line.replaceAll('"', "'"),
  (event) => JSON.stringify({ ...event, event_type: undefined }),
  (event) => JSON.stringify({ ...event, event_type: "" }),
  (event) => JSON.stringify({ ...event, event_time: undefined }),
  (event) => JSON.stringify({ ...event, event_time: "yesterday" }),
  (event) => JSON.stringify({ ...event, event_time: "2026-02-30T10:00:00Z" }),
  // A device clock that was reset, and one that is far in the future.
  (event) => JSON.stringify({ ...event, event_time: "1970-01-01T00:00:12.000Z" }),
  (event) => JSON.stringify({ ...event, event_time: "9999-12-31T23:59:59.000Z" }),
  (event) => JSON.stringify({ ...event, ...NOBODY }),
  // JSON in a JSON string, from a producer that encodes twice.
  (_, line) => JSON.stringify(line),
  (_, __, unit) => (unit < 0.5 ? '"ping"' : String(Math.floor(unit * 1000))),
  (event) => JSON.stringify({ ...event, product_price: "free" }),
];

/** `kind` and `place` are from 0 (included) to 1 (excluded). */
export function malformedLine(line: string, kind: number, place: number): string {
  const spoil = SPOILS[Math.floor(kind * SPOILS.length)] as Spoil;
  return spoil(JSON.parse(line) as Record<string, unknown>, line, place);
}
