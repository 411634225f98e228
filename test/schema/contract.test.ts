// The contract against what was promised to everyone who has a table, a rule or a producer; expectations by hand.

import assert from "node:assert/strict";
import { recordContext } from "../../lambdas/ingest/context";
import { outcomes } from "../../lambdas/ingest/outcomes";
import contract from "../../schema/clickstream.json";
import {
  EVENT_FIELDS,
  FIELDS,
  IDENTITY_FIELDS,
  PRIVACY_DEFAULTS,
  QUARANTINE_COLUMNS,
  TABLE_COLUMNS,
} from "../../schema/contract";
import { PREFIX } from "../../schema/prefixes";

/** The columns of the table as its first version had them: their order and types never change. */
const FIRST_COLUMNS = {
  event_id: "string",
  user_id: "string",
  session_id: "string",
  event_time: "timestamp",
  event_type: "string",
  page_url: "string",
  referrer_url: "string",
  device_type: "string",
  browser: "string",
  ip: "string",
  country: "string",
  city: "string",
  product_id: "string",
  product_name: "string",
  product_category: "string",
  product_price: "double",
  quantity: "int",
  revenue: "double",
  hour: "int",
  day_of_week: "string",
  properties: "map<string,string>",
  ingested_at: "timestamp",
  processed_at: "timestamp",
};

/** Those of version 2, in the order in which they were added. */
const SECOND_COLUMNS = ["anonymous_id", "page_title", "utm_source", "utm_medium", "utm_campaign", "os"];

describe("schema", () => {
  it("keeps the columns of a table that exists, and appends those of later versions", () => {
    const columns = TABLE_COLUMNS.map(({ name, type }) => [name, type]);
    const known = [...Object.entries(FIRST_COLUMNS), ...SECOND_COLUMNS.map((name) => [name, "string"])];
    assert.deepEqual(columns.slice(0, known.length), known, "give a new field `since`: the next version");
    assert.equal(new Set(columns.map(([name]) => name)).size, columns.length, "a column is there twice");
  });

  it("requires no more of an event than its first version did", () => {
    const required = EVENT_FIELDS.filter((field) => field.required).map(({ name }) => name);
    assert.deepEqual(required, ["event_time", "event_type"]);
  });

  it("has a privacy rule for every text but the id and the type of an event", () => {
    const texts = EVENT_FIELDS.filter(({ type, privacy }) => type === "string" && privacy === undefined);
    assert.deepEqual(
      texts.map(({ name }) => name),
      ["event_id", "event_type"],
    );
  });

  it("masks addresses, drops user agents and e-mail addresses, and keeps all else", () => {
    const changing = Object.entries(PRIVACY_DEFAULTS).filter(([, rule]) => rule !== "keep");
    assert.deepEqual(Object.fromEntries(changing), { ip: "mask", user_agent: "drop", email: "drop" });
  });

  it("has a description for each field and column, and explains each attribute that a field uses", () => {
    for (const { name, description } of [...FIELDS, ...QUARANTINE_COLUMNS]) assert.ok(description, name);
    const used = new Set(contract.fields.flatMap((field) => Object.keys(field)));
    assert.deepEqual(
      [...used].filter((attribute) => !(attribute in contract.attributes)),
      [],
    );
  });

  it("has a reason for each required field and for the identity", () => {
    const codes = contract.quarantine.reasons.map(({ code }) => code);
    for (const code of ["missing_event_type", "missing_event_time", "missing_user_and_session"]) {
      assert.ok(codes.includes(code), code);
    }
    assert.deepEqual(IDENTITY_FIELDS, ["user_id", "session_id", "anonymous_id"]);
  });

  it("has prefixes that end with a slash, none of which holds another's objects by accident", () => {
    for (const prefix of Object.values(PREFIX)) assert.match(prefix, /^[a-z/]+\/$/);
    const nested = Object.entries(PREFIX).filter(([name, prefix]) =>
      Object.entries(PREFIX).some(([other, outer]) => other !== name && prefix.startsWith(outer)),
    );
    assert.deepEqual(nested, [["summaries", "runs/summaries/"]]);
  });

  it("names the arrival's members as a raw line has them", () => {
    const context = recordContext("shardId-000000000000", "7", 0, {
      earliestTime: "1970-01-01T00:00:00.000Z",
      latestLeadMs: 0,
    });
    const event = '{"event_type":"x","user_id":"u","event_time":"1970-01-01T00:00Z"}';
    const [line] = outcomes(Buffer.from(event), context);
    assert.deepEqual(
      Object.keys(JSON.parse(line as string).arrival),
      contract.arrival.map(({ name }) => name),
    );
  });
});
