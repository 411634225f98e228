// The policies of roles, key, topics and buckets as parliament sees them, which knows AWS's actions with their resources and condition keys.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { commandPolicies, deployerPolicies } from "../../infra/deployer/managed-policies";
import { PROJECT_ROOT } from "../../stack/runs";
import { evaluate } from "../infra/program";
import { withRealArns } from "./arns";

interface Finding {
  name: string;
  issue: string;
  detail: string;
}

const EVERY_OPTION = {
  collector: "true",
  collectorOrigins: '["*"]',
  collectorWriteKey: "a-key-of-enough-letters",
  customerKey: "true",
  privacy: '{"user_id":"hash"}',
  privacyHashKey: "a key of enough letters",
  alarms: "true",
  monthlyBudgetUsd: "50",
};

/** Whose `policy` parliament can judge. A trust policy names no resource, which parliament takes for malformed. */
const POLICIES = [
  "aws:iam/rolePolicy:RolePolicy",
  "aws:kms/key:Key",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:sns/topicPolicy:TopicPolicy",
];

/** What parliament objects to that is no fault: `type: issue`, with the reason. */
const EXPLAINED: Record<string, string> = {
  "aws:kms/key:Key: RESOURCE_STAR": 'in a key policy "*" is the key itself; KMS takes nothing else',
  "aws:kms/key:Key: UNKNOWN_CONDITION_FOR_ACTION":
    "CloudWatch Logs' own policy asks for kms:Describe* under the encryption context, too, which grants it nothing",
  "aws:kms/key:Key: MISMATCHED_TYPE":
    "the encryption context of log groups is their ARN: CloudWatch Logs' own policy compares it with ArnEquals, which is ArnLike",
};

/** The same for the policies of people: the issue, what of it, and the reason. */
const PEOPLE: [string, RegExp, string][] = [
  [
    "UNKNOWN_ACTION",
    /apigateway:(Tag|Untag)Resource$/,
    "API Gateway asks for it when a stage with tags is created, though AWS's reference does not list it",
  ],
  ["UNKNOWN_ACTION", /kinesis:(Tag|Untag|ListTagsFor)Resource$/, "newer than parliament's list of actions"],
  [
    "RESOURCE_MISMATCH",
    /athena:.*capacity-reservation.*datacatalog/,
    "tags are asked for of the workgroup alone, not of the other resources that can have some",
  ],
  ["RESOURCE_MISMATCH", /states:DescribeExecution.*express/, "the state machine is a standard one"],
  [
    "RESOURCE_MISMATCH",
    /states:ListExecutions.*mapRun/,
    "the executions of a state machine are listed, no map run's",
  ],
  ["RESOURCE_STAR", /budgets:ViewBudget.*kms:DescribeKey/, "what is left of a stack is found by listing"],
];

function parliament(policies: { name: string; document: string }[]): Finding[] {
  const python = join(PROJECT_ROOT, ".local", "venv", "bin", "python");
  const output = execFileSync(python, [join(__dirname, "parliament_check.py")], {
    input: JSON.stringify(policies),
  });
  return JSON.parse(output.toString());
}

const document = (statement: object) =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] });

describe("external: IAM policies", function () {
  this.timeout(60_000);

  for (const [options, config] of Object.entries({
    "by default": {},
    "with every option on": EVERY_OPTION,
  })) {
    it(`are sound, ${options}`, async () => {
      const program = await evaluate(config);
      const policies = POLICIES.flatMap((type) =>
        program.of(type).map(({ name, inputs }) => ({
          name: `${name} ${type}`,
          document: withRealArns(String(inputs.policy)),
        })),
      );
      assert.ok(policies.length >= 10);
      const found = parliament(policies).filter(
        ({ name, issue }) => !EXPLAINED[`${name.split(" ")[1]}: ${issue}`],
      );
      assert.deepEqual(found, []);
    });
  }

  it("are sound for the people who deploy and use the commands", () => {
    const deployment = {
      project: "shop",
      stack: "dev",
      region: "eu-west-1",
      accountId: "123456789012",
      partition: "aws",
    };
    const policies = [...deployerPolicies(deployment), ...commandPolicies(deployment)];
    const found = parliament(
      policies.map(({ name, document }) => ({ name, document: JSON.stringify(document) })),
    ).filter(({ issue, detail }) => !PEOPLE.some(([known, of]) => issue === known && of.test(detail)));
    assert.deepEqual(found, []);
  });

  it("are all that the program declares", async () => {
    const program = await evaluate(EVERY_OPTION);
    const types = program.resources.flatMap(({ type, inputs }) => ("policy" in inputs ? [type] : []));
    assert.deepEqual([...new Set(types)].sort(), POLICIES);
  });

  for (const { fault, statement, issue } of [
    {
      fault: "an action that AWS does not have",
      statement: { Action: "s3:ReadObject", Resource: "arn:aws:s3:::b/*" },
      issue: "UNKNOWN_ACTION",
    },
    {
      fault: "a bucket where the action is about objects",
      statement: { Action: "s3:PutObject", Resource: "arn:aws:s3:::b" },
      issue: "RESOURCE_MISMATCH",
    },
    {
      fault: "a condition key that the action does not know",
      statement: {
        Action: "s3:GetObject",
        Resource: "arn:aws:s3:::b/*",
        Condition: { StringLike: { "s3:prefix": "raw/*" } },
      },
      issue: "UNKNOWN_CONDITION_FOR_ACTION",
    },
    {
      fault: "an operator that does not exist",
      statement: {
        Action: "s3:GetObject",
        Resource: "arn:aws:s3:::b/*",
        Condition: { StringIs: { "aws:SourceAccount": "123456789012" } },
      },
      issue: "UNKNOWN_OPERATOR",
    },
  ]) {
    it(`would be refused with ${fault}`, () => {
      const [first] = parliament([{ name: "planted", document: document(statement) }]);
      assert.equal(first?.issue, issue);
    });
  }
});
