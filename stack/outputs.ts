// The outputs of the Pulumi program that the commands read, checked when a stack is opened.

import type * as program from "../index";

/** Names of index.ts: the compiler refuses any other. */
const NAMES = [
  "way",
  "streamName",
  "deliveryStreamName",
  "rawBucket",
  "curatedBucket",
  "scriptsBucket",
  "resultsBucket",
  "database",
  "eventsTable",
  "quarantineTable",
  "workgroup",
  "stateMachineArn",
  "simulatorFunction",
  "collectorUrl",
  "collectorFunction",
  "collectorScriptIntegrity",
  "ingestFunction",
  "awaitIngestFunction",
  "lookForNewFunction",
  "checkArrivalFunction",
  "toParquetFunction",
  "deadLetterQueueUrl",
  "jobName",
  "crawlerName",
  "successTopicArn",
  "failureTopicArn",
] as const satisfies readonly (keyof typeof program)[];

export type StackOutputs = Record<(typeof NAMES)[number], string> & {
  /** Empty or absent in a stack that takes its events by a Kinesis stream. */
  deliveryStreamName?: string;
};

export function checkOutputs(outputs: Record<string, unknown>, whose: string): StackOutputs {
  const missing = NAMES.filter((name) => typeof outputs[name] !== "string");
  if (missing.length > 0) {
    throw new Error(`The outputs of ${whose} lack ${missing.join(", ")}. Is it a stack of this program?`);
  }
  return outputs as StackOutputs;
}
