// Watches the stream of a stack: the reader, the feed with the ingest's verdicts, and the page on 127.0.0.1.
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { GetFunctionConfigurationCommand, LambdaClient } from "@aws-sdk/client-lambda";
import type { TimeWindow } from "../../lambdas/ingest/context";
import { readWindow } from "../../lambdas/ingest/window";
import { isUnreachable } from "../../stack/aws-errors";
import type { CliTarget } from "../../stack/target";
import { Feed } from "./feed";
import { LiveServer } from "./server";
import { type ReadRecord, StreamReader } from "./stream-reader";

export interface Watch {
  /** The page's address. */
  origin: string;
  server: LiveServer;
  feed: Feed;
  /** Rejects when the stream cannot be read any more. Never resolves. */
  ended: Promise<never>;
  close(): Promise<void>;
}

export interface WatchOptions {
  target: Pick<CliTarget, "name" | "outputs" | "clientConfig" | "stateDir">;
  port: number;
  signal: AbortSignal;
  /** Origins that its pages may show in a frame. */
  frames?: readonly string[];
  /** Also gets the records of each read. */
  onRecords?: (records: readonly ReadRecord[]) => void;
}

/** Resolves when every shard is being read. */
export async function watchStream({
  target,
  port,
  signal,
  frames = [],
  onRecords,
}: WatchOptions): Promise<Watch> {
  const { outputs, clientConfig } = target;
  const { streamName } = outputs;
  // Each shard waits and reads with this signal.
  setMaxListeners(0, signal);
  const feed = new Feed(await acceptedWindow(target), Date.now);
  const reader = new StreamReader({
    // The reader waits between its attempts itself, as the shard's limit is shared with the ingest.
    client: new KinesisClient({ ...clientConfig, maxAttempts: 1 }),
    streamName,
    clock: { now: Date.now, sleep: (ms, abort) => sleep(ms, undefined, { signal: abort }) },
    random: Math.random,
    signal,
    onRecords: (records) => {
      feed.take(records);
      onRecords?.(records);
    },
    // A local stack that has ended does not come back. AWS does.
    isFinal: (error) => target.stateDir !== undefined && isUnreachable(error),
  });
  const { ended } = await reader.start();
  const server = new LiveServer({
    feed,
    target: target.name,
    streamName,
    state: () => reader.state(),
    port,
    frames,
  });
  const origin = await server.listen();
  return { origin, server, feed, ended, close: () => server.close() };
}

/** The window of event times that the deployed ingest accepts. */
async function acceptedWindow({ outputs, clientConfig }: WatchOptions["target"]): Promise<TimeWindow> {
  const { Environment } = await new LambdaClient(clientConfig).send(
    new GetFunctionConfigurationCommand({ FunctionName: outputs.ingestFunction }),
  );
  const { EARLIEST_EVENT_TIME = "", LATEST_EVENT_LEAD_HOURS = "" } = Environment?.Variables ?? {};
  return readWindow({ EARLIEST_EVENT_TIME, LATEST_EVENT_LEAD_HOURS });
}
