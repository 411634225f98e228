// Spoils an event in the ways that broken producers do; every way ends in the quarantine.

import { IDENTITY_FIELDS } from "../../schema/contract";

const NOBODY = Object.fromEntries(IDENTITY_FIELDS.map((name) => [name, null]));

type Spoil = (event: Record<string, unknown>, line: string, unit: number) => string;

const SPOILS: readonly Spoil[] = [
  // A producer that died in the middle of a line.
  (_, line, unit) => line.slice(0, 1 + Math.floor(unit * (line.length - 2))),
  // JavaScript, not JSON.
  (_, line) => line.replaceAll('"', "'"),
  (event) => JSON.stringify({ ...event, event_type: undefined }),
  (event) => JSON.stringify({ ...event, event_type: "" }),
  (event) => JSON.stringify({ ...event, event_time: undefined }),
  (event) => JSON.stringify({ ...event, event_time: "yesterday" }),
  (event) => JSON.stringify({ ...event, event_time: "2026-02-30T10:00:00Z" }),
  // The clock of a device that lost its battery, and one set far ahead.
  (event) => JSON.stringify({ ...event, event_time: "1970-01-01T00:00:12.000Z" }),
  (event) => JSON.stringify({ ...event, event_time: "9999-12-31T23:59:59.000Z" }),
  (event) => JSON.stringify({ ...event, ...NOBODY }),
  // JSON in a JSON string, of a producer that encodes twice.
  (_, line) => JSON.stringify(line),
  (_, __, unit) => (unit < 0.5 ? '"ping"' : String(Math.floor(unit * 1000))),
  (event) => JSON.stringify({ ...event, product_price: "free" }),
];

/** `kind` and `place` from 0 up to, never, 1. */
export function malformedLine(line: string, kind: number, place: number): string {
  const spoil = SPOILS[Math.floor(kind * SPOILS.length)] as Spoil;
  return spoil(JSON.parse(line) as Record<string, unknown>, line, place);
}
