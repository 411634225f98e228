// The policies of whoever deploys, held against the requests that Pulumi's provider makes for what the program declares.
import assert from "node:assert/strict";
import { CONFIG_KEYS, type ConfigKey, WAYS, type Way } from "../../../infra/config/keys";
import template from "../../../infra/deployer/deployer-policy.json";
import {
  type Deployment,
  deployerPolicies,
  POLICY_CHARACTERS,
} from "../../../infra/deployer/managed-policies";
import { partitionOf } from "../../../stack/partition";
import type { Place } from "../deployed-arns";
import { allowedBy, type Request } from "../iam";
import { evaluate } from "../program";
import { requestsFor, TYPES, tagContext } from "../provider-calls";

const EVERYTHING: Record<string, string> = {
  ...Object.fromEntries(
    Object.entries<ConfigKey>(CONFIG_KEYS)
      .filter(([, { check }]) => check.type === "boolean")
      .map(([key]) => [key, "true"]),
  ),
  collectorOrigins: '["*"]',
  collectorWriteKey: "a-key-of-enough-letters",
  privacy: '{"user_id":"hash"}',
  privacyHashKey: "a key of enough letters",
  successEmails: '["ann@example.com"]',
  failureEmails: '["bob@example.com"]',
  monthlyBudgetUsd: "50",
};

const everything = (way: Way) => ({ ...EVERYTHING, way });

/** Granted although no call that was read needs it. */
const UNCALLED: Record<string, string> = {
  "Functions lambda:GetFunctionConfiguration":
    "the AWS SDK's waiters ask it, which the provider uses in places; it reads less than GetFunction, which is granted",
};

const ACCOUNT = "123456789012";
const FOREIGN_ACCOUNT = "999999999999";

function deployment(project: string, stack: string, region = "eu-west-1"): Deployment {
  return { project, stack, region, accountId: ACCOUNT, partition: partitionOf(region) };
}

const documents = (wanted: Deployment) => deployerPolicies(wanted).map(({ document }) => document);

/** All that the provider asks for in the life of a stack. */
async function requestsOf(wanted: Deployment, config: Record<string, string>) {
  const program = await evaluate(config, wanted.stack, wanted.project);
  const place: Place = wanted;
  return program.resources.flatMap((resource) =>
    requestsFor(resource, program, place, config.customerKey === "true"),
  );
}

/** What the policies refuse of all that the provider asks for in the life of a stack. */
async function refused(wanted: Deployment, config: Record<string, string>): Promise<string[]> {
  const policies = documents(wanted);
  const requests = await requestsOf(wanted, config);
  assert.ok(requests.length > 200, "there are requests to decide");
  return requests
    .filter((request) => allowedBy(policies, request).length === 0)
    .map(({ origin, action, resource }) => `${origin}: ${action} on ${resource}`);
}

const LONG = "a-name-of-thirty-characters-xx".repeat(3);

describe("infra/deployer/deployer-policy.json", () => {
  for (const [project, stack] of [
    ["clickstream", "dev"],
    ["shop", "dev"],
    ["shop", "prod.eu"],
    ["Shop_2", "9lives"],
    [LONG, LONG],
  ] as const) {
    it(`allows all that deploying ${project.slice(0, 30)}-${stack.slice(0, 30)} asks for`, async () => {
      for (const way of WAYS)
        assert.deepEqual(await refused(deployment(project, stack), everything(way)), [], way);
    });
  }

  it("allows it by default, without a key of the stack's own", async () => {
    for (const way of WAYS)
      assert.deepEqual(await refused(deployment("clickstream", "dev"), { way }), [], way);
  });

  for (const region of ["cn-north-1", "us-gov-west-1"]) {
    it(`allows it in ${region}`, async () => {
      for (const way of WAYS)
        assert.deepEqual(await refused(deployment("clickstream", "dev", region), everything(way)), [], way);
    });
  }

  it("refuses another project, stack, account and region what carries its name", async () => {
    const program = await evaluate(EVERYTHING, "dev", "shop");
    const logGroup = program.of("aws:cloudwatch/logGroup:LogGroup")[0];
    const alarm = program.of("aws:cloudwatch/metricAlarm:MetricAlarm")[0];
    const role = program.of("aws:iam/role:Role")[0];
    assert.ok(logGroup && alarm && role);
    const place = deployment("shop", "dev");
    for (const resource of [logGroup, alarm, role]) {
      const deletes = requestsFor(resource, program, place, false).filter(({ action }) =>
        /:Delete/.test(action),
      );
      assert.ok(deletes.length > 0, resource.type);
      for (const other of [
        deployment("shop", "prod"),
        deployment("shop", "de"),
        deployment("clickstream", "dev"),
        { ...place, accountId: FOREIGN_ACCOUNT },
        ...(resource === role ? [] : [deployment("shop", "dev", "us-east-1")]),
      ])
        for (const request of deletes)
          assert.deepEqual(allowedBy(documents(other), request), [], other.stack);
    }
  });

  it("has the calls of every type that the program declares, and of no other", async () => {
    const declared = new Set<string>();
    for (const way of WAYS)
      for (const { type } of (await evaluate(everything(way))).resources) declared.add(type);
    assert.deepEqual(
      [...declared].sort(),
      Object.keys(TYPES).sort(),
      "add the type's calls to test/infra/provider-calls.json, read from the provider's source",
    );
    for (const [type, { files }] of Object.entries(TYPES)) assert.ok(Object.keys(files).length > 0, type);
  });

  it("grants nothing, in any statement, that no call needs", async () => {
    const wanted = deployment("shop", "dev");
    const policies = documents(wanted);
    const used = new Set<string>();
    for (const way of WAYS) {
      const program = await evaluate(everything(way), "dev", "shop");
      for (const request of program.resources.flatMap((one) => requestsFor(one, program, wanted, true)))
        for (const sid of allowedBy(policies, request)) used.add(`${sid} ${request.action}`);
    }
    const granted = template.Statement.flatMap(({ Sid, Action }) =>
      Action.map((action) => `${Sid} ${action}`),
    );
    assert.deepEqual(
      granted.filter((grant) => !used.has(grant)),
      Object.keys(UNCALLED),
    );
  });

  it("names every action, and a resource wherever AWS has resource-level permissions", () => {
    const actions = template.Statement.flatMap(({ Action }) => Action);
    assert.deepEqual(
      actions.filter((action) => !/^[a-z0-9]+:[A-Za-z]+$/.test(action)),
      [],
    );
    assert.deepEqual(
      template.Statement.filter(({ Resource }) => [Resource].flat().includes("*")).map(({ Sid }) => Sid),
      ["CreateItsKey", "AwsHasNoResourceLevelForThese", "CreateItsCrawler"],
    );
  });

  it("passes roles to the services that assume one of them, and to no other", async () => {
    const passing = template.Statement.filter(({ Action }) => Action.includes("iam:PassRole"));
    const services: string[] = [];
    for (const way of WAYS)
      for (const { inputs } of (await evaluate(everything(way))).of("aws:iam/role:Role"))
        services.push(JSON.parse(String(inputs.assumeRolePolicy)).Statement[0].Principal.Service);
    for (const { Action } of passing) assert.deepEqual(Action, ["iam:PassRole"]);
    const passed = passing.flatMap(({ Condition }) => Object.values(Condition?.StringEquals ?? {}).flat());
    assert.deepEqual(passed.toSorted(), [...new Set(services)].sort());
  });

  it("needs just the first two policies for a stack with a stream and without a crawler", async () => {
    const wanted = deployment("clickstream", "dev");
    const first = documents(wanted).slice(0, 2);
    const ofAStream = await requestsOf(wanted, { ...everything("stream"), crawler: "false" });
    assert.deepEqual(
      ofAStream.filter((request) => allowedBy(first, request).length === 0),
      [],
    );
    for (const other of [everything("firehose"), { crawler: "true" }])
      assert.ok((await requestsOf(wanted, other)).some((request) => allowedBy(first, request).length === 0));
  });

  it("fits into managed policies, three stacks of any way or five with a stream on one role", () => {
    for (const wanted of [deployment("clickstream", "dev"), deployment(LONG, LONG)]) {
      const policies = deployerPolicies(wanted);
      for (const { characters, document, name, arn } of policies) {
        const text = JSON.stringify(document).replaceAll(" ", "");
        assert.equal(characters, text.length);
        assert.ok(characters <= POLICY_CHARACTERS && POLICY_CHARACTERS === 6144, `${name}: ${characters}`);
        assert.match(name, /^[\w+=,.@-]{1,128}$/);
        assert.equal(arn, `arn:aws:iam::${ACCOUNT}:policy/${name}`);
        assert.doesNotMatch(text, /\b(PARTITION|REGION|ACCOUNT_ID|PROJECT|STACK|[A-Z]+_NAME)\b/);
      }
      assert.equal(new Set(policies.map(({ name }) => name)).size, policies.length);
      assert.deepEqual(
        policies.flatMap(({ document }) => document.Statement).length,
        template.Statement.length,
      );
    }
    assert.equal(deployerPolicies(deployment("clickstream", "dev")).length, 3);
    const [first] = deployerPolicies(deployment(LONG, `${LONG}a`));
    const [second] = deployerPolicies(deployment(LONG, `${LONG}b`));
    assert.notEqual(first?.name, second?.name);
  });
});

describe("infra/deployer/deployer-policy.json and HTTP APIs", () => {
  const policies = documents(deployment("shop", "dev"));
  const api = "arn:aws:apigateway:eu-west-1::/apis/z9y8x7w6v5";
  const allowed = (action: string, resource: string, tags?: Record<string, string>) =>
    allowedBy(policies, { action, resource, ...(tags && { context: tagContext("ResourceTag", tags) }) })
      .length > 0;

  it("changes those of the stack, and what is below them even if AWS sends no tags for it", () => {
    for (const action of ["apigateway:GET", "apigateway:PATCH", "apigateway:DELETE", "apigateway:POST"]) {
      assert.equal(allowed(action, api, { Project: "shop", Stack: "dev" }), true, action);
      assert.equal(allowed(action, `${api}/routes/1a2b3c4`), true, action);
    }
  });

  const OTHERS: Record<string, Record<string, string>> = {
    "another stack": { Project: "shop", Stack: "prod" },
    "another project": { Project: "bank", Stack: "dev" },
    "somebody with just one of the tags": { Stack: "prod" },
  };

  for (const [whose, tags] of Object.entries(OTHERS)) {
    it(`touches nothing of an API of ${whose}`, () => {
      for (const action of ["apigateway:GET", "apigateway:PATCH", "apigateway:DELETE", "apigateway:POST"])
        for (const resource of [api, `${api}/routes/1a2b3c4`, `${api}/stages/$default`])
          assert.equal(allowed(action, resource, tags), false, `${action} ${resource}`);
    });
  }

  it("touches no REST API, key, domain, account setting or other region", () => {
    for (const path of ["/restapis/a", "/apikeys", "/domainnames/a", "/account", "/usageplans", "/vpclinks"])
      for (const action of ["apigateway:GET", "apigateway:POST", "apigateway:DELETE", "apigateway:PATCH"])
        assert.equal(allowed(action, `arn:aws:apigateway:eu-west-1::${path}`), false, `${action} ${path}`);
    assert.equal(allowed("apigateway:GET", "arn:aws:apigateway:us-east-1::/apis"), false);
  });

  it("makes API Gateway's service-linked role, and no other", () => {
    const make = (service: string) =>
      allowedBy(policies, {
        action: "iam:CreateServiceLinkedRole",
        resource: `arn:aws:iam::${ACCOUNT}:role/aws-service-role/${service}/AWSServiceRoleForAny`,
        context: { "iam:AWSServiceName": service },
      }).length > 0;
    assert.equal(make("ops.apigateway.amazonaws.com"), true);
    assert.equal(make("ecs.amazonaws.com"), false);
  });
});

describe("infra/deployer/deployer-policy.json and Firehose", () => {
  const policies = documents(deployment("shop", "dev"));
  const grant = (context: Request["context"]) =>
    allowedBy(policies, {
      action: "kms:CreateGrant",
      resource: `arn:aws:kms:eu-west-1:${ACCOUNT}:key/9999aaaa-12ab-34cd-56ef-1234567890ab`,
      context,
    }).length > 0;
  const byFirehose = {
    "kms:ViaService": "firehose.eu-west-1.amazonaws.com",
    "kms:GrantIsForAWSResource": "true",
  };

  it("lets Firehose use the stack's key, also while the tags of a new key have no effect yet", () => {
    assert.equal(grant(byFirehose), true);
    assert.equal(
      grant({ ...byFirehose, ...tagContext("ResourceTag", { Project: "shop", Stack: "dev" }) }),
      true,
    );
  });

  it("gives no grant on another stack's key, to no other service, and to nobody in person", () => {
    const tags = tagContext("ResourceTag", { Project: "shop", Stack: "dev" });
    assert.equal(grant({ ...byFirehose, ...tags, "aws:ResourceTag/Stack": "prod" }), false);
    assert.equal(grant({ ...byFirehose, ...tags, "kms:ViaService": "ec2.eu-west-1.amazonaws.com" }), false);
    assert.equal(grant({ ...byFirehose, ...tags, "kms:GrantIsForAWSResource": "false" }), false);
    assert.equal(grant(tags), false);
  });

  it("passes a role to Firehose, and touches no delivery stream, queue or crawler of another name", () => {
    const may = (action: string, arn: string) =>
      allowedBy(policies, { action, resource: `arn:aws:${arn}` }).length > 0;
    const here = `eu-west-1:${ACCOUNT}`;
    assert.equal(
      may("firehose:DeleteDeliveryStream", `firehose:${here}:deliverystream/clickstream-delivery-1a`),
      true,
    );
    assert.equal(may("firehose:DeleteDeliveryStream", `firehose:${here}:deliverystream/orders`), false);
    assert.equal(may("sqs:DeleteQueue", `sqs:${here}:clickstream-objects-failed-1a`), true);
    assert.equal(may("sqs:DeleteQueue", `sqs:${here}:orders`), false);
    assert.equal(may("glue:DeleteCrawler", `glue:${here}:crawler/orders`), false);
    assert.equal(may("s3:PutBucketNotification", "s3:::clickstream-raw-1a"), true);
    assert.equal(may("s3:PutBucketNotification", "s3:::clickstream-curated-1a"), false);
  });
});

describe("infra/deployer/deployer-policy.json and KMS", () => {
  const stack = { Project: "shop", Stack: "dev", ManagedBy: "Pulumi" };
  const policies = documents(deployment("shop", "dev"));
  const key = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/9999aaaa-12ab-34cd-56ef-1234567890ab`;
  const multiRegion = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/mrk-1234abcd12ab34cd56ef1234567890ab`;
  const allowed = (request: Request) => allowedBy(policies, request).length > 0;
  const on = (action: string, tags: Record<string, string> = {}, context: Request["context"] = {}) =>
    allowed({ action, resource: key, context: { ...tagContext("ResourceTag", tags), ...context } });

  const DANGEROUS = [
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:DisableKey",
    "kms:UpdateKeyDescription",
    "kms:CreateGrant",
    "kms:EnableKey",
  ];
  const FOREIGN: Record<string, Record<string, string>> = {
    "without tags": {},
    "of another stack": { Project: "shop", Stack: "prod" },
    "of another project": { Project: "bank", Stack: "dev" },
    "with the stack's tag alone": { Stack: "dev" },
  };

  for (const [which, tags] of Object.entries(FOREIGN)) {
    it(`cannot change, delete, give away, decrypt with or tag a key ${which}`, () => {
      for (const action of DANGEROUS) assert.equal(on(action, tags), false, action);
      for (const action of ["kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt"])
        assert.equal(on(action, tags), false, action);
      const capture = { ...tagContext("RequestTag", stack), "aws:TagKeys": Object.keys(stack) };
      assert.equal(on("kms:TagResource", tags, capture), false);
      assert.equal(on("kms:UntagResource", tags, { "aws:TagKeys": ["Project"] }), false);
      const request = { action: "kms:TagResource", resource: multiRegion, context: capture };
      assert.equal(allowed(request), false, "a multi-Region key");
    });
  }

  it("creates a key with the stack's tags, and none with others", () => {
    for (const action of ["kms:CreateKey", "kms:TagResource"]) {
      // Public reports of denials name no resource; should AWS check it on all keys, that is this ARN.
      for (const resource of ["*", `arn:aws:kms:eu-west-1:${ACCOUNT}:key/*`]) {
        const create = (tags: Record<string, string>) =>
          allowed({ action, resource, context: tagContext("RequestTag", tags) });
        assert.equal(create(stack), true, `${action} ${resource}`);
        assert.equal(create({ ...stack, Stack: "prod" }), false);
        assert.equal(create({ Project: "shop" }), false);
        assert.equal(create({}), false);
      }
    }
  });

  it("works before the new key's tags take effect", () => {
    for (const action of [
      "kms:DescribeKey",
      "kms:EnableKeyRotation",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListResourceTags",
      "kms:CreateAlias",
    ])
      assert.equal(on(action), true, action);
    const alias = (name: string) =>
      allowed({ action: "kms:CreateAlias", resource: `arn:aws:kms:eu-west-1:${ACCOUNT}:alias/${name}` });
    assert.equal(alias("shop-dev"), true);
    assert.equal(alias("shop-prod"), false);
    assert.equal(alias("shop-dev-2"), false);
    assert.equal(on("kms:EnableKeyRotation", { Project: "bank", Stack: "dev" }), false);
  });

  it("changes a team's own tags of the stack's key, whichever alone, and never whose key it is", () => {
    const change = (action: string, ...keys: string[]) => on(action, stack, { "aws:TagKeys": keys });
    for (const action of ["kms:TagResource", "kms:UntagResource"]) {
      assert.equal(change(action, "CostCenter"), true, action);
      assert.equal(change(action, "CostCenter", "Team"), true, action);
      assert.equal(change(action, "Stack"), false, action);
      assert.equal(change(action, "CostCenter", "Project"), false, action);
    }
  });

  it("changes and deletes the stack's key", () => {
    for (const action of ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:UpdateKeyDescription"])
      assert.equal(on(action, stack), true, action);
    assert.equal(on("kms:DisableKey", stack), false, "nothing asks for it");
  });

  it("uses keys just through S3 on its script and through Secrets Manager on its secret", () => {
    const s3 = (arn: string, via = "s3.eu-west-1.amazonaws.com") =>
      on("kms:GenerateDataKey", {}, { "kms:ViaService": via, "kms:EncryptionContext:aws:s3:arn": arn });
    assert.equal(s3("arn:aws:s3:::clickstream-scripts-1a2b3c4"), true);
    assert.equal(s3("arn:aws:s3:::clickstream-scripts-1a2b3c4/scripts/etl.py"), true);
    assert.equal(s3("arn:aws:s3:::clickstream-raw-1a2b3c4"), false);
    assert.equal(s3("arn:aws:s3:::payroll"), false);
    assert.equal(s3("arn:aws:s3:::clickstream-scripts-1a2b3c4", "s3.us-east-1.amazonaws.com"), false);
    const secret = (context: Record<string, string>) =>
      on("kms:Decrypt", {}, { "kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com", ...context });
    const arn = (name: string) => `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:${name}`;
    assert.equal(
      secret({ "kms:EncryptionContext:SecretARN": arn("clickstream-privacy-hash-key-1a-x") }),
      true,
    );
    assert.equal(secret({ "kms:EncryptionContext:SecretARN": arn("payroll-1a-x") }), false);
    assert.equal(secret({}), true, "Secrets Manager's check whether the caller may use the key");
  });
});
