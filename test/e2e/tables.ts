// Compares the tables of a lake with what the oracle says they must hold.
import assert from "node:assert/strict";
import type { Lake } from "./lake";
import { type Expectation, isUnnamed } from "./oracle";

/** An id that the pipeline gave: of a Firehose record, with the place of the event in it. */
const GIVEN = /^(firehose|sent-[A-Za-z0-9-]+):\d+:\d+$/;

export const cents = (revenue: unknown) => Math.round(Number(revenue) * 100);
export const byId = (a: unknown[], b: unknown[]) => (String(a[0]) < String(b[0]) ? -1 : 1);

/** Every row and every quarantined line. Of events that came without an id, all but the id, which only has to be unique. */
export async function assertTablesHold(lake: Lake, expected: Expectation): Promise<void> {
  const hasUnnamed = [...expected.events.keys()].some(isUnnamed);
  const rows = await lake.events();
  assert.equal(new Set(rows.map(([id]) => id)).size, rows.length, "an id that is there twice");
  const found = rows.map(([id, date, type, user, revenue]) => [
    hasUnnamed && GIVEN.test(String(id)) ? "given" : id,
    ...[date, type, user, cents(revenue)],
  ]);
  const wanted = [...expected.events].map(([id, { date, type, user, revenue }]) => [
    isUnnamed(id) ? "given" : id,
    ...[date, type, user, cents(revenue)],
  ]);
  const [there, asked] = [found, wanted].map((some) => new Set(some.map(([id]) => id)));
  assert.deepEqual(
    wanted.filter(([id]) => !there?.has(id)),
    [],
    "events that are missing in the table",
  );
  assert.deepEqual(
    found.filter(([id]) => !asked?.has(id)),
    [],
    "rows that nobody expects",
  );
  const sorted = (some: unknown[][]) => some.map((row) => JSON.stringify(row)).sort();
  assert.deepEqual(sorted(found), sorted(wanted));
  assert.deepEqual(await lake.quarantinedPayloads(), expected.quarantined);
}
