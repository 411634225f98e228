// Watches the events of a stack: the reader of its stream or of what Firehose delivers, the feed, and the page on
// 127.0.0.1.
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { GetFunctionConfigurationCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import type { TimeWindow } from "../../lambdas/ingest/context";
import { readWindow } from "../../lambdas/ingest/window";
import { isUnreachable } from "../../stack/aws-errors";
import type { CliTarget } from "../../stack/target";
import { Feed } from "./feed";
import type { Source } from "./messages";
import { ObjectReader } from "./object-reader";
import type { AttemptOptions, Reader } from "./reader";
import { LiveServer } from "./server";
import { type ReadRecord, StreamReader } from "./stream-reader";

export interface Watch {
  /** The page's address. */
  origin: string;
  server: LiveServer;
  feed: Feed;
  source: Source;
  /** Rejects when nothing can be read any more. Never resolves. */
  ended: Promise<never>;
  close(): Promise<void>;
}

export interface WatchOptions {
  target: Pick<CliTarget, "name" | "outputs" | "clientConfig" | "stateDir">;
  port: number;
  signal: AbortSignal;
  /** Origins that its pages may show in a frame. */
  frames?: readonly string[];
  /** Also gets the records of each read. Without a stream there are none: what is seen is in S3. */
  onRecords?: (records: readonly ReadRecord[]) => void;
}

/** Resolves when all that comes from now on is seen. */
export async function watchEvents(options: WatchOptions): Promise<Watch> {
  const { target, port, signal, frames = [] } = options;
  // Each shard waits and reads with this signal.
  setMaxListeners(0, signal);
  const feed = new Feed(await acceptedWindow(target), Date.now);
  const attempts = {
    clock: {
      now: Date.now,
      sleep: (ms: number, abort: AbortSignal) => sleep(ms, undefined, { signal: abort }),
    },
    random: Math.random,
    signal,
    // A local stack that has ended does not come back. AWS does.
    isFinal: (error: unknown) => target.stateDir !== undefined && isUnreachable(error),
  };
  const { reader, source } = target.outputs.deliveryStreamName
    ? await deliveredReader(options, feed, attempts)
    : streamReader(options, feed, attempts);
  const { ended } = await reader.start();
  const server = new LiveServer({
    feed,
    target: target.name,
    source,
    state: () => reader.state(),
    port,
    frames,
  });
  const origin = await server.listen();
  return { origin, server, feed, source, ended, close: () => server.close() };
}

interface Opened {
  reader: Reader;
  source: Source;
}

// The readers wait between their attempts themselves, as the limits are shared with the pipeline.
const ONE_ATTEMPT = { maxAttempts: 1 };

function streamReader(
  { target: { outputs, clientConfig }, onRecords }: WatchOptions,
  feed: Feed,
  attempts: AttemptOptions,
): Opened {
  const { streamName } = outputs;
  const reader = new StreamReader({
    ...attempts,
    client: new KinesisClient({ ...clientConfig, ...ONE_ATTEMPT }),
    streamName,
    onRecords: (records) => {
      feed.take(records);
      onRecords?.(records);
    },
  });
  return { reader, source: { streamName } };
}

async function deliveredReader(
  { target }: WatchOptions,
  feed: Feed,
  attempts: AttemptOptions,
): Promise<Opened> {
  const { outputs, clientConfig } = target;
  const { FIREHOSE_BUFFER_SECONDS } = await environment(target, outputs.awaitIngestFunction);
  const bufferSeconds = Number(FIREHOSE_BUFFER_SECONDS);
  const reader = new ObjectReader({
    ...attempts,
    client: new S3Client({ ...clientConfig, ...ONE_ATTEMPT }),
    bucket: outputs.rawBucket,
    bufferSeconds,
    onLines: (lines) => feed.takeDelivered(lines),
  });
  return { reader, source: { deliveryStreamName: outputs.deliveryStreamName, bufferSeconds } };
}

/** The window of event times that the deployed ingest accepts. */
async function acceptedWindow(target: WatchOptions["target"]): Promise<TimeWindow> {
  const { EARLIEST_EVENT_TIME = "", LATEST_EVENT_LEAD_HOURS = "" } = await environment(
    target,
    target.outputs.ingestFunction,
  );
  return readWindow({ EARLIEST_EVENT_TIME, LATEST_EVENT_LEAD_HOURS });
}

async function environment(
  { clientConfig }: WatchOptions["target"],
  FunctionName: string,
): Promise<Record<string, string>> {
  const { Environment } = await new LambdaClient(clientConfig).send(
    new GetFunctionConfigurationCommand({ FunctionName }),
  );
  return Environment?.Variables ?? {};
}
