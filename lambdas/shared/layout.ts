// Key layout of the raw bucket: builds object keys and parses them.

import { PREFIX } from "../../schema/prefixes";

export type Zone = "raw" | "quarantine";

/** A closed range of sequence numbers of one shard. */
export interface SequenceRange {
  shardId: string;
  first: string;
  last: string;
}

const HOUR = /year=(\d+)\/month=(\d+)\/day=(\d+)\/hour=(\d+)\//;
const KEY = /\/([^/]+)-(\d+)-(\d+)\.jsonl\.gz$/;

/** The prefix `raw/year=2026/month=11/day=21/hour=09/` for a time, in UTC. */
export function hourPrefix(zone: Zone, epochMs: number): string {
  const [year, month, day, hour] = new Date(epochMs).toISOString().split(/[-T:]/);
  return `${PREFIX[zone]}year=${year}/month=${month}/day=${day}/hour=${hour}/`;
}

/** The hour in a key of this layout; undefined for any other key. */
export function arrivalHour(key: string): number | undefined {
  const match = HOUR.exec(key);
  if (match === null) return undefined;
  return Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]), Number(match[4]));
}

export function objectKey(zone: Zone, firstArrivalMs: number, range: SequenceRange): string {
  return `${hourPrefix(zone, firstArrivalMs)}${batchKey(range)}.jsonl.gz`;
}

/** The name of a batch in object keys and logs. */
export function batchKey({ shardId, first, last }: SequenceRange): string {
  return `${shardId}-${first}-${last}`;
}

export function parseObjectKey(key: string): SequenceRange | undefined {
  const match = KEY.exec(key);
  if (match === null) return undefined;
  return { shardId: match[1] as string, first: match[2] as string, last: match[3] as string };
}

/** Sequence numbers are decimal numbers above 2^53, so they are compared by length, then digit by digit. */
export function compareSequence(a: string, b: string): number {
  const left = a.replace(/^0+(?=\d)/, "");
  const right = b.replace(/^0+(?=\d)/, "");
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

export function overlaps(a: SequenceRange, b: SequenceRange): boolean {
  return (
    a.shardId === b.shardId && compareSequence(a.first, b.last) <= 0 && compareSequence(b.first, a.last) <= 0
  );
}

export function covers(range: SequenceRange, sequenceNumber: string): boolean {
  return (
    compareSequence(range.first, sequenceNumber) <= 0 && compareSequence(sequenceNumber, range.last) <= 0
  );
}
