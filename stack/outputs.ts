// The outputs of the Pulumi program that the local tools read, checked when a stack is opened.

const NAMES = [
  ...[
    "streamName",
    "rawBucket",
    "curatedBucket",
    "scriptsBucket",
    "resultsBucket",
    "database",
    "eventsTable",
  ],
  ...["quarantineTable", "workgroup", "stateMachineArn", "simulatorFunction", "ingestFunction"],
  ...["awaitIngestFunction", "jobName", "successTopicArn", "failureTopicArn"],
] as const;

export interface StackOutputs {
  streamName: string;
  rawBucket: string;
  curatedBucket: string;
  scriptsBucket: string;
  resultsBucket: string;
  database: string;
  eventsTable: string;
  quarantineTable: string;
  workgroup: string;
  stateMachineArn: string;
  simulatorFunction: string;
  ingestFunction: string;
  awaitIngestFunction: string;
  jobName: string;
  successTopicArn: string;
  failureTopicArn: string;
}

export function checkOutputs(outputs: Record<string, unknown>, whose: string): StackOutputs {
  const missing = NAMES.filter((name) => typeof outputs[name] !== "string");
  if (missing.length > 0) {
    throw new Error(`The outputs of ${whose} lack ${missing.join(", ")}: is it a stack of this program?`);
  }
  return outputs as unknown as StackOutputs;
}
