// The largest batches that Lambda hands over, of records that take most memory in the ingest for their bytes.

import { gzipSync } from "node:zlib";
import type { KinesisStreamEvent, KinesisStreamRecord } from "aws-lambda";
import { HOUR_MS } from "../../../lambdas/shared/durations";
import { kinesisRecord } from "../fakes";
import { field, signed } from "./kpl";

export interface WorstBatch {
  what: string;
  record: Buffer;
  /** How often the record is in the batch. What is left of the batch is records of one broken line each. */
  times: number;
  zone: "raw" | "quarantine";
  /** Lines that each of them becomes. */
  lines: number;
  /** Each record arrived an hour after the one before. */
  hourly?: boolean;
}

/** Lambda invokes with 6 MB of JSON at most. */
const MAX_EVENT_BYTES = 6 * 1024 * 1024;
/** A record without its partition key. */
const RECORD_BYTES = 1024 * 1024 - 16;
/** What gzip may unpack to: so many bytes, and so many for each of its own. */
const UNPACKED_BYTES = 10 * 1024 * 1024;
const EXPANSION = 200;
const EVENT = `"event_type":"x","event_time":"2026-11-20T09:00:00.000Z","user_id":"u"`;
const FIRST_ARRIVAL = Date.parse("2026-11-21T09:00:01.123Z");
const FILLER = Buffer.alloc(RECORD_BYTES, "x");

export function eventOf({ record, times, hourly }: WorstBatch): {
  event: KinesisStreamEvent;
  fillers: number;
} {
  const Records: KinesisStreamRecord[] = [];
  let bytes = 0;
  while (true) {
    const arrival = new Date(FIRST_ARRIVAL + (hourly ? Records.length * HOUR_MS : 0)).toISOString();
    const number = String(1_000_000 + Records.length);
    const next = kinesisRecord(Records.length < times ? record : FILLER, number, { arrival });
    bytes += JSON.stringify(next).length + 1;
    if (bytes > MAX_EVENT_BYTES) break;
    Records.push(next);
  }
  if (Records.length < times) throw new Error(`Only ${Records.length} of ${times} records fit into a batch.`);
  return { event: { Records }, fillers: Records.length - times };
}

/** As many of the item as fit into a record. */
function full(
  item: string,
  separator: string,
  start: string,
  end: string,
): { record: Buffer; items: number } {
  const room = RECORD_BYTES - start.length - end.length + separator.length;
  const items = Math.floor(room / (item.length + separator.length));
  return { record: Buffer.from(start + Array(items).fill(item).join(separator) + end, "latin1"), items };
}

function manyNames(): Buffer {
  const members = Array.from({ length: 90_000 }, (_, index) => `"k${index.toString(36)}":1.0`);
  return Buffer.from(`{${EVENT},${members.join(",")}}`);
}

/** The text in gzip, which is made so large that it may unpack to all of it. */
function bomb(unit: string, start = ""): Buffer {
  const times = Math.floor((UNPACKED_BYTES - Buffer.byteLength(start)) / Buffer.byteLength(unit));
  const packed = gzipSync(start + unit.repeat(times));
  const missing = Math.max(0, Math.ceil(UNPACKED_BYTES / EXPANSION) - packed.length);
  // RFC 1952: the flag FEXTRA, and a field of so many bytes, which readers skip.
  packed[3] = 4;
  const extra = Buffer.alloc(2 + missing);
  extra.writeUInt16LE(missing, 0);
  return Buffer.concat([packed.subarray(0, 10), extra, packed.subarray(10)]);
}

/** An aggregate whose records have nothing but data, if that. */
function bareAggregate(datas: readonly Buffer[]): Buffer {
  return signed(Buffer.concat(datas.map((data) => field(3, data.length === 0 ? data : field(3, data)))));
}

function oneOf(what: string, { record, items }: { record: Buffer; items: number }, times = 1): WorstBatch {
  return { what, record, times, zone: "quarantine", lines: items };
}

export function worstBatches(): WorstBatch[] {
  const emptyRecords = Array<Buffer>(500_000).fill(Buffer.alloc(0));
  const one = { zone: "quarantine", lines: 1 } as const;
  return [
    oneOf("an array of empty objects", full("{}", ",", "[", "]")),
    oneOf("arrays of objects whose name is an index", full('{"34":0}', ",", "[", "]"), 4),
    oneOf("a batch of empty objects", full("{}", ",", '{"batch":[', "]}")),
    oneOf("arrays that nest as deep as they may", full("[".repeat(99) + "]".repeat(99), ",", "[", "]"), 4),
    { what: "an event of many names", record: manyNames(), times: 4, zone: "raw", lines: 1 },
    {
      what: "an event with many objects whose name is an index, and a number that a double would change",
      record: full('{"322":0}', ",", `{${EVENT},"n":1.0,"a":[`, "]}").record,
      ...{ times: 4, zone: "raw", lines: 1 },
    },
    {
      what: "a broken array of objects whose name is an index, half of them escaped",
      record: full('{"322":0},{"\\u003322":0}', ",", "[", "").record,
      ...{ ...one, times: 4 },
    },
    {
      ...one,
      what: "an aggregate of empty records",
      record: bareAggregate(emptyRecords),
      times: 1,
      lines: 500_000,
    },
    {
      ...one,
      what: "an aggregate of gzip",
      record: bareAggregate(Array(19).fill(bomb("x\n"))),
      times: 1,
      // A line for each four bytes of gzip, and one for the rest.
      lines: 19 * (Math.ceil(bomb("x\n").length / 4) + 1),
    },
    {
      ...one,
      what: "lines of two bytes in Latin-1, one of JSON",
      record: Buffer.concat([full("\xe9\n1\n1", "\n", "", "").record.subarray(0, -4), Buffer.from("\n{}")]),
      times: 1,
      lines: 0,
    },
    {
      ...one,
      what: "the broken lines of 80 hours, in a quarantine object for each hour",
      record: Buffer.from("1\n".repeat(14_000)),
      ...{ times: 80, lines: 14_000, hourly: true },
    },
    { ...one, what: "gzip of control characters", record: bomb("\u0001", "\u20ac"), times: 6 },
    { ...one, what: "gzip of line ends that JSON.stringify leaves", record: bomb("\u2028"), times: 6 },
  ].map((batch) =>
    batch.lines > 0 ? batch : { ...batch, lines: batch.record.toString("latin1").split("\n").length },
  ) as WorstBatch[];
}
