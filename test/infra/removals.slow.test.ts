// What a change of the configuration takes out of a resource that stays: does the change reach AWS?
//
// The provider keeps an optional input that it also computes as it is where the program leaves it out. What a key turns
// off has to be said instead: `enabled: false`, not nothing. Of all other inputs it is written down here why leaving
// them out is enough.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { computedInputs, TABLE } from "./computed-inputs";
import { BEFORE, offValues, otherValues, TOGETHER } from "./configurations";
import { type Declared, evaluate } from "./program";

const RICH: Record<string, string> = {
  ...BEFORE,
  tracing: "true",
  rawInfrequentAccessDays: "60",
  rawRetentionDays: "400",
  quarantineRetentionDays: "100",
  tags: '{"CostCenter":"data"}',
};

/** Two keys that have to be off together for something to go. */
const ALL_THAT_SHOWS = "alarms and dashboard";

/** Beside TOGETHER: what goes with turning a key off. */
const WITH: Record<string, Record<string, string>> = {
  ...TOGETHER,
  batchWindowSeconds: { batchSize: "10" },
  privacy: { privacyHashKey: "" },
  privacyHashKey: { privacy: "{}" },
  collectorOrigins: { collector: "false", collectorWriteKey: "" },
};

const RULES_ANEW = "S3 gets all rules again (PutBucketLifecycleConfiguration)";

/** Inputs that a key takes out, and why that is enough: how the provider answers when they are gone. */
const REMOVED = {
  glueWorkers: {
    "Job defaultArguments.--enable-auto-scaling": "UpdateJob replaces the whole definition of a job",
  },
  rawInfrequentAccessDays: { "BucketLifecycleConfiguration rules[raw].transitions": RULES_ANEW },
  rawRetentionDays: { "BucketLifecycleConfiguration rules[raw].expiration": RULES_ANEW },
  quarantineRetentionDays: {
    "BucketLifecycleConfiguration rules[quarantine]": RULES_ANEW,
    "BucketLifecycleConfiguration rules[failed-batches]": RULES_ANEW,
  },
  athenaScanLimitGb: {
    "Workgroup configuration.bytesScannedCutoffPerQuery": "becomes RemoveBytesScannedCutoffPerQuery",
  },
  customerKey: {
    "LogGroup kmsKeyId": "becomes DisassociateKmsKey",
    "Workgroup configuration.resultConfiguration.encryptionConfiguration.kmsKeyArn":
      "Athena gets the whole encryption again (ResultConfigurationUpdates)",
    // Computed, and yet: AES256 takes no key, and `""` counts as left out. The rules are a set, so that a rule with
    // another algorithm is another rule, which keeps nothing of the old one. If it did, S3 would refuse it loudly.
    "BucketServerSideEncryptionConfiguration rules.applyServerSideEncryptionByDefault.kmsMasterKeyId":
      "a rule with another algorithm is another rule",
  },
} satisfies Record<string, Record<string, string>>;

const WHOLE_ENVIRONMENT = "Lambda gets the whole environment again (UpdateFunctionConfiguration)";
const WHOLE_ALARM = "CloudWatch gets the whole alarm again (PutMetricAlarm)";

/** Of a change from stream to firehose, or from arrival to stream. */
const OF_ANOTHER_WAY = {
  "Function environment.variables.DELIVERY_STREAM_NAME": WHOLE_ENVIRONMENT,
  "Function environment.variables.FIREHOSE_BUFFER_SECONDS": WHOLE_ENVIRONMENT,
  "Function environment.variables.STREAM_NAME": WHOLE_ENVIRONMENT,
  "MetricAlarm metricQueries[records].metric.dimensions.DeliveryStreamName": WHOLE_ALARM,
  "MetricAlarm metricQueries[records].metric.dimensions.StreamName": WHOLE_ALARM,
};

/** Firehose's resources are those of arrival, so the way firehose has nothing of its own here. */
const REMOVED_IN: Record<"stream" | "arrival", Record<string, Record<string, string>>> = {
  stream: {
    ...REMOVED,
    way: OF_ANOTHER_WAY,
    streamMode: { "Stream shardCount": "a stream on demand must have none: the provider refuses both" },
    [ALL_THAT_SHOWS]: {
      "EventSourceMapping metricsConfig":
        "not computed: the provider sees that it is gone, and sends an empty one",
    },
  },
  arrival: {
    ...REMOVED,
    way: OF_ANOTHER_WAY,
    customerKey: {
      ...REMOVED.customerKey,
      "FirehoseDeliveryStream serverSideEncryption.keyArn":
        "not computed, and StartDeliveryStreamEncryption says AWS_OWNED_CMK",
      "Queue kmsMasterKeyId": "not computed: the provider sees that it is gone, and sends an empty one",
      // This one goes where the key comes: SQS has one kind of encryption at a time.
      "Queue sqsManagedSseEnabled": "SetQueueAttributes with a key ends the encryption with SQS's own keys",
    },
  },
};

const COMPUTED_AND_YET = {
  stream: ["BucketServerSideEncryptionConfiguration rules.applyServerSideEncryptionByDefault.kmsMasterKeyId"],
  arrival: [
    "BucketServerSideEncryptionConfiguration rules.applyServerSideEncryptionByDefault.kmsMasterKeyId",
    "Queue sqsManagedSseEnabled",
  ],
};

const short = (type: string) => type.split(":").at(-1) ?? type;

/** Every path that is set. What has an id in a list is told apart by it: "rules[raw].expiration". */
function pathsOf(value: unknown, at = ""): string[] {
  if (value === undefined || value === null) return [];
  const own = at === "" ? [] : [at];
  if (Array.isArray(value)) {
    const members = value.flatMap((one) =>
      pathsOf(one, typeof one?.id === "string" ? `${at}[${one.id}]` : at),
    );
    return value.length === 0 ? [] : [...own, ...members];
  }
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return own;
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, one]) => pathsOf(one, at === "" ? key : `${at}.${key}`)),
  ];
}

/** "TYPE PATH" of what the resources that both have lack afterwards; not what lies under such a path. */
function removed(before: readonly Declared[], after: readonly Declared[]): string[] {
  const found = before.flatMap(({ type, name, inputs }) => {
    const now = after.find((one) => one.type === type && one.name === name);
    if (!now) return [];
    const left = new Set(pathsOf(now.inputs));
    const gone = [...new Set(pathsOf(inputs))].filter((path) => !left.has(path));
    return gone
      .filter((path) => !gone.some((other) => path.startsWith(`${other}.`)))
      .map((path) => `${short(type)} ${path}`);
  });
  // Tags are compared by the provider key by key, and untagged.
  return [...new Set(found)].filter((path) => !/ tags(\.|$)/.test(path)).sort();
}

for (const way of ["stream", "arrival"] as const)
  describe(`what a key takes out of a resource in the way ${way}`, function () {
    this.timeout(240_000);
    const all: Record<string, string> = { ...RICH, way };
    const others = otherValues(all);
    const off = offValues();
    const byKey = new Map<string, string[]>();
    let rich: readonly Declared[];

    before(async () => {
      rich = (await evaluate(all)).resources;
      for (const key of Object.keys(others)) {
        const values = new Set([others[key], off[key]].filter((value) => value !== undefined));
        const found = new Set<string>();
        for (const value of values) {
          if (value === all[key]) continue;
          const { resources } = await evaluate({
            ...all,
            [key]: value,
            ...(value === off[key] && WITH[key]),
          });
          for (const path of [...removed(rich, resources), ...removed(resources, rich)]) found.add(path);
        }
        byKey.set(key, [...found].sort());
      }
      const { resources } = await evaluate({ ...all, alarms: "false", dashboard: "false" });
      byKey.set(ALL_THAT_SHOWS, removed(rich, resources));
    });

    it("is what is listed here, each with the reason why the change reaches AWS", () => {
      const expected = Object.fromEntries(
        Object.entries(REMOVED_IN[way]).map(([key, paths]) => [key, Object.keys(paths).sort()]),
      );
      const found = Object.fromEntries([...byKey].filter(([, paths]) => paths.length > 0));
      assert.deepEqual(found, expected);
    });

    it("is nothing that the provider would keep", () => {
      const { types } = JSON.parse(readFileSync(TABLE, "utf8")) as { types: Record<string, string[]> };
      const computed = new Set(
        Object.entries(types).flatMap(([type, paths]) => paths.map((path) => `${short(type)} ${path}`)),
      );
      const kept = [...byKey].flatMap(([key, paths]) =>
        paths
          .filter((path) => computed.has(path.replace(/\[[^\]]*\]/g, "")))
          .map((path) => `${key}: ${path}`),
      );
      assert.deepEqual(
        kept,
        COMPUTED_AND_YET[way].map((path) => `customerKey: ${path}`),
      );
    });

    it("is compared with a table that says what the installed provider says, of every type in use", () => {
      const table = JSON.parse(readFileSync(TABLE, "utf8")) as { types: Record<string, string[]> };
      const inUse = new Set(rich.map(({ type }) => type));
      assert.deepEqual(
        [...inUse].filter((type) => !(type in table.types)),
        [],
        "npx tsx test/infra/computed-inputs.ts",
      );
      assert.deepEqual(
        table,
        computedInputs(Object.keys(table.types)),
        "npx tsx test/infra/computed-inputs.ts",
      );
    });
  });

describe("what a key takes out of a resource", () => {
  it("would be found out if tracing were left out again", () => {
    const lambda = (inputs: Record<string, unknown>) => [
      { type: "aws:lambda/function:Function", name: "f", inputs },
    ];
    assert.deepEqual(removed(lambda({ tracingConfig: { mode: "Active" } }), lambda({})), [
      "Function tracingConfig",
    ]);
    const { types } = JSON.parse(readFileSync(TABLE, "utf8")) as { types: Record<string, string[]> };
    assert.ok(types["aws:lambda/function:Function"]?.includes("tracingConfig"));
    assert.ok(types["aws:sfn/stateMachine:StateMachine"]?.includes("tracingConfiguration"));
  });
});

describe("turning a key off", function () {
  this.timeout(120_000);

  it("says so to X-Ray's two callers, and gives the secret back to AWS's own key", async () => {
    const { of } = await evaluate({ ...RICH, tracing: "false", customerKey: "false" });
    for (const { inputs } of of("aws:lambda/function:Function")) {
      assert.deepEqual(inputs.tracingConfig, { mode: "PassThrough" });
    }
    const [machine] = of("aws:sfn/stateMachine:StateMachine");
    assert.deepEqual(machine?.inputs.tracingConfiguration, { enabled: false });
    const [secret] = of("aws:secretsmanager/secret:Secret");
    assert.equal(secret?.inputs.kmsKeyId, "alias/aws/secretsmanager");
    const [bucket] = of(
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    );
    assert.deepEqual(bucket?.inputs.rules, [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" },
        bucketKeyEnabled: false,
        blockedEncryptionTypes: ["SSE-C"],
      },
    ]);
  });
});
