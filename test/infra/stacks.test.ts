// The stacks that come with the program: each is a valid configuration of it, and deploys under mocks.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { evaluate } from "./program";

const ROOT = path.resolve(__dirname, "../..");
const STACKS = readdirSync(ROOT).flatMap((file) => /^Pulumi\.(\w+)\.yaml$/.exec(file)?.[1] ?? []);
const BUCKET = "aws:s3/bucket:Bucket";

/** Tables are named within their database, saved queries within their workgroup. */
const NAMED_WITHIN = ["aws:glue/catalogTable:CatalogTable", "aws:athena/namedQuery:NamedQuery"];

/** The stack's values of the program's own keys, as the engine hands them over: those that name no other project. */
function configOf(stack: string): Record<string, string> {
  const { config } = parse(readFileSync(path.join(ROOT, `Pulumi.${stack}.yaml`), "utf8"));
  return Object.fromEntries(
    Object.entries(config as Record<string, unknown>)
      .filter(([key]) => !key.includes(":"))
      .map(([key, value]) => [key, typeof value === "object" ? JSON.stringify(value) : String(value)]),
  );
}

const program = (stack: string) => evaluate(configOf(stack), stack);

/** Every input of a resource that is a name which AWS keeps unique. */
const physicalNames = async (stack: string) =>
  (await program(stack)).resources.flatMap(({ type, inputs }) =>
    ["name", "bucket", "namePrefix", "alarmName", "dashboardName"]
      .filter((input) => typeof inputs[input] === "string" && !String(inputs[input]).endsWith("-id"))
      .filter(() => !NAMED_WITHIN.includes(type))
      .map((input) => `${type} ${input} ${inputs[input]}`),
  );

describe("the stacks", () => {
  it("are dev, prod and one for each other way", () => {
    assert.deepEqual(STACKS.sort(), ["arrival", "dev", "firehose", "prod"]);
    for (const stack of STACKS) assert.notDeepEqual(configOf(stack), {}, stack);
  });

  it("prod keeps its data, runs by itself and encrypts with its own key", async () => {
    const prod = await program("prod");
    assert.equal(prod.protectedOf(BUCKET).length, prod.of(BUCKET).length);
    assert.deepEqual(
      prod.of(BUCKET).flatMap(({ name, inputs }) => (inputs.forceDestroy ? [name] : [])),
      ["clickstream-scripts"],
    );
    assert.equal(prod.of("aws:kms/key:Key").length, 1);
    assert.equal(prod.of("aws:scheduler/schedule:Schedule").length, 1);
    assert.equal(prod.of("aws:s3/bucketVersioning:BucketVersioning").length, prod.of(BUCKET).length);
  });

  it("dev can be destroyed, and nothing in it runs automatically", async () => {
    const dev = await program("dev");
    assert.deepEqual(dev.protectedOf(BUCKET), []);
    assert.ok(dev.of(BUCKET).every(({ inputs }) => inputs.forceDestroy));
    assert.deepEqual(dev.of("aws:scheduler/schedule:Schedule"), []);
    assert.deepEqual(dev.of("aws:kms/key:Key"), []);
  });

  it("live side by side in one account and region: no name of one is the other's", async () => {
    const [dev, prod] = [await physicalNames("dev"), await physicalNames("prod")];
    assert.ok(prod.length >= 8, "there are names to compare");
    assert.deepEqual(
      dev.filter((name) => prod.includes(name)),
      [],
    );
  });
});
