// A Kinesis stream in memory with the API of a reader: shards that can split and merge, iterators that expire, limits.
import type { KinesisClient } from "@aws-sdk/client-kinesis";

interface StoredRecord {
  sequence: number;
  arrivalMs: number;
  data: string;
}

interface FakeShard {
  parents: string[];
  records: StoredRecord[];
  closed: boolean;
}

const SHARDS_A_PAGE = 2;

/** A clock that tests move: whoever sleeps wakes up when it has come so far. */
export class FakeClock {
  ms = Date.parse("2026-11-26T12:00:00Z");
  private sleepers: { until: number; wake: () => void }[] = [];

  now = () => this.ms;

  sleep = (milliseconds: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const abort = () => reject(signal.reason);
      const wake = () => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      signal.addEventListener("abort", abort, { once: true });
      this.sleepers.push({ until: this.ms + milliseconds, wake });
    });

  /** Wakes the sleepers in their order, and lets each of them work until it sleeps again. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.ms + milliseconds;
    await settled();
    for (;;) {
      this.sleepers.sort((a, b) => a.until - b.until);
      const next = this.sleepers[0];
      if (next === undefined || next.until > end) break;
      this.sleepers.shift();
      this.ms = Math.max(this.ms, next.until);
      next.wake();
      await settled();
    }
    this.ms = end;
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export class FakeKinesis {
  readonly shards = new Map<string, FakeShard>();
  /** When each shard was read. */
  readonly reads: { shardId: string; ms: number }[] = [];
  /** The errors that the next calls of an operation get. */
  readonly failures: Record<string, Error[]> = {};
  readonly client = { send: (command: unknown) => this.send(command as Command) } as unknown as Pick<
    KinesisClient,
    "send"
  >;
  iteratorMs = 5 * 60_000;
  private lastSequence = 0;

  constructor(
    private readonly clock: FakeClock,
    ...shardIds: string[]
  ) {
    for (const id of shardIds) this.shards.set(id, { parents: [], records: [], closed: false });
  }

  put(shardId: string, ...data: string[]): void {
    for (const text of data) {
      this.shard(shardId).records.push({
        sequence: ++this.lastSequence,
        arrivalMs: this.clock.ms,
        data: text,
      });
    }
  }

  reshard(parents: string[], children: string[]): void {
    for (const id of parents) this.shard(id).closed = true;
    for (const id of children) this.shards.set(id, { parents, records: [], closed: false });
  }

  private async send(command: Command): Promise<unknown> {
    const { input } = command;
    const operation = command.constructor.name.replace("Command", "");
    if (operation === "GetRecords") {
      const { shardId } = JSON.parse(String(input.ShardIterator));
      this.reads.push({ shardId, ms: this.clock.ms });
    }
    const failure = this.failures[operation]?.shift();
    if (failure !== undefined) throw failure;
    if (operation === "ListShards") return this.listShards(input);
    if (operation === "GetShardIterator") return { ShardIterator: this.iterator(input) };
    if (operation === "GetRecords") return this.getRecords(String(input.ShardIterator));
    throw new Error(`FakeKinesis does not know ${operation}`);
  }

  private listShards({ StreamName, NextToken }: Input) {
    // AWS: "don't specify StreamName or StreamCreationTimestamp if you specify NextToken".
    if ((StreamName === undefined) === (NextToken === undefined)) throw named("InvalidArgumentException");
    const from = Number(NextToken ?? 0);
    const all = [...this.shards].map(([ShardId, { parents, closed }]) => ({
      ShardId,
      ParentShardId: parents[0],
      AdjacentParentShardId: parents[1],
      SequenceNumberRange: { StartingSequenceNumber: "0", ...(closed ? { EndingSequenceNumber: "9" } : {}) },
    }));
    const to = from + SHARDS_A_PAGE;
    return { Shards: all.slice(from, to), ...(to < all.length ? { NextToken: String(to) } : {}) };
  }

  private iterator({ ShardId, ShardIteratorType, StartingSequenceNumber, Timestamp }: Input): string {
    const { records } = this.shard(String(ShardId));
    const after = (isBefore: (record: StoredRecord) => boolean) => records.filter(isBefore).length;
    const places: Record<string, () => number> = {
      LATEST: () => records.length,
      TRIM_HORIZON: () => 0,
      AFTER_SEQUENCE_NUMBER: () => after(({ sequence }) => sequence <= Number(StartingSequenceNumber)),
      AT_TIMESTAMP: () => after(({ arrivalMs }) => arrivalMs < (Timestamp as Date).getTime()),
    };
    const at = places[String(ShardIteratorType)]?.();
    if (at === undefined) throw named("InvalidArgumentException");
    return JSON.stringify({ shardId: ShardId, at, made: this.clock.ms });
  }

  private getRecords(iterator: string) {
    const { shardId, at, made } = JSON.parse(iterator) as { shardId: string; at: number; made: number };
    if (this.clock.ms - made > this.iteratorMs) throw named("ExpiredIteratorException");
    const { records, closed } = this.shard(shardId);
    const next = closed ? undefined : JSON.stringify({ shardId, at: records.length, made: this.clock.ms });
    return {
      Records: records.slice(at).map(({ sequence, arrivalMs, data }) => ({
        SequenceNumber: String(sequence),
        ApproximateArrivalTimestamp: new Date(arrivalMs),
        Data: Buffer.from(data),
      })),
      NextShardIterator: next,
      MillisBehindLatest: 0,
    };
  }

  private shard(id: string): FakeShard {
    const shard = this.shards.get(id);
    if (shard === undefined) throw named("ResourceNotFoundException");
    return shard;
  }
}

type Input = Record<string, unknown>;

interface Command {
  constructor: { name: string };
  input: Input;
}

/** An error as the AWS SDK throws it. */
export function named(name: string, fault: "client" | "server" = "client"): Error {
  return Object.assign(new Error(`${name} of the fake`), { name, $fault: fault });
}
