// A field is added in one place: in a copy of the project only schema/clickstream.json is changed, and then the
// validator, the tables, the privacy rules, the types and the documents have the field.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import contract from "../../schema/clickstream.json";

const ROOT = join(__dirname, "..", "..");
const COPIED = [
  "schema",
  "lambdas",
  "infra",
  "statemachine",
  "tracker",
  "glue-scripts",
  "stack",
  "cli",
  "local",
  "policy",
];
const FILES = [
  "index.ts",
  "package.json",
  "tsconfig.json",
  "Pulumi.yaml",
  "Pulumi.dev.yaml",
  "Pulumi.README.md",
];
const NEW_FIELDS = [
  { name: "loyalty_tier", type: "string", privacy: "hash", since: 3, description: "The visitor's tier" },
  { name: "basket_value", type: "double", since: 3, description: "What the basket is worth" },
  {
    name: "geo.region",
    type: "string",
    column: "region",
    aliases: ["region"],
    privacy: "keep",
    since: 3,
    description: "The visitor's region",
  },
];

/** Asks the copy; each answer is computed by the program's own code. */
const QUESTIONS = `
import { recordContext } from "./lambdas/ingest/context";
import { outcomes } from "./lambdas/ingest/outcomes";
import { readConfig } from "./infra/config/config";
import { eventTypes } from "./cli/docs/event-types";
import { eventsDocument } from "./cli/docs/events";
import { configurationDocument } from "./cli/docs/configuration";
import { declaredBy, stackConfiguration } from "./stack/configuration";

async function answer() {
  const context = recordContext("shardId-000000000000", "7", Date.parse("2026-11-21T09:00:00Z"), {
    earliestTime: "2000-01-01T00:00:00.000Z",
    latestLeadMs: 0,
  });
  const lines = (event: object) => [...outcomes(Buffer.from(JSON.stringify(event)), context)];
  const event = { event_type: "x", user_id: "u", event_time: "2026-11-21T08:00:00Z", loyalty_tier: 7, basket_value: "9.5" };
  const resources = await declaredBy(stackConfiguration("dev"));
  const table = resources.find(({ name }) => name === "clickstream-events");
  return {
    nested: lines({ ...event, geo: { region: "NW" } }),
    flat: lines({ ...event, region: "NW" }),
    refused: lines({ ...event, basket_value: "much" }),
    columns: (table?.inputs.storageDescriptor as { columns: object[] }).columns,
    privacy: readConfig("shop", { "shop:privacy": '{"loyalty_tier":"drop","region":"mask"}' }).privacy,
    types: eventTypes(),
    events: eventsDocument(),
    configuration: configurationDocument(),
  };
}
answer().then((answers) => process.stdout.write("ANSWERS" + JSON.stringify(answers)));
`;

describe("a field that is added to schema/clickstream.json", function () {
  this.timeout(120_000);
  let folder: string;
  let answers: {
    nested: string[];
    flat: string[];
    refused: { reason: string; detail: string }[];
    columns: { name: string; type: string; comment: string }[];
    privacy: Record<string, string>;
    types: string;
    events: string;
    configuration: string;
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-one-place-"));
    for (const name of [...COPIED, ...FILES])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    const fields = [...contract.fields, ...NEW_FIELDS];
    writeFileSync(join(folder, "schema", "clickstream.json"), JSON.stringify({ ...contract, fields }));
    writeFileSync(join(folder, "questions.ts"), QUESTIONS);
    const output = execFileSync(process.execPath, ["--import", "tsx", "questions.ts"], {
      cwd: folder,
      encoding: "utf8",
    });
    answers = JSON.parse(output.slice(output.indexOf("ANSWERS") + "ANSWERS".length));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it("is read by the validator, under its alias too, and refused where its type cannot take the value", () => {
    for (const [line] of [answers.nested, answers.flat]) {
      const { loyalty_tier, basket_value, geo, properties } = JSON.parse(line as string);
      assert.deepEqual(
        [loyalty_tier, basket_value, geo, properties],
        ["7", 9.5, { region: "NW" }, undefined],
      );
    }
    assert.equal(answers.refused[0]?.reason, "invalid_field");
    assert.equal(answers.refused[0]?.detail, 'basket_value must be a finite number, got "much".');
  });

  it("is a column of the Glue table, behind all that were there", () => {
    assert.deepEqual(answers.columns.slice(-3), [
      { name: "loyalty_tier", type: "string", comment: "The visitor's tier" },
      { name: "basket_value", type: "double", comment: "What the basket is worth" },
      { name: "region", type: "string", comment: "The visitor's region" },
    ]);
    assert.equal(answers.columns.length, contract.fields.filter((field) => !("curated" in field)).length + 3);
  });

  it("takes a privacy rule, with its own default", () => {
    assert.deepEqual(answers.privacy, {
      user_agent: "drop",
      email: "drop",
      ip: "mask",
      loyalty_tier: "drop",
      region: "mask",
    });
    assert.match(answers.configuration, /whose keys are among [^|]*, loyalty_tier, region and whose values/);
    assert.match(answers.configuration, /"loyalty_tier":"hash"/);
  });

  it("is in the TypeScript type and in the documents", () => {
    assert.match(answers.types, /loyalty_tier\?: string;/);
    assert.match(answers.types, /basket_value\?: number;/);
    assert.match(answers.types, /region\?: string;/);
    for (const name of ["loyalty_tier", "basket_value", "geo.region", "region"]) {
      assert.ok(answers.events.includes(`| \`${name}\` |`), name);
    }
  });

  it("needs no other file to name it: none names the fields of version 2", () => {
    const named = ["lambdas/ingest", "infra", "schema", "cli/docs"].flatMap((part) =>
      readdirSync(join(ROOT, part), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts"))
        .map((name) => `${part}/${name}`)
        .filter((file) => /page_title|utm_source/.test(readFileSync(join(ROOT, file), "utf8"))),
    );
    assert.deepEqual(named, ["schema/event.ts"]);
  });
});
