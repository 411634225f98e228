// The policy pack over the program as it is evaluated under mocks: nothing is reported, and each rule sees its violation.
import assert from "node:assert/strict";
import type { PolicyResource, ResourceValidationArgs, StackValidationArgs } from "@pulumi/policy";
import { WAYS } from "../../infra/config/keys";
import { rules, UNTAGGABLE } from "../../policy/rules";
import { type Declared, evaluate } from "../infra/program";
import { taggable } from "../infra/taggable";

type Examined = Declared & { protect: boolean };

const EVERY_OPTION = {
  collector: "true",
  collectorOrigins: '["*"]',
  collectorWriteKey: "a-key-of-enough-letters",
  customerKey: "true",
  privacy: '{"user_id":"hash"}',
  privacyHashKey: "a key of enough letters",
};

async function examined(config: Record<string, string> = {}): Promise<Examined[]> {
  const { resources, protectedOf } = await evaluate(config);
  return resources.map((resource) => ({
    ...resource,
    protect: protectedOf(resource.type).includes(resource.name),
  }));
}

/** The resources as the engine hands them to a policy. */
function asEngine(declared: Examined[]): PolicyResource[] {
  const resources = declared.map(({ type, name, inputs, protect }) => ({
    type,
    name,
    urn: `urn:pulumi:test::clickstream::${type}::${name}`,
    props: inputs,
    opts: { protect },
    propertyDependencies: {} as Record<string, PolicyResource[]>,
  }));
  for (const resource of resources) {
    const bucket = resources.find(
      ({ type, name }) => type === "aws:s3/bucket:Bucket" && `${name}-id` === resource.props.bucket,
    );
    if (bucket) resource.propertyDependencies.bucket = [bucket as unknown as PolicyResource];
  }
  return resources as unknown as PolicyResource[];
}

/** What the rules report, as `rule: message`. */
async function violations(declared: Examined[]): Promise<string[]> {
  const resources = asEngine(declared);
  const found: string[] = [];
  for (const rule of rules) {
    const report = (message: string) => found.push(`${rule.name}: ${message}`);
    if ("validateStack" in rule) {
      await rule.validateStack({ resources } as unknown as StackValidationArgs, report);
    } else if ("validateResource" in rule) {
      for (const resource of resources)
        for (const validate of [rule.validateResource].flat())
          await validate?.(resource as unknown as ResourceValidationArgs, report);
    }
  }
  return found;
}

const trust = (condition?: object) =>
  JSON.stringify({
    Statement: [
      {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: { Service: "glue.amazonaws.com" },
        ...(condition && { Condition: condition }),
      },
    ],
  });
const policy = (statement: object) => JSON.stringify({ Statement: [{ Effect: "Allow", ...statement }] });

interface Fault {
  type: string;
  /** The tags stay, unless it gives others. */
  spoil: (inputs: Declared["inputs"]) => unknown;
  protect?: boolean;
  says: RegExp;
}

/** For each rule: how a good program is spoilt, and what the rule then says. */
const FAULTS: Record<string, Fault> = {
  tagged: {
    type: "aws:sns/topic:Topic",
    spoil: (inputs) => ({ ...inputs, tags: { Project: "clickstream", ManagedBy: "" } }),
    says: /tags must have Stack, ManagedBy/,
  },
  "data-protected": {
    type: "aws:kinesis/stream:Stream",
    spoil: (inputs) => inputs,
    protect: false,
    says: /clickstream-stream is not protected: remove allowDataLoss/,
  },
  "buckets-private": {
    type: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    spoil: (inputs) => ({ ...inputs, blockPublicPolicy: false }),
    says: /clickstream-\w+: A bucket must block all public access/,
  },
  "buckets-encrypted": {
    type: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    spoil: ({ bucket }) => ({ bucket, rules: [] }),
    says: /default encryption/,
  },
  "buckets-tls-only": {
    type: "aws:s3/bucketPolicy:BucketPolicy",
    spoil: ({ bucket }) => ({ bucket, policy: policy({ Action: "s3:GetObject" }) }),
    says: /without TLS/,
  },
  "buckets-without-leftovers": {
    type: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    spoil: ({ bucket }) => ({ bucket, rules: [{ id: "expire" }] }),
    says: /abort incomplete uploads/,
  },
  "stream-encrypted": {
    type: "aws:kinesis/stream:Stream",
    spoil: ({ encryptionType, kmsKeyId, ...others }) => others,
    says: /encryptionType must be KMS with a kmsKeyId, got none/,
  },
  "delivery-stream-encrypted": {
    type: "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
    spoil: ({ serverSideEncryption, ...others }) => others,
    says: /serverSideEncryption.enabled must be true/,
  },
  "queues-encrypted": {
    type: "aws:sqs/queue:Queue",
    spoil: ({ kmsMasterKeyId, sqsManagedSseEnabled, ...others }) => others,
    says: /kmsMasterKeyId must be set, or sqsManagedSseEnabled be true/,
  },
  "topics-encrypted": {
    type: "aws:sns/topic:Topic",
    spoil: () => ({}),
    says: /kmsMasterKeyId must be set, got none/,
  },
  "query-results-encrypted": {
    type: "aws:athena/workgroup:Workgroup",
    spoil: () => ({ configuration: { resultConfiguration: { outputLocation: "s3://results/" } } }),
    says: /must have an encryptionOption/,
  },
  "logs-expire": {
    type: "aws:cloudwatch/logGroup:LogGroup",
    spoil: ({ name }) => ({ name }),
    says: /retentionInDays must be above 0, got none/,
  },
  "no-wildcard-action": {
    type: "aws:iam/rolePolicy:RolePolicy",
    spoil: () => ({ policy: policy({ Action: ["s3:Get*"], Resource: "arn:aws:s3:::b/*" }) }),
    says: /Name the actions instead of s3:Get\*/,
  },
  "no-wildcard-resource": {
    type: "aws:iam/rolePolicy:RolePolicy",
    spoil: () => ({ policy: policy({ Action: "s3:GetObject", Resource: "*" }) }),
    says: /Name the resources of s3:GetObject/,
  },
  "no-confused-deputy": {
    type: "aws:iam/role:Role",
    spoil: () => ({ assumeRolePolicy: trust() }),
    says: /The trust in glue.amazonaws.com needs a condition/,
  },
  "own-policies-only": {
    type: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    spoil: () => ({ policyArn: "arn:aws:iam::aws:policy/AdministratorAccess" }),
    says: /instead of attaching arn:aws:iam::aws:policy\/AdministratorAccess/,
  },
  "function-runtime": {
    type: "aws:lambda/function:Function",
    spoil: (inputs) => ({ ...inputs, runtime: "nodejs18.x" }),
    says: /runtime must be nodejs24.x on arm64, got nodejs18.x on arm64/,
  },
  "function-called-by-one": {
    type: "aws:lambda/permission:Permission",
    spoil: ({ sourceArn, ...others }) => others,
    says: /principal must be a service and sourceArn must be set, got apigateway.amazonaws.com with none/,
  },
  "api-throttled-and-logged": {
    type: "aws:apigatewayv2/stage:Stage",
    spoil: (inputs) => ({
      ...inputs,
      accessLogSettings: { destinationArn: "arn", format: "$context.requestId $context.identity.sourceIp" },
    }),
    says: /must not have \$context\.identity\.sourceIp/,
  },
  "state-machine-logged": {
    type: "aws:sfn/stateMachine:StateMachine",
    spoil: ({ loggingConfiguration, ...others }) => others,
    says: /must have the level ALL and no execution data, got none/,
  },
};

describe("policy/rules", () => {
  let program: Examined[];
  let arrival: Examined[];
  before(async () => {
    program = await examined(EVERY_OPTION);
    arrival = await examined({ way: "arrival" });
  });

  it("reports nothing for the program in any way, by default and with every option on", async () => {
    assert.deepEqual(await violations(program), []);
    assert.deepEqual(await violations(await examined()), []);
    assert.deepEqual(await violations(arrival), []);
    for (const way of WAYS)
      assert.deepEqual(await violations(await examined({ ...EVERY_OPTION, way })), [], way);
  });

  it("lets a stack be without protection whose buckets destroy empties, and no other", async () => {
    const dev = await examined({ ...EVERY_OPTION, allowDataLoss: "true", forceDestroy: "true" });
    assert.deepEqual(await violations(dev), []);

    const found = await violations(await examined({ ...EVERY_OPTION, allowDataLoss: "true" }));
    // 4 buckets, the stream, the database and its 2 tables, the secret, the key.
    assert.equal(found.filter((violation) => violation.startsWith("data-protected: ")).length, 10);
    assert.equal(found.length, 10);
  });

  it("asks for tags where the provider can set them", async () => {
    const all = await examined({ ...EVERY_OPTION, alarms: "true", dashboard: "true", monthlyBudgetUsd: "5" });
    for (const type of new Set([...all.map((resource) => resource.type), ...UNTAGGABLE])) {
      assert.equal(UNTAGGABLE.includes(type), !taggable(type), type);
    }
  });

  it("asks for limits and an access log, and finds each variable with personal data in it", async () => {
    const at = program.findIndex(({ type }) => type === "aws:apigatewayv2/stage:Stage");
    const withInputs = async (inputs: object) => {
      const stage = { ...program[at], inputs: { ...program[at]?.inputs, ...inputs } } as Examined;
      return (await violations(program.with(at, stage))).join();
    };
    assert.match(
      await withInputs({ defaultRouteSettings: { throttlingRateLimit: 10 } }),
      /throttlingBurstLimit/,
    );
    assert.match(await withInputs({ accessLogSettings: undefined }), /must be set, got none/);
    for (const variable of [
      "$context.path",
      "$context.identity.userAgent",
      "$context.authorizer.principalId",
    ]) {
      const format = `{"id":"$context.requestId","x":"${variable}"}`;
      assert.ok(
        (await withInputs({ accessLogSettings: { destinationArn: "a", format } })).includes(variable),
      );
    }
  });

  it("accepts either condition against the confused deputy", async () => {
    const role = (condition: object) => ({
      type: "aws:iam/role:Role",
      name: "r",
      inputs: {
        assumeRolePolicy: trust(condition),
        tags: { Project: "p", Stack: "s", ManagedBy: "Pulumi" },
      },
      protect: false,
    });
    const good = [
      role({ StringEquals: { "aws:SourceAccount": "1" } }),
      role({ ArnLike: { "AWS:SourceArn": "a" } }),
    ];
    assert.deepEqual(await violations(good), []);
  });

  for (const rule of rules) {
    it(`sees what breaks ${rule.name}`, async () => {
      const fault = FAULTS[rule.name];
      assert.ok(fault, "no fault is planted for this rule");
      const good = [program, arrival].find((one) => one.some(({ type }) => type === fault.type)) ?? program;
      const index = good.findIndex(({ type }) => type === fault.type);
      const found = good[index] ?? { type: fault.type, name: "planted", inputs: {}, protect: false };
      const inputs = { tags: found.inputs.tags, ...(fault.spoil(found.inputs) as Declared["inputs"]) };
      const spoilt = { ...found, inputs, protect: fault.protect ?? found.protect };
      const others = good.filter((_, place) => place !== index);
      const reported = await violations([...others, spoilt]);
      assert.equal(reported.length, 1, reported.join("\n"));
      assert.match(reported[0] ?? "", fault.says);
      assert.ok(reported[0]?.startsWith(`${rule.name}: `));
    });
  }
});
