// The event's type and lists against the schema, field by field.

import assert from "node:assert/strict";
import { recordContext } from "../../../lambdas/ingest/context";
import { outcomes } from "../../../lambdas/ingest/outcomes";
import { FLAT_NAMES, GEO_FIELDS, QUARANTINE_REASONS, TEXT_FIELDS } from "../../../lambdas/shared/event";
import contract from "../../../schema/clickstream.json";
import { SHARD } from "../fakes";

describe("lambdas/shared/event", () => {
  const ofType = (type: string) =>
    contract.fields
      .filter((field) => field.type === type && !("computed" in field))
      .map((field) => field.name);

  it("has the schema's text fields", () => {
    const expected = [...TEXT_FIELDS, ...GEO_FIELDS.map((field) => `geo.${field}`)].sort();
    assert.deepEqual(ofType("string").sort(), expected);
  });

  it("has the schema's other fields", () => {
    assert.deepEqual(ofType("timestamp"), ["event_time"]);
    assert.deepEqual(ofType("double"), ["product_price"]);
    assert.deepEqual(ofType("int"), ["quantity"]);
    assert.deepEqual(ofType("map<string,string>"), ["properties"]);
  });

  it("has the schema's reasons for the quarantine, but for Spark's own", () => {
    const expected = contract.quarantine.reasons
      .filter(({ writtenBy }) => writtenBy === "ingest")
      .map(({ code }) => code);
    assert.deepEqual([...QUARANTINE_REASONS], expected);
  });

  it("maps the flat producer's names to fields that the schema has", () => {
    const names: string[] = contract.fields.map((field) => field.name);
    for (const name of Object.values(FLAT_NAMES)) assert.ok(names.includes(name), name);
  });

  it("writes the schema's fields of the arrival", () => {
    const context = recordContext(SHARD, "7", 0, {
      earliestTime: "1970-01-01T00:00:00.000Z",
      latestLeadMs: 0,
    });
    const event = '{"event_type":"x","user_id":"u","event_time":"1970-01-01T00:00Z"}';
    const [line] = outcomes(Buffer.from(event), context);
    const arrival = Object.keys(JSON.parse(line as string).arrival);
    assert.deepEqual(
      arrival,
      contract.arrival.map((field) => field.name),
    );
  });
});
