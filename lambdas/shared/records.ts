// Packs events into Kinesis records: several to a record, a session's events in one shard and in order.

export interface PackedRecord {
  partitionKey: string;
  data: Buffer;
  /** Lines in it. */
  lines: number;
}

/** Kinesis counts a PUT in units of 25 KB, so a record up to there costs what one small event costs. */
export const PUT_UNIT_BYTES = 25 * 1024;
/** A record with its partition key. */
export const MAX_RECORD_BYTES = 1024 * 1024;

const MIN_LANES = 8;
const MAX_LANES = 128;
const EVENTS_A_LANE = 200;

export class EventTooLarge extends Error {
  override readonly name = "EventTooLarge";
  constructor(readonly bytes: number) {
    super(`An event has ${bytes} bytes; Kinesis takes ${MAX_RECORD_BYTES} with its partition key. Split it.`);
  }
}

/**
 * How many lanes for so many events: enough to spread over the shards, few enough that the last, partly
 * filled record of each is a small part of the whole.
 */
export function lanesFor(events: number): number {
  return Math.min(MAX_LANES, Math.max(MIN_LANES, Math.ceil(events / EVENTS_A_LANE)));
}

interface Lane {
  partitionKey: string;
  /** Lines are written at once, so that their strings need not outlive them. */
  buffer: Buffer;
  used: number;
  lines: number;
}

const NOTHING = Buffer.alloc(0);
const NEWLINE = 10;

/**
 * Every session (or user) belongs to one of a fixed number of lanes. A lane is a partition key, so its
 * records go to one shard in order, and an event shares a record only with events of its own lane.
 */
export class RecordPacker {
  private readonly lanes: Lane[];

  constructor(
    laneCount: number,
    private readonly maxBytes = PUT_UNIT_BYTES,
  ) {
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

  /** Takes a line; gives the lane's record when the line no longer fits into it. */
  add(laneIndex: number, line: string | Uint8Array): PackedRecord | undefined {
    const lane = this.lanes[laneIndex] as Lane;
    const bytes = typeof line === "string" ? Buffer.byteLength(line) : line.length;
    if (bytes + lane.partitionKey.length > MAX_RECORD_BYTES) throw new EventTooLarge(bytes);
    const isFull = lane.lines > 0 && lane.used + 1 + bytes > this.maxBytes;
    const record = isFull ? close(lane) : undefined;
    if (lane.lines === 0) lane.buffer = Buffer.allocUnsafeSlow(Math.max(bytes, this.maxBytes));
    else lane.buffer[lane.used++] = NEWLINE;
    write(lane, line, bytes);
    return record;
  }

  /** The records that are not full yet; nothing stays. */
  *drain(): Generator<PackedRecord> {
    for (const lane of this.lanes) {
      if (lane.lines > 0) yield close(lane);
    }
  }
}

function write(lane: Lane, line: string | Uint8Array, bytes: number): void {
  if (typeof line !== "string") lane.buffer.set(line, lane.used);
  // As many bytes as characters is ASCII, and latin1 copies it without looking at each character.
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
