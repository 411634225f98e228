import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { InvalidConfiguration, readConfig } from "../../../infra/config/config";
import { CONFIG_KEYS, type ConfigKey } from "../../../infra/config/keys";
import { PRIVACY_DEFAULTS } from "../../../schema/contract";

const yaml = (file: string) => parse(readFileSync(path.resolve(__dirname, "../../..", file), "utf8"));
const read = (values: Record<string, string>) =>
  readConfig(
    "clickstream",
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`clickstream:${key}`, value])),
  );

function problems(values: Record<string, string>): string[] {
  try {
    read(values);
  } catch (error) {
    assert.ok(error instanceof InvalidConfiguration);
    const [title, ...lines] = error.message.split("\n");
    assert.equal(title, "Invalid configuration:");
    return lines.map((line) => line.replace(/^ {2}- /, ""));
  }
  return [];
}

describe("infra/config/config", () => {
  it("declares each key in Pulumi.yaml with its type, its default and a description", () => {
    const declared = yaml("Pulumi.yaml").config as Record<string, Record<string, unknown>>;
    assert.deepEqual(Object.keys(declared), Object.keys(CONFIG_KEYS));
    for (const [key, spec] of Object.entries<ConfigKey>(CONFIG_KEYS)) {
      assert.equal(declared[key]?.type, spec.check.type, key);
      assert.deepEqual(declared[key]?.default, spec.default, key);
      assert.ok(String(declared[key]?.description ?? "").length > 10, key);
    }
  });

  it("accepts the committed Pulumi.dev.yaml", () => {
    // The engine puts the project's name before keys without one.
    const values = Object.entries(yaml("Pulumi.dev.yaml").config).map(([key, value]) => [
      key.includes(":") ? key : `clickstream:${key}`,
      String(value),
    ]);
    const config = readConfig("clickstream", Object.fromEntries(values));
    assert.equal(config.batchWindowSeconds, 5);
    assert.equal(config.scheduleEnabled, false);
    assert.equal(config.forceDestroy, true);
  });

  it("reports all problems at once, each with key, value, what is allowed and the remedy", () => {
    const fields = Object.keys(PRIVACY_DEFAULTS).join(", ");
    assert.deepEqual(
      problems({
        shardCount: "0",
        shardCuont: "2",
        streamMode: "DEMAND",
        batchWindowSeconds: "301",
        earliestEventTime: "2023-02-30T00:00:00Z",
        failureEmails: '["nobody"]',
        scheduleExpression: "hourly",
        logRetentionDays: "8",
        forceDestroy: "yes",
        privacy: '{"ip":"blur"}',
        privacyHashKey: "short",
      }),
      [
        "clickstream:shardCuont is not a key of this program: did you mean clickstream:shardCount? Remove it with: pulumi config rm clickstream:shardCuont",
        'clickstream:streamMode must be one of PROVISIONED, ON_DEMAND, got "DEMAND". For example: pulumi config set clickstream:streamMode PROVISIONED',
        'clickstream:shardCount must be an integer from 1 to 500, got "0". For example: pulumi config set clickstream:shardCount 1',
        'clickstream:batchWindowSeconds must be an integer from 0 to 300, got "301". For example: pulumi config set clickstream:batchWindowSeconds 60',
        'clickstream:earliestEventTime must be a UTC time such as 2000-01-01T00:00:00Z, got "2023-02-30T00:00:00Z". For example: pulumi config set clickstream:earliestEventTime 2000-01-01T00:00:00Z',
        `clickstream:privacy must be an object whose keys are among ${fields} and whose values are keep, mask, hash, drop, got "{\\"ip\\":\\"blur\\"}". For example: pulumi config set --path clickstream:privacy.user_id hash`,
        'clickstream:privacyHashKey must be text of 16 characters or more, got a secret value. For example: pulumi config set --secret clickstream:privacyHashKey "$(openssl rand -base64 32)"',
        'clickstream:failureEmails must be a list of different e-mail addresses, got "[\\"nobody\\"]". For example: pulumi config set --path \'clickstream:failureEmails[0]\' you@example.com',
        "clickstream:scheduleExpression must be rate(N minutes|hours|days) or cron(with six fields), got \"hourly\". For example: pulumi config set clickstream:scheduleExpression 'rate(1 hour)'",
        'clickstream:logRetentionDays must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, got "8". For example: pulumi config set clickstream:logRetentionDays 30',
        'clickstream:forceDestroy must be true or false, got "yes". For example: pulumi config set clickstream:forceDestroy false',
      ],
    );
  });

  it("finds settings that contradict each other", () => {
    const found = problems({
      streamMode: "ON_DEMAND",
      shardCount: "2",
      ingestRecordAgeHours: "24",
      ingestWaitMinutes: "1",
      privacy: '{"user_id":"hash","city":"hash"}',
    });
    assert.deepEqual(
      found.map((line) => line.split(", got")[0]),
      [
        "clickstream:shardCount is for clickstream:streamMode PROVISIONED only",
        "clickstream:ingestRecordAgeHours must be less than clickstream:streamRetentionHours (24)",
        "clickstream:ingestWaitMinutes must be longer than clickstream:batchWindowSeconds (60 seconds)",
        "clickstream:privacyHashKey is required because clickstream:privacy hashes user_id, city",
      ],
    );
  });

  it("requires a batching window of a second for large batches, as Lambda does", () => {
    assert.deepEqual(problems({ batchWindowSeconds: "0" }), [
      "clickstream:batchWindowSeconds must be 1 or more where clickstream:batchSize is more than 10 (10000), got 0: AWS requires it. Raise it, or: pulumi config set clickstream:batchSize 10",
    ]);
    assert.equal(problems({ batchWindowSeconds: "0", batchSize: "11" }).length, 1);
    assert.deepEqual(problems({ batchWindowSeconds: "0", batchSize: "10" }), []);
    assert.deepEqual(problems({ batchWindowSeconds: "1" }), []);
  });

  it("allows no silence alarm shorter than CloudWatch's delay", () => {
    for (const minutes of ["1", "9", "1441"]) {
      assert.deepEqual(problems({ alarmNoEventsMinutes: minutes }), [
        `clickstream:alarmNoEventsMinutes must be 0 or an integer from 10 to 1440, got "${minutes}". For example: pulumi config set clickstream:alarmNoEventsMinutes 60`,
      ]);
    }
    for (const minutes of ["0", "10", "1440"]) {
      assert.deepEqual(problems({ alarmNoEventsMinutes: minutes }), []);
    }
  });

  it("keeps objects in the cheaper class for the 30 days that AWS bills", () => {
    const read = (moved: string, kept: string) =>
      problems({ rawInfrequentAccessDays: moved, rawRetentionDays: kept });
    assert.deepEqual(read("60", "89"), [
      "clickstream:rawRetentionDays must be 0 or at least 30 days more than clickstream:rawInfrequentAccessDays (60), got 89: STANDARD_IA bills 30 days of each object. Raise it, or: pulumi config rm clickstream:rawInfrequentAccessDays",
    ]);
    for (const [moved, kept] of [
      ["60", "90"],
      ["60", "0"],
      ["0", "7"],
    ] as const)
      assert.deepEqual(read(moved, kept), []);
    assert.match(read("29", "0")[0] ?? "", /must be 0 or an integer from 30 to 3650, got "29"/);
    assert.match(read("0", "6")[0] ?? "", /must be 0 or an integer from 7 to 36500, got "6"/);
  });

  it("refuses FLEX with a worker type that Glue does not run as FLEX", () => {
    assert.deepEqual(problems({ glueExecutionClass: "FLEX", glueWorkerType: "G.4X" }), [
      "clickstream:glueExecutionClass FLEX is for clickstream:glueWorkerType G.1X and G.2X only, got G.4X. " +
        "Use one of these with more clickstream:glueWorkers, or: pulumi config rm clickstream:glueExecutionClass",
    ]);
    assert.deepEqual(problems({ glueExecutionClass: "FLEX", glueWorkerType: "G.2X" }), []);
    assert.deepEqual(problems({ glueExecutionClass: "STANDARD", glueWorkerType: "G.8X" }), []);
  });

  it("empties buckets only where data may be lost", () => {
    assert.deepEqual(problems({ forceDestroy: "true" }), [
      "clickstream:forceDestroy empties the buckets, which requires clickstream:allowDataLoss, got true without it. If the data can be deleted: pulumi config set clickstream:allowDataLoss true, otherwise: pulumi config rm clickstream:forceDestroy",
    ]);
    assert.deepEqual(problems({ forceDestroy: "true", allowDataLoss: "true" }), []);
  });

  describe("the collector", () => {
    const on = { collector: "true" };
    const listOf = (...origins: unknown[]) => ({ ...on, collectorOrigins: JSON.stringify(origins) });

    it("needs a site, and says how to name one or all", () => {
      assert.deepEqual(problems(on), [
        "clickstream:collectorOrigins is required because clickstream:collector is true, got none: browsers would refuse the pages of every site. Name your site: pulumi config set --path 'clickstream:collectorOrigins[0]' https://www.example.com, or every site: pulumi config set --path 'clickstream:collectorOrigins[0]' '*'",
      ]);
    });

    it("takes origins as browsers send them, and * alone", () => {
      for (const origins of [
        ["https://example.com"],
        ["https://www.example.com:8443", "https://xn--bcher-kva.example"],
        ["http://localhost:3000", "http://shop.localhost", "http://127.0.0.1:8080"],
        ["*"],
      ]) {
        assert.deepEqual(problems(listOf(...origins)), [], origins.join());
      }
    });

    it("refuses what no browser sends as an origin, and sites without https", () => {
      for (const origins of [
        ["https://example.com/"],
        ["https://example.com/shop"],
        ["https://Example.com"],
        ["https://example.com:443"],
        ["https://*.example.com"],
        ["https://*"],
        ["example.com"],
        ["http://example.com"],
        ["http://localhost.example.com"],
        ["ftp://example.com"],
        ["null"],
        ["https://a.example", "https://a.example"],
        ["*", "https://a.example"],
        [7],
      ]) {
        const [problem = "", ...more] = problems(listOf(...origins));
        assert.deepEqual(more, []);
        assert.match(
          problem,
          /^clickstream:collectorOrigins must be a list of different origins, such as https:\/\/www\.example\.com \(.*\), or '\*' alone, got .*For example: pulumi config set --path 'clickstream:collectorOrigins\[0\]' https:\/\/www\.example\.com$/,
        );
      }
    });

    it("takes a write key that fits into an address, and shows no other", () => {
      const given = (collectorWriteKey: string) => problems({ ...listOf("*"), collectorWriteKey });
      assert.deepEqual(given("0123456789abcdef"), []);
      assert.deepEqual(given("A.b_c~d-".repeat(16)), []);
      for (const bad of ["short", "a key with spaces in it", "0123456789abcdef/", "k".repeat(129)]) {
        const [problem = ""] = given(bad);
        assert.equal(
          problem,
          'clickstream:collectorWriteKey must be text of 16 to 128 letters, digits and -._~, got a secret value. For example: pulumi config set --secret clickstream:collectorWriteKey "$(openssl rand -hex 16)"',
        );
      }
    });

    it("refuses sites and a write key without a collector, and keeps its limits for later", () => {
      const off = { collectorOrigins: '["*"]', collectorWriteKey: "0123456789abcdef" };
      assert.deepEqual(problems(off), [
        "clickstream:collectorOrigins is set, but clickstream:collector is false, so there is no collector. Turn it on: pulumi config set clickstream:collector true, or: pulumi config rm clickstream:collectorOrigins",
        "clickstream:collectorWriteKey is set, but clickstream:collector is false, so there is no collector. Turn it on: pulumi config set clickstream:collector true, or: pulumi config rm clickstream:collectorWriteKey",
      ]);
      assert.deepEqual(problems({ collectorBurst: "1", collectorRequestsPerSecond: "1" }), []);
    });

    it("stays within the default quotas of API Gateway", () => {
      const refused = (values: Record<string, string>) => problems({ ...listOf("*"), ...values }).length;
      assert.equal(refused({ collectorRequestsPerSecond: "10000", collectorBurst: "5000" }), 0);
      assert.equal(refused({ collectorRequestsPerSecond: "10001" }), 1);
      assert.equal(refused({ collectorRequestsPerSecond: "0" }), 1);
      assert.equal(refused({ collectorBurst: "5001" }), 1);
      assert.equal(refused({ collectorConcurrency: "1001" }), 1);
    });

    it("hands the write key over as a secret of Pulumi's", async () => {
      const { collectorWriteKey } = read({ ...listOf("*"), collectorWriteKey: "0123456789abcdef" });
      assert.equal(await pulumi.isSecret(collectorWriteKey as pulumi.Output<string>), true);
      assert.equal(read(listOf("*")).collectorWriteKey, undefined);
    });
  });

  it("requires no hash key if nothing is hashed", () => {
    assert.match(problems({ privacyHashKey: "a key of enough letters" })[0] ?? "", /no field .* is hashed/);
  });

  it("keeps the default of privacy fields that the stack does not set", () => {
    assert.deepEqual(read({ privacy: '{"ip":"drop"}' }).privacy, {
      ip: "drop",
      user_agent: "drop",
      email: "drop",
    });
  });

  it("ignores the keys of other namespaces", () => {
    assert.doesNotThrow(() => readConfig("clickstream", { "aws:region": "us-east-1", "other:key": "x" }));
  });

  it("takes rate and cron schedules in EventBridge's grammar only", () => {
    for (const good of ["rate(1 hour)", "rate(5 minutes)", "cron(0 3 * * ? *)"]) {
      assert.deepEqual(problems({ scheduleExpression: good }), []);
    }
    for (const bad of ["rate(1 hours)", "rate(0 minutes)", "cron(0 3 * * ?)", "at(2030-01-01T00:00:00)"]) {
      assert.equal(problems({ scheduleExpression: bad }).length, 1, bad);
    }
  });
});
