// The policy of whoever deploys, held against what CloudFormation's schemas say that each resource type takes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { evaluate } from "./program";

const read = (file: string) => readFileSync(path.resolve(__dirname, file), "utf8");
const POLICY = read("../../infra/deployer-policy.json");
const TYPES: Record<string, { actions: string[] }> = JSON.parse(read("aws-types.json")).types;

interface Statement {
  Sid: string;
  Effect: string;
  Action: string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

/** What types take for features that the program does not use, or what a plug-in of CloudFormation's does by itself. */
const UNUSED: [RegExp, string][] = [
  [
    /^(ec2|elasticfilesystem|s3files|s3tables|firehose|lakeformation|billing):/,
    "networks, file systems, Lake Formation",
  ],
  [
    /^s3:.*(Metadata|Analytics|Accelerate|Cors|CORS|Logging|Metrics|Notification|ObjectLock|Website)/,
    "no such part",
  ],
  [/^s3:.*(Replication|IntelligentTiering|Inventory|Acl|Abac|REST)/, "no such part"],
  [/^(s3:DeleteBucketEncryption|s3:DeleteBucketLifecycle)$/, "allowed by the Put of the same"],
  [/^(s3:ListAllMyBuckets|sns:ListTopics|glue:GetTables|glue:GetDatabases|glue:ListJobs)$/, "found by name"],
  [
    /^(kinesis:ListStreams|lambda:ListFunctions|athena:ListWorkGroups|sns:ListSubscriptions(ByTopic)?)$/,
    "found by name",
  ],
  [/^kinesis:.*(EnhancedMonitoring|MaxRecordSize|WarmThroughput|RecordDistribution)/, "not set"],
  [/^logs:.*(DataProtection|IndexPolic|BearerToken|DeletionProtection|ResourcePolic|LogDelivery)/, "not set"],
  [/^lambda:.*(RuntimeAlias|CodeSigning|Concurrency|Recursion|Scaling|Layer|RuntimeManagement)/, "not set"],
  [/^lambda:(PassCapacityProvider|PublishVersion)$/, "not set"],
  [/^glue:.*(Connection|SchemaVersion)/, "no connection, no schema registry"],
  [/^sns:.*DataProtection/, "not set"],
  [
    /^iam:(.*PermissionsBoundary|AttachRolePolicy|DetachRolePolicy|CreateServiceLinkedRole)$/,
    "inline policies only",
  ],
  [/^(kms:CreateGrant|kms:Encrypt)$/, "Lambda's environment stays with AWS's key"],
  [/^(athena|s3):.*Multipart/, "no query is run to deploy"],
  [/^(s3:GetObjectVersion)$/, "code and definitions are uploaded, not read from S3"],
  [/^secretsmanager:.*(Replica|Random)/, "not replicated, not generated"],
];

describe("infra/deployer-policy.json", () => {
  const statements: Statement[] = JSON.parse(POLICY).Statement;
  const granted = new Set(statements.flatMap(({ Action }) => Action));

  it("has the actions of every resource type that the program makes", async () => {
    const program = await evaluate({
      customerKey: "true",
      failureEmails: '["ann@example.com"]',
      privacy: '{"user_id":"hash"}',
      privacyHashKey: "a key of enough letters",
    });
    for (const type of new Set(program.resources.map(({ type: declared }) => declared))) {
      const needed = TYPES[type]?.actions;
      assert.ok(needed, `${type} is not in aws-types.json: add it in test/infra/aws_types.py`);
      const missing = needed
        .filter((action) => !granted.has(action))
        .filter((action) => !UNUSED.some(([pattern]) => pattern.test(action)));
      assert.deepEqual(missing, [], type);
    }
  });

  it("names every action, and everything that AWS can tell apart by resource", () => {
    assert.deepEqual(
      [...granted].filter((action) => !/^[a-z0-9]+:[A-Za-z]+$/.test(action)),
      [],
    );
    const everywhere = statements.filter(({ Resource }) => [Resource].flat().includes("*"));
    assert.deepEqual(
      everywhere.map(({ Sid, Condition }) => [Sid, Object.keys(Condition?.StringEquals ?? {})]),
      [
        ["MakeATaggedKey", ["aws:RequestTag/Project", "aws:RequestTag/Stack"]],
        ["AwsHasNoResourceLevelForThese", []],
      ],
    );
  });

  it("passes just this stack's roles, each to the services that assume one of them", async () => {
    const passing = statements.filter(({ Action }) => Action.includes("iam:PassRole"));
    const { of } = await evaluate({ customerKey: "true" });
    const services = of("aws:iam/role:Role").map(
      ({ inputs }) => JSON.parse(String(inputs.assumeRolePolicy)).Statement[0].Principal.Service as string,
    );
    assert.equal(passing.length, 1);
    assert.deepEqual(passing[0]?.Action, ["iam:PassRole"]);
    assert.equal(passing[0]?.Resource, "arn:PARTITION:iam::ACCOUNT_ID:role/clickstream-STACK/*");
    assert.deepEqual(
      [...((passing[0]?.Condition?.StringEquals?.["iam:PassedToService"] as string[]) ?? [])].sort(),
      [...new Set(services)].sort(),
    );
    // The stack's roles lie where that resource looks for them.
    for (const { name, inputs } of of("aws:iam/role:Role"))
      assert.equal(inputs.path, "/clickstream-test/", name);
  });

  it("fits into a role's inline policies", () => {
    assert.ok(JSON.stringify(JSON.parse(POLICY)).length <= 10_240);
    const placeholders = new Set(POLICY.match(/\b[A-Z]+(_[A-Z]+)*\b/g));
    assert.deepEqual([...placeholders].sort(), ["ACCOUNT_ID", "PARTITION", "REGION", "STACK"]);
  });
});
