// Each name that the program gives, against what the service that takes it allows, for all that Pulumi allows as names.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { nameTest } from "../../../cli/teardown/leftovers";
import { budgetName, databaseName, qualifiedName } from "../../../infra/blocks/names";
import { suggest } from "../../../infra/config/suggest.cjs";
import { type Declared, evaluate } from "../program";

interface Limits {
  min?: number;
  max?: number;
  pattern?: string;
}

const LIMITS: Record<string, Limits> = JSON.parse(
  readFileSync(path.join(__dirname, "../aws-names.json"), "utf8"),
).names;

/** Whatever declares a name: an alarm's, a dashboard's, a budget's, an alias', all log groups. */
const EVERYTHING = {
  alarms: "true",
  dashboard: "true",
  monthlyBudgetUsd: "100",
  customerKey: "true",
  scheduleEnabled: "true",
  privacy: '{"user_id":"hash"}',
  privacyHashKey: "a key of enough letters",
};

/** What Pulumi allows: 1 to 100 letters, digits, underscores, dashes and dots each. */
const STACKS: [project: string, stack: string][] = [
  ["clickstream", "dev"],
  ["clickstream", "prod.eu"],
  ["clickstream", "prod-eu"],
  ["clickstream", "prod_eu"],
  ["Shop.Web", "Prod"],
  ["shop", "..."],
  ["9lives", "a-"],
  ["_", "-"],
  ["p".repeat(100), "s".repeat(100)],
  ["p".repeat(100), `${"s".repeat(99)}t`],
  ["p".repeat(100), `${"s".repeat(50)}.${"s".repeat(49)}`],
];

const inputAt = (inputs: Declared["inputs"], at: string): unknown => {
  const [first = "", ...rest] = at.split(".");
  const value = inputs[first];
  return rest.length === 0 ? value : (value as Record<string, unknown> | undefined)?.[rest.join(".")];
};

/** "TYPE INPUT" and the value, for all that are set and in the table. */
function given(resources: Declared[]): [what: string, value: string][] {
  return Object.keys(LIMITS).flatMap((what) => {
    const [type = "", input = ""] = what.split(" ");
    return resources
      .filter((resource) => resource.type === type)
      .map(({ inputs }) => inputAt(inputs, input))
      .filter((value) => typeof value === "string")
      .map((value): [string, string] => [what, value]);
  });
}

function problem(what: string, value: string): string[] {
  const { min = 1, max = Number.POSITIVE_INFINITY, pattern = ".*" } = LIMITS[what] ?? assert.fail(what);
  // JavaScript writes "without regard to case" elsewhere; what it guards is a script tag.
  const flags = pattern.includes("\\uD800\\uDC00") ? "u" : "";
  const whole = new RegExp(`^(?:${pattern.replaceAll("(?i)", "")})$`, flags);
  return value.length >= min && value.length <= max && whole.test(value) ? [] : [`${what}: ${value}`];
}

describe("infra/blocks/names", function () {
  this.timeout(120_000);

  it("gives no name that its service refuses, whatever project and stack are called", async () => {
    for (const [project, stack] of STACKS) {
      const { resources } = await evaluate(EVERYTHING, stack, project);
      const names = given(resources);
      assert.ok(names.length > 30, "there are names to look at");
      assert.deepEqual(
        names.flatMap(([what, value]) => problem(what, value)),
        [],
        `${project}/${stack}`,
      );
    }
  });

  it("has the limits of every input that is a name", async () => {
    const { resources } = await evaluate(EVERYTHING);
    const known = new Set([
      ...Object.keys(LIMITS),
      // The rules' other resources are of one bucket each, and name it.
      ...resources.filter(({ type }) => /^aws:s3\/bucket.+:/.test(type)).map(({ type }) => `${type} bucket`),
    ]);
    const names = ["name", "namePrefix", "bucket", "bucketPrefix", "dashboardName", "path"];
    const unknown = resources.flatMap(({ type, inputs }) =>
      names.filter((name) => typeof inputs[name] === "string" && !known.has(`${type} ${name}`)),
    );
    assert.deepEqual(unknown, []);
  });

  it("leaves room for the seven characters that Pulumi adds to an automatic name", async () => {
    const { resources } = await evaluate(EVERYTHING);
    const tooLong = resources.flatMap(({ type, name, inputs }) => {
      const what = [`${type} name`, `${type} bucket`].find((known) => known in LIMITS);
      if (what === undefined || given([{ type, name, inputs }]).some(([set]) => set === what)) return [];
      return problem(what, `${name}-${"0".repeat(7)}`);
    });
    assert.deepEqual(tooLong, []);
  });

  it("never gives two stacks the same name", async () => {
    const owner = new Map<string, string>();
    for (const [project, stack] of STACKS) {
      const { resources } = await evaluate(EVERYTHING, stack, project);
      // Tables lie in a database and saved queries in a workgroup of the stack's own.
      const shared = given(resources).filter(([what]) => !/CatalogTable|NamedQuery/.test(what));
      for (const [what, value] of new Set(shared)) {
        const before = owner.get(`${what} ${value}`) ?? `${project}/${stack}`;
        assert.equal(before, `${project}/${stack}`, `${what} ${value}`);
        owner.set(`${what} ${value}`, before);
      }
    }
  });

  it("keeps tags, dimensions and policies within their limits for the longest names", async () => {
    const { resources, of } = await evaluate(EVERYTHING, "s".repeat(100), "p".repeat(100));
    for (const { inputs } of resources) {
      for (const value of Object.values((inputs.tags ?? {}) as Record<string, string>)) {
        assert.match(value, /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u);
      }
    }
    const dimensions = JSON.stringify(resources).match(/"Stack":"[^"]*"/g) ?? [];
    assert.ok(dimensions.length > 0 && dimensions.every((dimension) => dimension.length < 1024));
    // IAM counts a role's inline policies together, without white space.
    for (const { inputs } of of("aws:iam/rolePolicy:RolePolicy")) {
      assert.ok(String(inputs.policy).length <= 10_240, `${inputs.role}`);
    }
  });

  it("has not changed where a name was allowed before", async () => {
    const { resources } = await evaluate(EVERYTHING, "dev");
    const names = given(resources)
      .filter(([what]) => !/CatalogTable|NamedQuery/.test(what))
      .map(([what, value]) => `${what.split(":").at(-1)?.split(" ")[0]} ${value}`);
    const alarms = [
      ...["batches-given-up", "execution-failed", "ingest-errors", "ingest-stalled", "ingest-throttled"],
      ...["iterator-age", "no-events", "no-success", "quarantine-ratio", "stream-throttled", "volume-drop"],
    ].map((alarm) => `MetricAlarm clickstream-dev-${alarm}`);
    assert.deepEqual([...new Set(names)].sort(), [
      "Alias alias/clickstream-dev",
      "Budget clickstream-dev",
      "CatalogDatabase clickstream_dev",
      "Dashboard clickstream-dev",
      "Job /clickstream-dev/transform",
      "LogGroup /aws/vendedlogs/states/clickstream-dev/pipeline",
      "LogGroup /clickstream-dev/await-ingest",
      "LogGroup /clickstream-dev/ingest",
      "LogGroup /clickstream-dev/look-for-new",
      "LogGroup /clickstream-dev/simulator",
      "LogGroup /clickstream-dev/transform/error",
      "LogGroup /clickstream-dev/transform/output",
      ...alarms,
      "Role /clickstream-dev/",
    ]);
    assert.equal(qualifiedName("Shop_1", "Prod-eu"), "Shop_1-Prod-eu");
    assert.equal(budgetName("p".repeat(50), "s".repeat(49)), `${"p".repeat(50)}-${"s".repeat(49)}`);
  });

  it("makes a database name that Athena takes without quotes", () => {
    assert.equal(databaseName("clickstream", "dev"), "clickstream_dev");
    for (const [project, stack] of STACKS) assert.match(databaseName(project, stack), /^[a-z][a-z0-9_]*$/);
  });

  it("keeps stacks distinct that differ only in characters that a name cannot contain", () => {
    const stacks = ["a-b", "a_b", "a.b", "A-b"];
    for (const naming of [databaseName, qualifiedName, budgetName]) {
      assert.equal(new Set(stacks.map((stack) => naming("shop", stack))).size, stacks.length, naming.name);
    }
  });

  it("finds again what a stack whose name had to be changed has left behind", () => {
    const ours = nameTest("clickstream", "prod.eu");
    const name = qualifiedName("clickstream", "prod.eu");
    for (const left of [`/${name}/ingest`, `alias/${name}`, name, databaseName("clickstream", "prod.eu")]) {
      assert.ok(ours(left), left);
    }
    assert.ok(!ours("/clickstream-prod-eu/ingest"));
    const long: [string, string] = ["p".repeat(100), "s".repeat(100)];
    assert.ok(nameTest(...long)(budgetName(...long)));
  });
});

describe("infra/config/suggest.cjs", () => {
  it("suggests a name for a misspelt one, and none for an unrelated one", () => {
    const known = ["shardCount", "batchSize", "batchWindowSeconds"];
    assert.equal(suggest("shardcuont", known), "shardCount");
    assert.equal(suggest("batchWindow", known), undefined);
    assert.equal(suggest("batchWindowSecond", known), "batchWindowSeconds");
    assert.equal(suggest("colour", known), undefined);
  });
});
