// All configuration keys: allowed values, default and description. The type of the configuration, Pulumi.yaml and the
// generated docs (`npm run docs`) are derived from this list.

import type * as pulumi from "@pulumi/pulumi";
import { DAY_SECONDS } from "../../lambdas/shared/durations";
import { PRIVACY_DEFAULTS } from "../../schema/contract";
import { PREFIX } from "../../schema/prefixes";
import { MOST_WORKERS } from "../transform/worker-types";
import {
  bool,
  type Check,
  emails,
  integer,
  isoTime,
  number,
  oneOf,
  origins,
  privacyRules,
  schedule,
  tags,
  text,
  zeroOr,
} from "./checks";

export interface ConfigKey<T = unknown> {
  check: Check<T>;
  default: T;
  /** The arguments of `pulumi config set`: a value, or (with `--path`) all arguments, with KEY as placeholder. */
  example: string;
  description: string;
  /** The question in `pulumi new`. Without it, `pulumi new` does not ask for the key. */
  question?: string;
  /** Never shown, not even in error messages. */
  secret?: boolean;
  /** The ways that have the key. Without it, all have it. */
  only?: readonly Way[];
}

const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/**
 * How the events get from their senders to the tables: by a Kinesis stream, by Firehose and the Glue job, or by Firehose
 * and a Lambda that writes Parquet on arrival.
 */
export const WAYS = ["stream", "firehose", "arrival"] as const;
export type Way = (typeof WAYS)[number];

const STREAM: readonly Way[] = ["stream"];
const DELIVERED: readonly Way[] = ["firehose", "arrival"];
const ARRIVAL: readonly Way[] = ["arrival"];

/** The fields whose default rule is not keep. */
const CHANGED_BY_DEFAULT = Object.fromEntries(
  Object.entries(PRIVACY_DEFAULTS).filter(([, rule]) => rule !== "keep"),
);

export const CONFIG_KEYS = {
  way: {
    check: oneOf<Way>(...WAYS),
    default: "stream",
    example: "firehose",
    description:
      "How the events reach S3 - stream (a Kinesis stream and the ingest Lambda, after seconds, billed by the hour), firehose (Firehose and the ingest Lambda, after firehoseBufferSeconds, billed by the event) or arrival (as firehose, and a Lambda writes each object as Parquet when it arrives, so events can be queried without a Glue run)",
  },
  streamMode: {
    only: STREAM,
    check: oneOf("PROVISIONED", "ON_DEMAND"),
    default: "PROVISIONED",
    example: "PROVISIONED",
    description:
      "PROVISIONED (shardCount shards, billed by the hour) or ON_DEMAND (AWS adds and removes shards). AWS allows two changes in 24 hours. After a change to PROVISIONED the stream keeps the shards it has (4 or more), so set shardCount between half and double of that",
    question: "PROVISIONED (shards, paid by the hour) or ON_DEMAND",
  },
  shardCount: {
    only: STREAM,
    check: integer(1, 500),
    default: 1,
    example: "1",
    description:
      "Shards of a PROVISIONED stream, 1 to 500. A shard takes 1 MB or 1,000 records a second. One update can at most double or halve the shards (1 to 2, then to 3), and AWS allows ten updates in 24 hours. npm run doctor lists the steps",
  },
  streamRetentionHours: {
    only: STREAM,
    check: integer(24, 8760),
    default: 24,
    example: "24",
    description: "Hours that the stream keeps records, 24 to 8760",
  },
  collector: {
    check: bool(),
    default: false,
    example: "true",
    description:
      "Creates the collector - an HTTP API and a Lambda that browsers, apps and servers send events to (docs/tracker.md). Its cost is by the request (docs/cost.md)",
  },
  collectorOrigins: {
    check: origins(),
    default: [],
    example: "--path 'KEY[0]' https://www.example.com",
    description:
      "The sites whose pages may send events to the collector, as exact origins (`https://www.example.com`, or http with localhost). '*' alone is every site. Required with collector. It is no protection against other senders - a program can send any origin",
  },
  collectorWriteKey: {
    check: text(
      "text of 16 to 128 letters, digits and -._~",
      (value) => value === "" || /^[A-Za-z0-9._~-]{16,128}$/.test(value),
    ),
    default: "",
    example: '--secret KEY "$(openssl rand -hex 16)"',
    secret: true,
    description:
      "Key that every request to the collector must have, 16 to 128 letters, digits and -._~, set with --secret. Without it the collector takes events from everybody. In a page everybody can read it, so it keeps out just senders who do not know the page",
  },
  collectorRequestsPerSecond: {
    check: integer(1, 10_000),
    default: 100,
    example: "100",
    description:
      "Requests a second that each route of the collector takes in the long run, 1 to 10000. API Gateway answers 429 to more, and trackers send those again. It also limits the cost",
  },
  collectorBurst: {
    check: integer(1, 5000),
    default: 200,
    example: "200",
    description:
      "Requests that each route takes at once before collectorRequestsPerSecond limits it, 1 to 5000 (the size of API Gateway's token bucket)",
  },
  collectorConcurrency: {
    check: zeroOr(1, 1000),
    default: 0,
    example: "50",
    description:
      "Concurrent executions that Lambda reserves for the collector and limits it to, 1 to 1000; 0 reserves none. AWS must keep 100 unreserved in the account, or 10 in a new account, whose limit may be 10 in all",
  },
  collectorRespectGpc: {
    check: bool(),
    default: true,
    example: "true",
    description:
      "Stores events without ids, address and e-mail if the browser sends Global Privacy Control (the header Sec-GPC)",
  },
  collectorRespectDnt: {
    check: bool(),
    default: false,
    example: "true",
    description:
      "Stores events without ids, address and e-mail if the browser sends Do Not Track (the header DNT)",
  },
  batchSize: {
    only: STREAM,
    check: integer(1, 10_000),
    default: 10_000,
    example: "10000",
    description: "Maximum number of records in a batch for the ingest Lambda, 1 to 10000",
  },
  batchWindowSeconds: {
    only: STREAM,
    check: integer(0, 300),
    default: 60,
    example: "60",
    description:
      "Seconds that Lambda collects records for a batch, 0 (only if batchSize is 10 or less) to 300. A longer window makes fewer and larger files",
  },
  ingestMemoryMb: {
    check: integer(256, 10_240),
    default: 512,
    example: "512",
    description: "Memory of the ingest Lambda in MB, 256 to 10240",
  },
  ingestRetryAttempts: {
    only: STREAM,
    check: integer(0, 10_000),
    default: 10,
    example: "10",
    description: `Retries of a failing batch before it is kept under ${PREFIX.givenUp} in the raw bucket, 0 to 10000`,
  },
  ingestRecordAgeHours: {
    only: STREAM,
    check: integer(1, 168),
    default: 12,
    example: "12",
    description:
      "Age in hours after which Lambda stops retrying a failing batch, 1 to 168 and less than streamRetentionHours",
  },
  firehoseBufferSeconds: {
    only: DELIVERED,
    check: integer(0, 900),
    default: 300,
    example: "60",
    description:
      "Seconds that Firehose collects events for a raw object, 0 to 900. A longer time makes fewer and larger objects. Before that, it collects up to a tenth of this time for each call of the ingest Lambda",
  },
  firehoseBufferMb: {
    only: DELIVERED,
    check: integer(1, 128),
    default: 64,
    example: "64",
    description:
      "MB of events, before compression, after which Firehose writes the raw object sooner, 1 to 128",
  },
  jobEveryHours: {
    only: ARRIVAL,
    check: integer(1, 168),
    default: 24,
    example: "24",
    description:
      "Hours after which an execution runs the Glue job again, 1 to 168. Until then the events are in the files that the Lambda wrote on their arrival",
  },
  toParquetMemoryMb: {
    only: ARRIVAL,
    check: integer(256, 10_240),
    default: 1024,
    example: "1024",
    description: "Memory of the Lambda that writes Parquet in MB, 256 to 10240. A raw object must fit",
  },
  earliestEventTime: {
    check: isoTime(),
    default: "2000-01-01T00:00:00Z",
    example: "2000-01-01T00:00:00Z",
    description: "Events before this time (UTC) are quarantined",
  },
  latestEventLeadHours: {
    check: integer(0, 8760),
    default: 24,
    example: "24",
    description:
      "Events with a time more than this many hours after their arrival are quarantined, 0 to 8760",
  },
  ingestWaitMinutes: {
    check: integer(1, 120),
    default: 15,
    example: "15",
    description: "Minutes that an execution waits until the events that were sent are ingested, 1 to 120",
  },
  glueWorkerType: {
    check: oneOf("G.1X", "G.2X", "G.4X", "G.8X"),
    default: "G.1X",
    example: "G.1X",
    description: "Type of the Glue job's workers - G.1X, G.2X, G.4X or G.8X",
  },
  glueWorkers: {
    check: integer(2, MOST_WORKERS),
    default: 2,
    example: "2",
    description:
      "Number of the Glue job's workers, 2 to 299. With more than 2 it is the highest number - Glue adds workers only while there is work for them",
  },
  glueExecutionClass: {
    check: oneOf("STANDARD", "FLEX"),
    default: "STANDARD",
    example: "STANDARD",
    description:
      "STANDARD or FLEX. FLEX costs about a third less for each worker, but runs on AWS's spare capacity - a run may wait until there is some, and AWS may take workers away while it runs, so that it takes longer or fails. Only with glueWorkerType G.1X or G.2X (docs/sizes.md has the saving at each size)",
  },
  glueTimeoutMinutes: {
    check: integer(1, 2880),
    default: 60,
    example: "60",
    description: "Minutes after which AWS stops a run of the Glue job, 1 to 2880",
  },
  targetFileMb: {
    check: integer(1, 1024),
    default: 128,
    example: "128",
    description:
      "Target size of the curated files in MB, 1 to 1024. A run's new files have this size before compression, compacted files have it compressed",
  },
  crawler: {
    check: bool(),
    default: false,
    example: "true",
    description:
      "Creates a Glue crawler over the curated events and runs it after each run that wrote some. It adds days and columns that somebody else put there; the pipeline's own are registered without it. A crawl costs about 15 cents (docs/architecture.md, The crawler)",
  },
  compaction: {
    check: bool(),
    default: true,
    example: "true",
    description:
      "Merge the small files of older dates as part of each run, so that a date has few files. Queries are not disturbed",
  },
  compactionMb: {
    check: integer(1, 1_000_000),
    default: 4096,
    example: "4096",
    description:
      "MB of small files that a run merges at most, 1 to 1000000. The oldest dates come first, later runs go on. A date with more than that is merged alone",
  },
  compactionSeconds: {
    check: integer(1, DAY_SECONDS),
    default: 120,
    example: "120",
    description: "Seconds after which a run begins no further part of the compaction, 1 to 86400",
  },
  dedupeDays: {
    check: integer(1, 90),
    default: 7,
    example: "7",
    description:
      "Days within which a copy of an event with another event_date is found, 1 to 90. Copies with the same date are always found. More days are more ids to read in each run",
  },
  privacy: {
    check: privacyRules(),
    default: CHANGED_BY_DEFAULT,
    example: "--path KEY.user_id hash",
    description:
      "Rule for each personal field, such as ip, user_agent, email, user_id, anonymous_id, city - keep, mask, hash or drop. Fields left out keep their default",
  },
  privacyHashKey: {
    check: text("text of 16 characters or more", (value) => value === "" || value.length >= 16),
    default: "",
    example: '--secret KEY "$(openssl rand -base64 32)"',
    secret: true,
    description:
      "Key for the rule hash, at least 16 characters, set with --secret. Required if a field is hashed",
  },
  versioning: {
    check: bool(),
    default: true,
    example: "true",
    description:
      "Keeps overwritten and deleted objects for noncurrentRetentionDays, so that they can be restored",
  },
  noncurrentRetentionDays: {
    check: integer(1, 3650),
    default: 30,
    example: "30",
    description:
      "Days that overwritten and deleted objects are kept if versioning is on or was on, 1 to 3650",
  },
  rawInfrequentAccessDays: {
    check: zeroOr(30, 3650),
    default: 0,
    example: "90",
    description:
      "Days after which raw events move to the cheaper storage class STANDARD_IA, 30 to 3650; 0 never moves them",
  },
  rawRetentionDays: {
    check: zeroOr(7, 36_500),
    default: 0,
    example: "730",
    description:
      "Days that raw events are kept, 7 to 36500; 0 keeps them forever. Expired events cannot be reprocessed",
  },
  quarantineRetentionDays: {
    check: zeroOr(7, 36_500),
    default: 0,
    example: "365",
    description:
      "Days that quarantined lines and given-up batches are kept, 7 to 36500; 0 keeps them forever",
  },
  resultsRetentionDays: {
    check: integer(1, 3650),
    default: 30,
    example: "30",
    description: "Days that Athena's query results are kept, 1 to 3650",
  },
  successEmails: {
    check: emails(),
    default: [],
    example: "--path 'KEY[0]' you@example.com",
    description: "E-mail addresses for success mails. Each must confirm its subscription once",
  },
  failureEmails: {
    check: emails(),
    default: [],
    example: "--path 'KEY[0]' you@example.com",
    description: "E-mail addresses for failure mails. Each must confirm its subscription once",
  },
  scheduleEnabled: {
    check: bool(),
    default: true,
    example: "true",
    description: "Starts the pipeline on a schedule",
    question: "Whether the schedule starts the pipeline",
  },
  scheduleExpression: {
    check: schedule(),
    default: "rate(1 hour)",
    example: "'rate(1 hour)'",
    description: "When the schedule starts the pipeline - rate(...) or cron(...), UTC",
    question: "When the schedule starts the pipeline - rate(...) or cron(...), UTC",
  },
  tags: {
    check: tags(),
    default: {},
    example: "--path KEY.CostCenter data",
    description: "Additional tags for every resource, up to 7. Project, Stack and ManagedBy are always set",
  },
  logRetentionDays: {
    check: number(`one of ${LOG_RETENTION_DAYS.join(", ")}`, (days) => LOG_RETENTION_DAYS.includes(days)),
    default: 30,
    example: "30",
    description:
      "Days that logs are kept, one of the values that CloudWatch allows (1, 3, 5, 7, 14, 30, 60, 90, ...)",
  },
  alarms: {
    check: bool(),
    default: true,
    example: "true",
    description:
      "Creates alarms that send mails to the failure topic (docs/operations.md describes them). They cost about 2 dollars a month, 3 for the metrics that they and the dashboard use, and 1 for the key that lets CloudWatch publish",
  },
  alarmNoEventsMinutes: {
    check: zeroOr(10, 1440),
    default: 60,
    example: "60",
    description:
      "Alarm if no records arrive for this many minutes after some did, 10 to 1440; 0 is no alarm. CloudWatch gets the counts some minutes late",
  },
  alarmVolumeDropPercent: {
    check: integer(0, 99),
    default: 50,
    example: "50",
    description:
      "Alarm if the events of 24 hours are this many percent fewer than in the 24 hours before, 1 to 99; 0 is no alarm",
  },
  alarmIteratorAgeMinutes: {
    only: STREAM,
    check: integer(0, 10_080),
    default: 15,
    example: "15",
    description:
      "Alarm if the ingest is this many minutes behind the stream, up to 10080 and less than streamRetentionHours; 0 is no alarm",
  },
  alarmQuarantinePercent: {
    check: integer(0, 99),
    default: 5,
    example: "5",
    description:
      "Alarm if more than this percentage of the lines in an hour is quarantined, 1 to 99; 0 is no alarm",
  },
  alarmNoSuccessHours: {
    check: integer(0, 168),
    default: 3,
    example: "3",
    description:
      "Alarm if records arrive and no execution verifies a run for this many hours, up to 168 and longer than the schedule's interval; 0 is no alarm. Only with scheduleEnabled",
  },
  dashboard: {
    check: bool(),
    default: true,
    example: "true",
    description: "Creates a CloudWatch dashboard. The first three per account are free",
  },
  tracing: {
    check: bool(),
    default: false,
    example: "true",
    description: "Sends traces of the Lambdas and of the state machine to X-Ray",
  },
  athenaScanLimitGb: {
    check: integer(0, 100_000),
    default: 100,
    example: "100",
    description:
      "Athena stops a query that reads more than this many GB, up to 100000; 0 is no limit. The state machine's own queries read two columns of the days that a run wrote to",
  },
  monthlyBudgetUsd: {
    check: integer(0, 10_000_000),
    default: 0,
    example: "100",
    description:
      "Monthly budget in dollars. Sends a mail at 80 % of it, and when AWS forecasts more than 100 %; 0 is no budget. It filters by the tags Project and Stack, which must be activated once as cost allocation tags",
  },
  customerKey: {
    check: bool(),
    default: false,
    example: "true",
    description:
      "Encrypts stream, buckets, topics, logs, results and secret with a customer managed KMS key of the stack, for 1 dollar a month plus requests. Without it, AWS encrypts them with its own keys",
  },
  allowDataLoss: {
    check: bool(),
    default: false,
    example: "false",
    description:
      "Lets pulumi destroy, or a change that replaces a resource, delete resources with data. Without it Pulumi refuses",
  },
  forceDestroy: {
    check: bool(),
    default: false,
    example: "false",
    description:
      "Lets pulumi destroy empty the buckets. It also requires allowDataLoss. Without it, buckets that are not empty are kept and reported",
  },
} satisfies Record<string, ConfigKey>;

/** What the key does, and which ways have it. */
export function descriptionOf({ description, only }: ConfigKey): string {
  return only === undefined ? description : `${description}. Only with way ${only.join(" or ")}`;
}

/** The parsed values of all keys. */
export type ConfigValues = {
  -readonly [Key in keyof typeof CONFIG_KEYS]: (typeof CONFIG_KEYS)[Key]["check"] extends Check<infer Value>
    ? Value
    : never;
};

/** The keys whose values are secret. */
type SecretKey = "privacyHashKey" | "collectorWriteKey";

/** The values that are not secret. */
export type PlainConfig = Omit<ConfigValues, SecretKey>;

/** The configuration that the stages receive. A secret is undefined if it is not set. */
export type ClickstreamConfig = PlainConfig & { [Key in SecretKey]?: pulumi.Output<string> };
