// The program deployed to the real emulator with the production options on, and removed again: behaviour, not construction.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiGatewayV2Client, GetApisCommand, GetStagesCommand } from "@aws-sdk/client-apigatewayv2";
import { AthenaClient, ListTagsForResourceCommand as AthenaListTagsCommand } from "@aws-sdk/client-athena";
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
  ListTagsForResourceCommand as LogsListTagsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { GetTagsCommand, GlueClient } from "@aws-sdk/client-glue";
import { IAMClient, ListRolesCommand, ListRoleTagsCommand } from "@aws-sdk/client-iam";
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ListTagsForStreamCommand,
} from "@aws-sdk/client-kinesis";
import {
  DescribeKeyCommand,
  GetKeyRotationStatusCommand,
  KMSClient,
  ListAliasesCommand,
  ListResourceTagsCommand,
} from "@aws-sdk/client-kms";
import {
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListTagsCommand as LambdaListTagsCommand,
  ListEventSourceMappingsCommand,
} from "@aws-sdk/client-lambda";
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketTaggingCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  ListScheduleGroupsCommand,
  SchedulerClient,
  ListTagsForResourceCommand as SchedulerListTagsCommand,
} from "@aws-sdk/client-scheduler";
import { ListSecretsCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient, ListTagsForResourceCommand as SfnListTagsCommand } from "@aws-sdk/client-sfn";
import {
  GetTopicAttributesCommand,
  SNSClient,
  ListTagsForResourceCommand as SnsListTagsCommand,
} from "@aws-sdk/client-sns";
import { type Deployment, deploy } from "../../../local/deploy/program";
import { type Emulator, startEmulator } from "../../../local/emulator-process";
import { type ClientConfig, localClientConfig } from "../../../stack/aws";
import { PROJECT_ROOT } from "../../../stack/runs";

const WRITE_KEY = "a-key-of-enough-letters";
const SITE = "https://www.example.com";

const OPTIONS = {
  collector: true,
  collectorOrigins: [SITE],
  collectorWriteKey: WRITE_KEY,
  collectorConcurrency: 5,
  tags: { CostCenter: "data+events @ 7" },
  scheduleEnabled: true,
  customerKey: true,
  versioning: true,
  rawInfrequentAccessDays: 30,
  quarantineRetentionDays: 90,
  privacy: { user_id: "hash" },
  privacyHashKey: "a key of enough letters",
};

describe("local/deploy on the emulator", function () {
  this.timeout(120_000);
  let stateDir: string;
  let emulator: Emulator;
  let clientConfig: ClientConfig;
  let deployment: Deployment;
  before(async () => {
    stateDir = mkdtempSync(join(tmpdir(), "clickstream-emulator-"));
    emulator = await startEmulator(stateDir);
    clientConfig = localClientConfig(emulator.endpoint);
    deployment = await deploy({ root: PROJECT_ROOT, clientConfig, config: OPTIONS });
  });
  after(async () => {
    await emulator?.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  const apiGateway = () => new ApiGatewayV2Client(clientConfig);
  const stackKey = async () => {
    const { Aliases = [] } = await new KMSClient(clientConfig).send(new ListAliasesCommand({}));
    return Aliases.find(({ AliasName }) => AliasName === "alias/clickstream-dev")?.TargetKeyId ?? "";
  };

  it("creates the stack's KMS key with rotation, and uses it for all encrypted resources", async () => {
    const KeyId = await stackKey();
    const kms = new KMSClient(clientConfig);
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
    assert.equal((await kms.send(new GetKeyRotationStatusCommand({ KeyId }))).KeyRotationEnabled, true);
    const { Attributes } = await new SNSClient(clientConfig).send(
      new GetTopicAttributesCommand({ TopicArn: String(deployment.outputs.failureTopicArn) }),
    );
    assert.equal(Attributes?.KmsMasterKeyId, KeyMetadata?.Arn);
    const { ServerSideEncryptionConfiguration } = await new S3Client(clientConfig).send(
      new GetBucketEncryptionCommand({ Bucket: String(deployment.outputs.rawBucket) }),
    );
    const rule = ServerSideEncryptionConfiguration?.Rules?.[0];
    assert.equal(rule?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID, KeyMetadata?.Arn);
    const { logGroups = [] } = await new CloudWatchLogsClient(clientConfig).send(
      new DescribeLogGroupsCommand({ logGroupNamePrefix: "/clickstream-dev/" }),
    );
    assert.deepEqual(new Set(logGroups.map(({ kmsKeyId }) => kmsKeyId)), new Set([KeyMetadata?.Arn]));
  });

  it("keeps overwritten objects, and stores their expiry rules", async () => {
    const s3 = new S3Client(clientConfig);
    const Bucket = String(deployment.outputs.rawBucket);
    for (const Body of ["first", "second"])
      await s3.send(new PutObjectCommand({ Bucket, Key: "raw/x", Body }));
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    assert.equal(Versions.length, 2);
    const { Rules = [] } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    assert.deepEqual(
      Rules.map(({ ID, Filter, Transitions, Expiration, NoncurrentVersionExpiration }) => [
        ID,
        Filter?.Prefix,
        Transitions?.[0]?.StorageClass,
        Expiration?.Days ?? Expiration?.ExpiredObjectDeleteMarker,
        NoncurrentVersionExpiration?.NoncurrentDays,
      ]),
      [
        ["abort-incomplete-uploads", "", undefined, undefined, undefined],
        ["expire-noncurrent-versions", "", undefined, true, 30],
        ["raw", "raw/", "STANDARD_IA", undefined, undefined],
        ["quarantine", "quarantine/", undefined, 90, undefined],
        ["failed-batches", "aws/lambda/", undefined, 90, undefined],
      ],
    );
  });

  const VISITOR = "203.0.113.77";
  const BROWSER = "A-browser/7.0";
  const EVENT = { event_type: "page_view", event_time: new Date().toISOString(), anonymous_id: "a1" };
  const send = (path: string, init: RequestInit = {}) =>
    fetch(`${deployment.outputs.collectorUrl}${path}`, {
      method: "POST",
      ...init,
      headers: { origin: SITE, "x-forwarded-for": VISITOR, "user-agent": BROWSER, ...init.headers },
    });

  it("the collector stores an event of the site in the stream, with the address masked", async () => {
    const body = JSON.stringify(EVENT);
    const answer = await send(`/v1/events?writeKey=${WRITE_KEY}`, { body });
    assert.deepEqual([answer.status, await answer.json()], [200, { stored: 1 }]);
    assert.equal(answer.headers.get("access-control-allow-origin"), SITE);
    assert.equal(answer.headers.get("access-control-allow-credentials"), "true");
    const [event = "", ...more] = await linesOf(clientConfig, String(deployment.outputs.streamName));
    assert.deepEqual(more, []);
    assert.ok(event.includes('"anonymous_id":"a1"') && event.includes("203.0.113.0"), event);
    assert.ok(!event.includes(VISITOR) && !event.includes(BROWSER), event);
  });

  it("the collector answers 401 without the key, 404 outside of its routes, and a preflight without the function", async () => {
    assert.equal((await send("/v1/events", { body: JSON.stringify(EVENT) })).status, 401);
    assert.equal((await send("/elsewhere")).status, 404);
    const preflight = await send("/v1/events", {
      method: "OPTIONS",
      headers: {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(
      preflight.headers.get("access-control-allow-headers"),
      "authorization,content-type,sp-anonymous,x-retry-count",
    );
    assert.equal(preflight.headers.get("access-control-max-age"), "86400");
    const foreign = await send("/health", {
      method: "GET",
      headers: { origin: "https://elsewhere.example" },
    });
    assert.equal(foreign.headers.get("access-control-allow-origin"), null);
  });

  it("the collector logs each request without what says who sent it, or with which key", async () => {
    await send(`/v1/projects/${WRITE_KEY}/settings`, { method: "GET" });
    const { events = [] } = await new CloudWatchLogsClient(clientConfig).send(
      new FilterLogEventsCommand({ logGroupName: "/aws/vendedlogs/apigateway/clickstream-dev/collector" }),
    );
    const lines = events.map(({ message = "" }) => message);
    const found = lines.map((line) => {
      const { stack, route, status } = JSON.parse(line) as Record<string, string>;
      return `${stack} ${status} ${route}`;
    });
    assert.ok(found.includes("clickstream-dev 200 POST /v1/{call}"), found.join());
    assert.ok(found.includes("clickstream-dev 401 POST /v1/{call}"), found.join());
    assert.ok(found.includes("clickstream-dev 200 GET /v1/projects/{writeKey}/settings"), found.join());
    for (const text of [VISITOR, BROWSER, WRITE_KEY, "a1"]) assert.ok(!lines.join().includes(text), text);
  });

  it("the collector serves the tracker whose integrity the program puts out", async () => {
    const script = await send("/clickstream.js", { method: "GET" });
    const digest = createHash("sha384").update(Buffer.from(await script.arrayBuffer()));
    assert.equal(`sha384-${digest.digest("base64")}`, deployment.outputs.collectorScriptIntegrity);
  });

  it("the collector has the limits that are configured", async () => {
    const { Items: apis = [] } = await apiGateway().send(new GetApisCommand({}));
    assert.equal(apis.length, 1);
    const { Items: stages = [] } = await apiGateway().send(new GetStagesCommand({ ApiId: apis[0]?.ApiId }));
    assert.deepEqual(
      stages.map(({ StageName, DefaultRouteSettings: limits }) => [
        StageName,
        limits?.ThrottlingRateLimit,
        limits?.ThrottlingBurstLimit,
      ]),
      [["$default", 100, 200]],
    );
    const { ReservedConcurrentExecutions } = await new LambdaClient(clientConfig).send(
      new GetFunctionConcurrencyCommand({ FunctionName: String(deployment.outputs.collectorFunction) }),
    );
    assert.equal(ReservedConcurrentExecutions, 5);
  });

  it("the collector keeps the write key out of the function's environment", async () => {
    const { Environment } = await new LambdaClient(clientConfig).send(
      new GetFunctionConfigurationCommand({ FunctionName: String(deployment.outputs.collectorFunction) }),
    );
    assert.match(
      Environment?.Variables?.WRITE_KEY_SECRET_ARN ?? "",
      /:secret:clickstream-collector-write-key-/,
    );
    assert.ok(!JSON.stringify(Environment).includes(WRITE_KEY));
  });

  it("tags all resources", async () => {
    const expected = {
      CostCenter: "data+events @ 7",
      ManagedBy: "Pulumi",
      Project: "clickstream",
      Stack: "dev",
    };
    for (const [what, tags] of Object.entries(await tagsOf(clientConfig, deployment.outputs))) {
      assert.deepEqual(tags, expected, what);
    }
    assert.deepEqual(
      deployment.ignoredInputs.filter(({ input }) => input.startsWith("tags")),
      [],
    );
  });

  it("removes everything except the key, which is pending deletion as on AWS", async () => {
    const KeyId = await stackKey();
    await deployment.destroy();
    assert.deepEqual((await new S3Client(clientConfig).send(new ListBucketsCommand({}))).Buckets ?? [], []);
    const { KeyMetadata } = await new KMSClient(clientConfig).send(new DescribeKeyCommand({ KeyId }));
    assert.equal(KeyMetadata?.KeyState, "PendingDeletion");
    assert.deepEqual((await apiGateway().send(new GetApisCommand({}))).Items, []);
    const secrets = new SecretsManagerClient(clientConfig);
    assert.deepEqual(
      (await secrets.send(new ListSecretsCommand({ IncludePlannedDeletion: true }))).SecretList,
      [],
    );
    assert.equal(await stackKey(), "");
  });
});

/** The lines in the stream's records. */
async function linesOf(config: ClientConfig, StreamName: string): Promise<string[]> {
  const client = new KinesisClient(config);
  const lines: string[] = [];
  for (const { ShardId } of (await client.send(new ListShardsCommand({ StreamName }))).Shards ?? []) {
    const from = { StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" } as const;
    const { ShardIterator } = await client.send(new GetShardIteratorCommand(from));
    const { Records = [] } = await client.send(new GetRecordsCommand({ ShardIterator }));
    for (const { Data } of Records)
      lines.push(
        ...Buffer.from(Data ?? [])
          .toString()
          .trim()
          .split("\n"),
      );
  }
  return lines;
}

/** What each service lists as the tags of one of its resources. */
async function tagsOf(config: ClientConfig, outputs: Record<string, unknown>) {
  const { stateMachineArn, failureTopicArn, streamName, jobName, rawBucket, workgroup, database } =
    outputs as Record<string, string>;
  const arn = (service: string, resource: string) => `arn:aws:${service}:us-east-1:000000000000:${resource}`;
  const sfn = new SFNClient(config);
  const sns = new SNSClient(config);
  const kinesis = new KinesisClient(config);
  const glue = new GlueClient(config);
  const lambda = new LambdaClient(config);
  const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({}));
  const { tags: machine = [] } = await sfn.send(new SfnListTagsCommand({ resourceArn: stateMachineArn }));
  const { Roles = [] } = await new IAMClient(config).send(
    new ListRolesCommand({ PathPrefix: "/clickstream-dev/" }),
  );
  const roleName = Roles[0]?.RoleName;
  const key = await new KMSClient(config).send(
    new ListResourceTagsCommand({ KeyId: "alias/clickstream-dev" }),
  );
  return {
    stream: plain((await kinesis.send(new ListTagsForStreamCommand({ StreamName: streamName }))).Tags),
    bucket: plain(
      (await new S3Client(config).send(new GetBucketTaggingCommand({ Bucket: rawBucket }))).TagSet,
    ),
    role: plain((await new IAMClient(config).send(new ListRoleTagsCommand({ RoleName: roleName }))).Tags),
    key: plain(key.Tags?.map(({ TagKey, TagValue }) => ({ Key: TagKey, Value: TagValue }))),
    topic: plain((await sns.send(new SnsListTagsCommand({ ResourceArn: failureTopicArn }))).Tags),
    workgroup: plain(
      (
        await new AthenaClient(config).send(
          new AthenaListTagsCommand({ ResourceARN: arn("athena", `workgroup/${workgroup}`) }),
        )
      ).Tags,
    ),
    job: (await glue.send(new GetTagsCommand({ ResourceArn: arn("glue", `job/${jobName}`) }))).Tags,
    api: (await apis(config))[0]?.Tags,
    "api's stage": (await stages(config))[0]?.Tags,
    database: (await glue.send(new GetTagsCommand({ ResourceArn: arn("glue", `database/${database}`) })))
      .Tags,
    function: (
      await lambda.send(new LambdaListTagsCommand({ Resource: String(EventSourceMappings[0]?.FunctionArn) }))
    ).Tags,
    "state machine": plain(machine.map((tag) => ({ Key: tag.key, Value: tag.value }))),
    "log group": (
      await new CloudWatchLogsClient(config).send(
        new LogsListTagsCommand({ resourceArn: arn("logs", "log-group:/clickstream-dev/ingest") }),
      )
    ).tags,
    ...(await othersOf(config)),
  };
}

async function apis(config: ClientConfig) {
  return (await new ApiGatewayV2Client(config).send(new GetApisCommand({}))).Items ?? [];
}

async function stages(config: ClientConfig) {
  const [api] = await apis(config);
  const { Items = [] } = await new ApiGatewayV2Client(config).send(
    new GetStagesCommand({ ApiId: api?.ApiId }),
  );
  return Items;
}

async function othersOf(config: ClientConfig) {
  const scheduler = new SchedulerClient(config);
  const { ScheduleGroups = [] } = await scheduler.send(new ListScheduleGroupsCommand({}));
  const group = ScheduleGroups.find(({ Name }) => Name?.startsWith("clickstream-schedule"));
  const { SecretList = [] } = await new SecretsManagerClient(config).send(new ListSecretsCommand({}));
  return {
    "schedule group": plain(
      (await scheduler.send(new SchedulerListTagsCommand({ ResourceArn: group?.Arn }))).Tags,
    ),
    secret: plain(SecretList[0]?.Tags),
  };
}

function plain(tags: { Key?: string; Value?: string }[] = []) {
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
}
