// The program deployed to the real emulator with the production options on, and removed again: behaviour, not construction.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AthenaClient, ListTagsForResourceCommand as AthenaListTagsCommand } from "@aws-sdk/client-athena";
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  ListTagsForResourceCommand as LogsListTagsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { GetTagsCommand, GlueClient } from "@aws-sdk/client-glue";
import { IAMClient, ListRolesCommand, ListRoleTagsCommand } from "@aws-sdk/client-iam";
import { KinesisClient, ListTagsForStreamCommand } from "@aws-sdk/client-kinesis";
import {
  DescribeKeyCommand,
  GetKeyRotationStatusCommand,
  KMSClient,
  ListAliasesCommand,
  ListResourceTagsCommand,
} from "@aws-sdk/client-kms";
import {
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

const OPTIONS = {
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
    assert.equal(await stackKey(), "");
  });
});

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
