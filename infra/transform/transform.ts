// Transform: the Glue job that writes the curated table from the raw events, its script, the bucket that it writes to, and
// the Lambda that tells whether the job has anything to do.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { LookForNewEnv } from "../../lambdas/look-for-new/env";
import type { PrivacyRule } from "../../schema/contract";
import { PREFIX } from "../../schema/prefixes";
import { tableArns } from "../blocks/account";
import { PROJECT_ROOT } from "../blocks/bundle";
import { mayUse } from "../blocks/encryption";
import type { EnvironmentOf } from "../blocks/environment";
import { logGroup } from "../blocks/log-group";
import { qualifiedName } from "../blocks/names";
import { NodeFunction } from "../blocks/node-function";
import { allow, type Statement } from "../blocks/permissions";
import { type BucketSettings, PrivateBucket } from "../blocks/private-bucket";
import { ServiceRole } from "../blocks/service-role";

export interface TransformArgs extends BucketSettings {
  raw: PrivateBucket;
  /** Prefix in the raw bucket of what AWS could not hand to the ingest. */
  givenUpPrefix: string;
  /** So much later than the arrival of its events a raw object can still be written. */
  lateHours: number;
  databaseName: string;
  /** The table that the job writes. */
  jobTable: string;
  /** The events that to-parquet wrote on their arrival. check-arrival then tells whether the job has anything to do. */
  arrivedTable?: string;
  privacy: Record<string, PrivacyRule>;
  /** Required if `privacy` hashes a field. */
  privacyHashKey?: pulumi.Input<string>;
  glueWorkerType: string;
  glueWorkers: number;
  glueExecutionClass: "STANDARD" | "FLEX";
  glueTimeoutMinutes: number;
  targetFileMb: number;
  dedupeDays: number;
  compaction: boolean;
  compactionMb: number;
  compactionSeconds: number;
  logRetentionDays: number;
  tracing: boolean;
  allowDataLoss: boolean;
}

interface LogGroups {
  error: aws.cloudwatch.LogGroup;
  output: aws.cloudwatch.LogGroup;
}

/** The driver and one executor. With these two there is nothing to scale. */
const LEAST_WORKERS = 2;

const SCRIPT = "glue-scripts/clickstream_etl.py";
const PACKAGE = "glue-scripts/clickstream";

/** The job gives it to files whose rows it has written to other files (aws.py), before it deletes them. */
export const RETIRED_TAG = { key: "clickstream", value: "retired" };

export class Transform extends pulumi.ComponentResource {
  readonly curated: PrivateBucket;
  readonly scripts: PrivateBucket;
  readonly job: { name: pulumi.Output<string>; arn: pulumi.Output<string> };
  /** Tells whether the job has anything to do. */
  readonly lookForNew?: NodeFunction;
  /** The key for hashes, if a rule needs one. */
  readonly privacyHashSecretArn?: pulumi.Output<string>;
  /** Groups for the script's output and for Spark's log. */
  readonly logGroupNames: { output: pulumi.Output<string>; error: pulumi.Output<string> };

  constructor(name: string, args: TransformArgs, opts?: pulumi.ComponentResourceOptions) {
    // The type is a part of the URN of every resource in it: a stack deployed under the stage's old name keeps them.
    super("clickstream:index:Process", name, {}, opts);
    this.curated = new PrivateBucket(
      `${name}-curated`,
      { ...args, replacedTag: RETIRED_TAG },
      { parent: this },
    );
    this.scripts = new PrivateBucket(`${name}-scripts`, { ...args, forceDestroy: true }, { parent: this });
    const secretArn = this.createSecret(name, args);
    this.privacyHashSecretArn = secretArn;
    const logs = this.createLogGroups(name, args);
    const role = this.createRole(name, args, secretArn, logs);
    const job = this.createJob(name, args, role, secretArn);
    this.job = { name: job.name, arn: job.arn };
    if (args.arrivedTable === undefined) this.lookForNew = this.createLookForNew(name, args);
    this.logGroupNames = { output: logs.output.name, error: logs.error.name };
    this.registerOutputs({ jobName: job.name });
  }

  private createLookForNew(name: string, args: TransformArgs): NodeFunction {
    const below = (...prefixes: string[]) => ({ StringLike: { "s3:prefix": prefixes } });
    const listed = [PREFIX.raw, PREFIX.quarantine, args.givenUpPrefix].map((prefix) => `${prefix}*`);
    const head = `${PREFIX.runs}head.json`;
    return new NodeFunction(
      `${name}-look-for-new`,
      {
        lambda: "look-for-new",
        description: "Checks whether there are raw objects that no run of the job has taken",
        environment: {
          RAW_BUCKET: args.raw.bucketName,
          CURATED_BUCKET: this.curated.bucketName,
          GIVEN_UP_PREFIX: args.givenUpPrefix,
          STREAM_RETENTION_HOURS: String(args.lateHours),
        } satisfies EnvironmentOf<LookForNewEnv>,
        permissions: [
          allow("s3:ListBucket")
            .when(below(...listed))
            .on(args.raw.arn),
          allow("s3:ListBucket")
            .when(below(head, `${PREFIX.runs}attempts/*`))
            .on(this.curated.arn),
          allow("s3:GetObject").on(
            pulumi.interpolate`${this.curated.arn}/${head}`,
            this.curated.objects(`${PREFIX.runs}taken/`),
          ),
          ...mayUse(args.key, "kms:Decrypt"),
        ],
        memoryMb: 512,
        timeoutSeconds: 120,
        logRetentionDays: args.logRetentionDays,
        tracing: args.tracing,
        key: args.key,
      },
      { parent: this },
    );
  }

  private createSecret(name: string, args: TransformArgs): pulumi.Output<string> | undefined {
    if (args.privacyHashKey === undefined) return undefined;
    const secret = new aws.secretsmanager.Secret(
      `${name}-privacy-hash-key`,
      {
        description: "Key that the Glue job hashes personal fields with",
        // Without the key, new hashes never match old ones, so a deletion can be undone for a month.
        recoveryWindowInDays: args.allowDataLoss ? 0 : 30,
        // AWS's own key is set explicitly: if it is left out, the provider keeps the secret's present key.
        kmsKeyId: args.key?.arn ?? "alias/aws/secretsmanager",
      },
      { parent: this },
    );
    const version = new aws.secretsmanager.SecretVersion(
      `${name}-privacy-hash-key`,
      { secretId: secret.id, secretString: args.privacyHashKey },
      { parent: this },
    );
    return version.arn;
  }

  /** Glue would create `/error` and `/output` itself. Created here, they have a retention and are deleted with the stack. */
  private createLogGroups(name: string, args: TransformArgs): LogGroups {
    const group = (stream: string) =>
      logGroup(
        `${name}-job-${stream}`,
        { path: `transform/${stream}`, retentionDays: args.logRetentionDays, key: args.key },
        { parent: this },
      );
    return { error: group("error"), output: group("output") };
  }

  private createRole(
    name: string,
    args: TransformArgs,
    secretArn: pulumi.Output<string> | undefined,
    logs: LogGroups,
  ): ServiceRole {
    return new ServiceRole(
      `${name}-job-role`,
      {
        service: "glue.amazonaws.com",
        description:
          "The Glue job: reads raw events and its script, writes the curated zone and its catalog entries",
        permissions: [
          ...this.storagePermissions(args),
          ...catalogPermissions(args),
          allow("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents").on(
            ...Object.values(logs).map((group) => pulumi.interpolate`${group.arn}:*`),
          ),
          ...(secretArn ? [allow("secretsmanager:GetSecretValue").on(secretArn)] : []),
          ...mayUse(args.key, "kms:Decrypt", "kms:GenerateDataKey"),
        ],
      },
      { parent: this },
    );
  }

  private storagePermissions({ raw, arrivedTable }: TransformArgs): Statement[] {
    const written = [PREFIX.events, PREFIX.rebuilt, PREFIX.runs].map((prefix) =>
      this.curated.objects(prefix),
    );
    return [
      allow("s3:ListBucket", "s3:GetBucketLocation").on(raw.arn, this.curated.arn),
      // Glue looks for the script as S3A does, which fails without the right to list.
      allow("s3:ListBucket").on(this.scripts.arn),
      allow("s3:GetObject").on(
        raw.objects(PREFIX.raw),
        raw.objects(PREFIX.quarantine),
        this.scripts.objects("scripts/"),
      ),
      // Lines of raw objects that cannot be read back go to the quarantine, too.
      allow("s3:PutObject").on(raw.objects(PREFIX.quarantine)),
      allow("s3:GetObject", "s3:PutObject", "s3:DeleteObject").on(...written),
      allow("s3:PutObjectTagging").on(
        ...[PREFIX.events, PREFIX.rebuilt].map((prefix) => this.curated.objects(prefix)),
      ),
      // What the job has taken.
      ...(arrivedTable === undefined
        ? []
        : [allow("s3:DeleteObject", "s3:PutObjectTagging").on(this.curated.objects(PREFIX.arrived))]),
    ];
  }

  private createJob(
    name: string,
    args: TransformArgs,
    role: ServiceRole,
    secretArn: pulumi.Output<string> | undefined,
  ): aws.glue.Job {
    const script = this.uploadScript(name);
    return new aws.glue.Job(
      `${name}-transform`,
      {
        description: "Transforms the raw events into the curated, partitioned table",
        roleArn: role.arn,
        glueVersion: "5.1",
        command: {
          name: "glueetl",
          pythonVersion: "3",
          scriptLocation: pulumi.interpolate`s3://${script.bucket}/${script.key}`,
        },
        workerType: args.glueWorkerType,
        numberOfWorkers: args.glueWorkers,
        executionClass: args.glueExecutionClass,
        timeout: args.glueTimeoutMinutes,
        // One run at a time, without retries of the job: the state machine decides what follows a failure.
        executionProperty: { maxConcurrentRuns: 1 },
        maxRetries: 0,
        defaultArguments: this.jobArguments(name, args, secretArn),
      },
      { parent: this, dependsOn: role },
    );
  }

  private jobArguments(
    name: string,
    args: TransformArgs,
    secretArn: pulumi.Output<string> | undefined,
  ): Record<string, pulumi.Input<string>> {
    const curated = (prefix: string) => pulumi.interpolate`s3://${this.curated.bucketName}/${prefix}`;
    return {
      "--raw_path": pulumi.interpolate`s3://${args.raw.bucketName}/${PREFIX.raw}`,
      "--quarantine_path": pulumi.interpolate`s3://${args.raw.bucketName}/${PREFIX.quarantine}`,
      "--given_up_path": pulumi.interpolate`s3://${args.raw.bucketName}/${args.givenUpPrefix}`,
      "--curated_path": curated(PREFIX.events),
      "--rebuilt_path": curated(PREFIX.rebuilt),
      "--runs_path": curated(PREFIX.runs),
      "--database": args.databaseName,
      "--table": args.jobTable,
      "--privacy": JSON.stringify(args.privacy),
      "--privacy_key_secret": secretArn ?? "none",
      "--target_file_mb": String(args.targetFileMb),
      "--retention_hours": String(args.lateHours),
      "--dedupe_days": String(args.dedupeDays),
      "--compaction": args.compaction ? "on" : "off",
      "--compaction_mb": String(args.compactionMb),
      "--compaction_seconds": String(args.compactionSeconds),
      "--arrived_path": args.arrivedTable === undefined ? "none" : curated(PREFIX.arrived),
      // The state machine sets these for each run; a run started by hand takes what is new.
      "--execution": "by-hand",
      "--reprocess_from": "none",
      "--reprocess_to": "none",
      "--extra-py-files": this.uploadPackage(name),
      "--job-language": "python",
      "--job-bookmark-option": "job-bookmark-disable",
      "--custom-logGroup-prefix": logRoot(),
      ...(args.glueWorkers > LEAST_WORKERS && { "--enable-auto-scaling": "true" }),
    };
  }

  /** The key is the hash of the content: a changed script is a new object, and a run that has started keeps its own. */
  private uploadScript(name: string): aws.s3.BucketObjectv2 {
    const text = readFileSync(path.join(PROJECT_ROOT, SCRIPT), "utf8");
    return new aws.s3.BucketObjectv2(
      `${name}-script`,
      {
        bucket: this.scripts.bucketName,
        key: `scripts/clickstream_etl-${hashOf(text)}.py`,
        source: new pulumi.asset.StringAsset(text),
        contentType: "text/x-python",
      },
      { parent: this },
    );
  }

  /** The package that the script runs, as a zip whose key is made from its files. */
  private uploadPackage(name: string): pulumi.Output<string> {
    const files = packageFiles();
    const archive = new aws.s3.BucketObjectv2(
      `${name}-package`,
      {
        bucket: this.scripts.bucketName,
        key: `scripts/clickstream-${hashOf(JSON.stringify(files))}.zip`,
        source: new pulumi.asset.AssetArchive(
          Object.fromEntries(files.map(([file, text]) => [file, new pulumi.asset.StringAsset(text)])),
        ),
        contentType: "application/zip",
      },
      { parent: this },
    );
    return pulumi.interpolate`s3://${archive.bucket}/${archive.key}`;
  }
}

/** Names and texts of the package's files, in one order on every machine; the contract is among them, by a link. */
export function packageFiles(): [name: string, text: string][] {
  return readdirSync(path.join(PROJECT_ROOT, PACKAGE))
    .filter((name) => /\.(py|json)$/.test(name))
    .sort()
    .map((name) => [
      `${path.basename(PACKAGE)}/${name}`,
      readFileSync(path.join(PROJECT_ROOT, PACKAGE, name), "utf8"),
    ]);
}

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

function catalogPermissions(args: TransformArgs): Statement[] {
  return [
    allow(
      "glue:GetTable",
      "glue:BatchGetPartition",
      // Asked for if Glue leaves all partitions of a call unprocessed.
      "glue:GetPartition",
      "glue:BatchCreatePartition",
      "glue:BatchUpdatePartition",
      // Only a reprocess asks for all partitions.
      "glue:GetPartitions",
    ).on(...tableArns(args.databaseName, args.jobTable)),
  ];
}

/** Glue appends `/error` and `/output` to it. */
function logRoot(): string {
  return `/${qualifiedName()}/transform`;
}
