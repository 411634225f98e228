// The program: configuration, the stages in flow order, and the outputs.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Encryption } from "./infra/blocks/encryption";
import * as names from "./infra/blocks/names";
import { protectData } from "./infra/blocks/protection";
import { tagEverything } from "./infra/blocks/tags";
import { Catalog } from "./infra/catalog/catalog";
import { Collect, SIMULATOR_TIMEOUT_SECONDS } from "./infra/collect/collect";
import { Collector } from "./infra/collect/collector";
import { stackConfig } from "./infra/config/config";
import { Ingest } from "./infra/ingest/ingest";
import { Notify } from "./infra/notify/notify";
import { Budget } from "./infra/observe/budget";
import { Observe } from "./infra/observe/observe";
import { Orchestrate } from "./infra/orchestrate/orchestrate";
import { Transform } from "./infra/transform/transform";

const config = stackConfig();
tagEverything(config.tags);
protectData(config);
const tables = {
  databaseName: names.databaseName(),
  eventsTable: "events",
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

const collect = new Collect("clickstream", { ...config, key });
const collector = config.collector
  ? new Collector("clickstream", { ...config, key, stream: collect.stream, countRequests: observed })
  : undefined;
const ingest = new Ingest("clickstream", {
  ...config,
  key,
  streamArn: collect.stream.arn,
  countRecords: observed,
});
const transform = new Transform("clickstream", { ...config, key, ...tables, raw: ingest.raw });
const catalog = new Catalog("clickstream", {
  ...config,
  key,
  ...tables,
  raw: ingest.raw,
  curated: transform.curated,
});
const notify = new Notify("clickstream", { ...config, topicKey });
const pipeline = new Orchestrate("clickstream", {
  streamName: collect.stream.name,
  ...config,
  key,
  topicKey,
  ...tables,
  simulator: collect.simulator,
  simulatorTimeoutSeconds: SIMULATOR_TIMEOUT_SECONDS,
  awaitIngest: ingest.awaitIngest,
  lookForNew: transform.lookForNew,
  ingestLogGroupName: ingest.ingest.logGroupName,
  job: transform.job,
  jobLogGroupNames: transform.logGroupNames,
  workgroup: catalog.workgroup,
  raw: ingest.raw,
  curated: transform.curated,
  results: catalog.results,
  successTopicArn: notify.successTopicArn,
  failureTopicArn: notify.failureTopicArn,
});

new Observe("clickstream", {
  ...config,
  streamName: collect.stream.name,
  ingestFunction: ingest.ingest.functionName,
  awaitIngestFunction: ingest.awaitIngest.functionName,
  lookForNewFunction: transform.lookForNew.functionName,
  simulatorFunction: collect.simulator.functionName,
  collector: collector && { apiId: collector.apiId, functionName: collector.function.functionName },
  mappingUuid: ingest.mappingUuid,
  stateMachineArn: pipeline.stateMachineArn,
  failureTopicArn: notify.failureTopicArn,
});
new Budget("clickstream", { ...config, failureTopicArn: notify.failureTopicArn });

export const streamName = collect.stream.name;
export const rawBucket = ingest.raw.bucketName;
export const curatedBucket = transform.curated.bucketName;
export const scriptsBucket = transform.scripts.bucketName;
export const resultsBucket = catalog.results.bucketName;
export const database = catalog.database;
export const eventsTable = tables.eventsTable;
export const quarantineTable = tables.quarantineTable;
export const workgroup = catalog.workgroup.name;
export const stateMachineArn = pipeline.stateMachineArn;
export const simulatorFunction = collect.simulator.functionName;
export const ingestFunction = ingest.ingest.functionName;
export const awaitIngestFunction = ingest.awaitIngest.functionName;
export const lookForNewFunction = transform.lookForNew.functionName;
/** What trackers use as their endpoint; empty without a collector. */
export const collectorUrl = collector?.url ?? "";
export const collectorFunction = collector?.function.functionName ?? "";
export const collectorScriptIntegrity = collector?.scriptIntegrity ?? "";
export const jobName = transform.job.name;
export const successTopicArn = notify.successTopicArn;
export const failureTopicArn = notify.failureTopicArn;
export const stateMachineConsoleUrl = pipeline.consoleUrl;
export const athenaConsoleUrl = pipeline.athenaConsoleUrl;
export const startExecutionCommand = pipeline.startExecutionCommand;
export const subscribeCommand = notify.subscribeCommand;
/** Pulumi's console shows it as the stack's README, with the outputs filled in. */
export const readme = readFileSync(join(__dirname, "Pulumi.README.md"), "utf8");
