// What a change of the configuration deletes or replaces, told by comparing what the program declares before and after.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { holdsData } from "../../infra/blocks/data-types";
import { CONFIG_KEYS, type ConfigKey, WAYS, type Way } from "../../infra/config/keys";
import { BEFORE, otherValues, TOGETHER } from "./configurations";
import { type Declared, evaluate } from "./program";

const TYPES: Record<string, { replaces: string[] }> = JSON.parse(
  readFileSync(path.join(__dirname, "aws-types.json"), "utf8"),
).types;

const KEY = "aws:kms/key:Key";

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

const OF_DELIVERY = ["delivery-failed", "delivery-stalled", "delivery-throttled", "ingest-failed"];
const OF_ARRIVAL = ["arrival-late", "objects-failed", "to-parquet-errors", "to-parquet-throttled"];

const ALARMS_OF_THE_WAY: Record<Way, string[]> = {
  stream: ["batches-given-up", "ingest-errors", "ingest-stalled", "iterator-age", "stream-throttled"],
  firehose: OF_DELIVERY,
  arrival: [...OF_DELIVERY, ...OF_ARRIVAL],
};

const deletesAlarms = (names: string[]) => names.map((alarm) => `deletes MetricAlarm clickstream-${alarm}`);

const allAlarms = (way: Way) => [
  ...deletesAlarms(["execution-failed", "ingest-throttled", "no-events", "no-success"]),
  ...deletesAlarms(["quarantine-ratio", "volume-drop", ...ALARMS_OF_THE_WAY[way]]),
  ...COLLECTOR_ALARMS,
];

/** The job's table has another name there, as `events` is the view. Its files stay. */
const LOSSES_OF_ARRIVAL = [
  "replaces CatalogTable clickstream-events (name)",
  ...["arrived_events", "events-view"].map((table) => `deletes CatalogTable clickstream-${table}`),
  "deletes BucketNotification clickstream-raw-objects",
  "deletes FunctionEventInvokeConfig clickstream-to-parquet",
  "deletes Permission clickstream-to-parquet",
  "deletes Queue clickstream-objects-failed",
  "deletes QueuePolicy clickstream-objects-failed",
  ...["check-arrival", "to-parquet"].flatMap((lambda) => [
    `deletes Function clickstream-${lambda}`,
    `deletes LogGroup clickstream-${lambda}-log`,
    `deletes Role clickstream-${lambda}-role`,
    `deletes RolePolicy clickstream-${lambda}-role`,
  ]),
];

/** What a change to another way takes away: to firehose from stream, and to stream from the others. */
const lossesOfWay = (way: Way): string[] => [
  ...deletesAlarms(ALARMS_OF_THE_WAY[way]),
  ...(way === "stream"
    ? ["deletes EventSourceMapping clickstream-ingest", "deletes Stream clickstream-stream"]
    : [
        "deletes FirehoseDeliveryStream clickstream-delivery",
        "deletes LogGroup clickstream-delivery-log",
        "deletes LogStream clickstream-delivery-log",
        "deletes Role clickstream-delivery-role",
        "deletes RolePolicy clickstream-delivery-role",
      ]),
  ...(way === "arrival" ? LOSSES_OF_ARRIVAL : []),
  // The two functions log under other names.
  "replaces LogGroup clickstream-await-ingest-log (name)",
  "replaces LogGroup clickstream-ingest-log (name)",
];

/** What the change of a key takes away; that of any other key takes nothing. */
const lossesByKey = (way: Way): Record<string, string[]> => ({
  way: lossesOfWay(way),
  // The key waits a month, and with allowDataLoss false Pulumi refuses: what it encrypted cannot be read without it.
  customerKey: [
    "deletes Alias clickstream-key",
    "deletes Key clickstream-key",
    "deletes Budget clickstream-budget",
    "deletes TopicPolicy PipelineFailure",
    ...allAlarms(way),
  ],
  alarms: allAlarms(way),
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
});

/** In the way firehose, just what it has of its own is tried: the rest is as in the other two. */
function triedIn(way: Way, others: Record<string, string>): [string, string][] {
  const keys: Record<string, ConfigKey> = CONFIG_KEYS;
  return Object.entries(others).filter(
    ([key]) => way !== "firehose" || keys[key]?.only !== undefined || ["alarms", "way"].includes(key),
  );
}

for (const way of WAYS) {
  describe(`a change of the configuration in the way ${way}`, function () {
    this.timeout(120_000);
    const rich = { ...BEFORE, way };
    const other = otherValues(rich);
    let before: Declared[];
    const lossesOf = async (changed: Record<string, string>) =>
      losses(before, (await evaluate({ ...rich, ...changed })).resources);
    beforeEach(async () => {
      before ??= (await evaluate(rich)).resources;
    });

    it("of all keys at once replaces nothing that holds data, and deletes of it just the stack's key", async () => {
      const holding = before.filter(({ type, name }) => holdsData(type, name) || type === KEY);
      const held = holding.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);
      const ofData = (lines: string[]) =>
        lines.filter((line) => held.includes(line.split(" ").slice(1, 3).join(" ")));
      // Shards are counted in the one mode only: the mode is changed by itself. So is the way.
      const { streamMode, way: _, ...others } = other;
      const lost = await lossesOf({ ...others, ...TOGETHER.collector });
      assert.ok(lost.length > 0);
      assert.ok(held.length > 8);
      assert.deepEqual(
        ofData(lost).filter((line) => line !== "deletes Key clickstream-key"),
        [],
      );
      if (streamMode !== undefined) assert.deepEqual(await lossesOf({ streamMode }), []);
    });

    for (const [key, value] of triedIn(way, other)) {
      const expected = lossesByKey(way)[key] ?? [];
      it(`of ${key} takes away ${expected.length === 0 ? "nothing" : "what is listed for it"}`, async () => {
        assert.deepEqual(await lossesOf({ [key]: value, ...TOGETHER[key] }), [...expected].sort());
      });
    }
  });
}

describe("a loss", () => {
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
