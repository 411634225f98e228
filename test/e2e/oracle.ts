/**
 * What the tables must hold, computed apart from the pipeline: straight from what lies in the stream, was handed to
 * Firehose or is in a web server's log, with rules written a second time, plainly. Nothing here imports the pipeline's code.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
} from "@aws-sdk/client-kinesis";

interface ExpectedEvent {
  date: string;
  type: string;
  user: string | null;
  revenue: number;
  /** What makes a second event under this id a copy of it. */
  content: string;
}

export interface Expectation {
  /** Non-blank lines that were handed in. */
  lines: number;
  /** By event_id; of several with one id, the first that arrived. */
  events: Map<string, ExpectedEvent>;
  duplicates: number;
  /** Other events under a known id: the quarantine has them, as they were read. */
  conflicts: number;
  /** Payloads of what makes no sense, sorted. */
  quarantined: string[];
}

const DAY_MS = 86_400_000;
/** The beginning of the names that events without an id have here, where only the pipeline knows their ids. */
const NO_ID = "no id ";

function nothing(): Expectation {
  return { lines: 0, events: new Map(), duplicates: 0, conflicts: 0, quarantined: [] };
}

/** Reads the whole stream, shard by shard, oldest record first, and judges each line of it. */
export async function expectFromStream(kinesis: KinesisClient, streamName: string): Promise<Expectation> {
  const expectation = nothing();
  const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName: streamName }));
  for (const shard of Shards) {
    const { ShardIterator } = await kinesis.send(
      new GetShardIteratorCommand({
        StreamName: streamName,
        ShardId: shard.ShardId,
        ShardIteratorType: "TRIM_HORIZON",
      }),
    );
    let iterator = ShardIterator;
    while (iterator) {
      const page = await kinesis.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: 5000 }));
      for (const record of page.Records ?? []) {
        const text = Buffer.from(record.Data ?? []).toString("utf8");
        let position = 0;
        for (const line of text.split("\n").filter((part) => part.trim() !== "")) {
          const fallbackId = `${shard.ShardId}:${record.SequenceNumber}:${position}`;
          judge(line, fallbackId, record.ApproximateArrivalTimestamp ?? new Date(), expectation);
          position += 1;
        }
      }
      if (!page.Records?.length && !page.MillisBehindLatest) break;
      iterator = page.NextShardIterator;
    }
  }
  expectation.quarantined.sort();
  return expectation;
}

/**
 * Judges records that were handed in just now, in the order given. Firehose keeps no order: use it only where no two
 * events with one id differ. An event without an id is an event of its own.
 */
export function expectFromRecords(records: Iterable<string>, arrived = new Date()): Expectation {
  const expectation = nothing();
  for (const record of records) {
    for (const line of record.split("\n").filter((part) => part.trim() !== "")) {
      judge(line, `${NO_ID}${expectation.lines}`, arrived, expectation);
    }
  }
  expectation.quarantined.sort();
  return expectation;
}

/** Whether the event came without an id, and the pipeline gave it one that nobody else can know. */
export function isUnnamed(expectedId: string): boolean {
  return expectedId.startsWith(NO_ID);
}

function judge(line: string, fallbackId: string, arrived: Date, into: Expectation): void {
  into.lines += 1;
  const event = asEvent(line, arrived);
  if (event === null) {
    into.quarantined.push(line);
    return;
  }
  const id = String(event.fields.event_id ?? fallbackId);
  const { fields } = event;
  const known = into.events.get(id);
  if (known) {
    if (known.content === contentOf(event)) into.duplicates += 1;
    else into.conflicts += 1;
    return;
  }
  const revenue =
    fields.event_type === "purchase" ? Number(fields.product_price ?? 0) * Number(fields.quantity ?? 1) : 0;
  into.events.set(id, {
    date: event.time.toISOString().slice(0, 10),
    type: String(fields.event_type),
    user: fields.user_id === undefined ? null : String(fields.user_id),
    revenue,
    content: contentOf(event),
  });
}

/** All that a producer said of the event, in any order, but where its connection came from and who it was. */
function contentOf({ fields, time }: { fields: Record<string, unknown>; time: Date }): string {
  const connection = ["event_id", "event_time", "timestamp", "geo", "ip", "ip_address", "country", "city"];
  const kept = Object.entries(fields).filter(
    ([name]) => ![...connection, "user_agent", "email"].includes(name),
  );
  return JSON.stringify([time.getTime(), ...kept.sort(([a], [b]) => (a < b ? -1 : 1))]);
}

function asEvent(line: string, arrived: Date): { fields: Record<string, unknown>; time: Date } | null {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line);
  } catch {
    return null;
  }
  if (fields === null || typeof fields !== "object" || Array.isArray(fields)) return null;
  if (!fields.event_type || !(fields.user_id || fields.session_id)) return null;
  const written = fields.event_time ?? fields.timestamp;
  if (typeof written !== "string" || !/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(written)) return null;
  const day = written.slice(0, 10);
  const midnight = new Date(`${day}T00:00:00Z`);
  // JavaScript takes 30 February for 2 March.
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== day) return null;
  const time = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(written) ? written : `${written.replace(" ", "T")}Z`);
  if (!isNumberOrAbsent(fields.product_price) || !isNumberOrAbsent(fields.quantity)) return null;
  const inWindow = time.getTime() >= Date.UTC(2000, 0, 1) && time.getTime() <= arrived.getTime() + DAY_MS;
  return inWindow ? { fields, time } : null;
}

function isNumberOrAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "" || Number.isFinite(Number(value));
}

export interface LogExpectation {
  requests: number;
  others: string[];
  /** Requests by UTC day. */
  byDay: Map<string, number>;
  /** Requests by HTTP status. */
  byStatus: Map<string, number>;
  /** Different networks (IPv4 with the last octet zero). */
  networks: Set<string>;
}

/** Reads a combined log with one plain pattern; a line that does not match it from end to end is no request. */
export function expectFromLog(path: string): LogExpectation {
  const found: LogExpectation = {
    requests: 0,
    others: [],
    byDay: new Map(),
    byStatus: new Map(),
    networks: new Set(),
  };
  const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (line.trim() === "") continue;
    const match =
      /^(\S+) \S+ \S+ \[(\d\d)\/(\w{3})\/(\d{4}):(\S+) \+0000\] "(\S+) (\S+) (HTTP\/\S+)" (\d{3}) (?:\d+|-) "[^"]*" "[^"]*"$/.exec(
        line,
      );
    if (!match) {
      found.others.push(line);
      continue;
    }
    const [, host = "", day = "", month = "", year = "", , , , , status = ""] = match;
    found.requests += 1;
    count(found.byDay, `${year}-${String(months.indexOf(month) + 1).padStart(2, "0")}-${day}`);
    count(found.byStatus, status);
    found.networks.add(host.replace(/\.\d+$/, ".0"));
  }
  return found;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** One hash over rows in any order: equal tables have equal hashes. */
export function hashRows(rows: readonly unknown[]): string {
  const lines = rows.map((row) => JSON.stringify(row)).sort();
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}
