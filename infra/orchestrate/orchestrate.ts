// Orchestrate: the state machine that takes events from their arrival to a verified table, and the schedule that starts it.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { HOUR_SECONDS } from "../../lambdas/shared/durations";
import { METRICS_NAMESPACE } from "../../lambdas/shared/metrics";
import { PREFIX } from "../../schema/prefixes";
import { renderPipeline } from "../../statemachine/render";
import { arnOf, consoleUrl, currentAccount, tableArns } from "../blocks/account";
import { type CustomerKey, mayUse } from "../blocks/encryption";
import { logGroup } from "../blocks/log-group";
import { qualifiedName } from "../blocks/names";
import { allow, type Statement } from "../blocks/permissions";
import type { PrivateBucket } from "../blocks/private-bucket";
import { ServiceRole } from "../blocks/service-role";
import { mayTraceExecutions } from "../blocks/tracing";
import type { Way } from "../config/keys";

type Named = { name: pulumi.Input<string>; arn: pulumi.Input<string> };
type Lambda = { arn: pulumi.Input<string>; logGroupName: pulumi.Input<string> };

export interface OrchestrateArgs {
  way: Way;
  /** For the command in the mail that sends given-up batches again; empty without a stream. */
  streamName: pulumi.Input<string>;
  /** Prefix in the raw bucket of what AWS could not hand to the ingest. */
  givenUpPrefix: string;
  /** How long events are collected before they are in the raw bucket. */
  collectedSeconds: number;
  simulator: Lambda;
  simulatorTimeoutSeconds: number;
  awaitIngest: Lambda;
  /** Tells whether there is anything to do: look-for-new, or check-arrival with an `arrivedTable`. */
  check: Lambda;
  ingest: { logGroupName: pulumi.Input<string> };
  job: Named;
  /** Groups to which Glue writes the script's output and Spark's log. */
  jobLogGroupNames: { output: pulumi.Input<string>; error: pulumi.Input<string> };
  workgroup: Named;
  /** Crawls the events' table after each run that wrote to it. */
  crawler?: Named;
  databaseName: string;
  /** What people query. */
  eventsTable: string;
  /** What the job writes: the same, unless `eventsTable` is a view over it. */
  jobTable: string;
  /** The events that to-parquet wrote on their arrival, in the way that has it. */
  arrivedTable?: string;
  quarantineTable: string;
  raw: PrivateBucket;
  curated: PrivateBucket;
  results: PrivateBucket;
  successTopicArn: pulumi.Input<string>;
  failureTopicArn: pulumi.Input<string>;
  ingestWaitMinutes: number;
  glueTimeoutMinutes: number;
  glueExecutionClass: keyof typeof JOB_STARTUP_SECONDS;
  scheduleEnabled: boolean;
  scheduleExpression: string;
  logRetentionDays: number;
  tracing: boolean;
  key?: CustomerKey;
  topicKey?: CustomerKey;
}

const QUERY_TIMEOUT_SECONDS = 1800;
/** A crawl takes a minute or two, longer the more files the table has. */
const CRAWL_TIMEOUT_SECONDS = HOUR_SECONDS;
/** As long as parts/crawl.json waits for the crawl of another execution, at most. */
const CRAWLER_WAIT_SECONDS = HOUR_SECONDS;
/** Glue's own timeout does not count the time until the workers have started. FLEX waits for spare capacity. */
const JOB_STARTUP_SECONDS = { STANDARD: 900, FLEX: HOUR_SECONDS };

export class Orchestrate extends pulumi.ComponentResource {
  readonly stateMachineArn: pulumi.Output<string>;
  readonly consoleUrl: pulumi.Output<string>;
  readonly athenaConsoleUrl: pulumi.Output<string>;
  readonly startExecutionCommand: pulumi.Output<string>;

  constructor(name: string, args: OrchestrateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Orchestrate", name, {}, opts);
    this.athenaConsoleUrl = consoleUrl("athena", "/query-editor");
    const stateMachine = this.createStateMachine(name, args);
    this.stateMachineArn = stateMachine.arn;
    this.consoleUrl = consoleUrl("states", pulumi.interpolate`/statemachines/view/${stateMachine.arn}`);
    this.startExecutionCommand = pulumi.interpolate`aws stepfunctions start-execution --state-machine-arn ${stateMachine.arn} --region ${currentAccount().region}`;
    if (args.scheduleEnabled) this.createSchedule(name, args);
    this.registerOutputs({ stateMachineArn: this.stateMachineArn });
  }

  private createStateMachine(name: string, args: OrchestrateArgs): aws.sfn.StateMachine {
    // Vended logs: with this prefix AWS needs no resource policy for each group. An account may have only few policies.
    const logs = logGroup(
      `${name}-pipeline`,
      {
        root: "/aws/vendedlogs/states",
        path: "pipeline",
        retentionDays: args.logRetentionDays,
        key: args.key,
      },
      { parent: this },
    );
    const role = new ServiceRole(
      `${name}-pipeline-role`,
      {
        service: "states.amazonaws.com",
        description:
          "The state machine: calls its Lambdas, its Glue job, its Athena workgroup and its topics",
        // The role is created before the state machine, so the ARN has only the beginning of its automatic name.
        sourceArn: arnOf("states", `stateMachine:*${name}-pipeline*`),
        permissions: pipelinePermissions(args),
      },
      { parent: this },
    );
    return new aws.sfn.StateMachine(
      `${name}-pipeline`,
      {
        type: "STANDARD",
        roleArn: role.arn,
        definition: this.definition(args),
        // Always set: if it is left out, the provider keeps the state machine's present value.
        tracingConfiguration: { enabled: args.tracing },
        loggingConfiguration: {
          logDestination: pulumi.interpolate`${logs.arn}:*`,
          level: "ALL",
          includeExecutionData: false,
        },
      },
      // AWS checks on creation that the role may deliver the logs.
      { parent: this, dependsOn: role },
    );
  }

  private definition(args: OrchestrateArgs): pulumi.Output<string> {
    const jobTimeoutSeconds = args.glueTimeoutMinutes * 60 + JOB_STARTUP_SECONDS[args.glueExecutionClass];
    const ingestWaitSeconds = args.ingestWaitMinutes * 60;
    const { partition, region } = currentAccount();
    return pulumi
      .all({
        StackName: pulumi.getStack(),
        QualifiedStackName: qualifiedName(),
        MetricsNamespace: METRICS_NAMESPACE,
        Partition: partition,
        Region: region,
        Way: args.way,
        StreamName: args.streamName,
        CollectedSeconds: args.collectedSeconds,
        SimulatorArn: args.simulator.arn,
        SimulatorTimeoutSeconds: args.simulatorTimeoutSeconds,
        SimulatorLogGroup: args.simulator.logGroupName,
        AwaitIngestArn: args.awaitIngest.arn,
        ...(args.arrivedTable === undefined
          ? { LookForNewArn: args.check.arn }
          : { CheckArrivalArn: args.check.arn, ArrivedTable: args.arrivedTable }),
        LookForNewLogGroup: args.check.logGroupName,
        IngestLogGroup: args.ingest.logGroupName,
        IngestWaitSeconds: ingestWaitSeconds,
        FailedBatches: pulumi.interpolate`s3://${args.raw.bucketName}/${args.givenUpPrefix}`,
        RawEvents: pulumi.interpolate`s3://${args.raw.bucketName}/${PREFIX.raw}`,
        JobName: args.job.name,
        JobTimeoutSeconds: jobTimeoutSeconds,
        JobOutputLogGroup: args.jobLogGroupNames.output,
        JobErrorLogGroup: args.jobLogGroupNames.error,
        // Longer than another run may take, as the second of two executions waits for the first.
        JobWaitSeconds: 2 * jobTimeoutSeconds,
        CuratedBucket: args.curated.bucketName,
        SummariesPrefix: PREFIX.summaries,
        Database: args.databaseName,
        EventsTable: args.eventsTable,
        JobTable: args.jobTable,
        QuarantineTable: args.quarantineTable,
        Workgroup: args.workgroup.name,
        CrawlerName: args.crawler?.name ?? "",
        ...(args.crawler && { CrawlTimeoutSeconds: CRAWL_TIMEOUT_SECONDS }),
        QueryTimeoutSeconds: QUERY_TIMEOUT_SECONDS,
        SuccessTopicArn: args.successTopicArn,
        FailureTopicArn: args.failureTopicArn,
        AthenaConsoleUrl: this.athenaConsoleUrl,
        ExecutionConsoleUrl: consoleUrl("states", "/v2/executions/details/"),
        ExecutionTimeoutSeconds:
          args.simulatorTimeoutSeconds +
          ingestWaitSeconds +
          3 * jobTimeoutSeconds +
          4 * QUERY_TIMEOUT_SECONDS +
          (args.crawler ? CRAWLER_WAIT_SECONDS + CRAWL_TIMEOUT_SECONDS : 0),
      })
      .apply((values) => renderPipeline(values, partsOf(args)));
  }

  private createSchedule(name: string, args: OrchestrateArgs): void {
    // A group of its own: Scheduler sends the group for which it assumes a role, and groups can be tagged.
    const group = new aws.scheduler.ScheduleGroup(`${name}-schedule`, {}, { parent: this });
    const role = new ServiceRole(
      `${name}-schedule-role`,
      {
        service: "scheduler.amazonaws.com",
        description: "The schedule: starts the state machine",
        sourceArn: group.arn,
        permissions: [allow("states:StartExecution").on(this.stateMachineArn)],
      },
      { parent: this },
    );
    new aws.scheduler.Schedule(
      `${name}-schedule`,
      {
        groupName: group.name,
        description: "Starts the clickstream pipeline",
        scheduleExpression: args.scheduleExpression,
        flexibleTimeWindow: { mode: "OFF" },
        target: {
          arn: this.stateMachineArn,
          roleArn: role.arn,
          // Such an execution ends if the job is busy, instead of waiting.
          input: JSON.stringify({ scheduled: true }),
          // The next execution takes what this one left.
          retryPolicy: { maximumEventAgeInSeconds: 900, maximumRetryAttempts: 5 },
        },
      },
      { parent: this, dependsOn: role },
    );
  }
}

/** The crawl first: the part of arrival works on what the state machine then has. */
function partsOf({ crawler, arrivedTable }: OrchestrateArgs): string[] {
  return [...(crawler ? ["crawl"] : []), ...(arrivedTable === undefined ? [] : ["arrival"])];
}

function pipelinePermissions(args: OrchestrateArgs): Statement[] {
  return [
    allow("lambda:InvokeFunction").on(args.simulator.arn, args.awaitIngest.arn, args.check.arn),
    allow("glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun").on(args.job.arn),
    ...(args.crawler ? [allow("glue:StartCrawler", "glue:GetCrawler").on(args.crawler.arn)] : []),
    allow("sns:Publish").on(args.successTopicArn, args.failureTopicArn),
    ...athenaPermissions(args),
    ...mayTraceExecutions(args.tracing),
    // PutMetricData has no resource-level permission; its condition key limits it to our namespace.
    allow("cloudwatch:PutMetricData")
      .when({ StringEquals: { "cloudwatch:namespace": METRICS_NAMESPACE } })
      .onEveryResource(),
    // If there is a data key, it also covers the topics.
    ...mayUse(args.key ?? args.topicKey, "kms:Decrypt", "kms:GenerateDataKey"),
    // These set up log delivery. AWS documents them for "*" only.
    allow(
      "logs:CreateLogDelivery",
      "logs:GetLogDelivery",
      "logs:UpdateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:DescribeResourcePolicies",
      "logs:DescribeLogGroups",
    ).onEveryResource(),
  ];
}

/** Athena uses its caller's rights on the workgroup, the catalog, the data and the results. */
function athenaPermissions(args: OrchestrateArgs): Statement[] {
  return [
    allow(
      "athena:StartQueryExecution",
      "athena:StopQueryExecution",
      "athena:GetQueryExecution",
      "athena:GetQueryResults",
    ).on(args.workgroup.arn),
    allow("athena:GetDataCatalog").on(arnOf("athena", "datacatalog/AwsDataCatalog")),
    allow(
      "glue:GetTable",
      "glue:GetPartition",
      "glue:GetPartitions",
      "glue:BatchGetPartition",
      "glue:CreatePartition",
      "glue:BatchCreatePartition",
    ).on(...tableArns(args.databaseName, ...partitionedTables(args))),
    ...viewPermissions(args),
    // Athena also reads the default database when it runs DDL.
    allow("glue:GetDatabase").on(
      arnOf("glue", "catalog"),
      arnOf("glue", `database/${args.databaseName}`),
      arnOf("glue", "database/default"),
    ),
    // And creates it in a region without one.
    allow("glue:CreateDatabase").on(arnOf("glue", "catalog"), arnOf("glue", "database/default")),
    allow("s3:ListBucket", "s3:GetBucketLocation").on(args.curated.arn, args.results.arn),
    // The run reports, which the state machine reads itself, and what Athena reads for it.
    allow("s3:GetObject").on(
      ...[PREFIX.runs, PREFIX.events, PREFIX.rebuilt].map((prefix) => args.curated.objects(prefix)),
      ...(args.arrivedTable === undefined ? [] : [args.curated.objects(PREFIX.arrived)]),
    ),
    allow("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts").on(
      args.results.objects(PREFIX.queries),
    ),
    allow("s3:ListBucketMultipartUploads").on(args.results.arn),
  ];
}

function partitionedTables({ jobTable, arrivedTable }: OrchestrateArgs): string[] {
  return arrivedTable === undefined ? [jobTable] : [jobTable, arrivedTable];
}

/** With an arrived table, `events` is a view of the two. It has no partitions. */
function viewPermissions({ arrivedTable, databaseName, eventsTable }: OrchestrateArgs): Statement[] {
  if (arrivedTable === undefined) return [];
  return [allow("glue:GetTable").on(arnOf("glue", `table/${databaseName}/${eventsTable}`))];
}
