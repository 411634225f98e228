import assert from "node:assert/strict";
import { allow, NO_RESOURCE_LEVEL } from "../../../infra/blocks/permissions";
import { type Declared, evaluate, type Program } from "../program";

interface Statement {
  Sid?: string;
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Principal?: { Service: string };
  Condition?: unknown;
}

const statementsOf = (document: unknown): Statement[] => JSON.parse(String(document)).Statement;
const actionsOf = ({ Action }: Statement) => [Action].flat();
const resourcesOf = ({ Resource }: Statement) => [Resource].flat();

describe("infra/blocks/permissions", () => {
  let program: Program;
  let granted: { role: string; statement: Statement }[];
  before(async () => {
    program = await evaluate({
      privacy: '{"user_id":"hash"}',
      privacyHashKey: "a key of enough letters",
    });
    granted = program
      .of("aws:iam/rolePolicy:RolePolicy")
      .flatMap(({ name, inputs }: Declared) =>
        statementsOf(inputs.policy).map((statement) => ({ role: name, statement })),
      );
  });

  it("builds a statement of verbs on resources, with its condition", () => {
    assert.deepEqual(
      allow("s3:GetObject", "s3:PutObject")
        .when({ Bool: { a: "true" } })
        .on("arn:x", "arn:y"),
      {
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject"],
        Resource: ["arn:x", "arn:y"],
        Condition: { Bool: { a: "true" } },
      },
    );
  });

  it("refuses wildcards where it can, and a statement without a resource", () => {
    assert.throws(() => allow("s3:*"), /instead of the wildcard s3:\*/);
    assert.throws(() => allow("s3:GetObject").on("*"), /use onEveryResource/);
    assert.throws(() => allow("s3:GetObject").on(), /say on which resource/);
  });

  it("grants no wildcard action anywhere", () => {
    const wild = granted.filter(({ statement }) =>
      actionsOf(statement).some((action) => action.includes("*")),
    );
    assert.deepEqual(wild, []);
  });

  it("grants on all resources only actions without resource-level permissions", () => {
    const broad = granted.filter(({ statement }) => resourcesOf(statement).includes("*"));
    assert.deepEqual(broad.map(({ role, statement }) => [role, statement.Sid, actionsOf(statement)]).sort(), [
      ["clickstream-pipeline-role", NO_RESOURCE_LEVEL, ["cloudwatch:PutMetricData"]],
      [
        "clickstream-pipeline-role",
        // IAM refuses a Sid twice in one policy.
        `${NO_RESOURCE_LEVEL}2`,
        [
          "logs:CreateLogDelivery",
          "logs:GetLogDelivery",
          "logs:UpdateLogDelivery",
          "logs:DeleteLogDelivery",
          "logs:ListLogDeliveries",
          "logs:PutResourcePolicy",
          "logs:DescribeResourcePolicies",
          "logs:DescribeLogGroups",
        ],
      ],
    ]);
  });

  it("grants objects by prefix, never a whole bucket", () => {
    const whole = granted
      .flatMap(({ role, statement }) => resourcesOf(statement).map((resource) => `${role} ${resource}`))
      .filter((line) => /arn:aws:s3:::[^/]+\/\*$/.test(line));
    assert.deepEqual(whole, []);
  });

  it("allows each role to write only where its stage writes", () => {
    const writes = (role: string) =>
      granted
        .filter((grant) => grant.role === role && actionsOf(grant.statement).includes("s3:PutObject"))
        .flatMap(({ statement }) => resourcesOf(statement).map((arn) => arn.replace("arn:aws:s3:::", "")))
        .sort();
    assert.deepEqual(writes("clickstream-ingest-role"), [
      "clickstream-raw-id/aws/lambda/*",
      "clickstream-raw-id/quarantine/*",
      "clickstream-raw-id/raw/*",
    ]);
    assert.deepEqual(writes("clickstream-await-ingest-role"), []);
    assert.deepEqual(writes("clickstream-look-for-new-role"), []);
    assert.deepEqual(writes("clickstream-simulator-role"), []);
    assert.deepEqual(writes("clickstream-job-role"), [
      "clickstream-curated-id/events/*",
      "clickstream-curated-id/rebuilt/*",
      "clickstream-curated-id/runs/*",
      "clickstream-raw-id/quarantine/*",
    ]);
    assert.deepEqual(writes("clickstream-pipeline-role"), ["clickstream-results-id/queries/*"]);
  });

  it("allows one service to assume each role, for this account and, where documented, one resource", () => {
    const trusted = program.of("aws:iam/role:Role").map(({ name, inputs }) => {
      const [statement, ...more] = statementsOf(inputs.assumeRolePolicy);
      return [name, statement?.Principal?.Service, statement?.Condition, more.length];
    });
    const account = { StringEquals: { "aws:SourceAccount": "123456789012" } };
    // AWS documents for neither Lambda nor Glue that they say so: a condition that has to be met could shut them out.
    const undocumented = { StringEqualsIfExists: account.StringEquals };
    const just = (sourceArn: string) => ({ ...account, ArnLike: { "aws:SourceArn": sourceArn } });
    const pipeline = just("arn:aws:states:eu-west-1:123456789012:stateMachine:*clickstream-pipeline*");
    const group = just("arn:aws:scheduler/scheduleGroup:ScheduleGroup:clickstream-schedule");
    assert.deepEqual(trusted.sort(), [
      ["clickstream-await-ingest-role", "lambda.amazonaws.com", undocumented, 0],
      ["clickstream-ingest-role", "lambda.amazonaws.com", undocumented, 0],
      ["clickstream-job-role", "glue.amazonaws.com", undocumented, 0],
      ["clickstream-look-for-new-role", "lambda.amazonaws.com", undocumented, 0],
      ["clickstream-pipeline-role", "states.amazonaws.com", pipeline, 0],
      ["clickstream-schedule-role", "scheduler.amazonaws.com", group, 0],
      ["clickstream-simulator-role", "lambda.amazonaws.com", undocumented, 0],
    ]);
  });

  it("allows the job to read the hash key only if a field is hashed", async () => {
    const readsSecret = (policies: Declared[]) =>
      policies.some(({ inputs }) => String(inputs.policy).includes("secretsmanager:GetSecretValue"));
    assert.equal(readsSecret(program.of("aws:iam/rolePolicy:RolePolicy")), true);
    const plain = await evaluate();
    assert.equal(readsSecret(plain.of("aws:iam/rolePolicy:RolePolicy")), false);
    assert.deepEqual(plain.of("aws:secretsmanager/secret:Secret"), []);
  });
});
