// The policy of people who use the commands for a stack on AWS, held against the calls in the commands' sources.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import template from "../../../infra/deployer/commands-policy.json";
import { commandPolicies } from "../../../infra/deployer/managed-policies";
import { allowedBy } from "../iam";
import { evaluate } from "../program";

const ROOT = join(__dirname, "../../..");
const SOURCES = [
  "stack/athena.ts",
  "stack/bucket-contents.ts",
  "stack/execution.ts",
  "cli/view/follow.ts",
  "cli/resend/resend.ts",
  "lambdas/shared/firehose-sender.ts",
  ...["cli/doctor", "cli/teardown"].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`),
  ),
];

/** IAM's prefixes where they are not the name of the SDK's client. */
const PREFIXES: Record<string, string> = {
  "cloudwatch-logs": "logs",
  "resource-groups-tagging-api": "tag",
  "secrets-manager": "secretsmanager",
  "service-quotas": "servicequotas",
  sfn: "states",
};

/** What an operation needs where it is not the action of its name. */
const ACTIONS: Record<string, string[]> = {
  "apigatewayv2:GetApis": ["apigateway:GET"],
  "apigatewayv2:GetStages": ["apigateway:GET"],
  "budgets:DescribeBudgets": ["budgets:ViewBudget"],
  "s3:DeleteObjects": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
  "s3:ListBuckets": ["s3:ListAllMyBuckets"],
  "s3:ListMultipartUploads": ["s3:ListBucketMultipartUploads"],
  "s3:ListObjectVersions": ["s3:ListBucketVersions"],
  // Everybody may ask who they are.
  "sts:GetCallerIdentity": [],
};

/** What Athena asks for with the rights of whoever queries. */
const ATHENA = [
  "glue:GetDatabase",
  "glue:GetTable",
  "glue:GetPartition",
  "glue:BatchGetPartition",
  "kms:Decrypt",
  "kms:GenerateDataKey",
  "s3:GetBucketLocation",
  "s3:GetObject",
  "s3:ListBucket",
  "s3:ListMultipartUploadParts",
  "s3:PutObject",
];

/** `import { Names } from "client"` or `const { Names } = await import("client")`. */
const CLIENT_IMPORT =
  /(?:import|const)\s*(?:type )?\{([^}]*)\} (?:from |= await import\()"@aws-sdk\/client-([\w-]+)"/g;

function calledActions(): Set<string> {
  const calls = SOURCES.flatMap((source) => {
    const text = readFileSync(join(ROOT, source), "utf8");
    return [...text.matchAll(CLIENT_IMPORT)].flatMap(([, names = "", client = ""]) =>
      [...names.matchAll(/\b(?:paginate(\w+)|(\w+)Command)\b/g)].map(
        ([, paginated, command]) => `${PREFIXES[client] ?? client}:${paginated ?? command}`,
      ),
    );
  });
  assert.ok(calls.length > 40, "the calls were found");
  return new Set(calls.flatMap((call) => ACTIONS[call] ?? [call]));
}

const PLACE = {
  project: "clickstream",
  stack: "dev",
  region: "ap-southeast-1",
  accountId: "123456789012",
  partition: "aws-us-gov",
};

describe("infra/deployer/commands-policy.json", () => {
  it("has the actions that the commands and their queries need, and no others", () => {
    const granted = new Set(template.Statement.flatMap(({ Action }) => Action));
    assert.deepEqual([...granted].sort(), [...new Set([...calledActions(), ...ATHENA])].sort());
  });

  it("changes nothing but objects in the stack's buckets and what it starts", () => {
    const changing = template.Statement.filter(({ Action }) =>
      Action.some((action) => !/:(Get|GET|List|Describe|View|BatchGet|Decrypt|GenerateDataKey)/.test(action)),
    );
    assert.deepEqual(
      changing.map(({ Sid }) => Sid),
      ["Query", "SendAgain", "WriteResults", "EmptyBuckets", "Execute"],
    );
    for (const { Sid, Resource } of changing)
      for (const resource of [Resource].flat()) assert.match(resource, /clickstream-\w+-\*/, Sid);
  });

  it("reads the data of both tables wherever it is, a reprocessed day's too, and no other object", async () => {
    const program = await evaluate();
    const policies = commandPolicies(PLACE).map(({ document }) => document);
    const reads = (location: unknown) => {
      const resource = String(location).replace("s3://", "arn:aws-us-gov:s3:::");
      return allowedBy(policies, { action: "s3:GetObject", resource: `${resource}some/object` }).length > 0;
    };
    const job = program.named("aws:glue/job:Job", "clickstream-transform");
    const { "--rebuilt_path": rebuilt, "--raw_path": raw } = job.defaultArguments as Record<string, string>;
    const tables = program
      .of("aws:glue/catalogTable:CatalogTable")
      .map(({ inputs }) => (inputs.storageDescriptor as { location: string }).location);
    assert.equal(tables.length, 2);
    // A reprocessed day's partition points there.
    for (const location of [...tables, rebuilt]) assert.ok(reads(location), location);
    assert.ok(!reads(raw), "raw events");
  });

  it("is one managed policy for usual names", () => {
    const policies = commandPolicies(PLACE);
    assert.deepEqual(
      policies.map(({ name }) => name),
      ["clickstream-dev-commands-1"],
    );
  });
});
