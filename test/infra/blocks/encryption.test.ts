// A test of what the program declares: what the stack's key covers, who may use it, and what does without it.
import assert from "node:assert/strict";
import { type Declared, evaluate, type Program } from "../program";

const KEY = "arn:aws:kms/key:Key:clickstream-key";
const PRIVACY = { privacy: '{"user_id":"hash"}', privacyHashKey: "a key of enough letters" };
const LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup";
const TOPIC = "aws:sns/topic:Topic";
const ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm";

interface Statement {
  Sid: string;
  Principal: Record<string, string>;
  Action: string | string[];
  Resource: string;
  Condition?: Record<string, Record<string, string>>;
}

const keyOf = (program: Program) => program.named("aws:kms/key:Key", "clickstream-key");
const statements = (program: Program): Statement[] => JSON.parse(String(keyOf(program).policy)).Statement;

/** role → the KMS actions that its policy grants, and on what. */
function grants(program: Program): Record<string, unknown> {
  const found = program
    .of("aws:iam/rolePolicy:RolePolicy")
    .flatMap(({ name, inputs }) =>
      (JSON.parse(String(inputs.policy)).Statement as { Action: string[]; Resource: string[] }[])
        .filter(({ Action }) => Action.some((action) => action.startsWith("kms:")))
        .map(({ Action, Resource }) => [name, { actions: Action, on: Resource }]),
    );
  return Object.fromEntries(found);
}

describe("infra/blocks/encryption", () => {
  let covered: Program;
  let plain: Program;
  before(async () => {
    covered = await evaluate({ ...PRIVACY, customerKey: "true" });
    // Without alarms: these publish to a topic, which needs a key for that.
    plain = await evaluate({ ...PRIVACY, alarms: "false" });
  });

  it("makes one key that rotates, and an alias that no other stack has", async () => {
    const { policy, tags, ...inputs } = keyOf(covered);
    assert.ok(policy && tags);
    assert.deepEqual(inputs, {
      description: "Encrypts everything of the stack clickstream-test",
      enableKeyRotation: true,
      deletionWindowInDays: 30,
    });
    assert.equal(covered.named("aws:kms/alias:Alias", "clickstream-key").name, "alias/clickstream-test");
    assert.equal(covered.of("aws:kms/key:Key").length, 1);
  });

  it("covers the stream, the topics, the secret and the query results", () => {
    const { encryptionType, kmsKeyId } = covered.named("aws:kinesis/stream:Stream", "clickstream-stream");
    assert.deepEqual([encryptionType, kmsKeyId], ["KMS", KEY]);
    for (const { name, inputs } of covered.of(TOPIC)) assert.equal(inputs.kmsMasterKeyId, KEY, name);
    const secret = covered.named("aws:secretsmanager/secret:Secret", "clickstream-privacy-hash-key");
    assert.equal(secret.kmsKeyId, KEY);
    const workgroup = covered.named("aws:athena/workgroup:Workgroup", "clickstream-workgroup");
    assert.deepEqual(resultEncryption(workgroup), { encryptionOption: "SSE_KMS", kmsKeyArn: KEY });
  });

  it("covers every log group and every bucket, with one call to KMS for many objects", () => {
    const groups = covered.of(LOG_GROUP);
    assert.ok(groups.length >= 6);
    for (const { name, inputs } of groups) assert.equal(inputs.kmsKeyId, KEY, name);
    const rules = covered.of(
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    );
    assert.equal(rules.length, covered.of("aws:s3/bucket:Bucket").length);
    for (const { name, inputs } of rules) {
      const standard = { sseAlgorithm: "aws:kms", kmsMasterKeyId: KEY };
      assert.deepEqual(
        inputs.rules,
        [
          {
            applyServerSideEncryptionByDefault: standard,
            bucketKeyEnabled: true,
            blockedEncryptionTypes: ["SSE-C"],
          },
        ],
        name,
      );
    }
  });

  it("allows each role only the uses of the key that its stage needs", () => {
    const both = { actions: ["kms:Decrypt", "kms:GenerateDataKey"], on: [KEY] };
    assert.deepEqual(grants(covered), {
      "clickstream-simulator-role": { actions: ["kms:GenerateDataKey"], on: [KEY] },
      "clickstream-ingest-role": both,
      "clickstream-job-role": both,
      "clickstream-look-for-new-role": { actions: ["kms:Decrypt"], on: [KEY] },
      "clickstream-pipeline-role": both,
    });
  });

  it("leaves the key to the account, and to services on behalf of this account and stack alone", () => {
    const [root, ...services] = statements(covered);
    assert.deepEqual([root?.Principal, root?.Action], [{ AWS: "arn:aws:iam::123456789012:root" }, "kms:*"]);
    assert.deepEqual(
      services.map(({ Principal, Condition }) => [Principal.Service, Condition]),
      [
        [
          "logs.eu-west-1.amazonaws.com",
          {
            ArnLike: {
              "kms:EncryptionContext:aws:logs:arn":
                "arn:aws:logs:eu-west-1:123456789012:log-group:*/clickstream-test/*",
            },
          },
        ],
        [
          "delivery.logs.amazonaws.com",
          { StringEquals: { "kms:EncryptionContext:SourceArn": "arn:aws:logs:eu-west-1:123456789012:*" } },
        ],
        ["cloudwatch.amazonaws.com", { StringEquals: { "aws:SourceAccount": "123456789012" } }],
        ["budgets.amazonaws.com", { StringEquals: { "aws:SourceAccount": "123456789012" } }],
      ],
    );
    // What AWS documents for log groups, for vended logs, and for publishing to an encrypted topic.
    assert.deepEqual(
      services.map(({ Action }) => Action),
      [
        ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        ["kms:Decrypt", "kms:GenerateDataKey"],
        ["kms:Decrypt", "kms:GenerateDataKey*"],
        ["kms:Decrypt", "kms:GenerateDataKey*"],
      ],
    );
  });

  it("allows CloudWatch to encrypt every log group of the stack", () => {
    const logs = statements(covered).find(({ Principal }) => Principal.Service?.startsWith("logs."));
    const pattern = String(logs?.Condition?.ArnLike?.["kms:EncryptionContext:aws:logs:arn"]);
    const matches = new RegExp(`^${pattern.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`);
    for (const { inputs } of covered.of(LOG_GROUP)) {
      assert.match(`arn:aws:logs:eu-west-1:123456789012:log-group:${inputs.name}`, matches);
    }
  });

  it("encrypts with AWS's own keys where it is not wanted, and grants nothing on KMS", () => {
    assert.deepEqual(plain.of("aws:kms/key:Key"), []);
    assert.deepEqual(grants(plain), {});
    const { encryptionType, kmsKeyId } = plain.named("aws:kinesis/stream:Stream", "clickstream-stream");
    assert.deepEqual([encryptionType, kmsKeyId], ["KMS", "alias/aws/kinesis"]);
    for (const { name, inputs } of plain.of(TOPIC))
      assert.equal(inputs.kmsMasterKeyId, "alias/aws/sns", name);
    const workgroup = plain.named("aws:athena/workgroup:Workgroup", "clickstream-workgroup");
    assert.deepEqual(resultEncryption(workgroup), { encryptionOption: "SSE_S3" });
    for (const { name, inputs } of plain.of(LOG_GROUP)) assert.equal(inputs.kmsKeyId, undefined, name);
  });

  it("gives a topic of alarms a key that allows them to publish, in every configuration", async () => {
    for (const program of [plain, covered, await evaluate()]) {
      const published = program.of(TOPIC).filter(({ name }) => alarmsOf(program, name).length > 0);
      for (const { name, inputs } of published) {
        assert.equal(
          inputs.kmsMasterKeyId,
          KEY,
          `alarms publish to ${name}, which AWS's own key for topics refuses: give Encryption covers "topics" in index.ts`,
        );
      }
    }
  });
});

function alarmsOf(program: Program, topic: string): Declared[] {
  return program.of(ALARM).filter(({ inputs }) => JSON.stringify(inputs).includes(`Topic:${topic}`));
}

function resultEncryption(workgroup: Declared["inputs"]): unknown {
  const { resultConfiguration } = workgroup.configuration as {
    resultConfiguration: { encryptionConfiguration: unknown };
  };
  return resultConfiguration.encryptionConfiguration;
}
