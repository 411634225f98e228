// The program deployed to the real emulator with the production options on, and removed again: behaviour, not construction.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  DescribeKeyCommand,
  GetKeyRotationStatusCommand,
  KMSClient,
  ListAliasesCommand,
} from "@aws-sdk/client-kms";
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { GetTopicAttributesCommand, SNSClient } from "@aws-sdk/client-sns";
import { type ClientConfig, localClientConfig } from "../../../local/aws";
import { type Deployment, deploy } from "../../../local/deploy/program";
import { type Emulator, startEmulator } from "../../../local/emulator-process";
import { PROJECT_ROOT } from "../../../local/runs";

const OPTIONS = {
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

  it("makes the stack's key, which rotates, and gives it to what it covers", async () => {
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

  it("keeps what is overwritten, and stores the rules by which it expires", async () => {
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

  it("removes everything; of the key, as on AWS, a pending deletion is left", async () => {
    const KeyId = await stackKey();
    await deployment.destroy();
    assert.deepEqual((await new S3Client(clientConfig).send(new ListBucketsCommand({}))).Buckets ?? [], []);
    const { KeyMetadata } = await new KMSClient(clientConfig).send(new DescribeKeyCommand({ KeyId }));
    assert.equal(KeyMetadata?.KeyState, "PendingDeletion");
    assert.equal(await stackKey(), "");
  });
});
