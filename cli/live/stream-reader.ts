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
import { type AttemptOptions, Attempts, type Reader, type StreamState, type Trouble } from "./reader";

/**
 * A shard answers five GetRecords a second, for all its readers together. Lambda needs one of them, more when it has
 * fallen behind. With 400 ms this reader takes at most two and a half.
 */
const READ_INTERVAL_MS = 400;
const MOST_RECORDS = 10_000;

export interface ReadRecord {
  shardId: string;
  sequenceNumber: string;
  /** When Kinesis received it. */
  arrivalMs: number;
  data: Buffer;
}

export interface ReaderOptions extends AttemptOptions {
  client: Pick<KinesisClient, "send">;
  streamName: string;
  onRecords: (records: readonly ReadRecord[]) => void;
}

type Start = { type: Extract<ShardIteratorType, "LATEST" | "TRIM_HORIZON"> };

interface ShardState extends Trouble {
  behindMs: number;
}

export class StreamReader implements Reader {
  private readonly open = new Map<string, ShardState>();
  private readonly started = new Set<string>();
  private readonly finished = new Set<string>();
  private readonly attempts: Attempts;
  private fail: (error: unknown) => void = () => undefined;

  constructor(private readonly options: ReaderOptions) {
    this.attempts = new Attempts(options, READ_INTERVAL_MS);
  }

  state(): StreamState {
    const shards = [...this.open.values()];
    const problem = shards.find(({ problem }) => problem !== undefined)?.problem;
    return {
      kind: "stream",
      shards: shards.length,
      behindMs: Math.max(0, ...shards.map(({ behindMs }) => behindMs)),
      throttled: this.attempts.throttled,
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
    await this.attempts.untilItWorks(state, () => place.iterator());
    this.readShard(shardId, place, state).catch((error: unknown) => this.fail(error));
  }

  private async readShard(shardId: string, place: Place, state: ShardState): Promise<void> {
    const { clock, signal } = this.options;
    for (;;) {
      const began = clock.now();
      if (await this.attempts.untilItWorks(state, () => this.readOnce(shardId, place, state))) break;
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
    const shards = await this.attempts.untilItWorks(state, () => this.listShards());
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
