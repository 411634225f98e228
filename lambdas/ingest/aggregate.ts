// Splits aggregated records of the Kinesis Producer Library (KPL) into user records.

import { createHash } from "node:crypto";

/** https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md */
const MAGIC = Buffer.from([0xf3, 0x89, 0x9a, 0xc2]);
const DIGEST_BYTES = 16;
/** Field numbers of the messages AggregatedRecord and Record. */
const RECORDS = 3;
const DATA = 3;

export function isAggregate(data: Buffer): boolean {
  return data[0] === MAGIC[0] && data.subarray(0, MAGIC.length).equals(MAGIC);
}

/** The message in an aggregate; undefined if the checksum or the encoding is wrong. */
export function aggregateMessage(data: Buffer): Buffer | undefined {
  if (data.length < MAGIC.length + DIGEST_BYTES) return undefined;
  const message = data.subarray(MAGIC.length, data.length - DIGEST_BYTES);
  const digest = createHash("md5").update(message).digest();
  if (!digest.equals(data.subarray(data.length - DIGEST_BYTES))) return undefined;
  for (const record of userRecords(message)) {
    if (record === undefined) return undefined;
  }
  return message;
}

/**
 * Yields the data of the user records in order, and undefined at the end if the encoding is wrong.
 * It yields one at a time: an aggregate can contain half a million records, too many for the function's memory.
 */
export function* userRecords(message: Buffer): Generator<Buffer | undefined> {
  for (const record of fieldsOf(message, RECORDS)) yield record && dataOf(record);
}

/** If a field occurs twice, the last value counts. A record without data has no bytes. */
function dataOf(record: Buffer): Buffer | undefined {
  let data: Buffer = NO_BYTES;
  for (const field of fieldsOf(record, DATA)) {
    if (field === undefined) return undefined;
    data = field;
  }
  return data;
}

const NO_BYTES = Buffer.alloc(0);

/** Yields the byte fields with this number, and undefined at the end if the message is not well-formed. */
function* fieldsOf(message: Buffer, wanted: number): Generator<Buffer | undefined> {
  for (let at = 0; at < message.length; ) {
    const tag = varint(message, at);
    const length = tag && lengthOf(message, tag.end, tag.value % 8);
    if (tag === undefined || length === undefined || length.end > message.length) {
      yield undefined;
      return;
    }
    if (Math.floor(tag.value / 8) === wanted && tag.value % 8 === 2) {
      yield message.subarray(length.start, length.end);
    }
    at = length.end;
  }
}

/** The start and end of a field's value, by its wire type. */
function lengthOf(message: Buffer, at: number, wireType: number): { start: number; end: number } | undefined {
  if (wireType === 1) return { start: at, end: at + 8 };
  if (wireType === 5) return { start: at, end: at + 4 };
  const number = varint(message, at);
  if (number === undefined) return undefined;
  if (wireType === 0) return { start: at, end: number.end };
  return wireType === 2 ? { start: number.end, end: number.end + number.value } : undefined;
}

function varint(message: Buffer, from: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let at = from; at < from + 10 && at < message.length; at += 1) {
    const byte = message[at] as number;
    value += (byte & 127) * 2 ** (7 * (at - from));
    if (byte < 128) return { value, end: at + 1 };
  }
  return undefined;
}
