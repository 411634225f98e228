// Benchmark: events from the producer's put to the object in S3 on the local stack, against one record per call and one
// object per event on the same stack.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  PutRecordCommand,
} from "@aws-sdk/client-kinesis";
import { CreateEventSourceMappingCommand, CreateFunctionCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { buildSync } from "esbuild";
import { awaitIngest } from "../lambdas/await-ingest/wait";
import { KinesisSender } from "../lambdas/shared/kinesis-sender";
import { lanesFor, RecordPacker } from "../lambdas/shared/records";
import { systemClock } from "../lambdas/shared/runtime";
import { Traffic } from "../lambdas/simulator/traffic";
import { zip } from "../local/deploy/zip";
import { type LocalStack, upStack } from "../local/stack";
import { compare, type Measured, medianOf, printRows, type Row } from "./measured";
import { treeCpuSeconds } from "./process-tree";

export interface PipelineBenchOptions {
  rounds?: number;
  events?: number;
  /** The baseline needs about 5 ms per event, so it gets fewer. The rates are compared. */
  peerEvents?: number;
}

/** What shows in seconds that the benchmark runs to its end. */
export const SMALL: PipelineBenchOptions = { rounds: 1, events: 300, peerEvents: 10 };

const TARGET_RATIO = 30;
const PEER = "bench-peer";

interface Clients {
  iam: IAMClient;
  kinesis: KinesisClient;
  lambda: LambdaClient;
  s3: S3Client;
}

export async function run(options: PipelineBenchOptions = {}): Promise<Row[]> {
  const { rounds = 5, events = 100_000, peerEvents = 1_000 } = options;
  const stack = await upStack({ config: { "clickstream:batchWindowSeconds": 1 } });
  try {
    const { clientConfig } = stack;
    const clients: Clients = {
      iam: new IAMClient(clientConfig),
      kinesis: new KinesisClient(clientConfig),
      lambda: new LambdaClient(clientConfig),
      s3: new S3Client(clientConfig),
    };
    await makePeer(clients);
    const ours: Measured[] = [];
    const peer: Measured[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await measured(() => sendOurs(stack, clients, events, round)));
      peer.push(await measured(() => sendPlainly(clients, peerEvents, round)));
    }
    return [
      compare(
        `put to S3 of ${events.toLocaleString("en-US")} events`,
        medianOf(ours),
        medianOf(peer),
        TARGET_RATIO,
      ),
    ];
  } finally {
    await stack.stop({ keepState: false });
  }
}

/** Measures this process (the sender) and its children (the emulator and the Lambdas). */
async function measured(work: () => Promise<number>): Promise<Measured> {
  const cpu = treeCpuSeconds();
  const started = performance.now();
  const units = await work();
  return {
    units,
    wallSeconds: (performance.now() - started) / 1000,
    cpuSeconds: treeCpuSeconds() - cpu,
    peakMemoryMb: process.memoryUsage.rss() / 1024 / 1024,
  };
}

function traffic(events: number, round: number): Traffic {
  return new Traffic({
    events,
    seed: round,
    startMs: Date.now(),
    duplicates: 0,
    malformed: 0,
    late: 0,
    pii: 0,
  });
}

async function sendOurs(
  stack: LocalStack,
  { kinesis, s3 }: Clients,
  events: number,
  round: number,
): Promise<number> {
  const sinceMs = Date.now();
  const sender = new KinesisSender({
    client: kinesis,
    streamName: stack.outputs.streamName,
    clock: systemClock,
    random: Math.random,
  });
  const packer = new RecordPacker(lanesFor(events));
  for (const line of traffic(events, round).lines()) {
    const record = packer.add(packer.laneOf(line.sessionId), line.text);
    if (record) await sender.add(record);
  }
  for (const record of packer.drain()) await sender.add(record);
  await sender.flush();
  const dependencies = { s3, bucket: stack.outputs.rawBucket, clock: systemClock };
  while (!(await awaitIngest({ sinceMs, shards: sender.sent.shards }, dependencies)).ingested)
    await sleep(50);
  return sender.sent.lines;
}

async function sendPlainly({ kinesis, s3 }: Clients, events: number, round: number): Promise<number> {
  let sent = 0;
  for (const { text, sessionId } of traffic(events, 1000 + round).lines()) {
    await kinesis.send(
      new PutRecordCommand({ StreamName: PEER, PartitionKey: sessionId, Data: Buffer.from(text) }),
    );
    sent += 1;
  }
  while ((await countObjects(s3)) < sent * (round + 1)) await sleep(50);
  return sent;
}

async function countObjects(s3: S3Client): Promise<number> {
  let count = 0;
  let token: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: PEER, ContinuationToken: token }));
    count += page.KeyCount ?? 0;
    token = page.NextContinuationToken;
  } while (token);
  return count;
}

/** The baseline as in a tutorial: a stream, a function, and the mapping's default of 100 records per batch. */
async function makePeer({ iam, kinesis, lambda, s3 }: Clients): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: PEER }));
  await kinesis.send(new CreateStreamCommand({ StreamName: PEER, ShardCount: 1 }));
  const { StreamDescriptionSummary } = await kinesis.send(
    new DescribeStreamSummaryCommand({ StreamName: PEER }),
  );
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, "peers", "pipeline-lambda.ts")],
    bundle: true,
    platform: "node",
    write: false,
    logLevel: "error",
  });
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: PEER,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Role: await makeRole(iam),
      Code: { ZipFile: zip(new Map([["index.js", Buffer.from(outputFiles[0]?.contents ?? [])]])) },
      Environment: { Variables: { BUCKET: PEER } },
      Timeout: 120,
    }),
  );
  await lambda.send(
    new CreateEventSourceMappingCommand({
      FunctionName: PEER,
      EventSourceArn: StreamDescriptionSummary?.StreamARN,
      StartingPosition: "TRIM_HORIZON",
      BatchSize: 100,
    }),
  );
}

/** As a tutorial has it, too: one role that may do anything in the services that it uses. */
async function makeRole(iam: IAMClient): Promise<string | undefined> {
  const trust = {
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" },
    ],
  };
  const rights = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: ["kinesis:*", "s3:*", "logs:*"], Resource: "*" }],
  };
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName: PEER, AssumeRolePolicyDocument: JSON.stringify(trust) }),
  );
  await iam.send(
    new PutRolePolicyCommand({ RoleName: PEER, PolicyName: PEER, PolicyDocument: JSON.stringify(rights) }),
  );
  return Role?.Arn;
}

if (require.main === module) void run().then((rows) => printRows("events", rows));
