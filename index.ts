// The program: configuration, the stages in flow order, and the outputs.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Encryption } from "./infra/blocks/encryption";
import * as names from "./infra/blocks/names";
import type { NodeFunction } from "./infra/blocks/node-function";
import { protectData } from "./infra/blocks/protection";
import { tagEverything } from "./infra/blocks/tags";
import { Catalog } from "./infra/catalog/catalog";
import { Crawler } from "./infra/catalog/crawler";
import { Collect } from "./infra/collect/collect";
import { Collector } from "./infra/collect/collector";
import { SIMULATOR_TIMEOUT_SECONDS } from "./infra/collect/simulator";
import { stackConfig } from "./infra/config/config";
import { Delivery } from "./infra/ingest/delivery";
import { Ingest } from "./infra/ingest/ingest";
import { deliverySource, streamSource } from "./infra/ingest/source";
import { Notify } from "./infra/notify/notify";
import { Budget } from "./infra/observe/budget";
import { Observe } from "./infra/observe/observe";
import { Orchestrate } from "./infra/orchestrate/orchestrate";
import { Arrival } from "./infra/transform/arrival";
import { Transform } from "./infra/transform/transform";

const config = stackConfig();
tagEverything(config.tags);
protectData(config);
const tables = {
  databaseName: names.databaseName(),
  eventsTable: "events",
  // In the way arrival, people query a view over the job's table and what arrived since the job ran.
  ...(config.way === "arrival"
    ? { jobTable: "curated_events", arrivedTable: "arrived_events" }
    : { jobTable: "events", arrivedTable: undefined }),
  quarantineTable: "quarantine",
};

const { dataKey: key, topicKey } = new Encryption("clickstream", {
  // Topics that alarms or budgets publish to need a key of the stack's, as AWS's own key refuses them.
  covers: config.customerKey
    ? "everything"
    : config.alarms || config.monthlyBudgetUsd > 0
      ? "topics"
      : "nothing",
  allowDataLoss: config.allowDataLoss,
});
const observed = config.alarms || config.dashboard;

const source = config.way === "stream" ? byStream() : byFirehose();
const { raw } = source;
const collector = config.collector
  ? new Collector("clickstream", { ...config, key, target: source.target, countRequests: observed })
  : undefined;
const transform = new Transform("clickstream", { ...config, key, ...tables, ...source });
const arrival =
  tables.arrivedTable === undefined
    ? undefined
    : new Arrival("clickstream", {
        ...config,
        ...source,
        key,
        ...tables,
        arrivedTable: tables.arrivedTable,
        curated: transform.curated,
        privacyHashSecretArn: transform.privacyHashSecretArn,
      });
/** Tells whether an execution has anything to do. */
const check = arrival?.checkArrival ?? (transform.lookForNew as NodeFunction);
const catalog = new Catalog("clickstream", {
  ...config,
  key,
  ...tables,
  raw,
  curated: transform.curated,
});
const crawler = config.crawler
  ? new Crawler("clickstream", {
      ...{ databaseName: tables.databaseName, tableName: tables.jobTable, catalog },
      ...{ curated: transform.curated, key },
    })
  : undefined;
const notify = new Notify("clickstream", { ...config, topicKey });
const pipeline = new Orchestrate("clickstream", {
  ...source,
  ...config,
  key,
  topicKey,
  ...tables,
  simulatorTimeoutSeconds: SIMULATOR_TIMEOUT_SECONDS,
  check,
  job: transform.job,
  jobLogGroupNames: transform.logGroupNames,
  workgroup: catalog.workgroup,
  crawler,
  raw,
  curated: transform.curated,
  results: catalog.results,
  successTopicArn: notify.successTopicArn,
  failureTopicArn: notify.failureTopicArn,
});

new Observe("clickstream", {
  ...config,
  source: source.observed,
  ingestFunction: source.ingest.functionName,
  awaitIngestFunction: source.awaitIngest.functionName,
  checkFunction: check.functionName,
  simulatorFunction: source.simulator.functionName,
  collector: collector && { apiId: collector.apiId, functionName: collector.function.functionName },
  arrival: arrival && {
    functionName: arrival.toParquet.functionName,
    queueName: arrival.failedObjects.name,
  },
  stateMachineArn: pipeline.stateMachineArn,
  failureTopicArn: notify.failureTopicArn,
});
new Budget("clickstream", { ...config, failureTopicArn: notify.failureTopicArn });

/** Events go to a Kinesis stream, whose Lambda writes them to the raw bucket. */
function byStream() {
  const collect = new Collect("clickstream", { ...config, key });
  const streamArn = collect.stream.arn;
  const ingest = new Ingest("clickstream", { ...config, key, streamArn, countRecords: observed });
  return streamSource(collect, ingest, config);
}

/** Events go to Firehose, which calls a Lambda with them and writes its answers to the raw bucket. */
function byFirehose() {
  return deliverySource(new Delivery("clickstream", { ...config, key }), config);
}

export const way = config.way;
/** The Kinesis stream; empty without one, as the next one is. */
export const streamName = source.streamName;
export const deliveryStreamName = source.deliveryStreamName;
export const rawBucket = raw.bucketName;
export const curatedBucket = transform.curated.bucketName;
export const scriptsBucket = transform.scripts.bucketName;
export const resultsBucket = catalog.results.bucketName;
export const database = catalog.database;
export const eventsTable = tables.eventsTable;
export const quarantineTable = tables.quarantineTable;
export const workgroup = catalog.workgroup.name;
export const stateMachineArn = pipeline.stateMachineArn;
export const simulatorFunction = source.simulator.functionName;
export const ingestFunction = source.ingest.functionName;
export const awaitIngestFunction = source.awaitIngest.functionName;
/** Empty in the way arrival, as the next three are in the others. */
export const lookForNewFunction = transform.lookForNew?.functionName ?? "";
export const checkArrivalFunction = arrival?.checkArrival.functionName ?? "";
export const toParquetFunction = arrival?.toParquet.functionName ?? "";
export const deadLetterQueueUrl = arrival?.failedObjects.url ?? "";
/** What trackers use as their endpoint; empty without a collector. */
export const collectorUrl = collector?.url ?? "";
export const collectorFunction = collector?.function.functionName ?? "";
export const collectorScriptIntegrity = collector?.scriptIntegrity ?? "";
export const jobName = transform.job.name;
/** Empty without a crawler. */
export const crawlerName = crawler?.name ?? "";
export const successTopicArn = notify.successTopicArn;
export const failureTopicArn = notify.failureTopicArn;
export const stateMachineConsoleUrl = pipeline.consoleUrl;
export const athenaConsoleUrl = pipeline.athenaConsoleUrl;
export const startExecutionCommand = pipeline.startExecutionCommand;
export const subscribeCommand = notify.subscribeCommand;
/** Pulumi's console shows it as the stack's README, with the outputs filled in. */
export const readme = readFileSync(join(__dirname, "Pulumi.README.md"), "utf8");
