// The program as cfn-lint sees it, which checks templates against AWS's own schemas: types, properties, values, limits.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WAYS, type Way } from "../../infra/config/keys";
import { PROJECT_ROOT } from "../../stack/runs";
import { type Declared, evaluate } from "../infra/program";
import { everythingOn } from "../local/everything-on";
import { cloudFormation, type Template } from "./cloudformation";

interface Finding {
  Rule: { Id: string };
  Message: string;
  Location: { Path?: (string | number)[] | null };
}

/** What CloudFormation makes no resource of. */
const WITHOUT_EQUIVALENT = [
  "clickstream-collector-write-key (aws:secretsmanager/secretVersion:SecretVersion)",
  "clickstream-package (aws:s3/bucketObjectv2:BucketObjectv2)",
  "clickstream-privacy-hash-key (aws:secretsmanager/secretVersion:SecretVersion)",
  "clickstream-script (aws:s3/bucketObjectv2:BucketObjectv2)",
];

/** Findings as `rule resource: message`. */
function cfnLint(template: Template): string[] {
  const folder = mkdtempSync(join(tmpdir(), "cfn-lint-"));
  try {
    const file = join(folder, "template.json");
    writeFileSync(file, JSON.stringify(template, null, 2));
    const linter = join(PROJECT_ROOT, ".local", "venv", "bin", "cfn-lint");
    const { stdout, stderr } = spawnSync(linter, ["--format", "json", "-r", "us-east-1", "--", file]);
    const text = stdout.toString();
    if (!text.startsWith("[")) throw new Error(`cfn-lint said no findings but: ${text}${stderr}`);
    return (JSON.parse(text) as Finding[]).map(
      ({ Rule, Message, Location }) => `${Rule.Id} ${Location.Path?.[1] ?? "template"}: ${Message}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function everyOption(way: Way = "stream"): Record<string, string> {
  const values = Object.entries(everythingOn(way).values)
    .filter(([key]) => key.startsWith("clickstream:"))
    .map(([key, value]) => [key.replace("clickstream:", ""), value]);
  return {
    ...Object.fromEntries(values),
    monthlyBudgetUsd: "50",
    alarmNoEventsMinutes: "30",
    rawInfrequentAccessDays: "90",
    rawRetentionDays: "400",
    quarantineRetentionDays: "400",
  };
}

/** How the program is spoilt, each resource in one way, and what cfn-lint then says of it. */
const FAULTS: { type: string; name: string; spoil: object; found: RegExp }[] = [
  {
    type: "aws:lambda/function:Function",
    name: "clickstream-ingest",
    spoil: { runtime: "nodejs23.x" },
    found: /^E3030 clickstreamingestFunction: 'nodejs23.x' is not one of/,
  },
  {
    type: "aws:cloudwatch/logGroup:LogGroup",
    name: "clickstream-ingest-log",
    spoil: { retentionInDays: 8 },
    found: /^E3030 clickstreamingestlogLogGroup: 8 is not one of/,
  },
  {
    type: "aws:sns/topic:Topic",
    name: "PipelineFailure",
    spoil: { encrypted: true },
    found:
      /^E3002 PipelineFailureTopic: Additional properties are not allowed \('Encrypted' was unexpected\)/,
  },
  {
    type: "aws:lambda/eventSourceMapping:EventSourceMapping",
    name: "clickstream-ingest",
    spoil: { batchSize: 100_000 },
    found: /^E3034 clickstreamingestEventSourceMapping: 100000 is greater than the maximum of 10000/,
  },
  {
    type: "aws:sfn/stateMachine:StateMachine",
    name: "clickstream-pipeline",
    spoil: { definition: '{"StartAt":"First","States":{"Only":{"Type":"Succeed"}}}' },
    found: /^E3601 clickstreampipelineStateMachine: Missing 'Next' target 'First'/,
  },
  {
    type: "aws:iam/rolePolicy:RolePolicy",
    name: "clickstream-ingest-role",
    spoil: { policy: '{"Version":"2012-10-17","Statement":[{"Action":"s3:GetObject","Resource":"*"}]}' },
    found: /^E3510 clickstreamingestroleRolePolicy: 'Effect' is a required property/,
  },
  {
    type: "aws:iam/role:Role",
    name: "clickstream-job-role",
    spoil: { assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}' },
    found: /^E3530 clickstreamjobroleRole: Only one of \['Principal', 'NotPrincipal'\]/,
  },
  {
    type: "aws:kms/key:Key",
    name: "clickstream-key",
    spoil: {
      policy:
        '{"Version":"2012-10-17","Statement":[{"Effect":"Permit","Principal":"*","Action":"kms:*","Resource":"*"}]}',
    },
    found: /^E3512 clickstreamkeyKey: 'Permit' is not one of/,
  },
  {
    // A part of the bucket, for CloudFormation.
    type: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    name: "clickstream-raw",
    spoil: { rules: [{ id: "raw", status: "On", filter: { prefix: "raw/" }, expiration: { days: 9 } }] },
    found: /^E3030 clickstreamrawBucket: 'On' is not one of/,
  },
  {
    type: "aws:cloudwatch/metricAlarm:MetricAlarm",
    name: "clickstream-ingest-errors",
    spoil: { comparisonOperator: "GreaterThan" },
    found: /^E3030 clickstreamingesterrorsMetricAlarm: 'GreaterThan' is not one of/,
  },
];

describe("external: CloudFormation's schemas", function () {
  this.timeout(120_000);
  let program: Declared[];
  before(async () => {
    program = (await evaluate(everyOption())).resources;
  });

  it("accept the program of each way, by default and with every option on", async () => {
    for (const way of WAYS) {
      const { template, withoutEquivalent } = cloudFormation((await evaluate(everyOption(way))).resources);
      assert.deepEqual(withoutEquivalent.sort(), WITHOUT_EQUIVALENT);
      assert.deepEqual(cfnLint(template), [], way);
      assert.deepEqual(cfnLint(cloudFormation((await evaluate({ way })).resources).template), [], way);
    }
  });

  it("refuse values, properties, documents and policies that AWS would refuse", () => {
    const spoilt = program.map((resource) => {
      const fault = FAULTS.find(({ type, name }) => type === resource.type && name === resource.name);
      return fault ? { ...resource, inputs: { ...resource.inputs, ...fault.spoil } } : resource;
    });
    const found = cfnLint(cloudFormation(spoilt).template);
    for (const fault of FAULTS) {
      assert.equal(found.filter((finding) => fault.found.test(finding)).length, 1, fault.found.source);
    }
    assert.equal(found.length, FAULTS.length, found.join("\n"));
  });

  it("are shown every input of every resource", () => {
    const more = program.map((resource) => ({
      ...resource,
      inputs: { ...resource.inputs, unheardOf: true },
    }));
    const shown = JSON.stringify(cloudFormation(more).template).match(/"UnheardOf":true/g) ?? [];
    // What are parts of a bucket meet in it, each in its own property.
    assert.equal(shown.length, program.length - WITHOUT_EQUIVALENT.length);
  });

  it("are not asked about a type or a value that nobody said how to render", () => {
    const [first] = program.filter(({ type }) => type === "aws:sns/topic:Topic");
    assert.ok(first);
    assert.throws(
      () => cloudFormation([{ ...first, type: "aws:dynamodb/table:Table" }]),
      /aws_types.py does not know aws:dynamodb\/table:Table/,
    );
    const inputs = { ...first.inputs, body: { __pulumiAsset: true, text: "" } };
    assert.throws(() => cloudFormation([{ ...first, inputs }]), /No table says how to render __pulumiAsset/);
  });
});
