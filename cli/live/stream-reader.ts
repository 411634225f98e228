// Reads a Kinesis stream from now on: every shard, and the shards that a reshard makes of them. Writes nothing to AWS.

import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  type Shard,
  type ShardIteratorType,
} from "@aws-sdk/client-kinesis";
import { MINUTE_MS } from "../../lambdas/shared/durations";
import { fullJitter } from "../../lambdas/shared/sender";
import { isAccessDenied, isUnreachable } from "../../stack/aws-errors";

/**
 * A shard answers five GetRecords a second, for all its readers together. Lambda needs one of them, more when it has
 * fallen behind. With 400 ms this reader takes at most two and a half.
 */
const READ_INTERVAL_MS = 400;
const MOST_RECORDS = 10_000;
/** How many reads in a row may find nobody at the endpoint before the problem is reported. */
const FAILURES_SHOWN = 2;

export interface ReadRecord {
  shardId: string;
  sequenceNumber: string;
  /** When Kinesis received it. */
  arrivalMs: number;
  data: Buffer;
}

interface ReaderClock {
  now(): number;
  /** Rejects when the signal aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export interface ReaderOptions {
  client: Pick<KinesisClient, "send">;
  streamName: string;
  clock: ReaderClock;
  random: () => number;
  signal: AbortSignal;
  onRecords: (records: readonly ReadRecord[]) => void;
  /** True if the reader shall give up instead of trying again. */
  isFinal?: (error: unknown) => boolean;
}

export interface ReaderState {
  /** Open shards that are being read. */
  shards: number;
  /** How far the slowest shard is behind the newest record. */
  behindMs: number;
  /** Reads that Kinesis refused since the start, because the shard's limit was used up. */
  throttled: number;
  /** Why nothing is read at the moment. */
  problem?: string;
}

type Start = { type: Extract<ShardIteratorType, "LATEST" | "TRIM_HORIZON"> };

interface ShardState {
  behindMs: number;
  failures: number;
  problem?: string;
}

export class StreamReader {
  private readonly open = new Map<string, ShardState>();
  private readonly started = new Set<string>();
  private readonly finished = new Set<string>();
  private throttled = 0;
  private fail: (error: unknown) => void = () => undefined;

  constructor(private readonly options: ReaderOptions) {}

  state(): ReaderState {
    const shards = [...this.open.values()];
    const problem = shards.find(({ problem }) => problem !== undefined)?.problem;
    return {
      shards: shards.length,
      behindMs: Math.max(0, ...shards.map(({ behindMs }) => behindMs)),
      throttled: this.throttled,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** Resolves when every open shard has an iterator: what is sent from now on is seen. */
  async start(): Promise<{ ended: Promise<never> }> {
    const ended = new Promise<never>((_, reject) => {
      this.fail = reject;
    });
    ended.catch(() => undefined); // the caller races against it
    const shards = (await this.listShards()).filter(isOpen);
    const ready = shards.map(({ ShardId = "" }) => this.follow(ShardId, { type: "LATEST" }));
    await Promise.all(ready);
    return { ended };
  }

  /** Begins to read a shard, and returns when it has its first iterator. */
  private async follow(shardId: string, start: Start): Promise<void> {
    if (this.started.has(shardId)) return;
    this.started.add(shardId);
    const state: ShardState = { behindMs: 0, failures: 0 };
    this.open.set(shardId, state);
    const place = new Place(shardId, start, this.options);
    await this.untilItWorks(state, () => place.iterator());
    this.readShard(shardId, place, state).catch((error: unknown) => this.fail(error));
  }

  private async readShard(shardId: string, place: Place, state: ShardState): Promise<void> {
    const { clock, signal } = this.options;
    for (;;) {
      const began = clock.now();
      if (await this.untilItWorks(state, () => this.readOnce(shardId, place, state))) break;
      await clock.sleep(Math.max(0, READ_INTERVAL_MS - (clock.now() - began)), signal);
    }
    this.open.delete(shardId);
    this.finished.add(shardId);
    await this.followChildren();
  }

  /** Returns true at the end of a closed shard. */
  private async readOnce(shardId: string, place: Place, state: ShardState): Promise<boolean> {
    const { client, signal, onRecords } = this.options;
    const request = new GetRecordsCommand({ ShardIterator: await place.iterator(), Limit: MOST_RECORDS });
    const page = await client.send(request, { abortSignal: signal }).catch((error: unknown) => {
      if (error instanceof Error && error.name === "ExpiredIteratorException") place.renew();
      throw error;
    });
    state.behindMs = page.MillisBehindLatest ?? 0;
    const records = (page.Records ?? []).map((record) => ({
      shardId,
      sequenceNumber: record.SequenceNumber ?? "",
      arrivalMs: record.ApproximateArrivalTimestamp?.getTime() ?? this.options.clock.now(),
      data: Buffer.from(record.Data ?? []),
    }));
    place.advance(page.NextShardIterator, records.at(-1)?.sequenceNumber);
    if (records.length > 0) onRecords(records);
    return page.NextShardIterator === undefined || page.NextShardIterator === null;
  }

  /** A child is read from its beginning, once all its parents that were read have ended: so a key's order is kept. */
  private async followChildren(): Promise<void> {
    const state: ShardState = { behindMs: 0, failures: 0 };
    const shards = await this.untilItWorks(state, () => this.listShards());
    for (const { ShardId = "", ParentShardId, AdjacentParentShardId } of shards) {
      const parents = [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined);
      const isChild = parents.some((id) => this.finished.has(id));
      const isWaiting = parents.some((id) => this.started.has(id) && !this.finished.has(id));
      if (isChild && !isWaiting) await this.follow(ShardId, { type: "TRIM_HORIZON" });
    }
  }

  private async listShards(): Promise<Shard[]> {
    const { client, streamName, signal } = this.options;
    const shards: Shard[] = [];
    let NextToken: string | undefined;
    do {
      const input = NextToken === undefined ? { StreamName: streamName } : { NextToken };
      const page = await client.send(new ListShardsCommand(input), { abortSignal: signal });
      shards.push(...(page.Shards ?? []));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return shards;
  }

  /** Tries again with growing pauses. What a retry cannot solve ends the reader. */
  private async untilItWorks<Result>(state: ShardState, work: () => Promise<Result>): Promise<Result> {
    const { clock, random, signal, isFinal } = this.options;
    for (;;) {
      try {
        const result = await work();
        state.failures = 0;
        delete state.problem;
        return result;
      } catch (error) {
        signal.throwIfAborted();
        state.failures += 1;
        if (isThrottled(error)) this.throttled += 1;
        else if (!mayPass(error) || isFinal?.(error)) throw error;
        else if (state.failures >= FAILURES_SHOWN) state.problem = describe(error);
        // Never at once: the shard's limit is shared with the ingest.
        await clock.sleep(READ_INTERVAL_MS + fullJitter(state.failures, random), signal);
      }
    }
  }
}

/** Where the reader is in a shard. An iterator is valid for five minutes only. */
class Place {
  private current: string | undefined;
  private lastSequence: string | undefined;
  /** 0 before the first iterator. */
  private askedMs = 0;
  private readonly beganMs: number;

  constructor(
    private readonly shardId: string,
    private readonly start: Start,
    private readonly options: Pick<ReaderOptions, "client" | "streamName" | "signal" | "clock">,
  ) {
    this.beganMs = options.clock.now();
  }

  async iterator(): Promise<string> {
    if (this.current === undefined || this.expired) {
      const { client, streamName, signal } = this.options;
      const { ShardIterator = "" } = await client.send(
        new GetShardIteratorCommand({ StreamName: streamName, ShardId: this.shardId, ...this.position() }),
        { abortSignal: signal },
      );
      this.current = ShardIterator;
      this.askedMs = this.options.clock.now();
    }
    return this.current;
  }

  advance(next: string | undefined | null, lastSequence: string | undefined): void {
    this.lastSequence = lastSequence ?? this.lastSequence;
    this.current = next ?? undefined;
    this.askedMs = this.options.clock.now();
  }

  /** Asks for a new iterator before the next read. */
  renew(): void {
    this.current = undefined;
  }

  private get expired(): boolean {
    return this.options.clock.now() - this.askedMs > ITERATOR_MS;
  }

  private position() {
    if (this.lastSequence !== undefined) {
      return {
        ShardIteratorType: "AFTER_SEQUENCE_NUMBER" as const,
        StartingSequenceNumber: this.lastSequence,
      };
    }
    if (this.start.type === "TRIM_HORIZON" || this.askedMs === 0)
      return { ShardIteratorType: this.start.type };
    // LATEST would leave out what arrived since this reader began.
    return { ShardIteratorType: "AT_TIMESTAMP" as const, Timestamp: new Date(this.beganMs) };
  }
}

/** AWS: "Shard iterators expire 5 minutes after they're returned". A sleeping laptop comes back later than that. */
const ITERATOR_MS = 4.5 * MINUTE_MS;

function isOpen({ SequenceNumberRange }: Shard): boolean {
  return SequenceNumberRange?.EndingSequenceNumber === undefined;
}

const THROTTLES = [
  "ProvisionedThroughputExceededException",
  "LimitExceededException",
  "KMSThrottlingException",
  "ThrottlingException",
];

function isThrottled(error: unknown): boolean {
  return error instanceof Error && THROTTLES.includes(error.name);
}

/** Errors inside AWS, of the network, and of an iterator that has expired. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof Error) || isAccessDenied(error)) return false;
  const { $fault, $metadata } = error as { $fault?: string; $metadata?: { httpStatusCode?: number } };
  return (
    $fault === "server" ||
    ($metadata?.httpStatusCode ?? 0) >= 500 ||
    error.name === "ExpiredIteratorException" ||
    isUnreachable(error)
  );
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
