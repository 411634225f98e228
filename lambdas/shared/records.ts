// Packs several events into each record. The events of a session go to one shard and stay in order.

import { markerLine } from "./marker";

export interface PackedRecord {
  partitionKey: string;
  data: Buffer;
  /** Lines in it. */
  lines: number;
}

/**
 * The usual maximum size of a record. Kinesis bills PUTs in units of 25 KB, so a record up to this size costs the same
 * as one small event. Firehose bills each record in steps of 5 KB, and this size is five of them.
 */
export const PUT_UNIT_BYTES = 25 * 1024;
/** Kinesis' maximum size of a record, including its partition key. */
export const MAX_RECORD_BYTES = 1024 * 1024;

/** A service that takes records. */
export interface RecordService {
  name: "Kinesis" | "Firehose";
  maxRecordBytes: number;
  /** Whether records have partition keys, which choose a shard and count for the maximum size. */
  hasShards: boolean;
}

export const KINESIS_RECORD: RecordService = {
  name: "Kinesis",
  maxRecordBytes: MAX_RECORD_BYTES,
  hasShards: true,
};
export const FIREHOSE_RECORD: RecordService = {
  name: "Firehose",
  maxRecordBytes: 1000 * 1024,
  hasShards: false,
};

const MIN_LANES = 8;
const MAX_LANES = 128;
const EVENTS_A_LANE = 200;

export class EventTooLarge extends Error {
  override readonly name = "EventTooLarge";
  constructor(
    readonly bytes: number,
    service: RecordService,
  ) {
    const within = service.hasShards ? "with its partition key" : "in a record";
    super(
      `An event has ${bytes} bytes; ${service.name} takes ${service.maxRecordBytes} ${within}. Split it.`,
    );
  }
}

/**
 * The number of lanes for this many events. There must be enough lanes to use all shards. There must be few enough
 * that the last, partly filled record of each lane does not matter.
 */
export function lanesFor(events: number): number {
  return Math.min(MAX_LANES, Math.max(MIN_LANES, Math.ceil(events / EVENTS_A_LANE)));
}

interface Lane {
  partitionKey: string;
  /** Lines are copied into the buffer at once, so that their strings can be freed. */
  buffer: Buffer;
  used: number;
  lines: number;
}

const NOTHING = Buffer.alloc(0);
const NEWLINE = 10;

/**
 * Assigns each session (or user) to one of a fixed number of lanes. A lane is a partition key, so its records go
 * to one shard in order. A record only contains events of one lane.
 */
export class RecordPacker {
  private readonly lanes: Lane[];
  private records = 0;
  /** The first line of the next record. */
  private marker = "";

  /** With a `batch`, each record begins with a marker. */
  constructor(
    laneCount: number,
    private readonly service = KINESIS_RECORD,
    private readonly batch?: string,
  ) {
    this.numberNext();
    this.lanes = Array.from({ length: laneCount }, (_, index) => ({
      partitionKey: `lane-${index}`,
      buffer: NOTHING,
      used: 0,
      lines: 0,
    }));
  }

  laneOf(key: string): number {
    let hash = 0x811c9dc5;
    for (let index = 0; index < key.length; index += 1) {
      hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
    }
    return (hash >>> 0) % this.lanes.length;
  }

  /** Adds a line. If it does not fit into the lane's current record, returns that record. */
  add(laneIndex: number, line: string | Uint8Array): PackedRecord | undefined {
    const lane = this.lanes[laneIndex] as Lane;
    const bytes = typeof line === "string" ? Buffer.byteLength(line) : line.length;
    const keyBytes = this.service.hasShards ? lane.partitionKey.length : 0;
    if (this.marker.length + bytes + keyBytes > this.service.maxRecordBytes) {
      throw new EventTooLarge(bytes, this.service);
    }
    const isFull = lane.lines > 0 && lane.used + 1 + bytes > PUT_UNIT_BYTES;
    const record = isFull ? close(lane) : undefined;
    if (lane.lines === 0) this.begin(lane, bytes);
    else lane.buffer[lane.used++] = NEWLINE;
    write(lane, line, bytes);
    return record;
  }

  private begin(lane: Lane, bytes: number): void {
    lane.buffer = Buffer.allocUnsafeSlow(Math.max(this.marker.length + bytes, PUT_UNIT_BYTES));
    lane.used = lane.buffer.write(this.marker, "latin1");
    this.records += 1;
    this.numberNext();
  }

  private numberNext(): void {
    if (this.batch !== undefined) this.marker = markerLine({ batch: this.batch, record: this.records });
  }

  /** Returns the records that are not full, and empties all lanes. */
  *drain(): Generator<PackedRecord> {
    for (const lane of this.lanes) {
      if (lane.lines > 0) yield close(lane);
    }
  }
}

function write(lane: Lane, line: string | Uint8Array, bytes: number): void {
  if (typeof line !== "string") lane.buffer.set(line, lane.used);
  // If the bytes equal the characters, the text is ASCII. latin1 copies it without checking each character.
  else lane.buffer.write(line, lane.used, bytes === line.length ? "latin1" : "utf8");
  lane.used += bytes;
  lane.lines += 1;
}

function close(lane: Lane): PackedRecord {
  const { partitionKey, lines } = lane;
  const data = lane.buffer.subarray(0, lane.used);
  lane.buffer = NOTHING;
  lane.used = 0;
  lane.lines = 0;
  return { partitionKey, data, lines };
}
