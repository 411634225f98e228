// What a change of the configuration deletes or replaces, told by comparing what the program declares before and after.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { holdsData } from "../../infra/blocks/data-types";
import { BEFORE, otherValues, TOGETHER } from "./configurations";
import { type Declared, evaluate } from "./program";

const TYPES: Record<string, { replaces: string[] }> = JSON.parse(
  readFileSync(path.join(__dirname, "aws-types.json"), "utf8"),
).types;

const KEY = "aws:kms/key:Key";

const OTHER = otherValues(BEFORE);

/** "deletes TYPE NAME" and "replaces TYPE NAME (inputs)", sorted. */
function losses(before: Declared[], after: Declared[]): string[] {
  return before
    .flatMap((old) => {
      const what = `${old.type.split(":").at(-1)} ${old.name}`;
      const now = after.find(({ type, name }) => type === old.type && name === old.name);
      if (!now) return [`deletes ${what}`];
      const known = TYPES[old.type];
      assert.ok(known, `${old.type} is not in aws-types.json: add it in test/infra/aws_types.py`);
      const changed = known.replaces.filter(
        (input) => !isDeepStrictEqual(old.inputs[input], now.inputs[input]),
      );
      return changed.length > 0 ? [`replaces ${what} (${changed.join(", ")})`] : [];
    })
    .sort();
}

const COLLECTOR_ALARMS = ["errors", "slow", "throttled"].map(
  (alarm) => `deletes MetricAlarm clickstream-collector-${alarm}`,
);

const ALARMS = [
  ...["batches-given-up", "execution-failed", "ingest-errors", "ingest-stalled", "ingest-throttled"],
  ...["iterator-age", "no-events", "no-success", "quarantine-ratio", "stream-throttled", "volume-drop"],
]
  .map((alarm) => `deletes MetricAlarm clickstream-${alarm}`)
  .concat(COLLECTOR_ALARMS);

/** What the change of a key takes away; that of any other key takes nothing. */
const LOSSES: Record<string, string[]> = {
  // The key waits a month, and with allowDataLoss false Pulumi refuses: what it encrypted cannot be read without it.
  customerKey: [
    "deletes Alias clickstream-key",
    "deletes Key clickstream-key",
    "deletes Budget clickstream-budget",
    "deletes TopicPolicy PipelineFailure",
    ...ALARMS,
  ],
  alarms: ALARMS,
  collector: [
    ...["Api", "Function", "Integration", "Permission", "Stage"].map(
      (type) => `deletes ${type} clickstream-collector`,
    ),
    ...["get-clickstream-js", "get-health", "get-i", "get-v1-projects-writekey-settings"].map(
      (route) => `deletes Route clickstream-collector-${route}`,
    ),
    ...["post-api-event", "post-com-snowplowanalytics-snowplow-tp2", "post-v1-call"].map(
      (route) => `deletes Route clickstream-collector-${route}`,
    ),
    "deletes LogGroup clickstream-collector-access-log",
    "deletes LogGroup clickstream-collector-log",
    "deletes LogMetricFilter clickstream-collector-throttled",
    "deletes Role clickstream-collector-role",
    "deletes RolePolicy clickstream-collector-role",
    "deletes Secret clickstream-collector-write-key",
    "deletes SecretVersion clickstream-collector-write-key",
    ...COLLECTOR_ALARMS,
  ],
  collectorWriteKey: ["replaces SecretVersion clickstream-collector-write-key (secretString)"],
  dashboard: ["deletes Dashboard clickstream-dashboard"],
  // The versioning is suspended.
  versioning: ["curated", "raw", "results", "scripts"].map(
    (bucket) => `deletes BucketVersioning clickstream-${bucket}`,
  ),
  privacyHashKey: ["replaces SecretVersion clickstream-privacy-hash-key (secretString)"],
  successEmails: ["deletes TopicSubscription PipelineSuccess-ann@example.com"],
  failureEmails: ["deletes TopicSubscription PipelineFailure-ann@example.com"],
  scheduleEnabled: [
    "deletes MetricAlarm clickstream-no-success",
    "deletes Role clickstream-schedule-role",
    "deletes RolePolicy clickstream-schedule-role",
    "deletes Schedule clickstream-schedule",
    "deletes ScheduleGroup clickstream-schedule",
  ],
};

describe("a change of the configuration", function () {
  this.timeout(120_000);
  let before: Declared[];
  const lossesOf = async (changed: Record<string, string>) =>
    losses(before, (await evaluate({ ...BEFORE, ...changed })).resources);
  beforeEach(async () => {
    before ??= (await evaluate(BEFORE)).resources;
  });

  it("of all keys at once replaces nothing that holds data, and deletes of it just the stack's key", async () => {
    const holding = before.filter(({ type, name }) => holdsData(type, name) || type === KEY);
    const held = holding.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);
    const ofData = (lines: string[]) =>
      lines.filter((line) => held.includes(line.split(" ").slice(1, 3).join(" ")));
    // Shards are counted in the one mode only: the mode is changed by itself.
    const { streamMode = "", ...others } = OTHER;
    const lost = await lossesOf({ ...others, ...TOGETHER.collector });
    assert.ok(lost.length > 0);
    assert.ok(held.length > 8);
    assert.deepEqual(
      ofData(lost).filter((line) => line !== "deletes Key clickstream-key"),
      [],
    );
    assert.deepEqual(await lossesOf({ streamMode }), []);
  });

  for (const [key, value] of Object.entries(OTHER)) {
    const expected = LOSSES[key] ?? [];
    it(`of ${key} takes away ${expected.length === 0 ? "nothing" : "what is listed for it"}`, async () => {
      assert.deepEqual(await lossesOf({ [key]: value, ...TOGETHER[key] }), [...expected].sort());
    });
  }

  it("would be found out if a bucket's name depended on it", () => {
    const bucket = (inputs: Record<string, unknown>) => ({
      type: "aws:s3/bucket:Bucket",
      name: "clickstream-raw",
      inputs,
    });
    assert.deepEqual(losses([bucket({ bucket: "raw-1" })], [bucket({ bucket: "raw-2" })]), [
      "replaces Bucket clickstream-raw (bucket)",
    ]);
    assert.deepEqual(losses([bucket({})], [bucket({ forceDestroy: true })]), []);
    assert.deepEqual(losses([bucket({})], []), ["deletes Bucket clickstream-raw"]);
  });
});
