// Stand-ins for S3, Kinesis, Firehose and the clock that keep what they were given, and fail when told to.

import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { FirehoseClient } from "@aws-sdk/client-firehose";
import type { KinesisClient } from "@aws-sdk/client-kinesis";
import type { S3Client } from "@aws-sdk/client-s3";
import type { FirehoseTransformationEventRecord, KinesisStreamRecord } from "aws-lambda";
import type { Clock } from "../../lambdas/shared/runtime";

export class FakeS3 {
  readonly objects = new Map<string, { body: Buffer; modified: Date }>();
  readonly puts: string[] = [];
  listings = 0;
  /** The keys that were read. */
  readonly gets: string[] = [];
  failGet: (key: string) => Error | undefined = () => undefined;
  failPut: (key: string) => Error | undefined = () => undefined;
  /** Replaced by tests that need another listing. */
  listed: (input: Command["input"]) => unknown = (input) => this.list(input);
  /** Replaced by tests whose reader takes the body as a stream. */
  bodyOf: (body: Buffer) => unknown = (body) => ({
    transformToString: async () => body.toString("utf8"),
    transformToByteArray: async () => new Uint8Array(body),
  });
  readonly client = { send: (command: unknown) => this.send(command as Command) } as unknown as S3Client;

  put(key: string, body: string | Buffer = "", modified = new Date()): void {
    this.objects.set(key, { body: Buffer.from(body), modified });
  }

  lines(key: string): Record<string, unknown>[] {
    const body = this.objects.get(key)?.body;
    if (body === undefined)
      throw new Error(`No object ${key}; there are ${[...this.objects.keys()].join(", ")}`);
    return gunzipSync(body)
      .toString("utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  keys(prefix: string): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  private async send(command: Command): Promise<unknown> {
    const { input } = command;
    if (command.constructor.name === "PutObjectCommand") {
      const error = this.failPut(input.Key as string);
      if (error !== undefined) throw error;
      this.checkCondition(input);
      this.puts.push(input.Key as string);
      this.put(input.Key as string, input.Body as Buffer);
      return {};
    }
    if (command.constructor.name === "GetObjectCommand") return this.get(input.Key as string);
    if (command.constructor.name === "ListObjectsV2Command") return this.listed(input);
    if (command.constructor.name === "DeleteObjectCommand") {
      this.objects.delete(input.Key as string);
      return {};
    }
    throw new Error(`FakeS3 does not know ${command.constructor.name}`);
  }

  /** A conditional PUT, as S3 decides about it. */
  private checkCondition({ Key, IfMatch, IfNoneMatch }: Command["input"]): void {
    const found = this.objects.get(Key as string);
    if (IfNoneMatch === "*" && found) throw named("PreconditionFailed");
    if (IfMatch !== undefined && (!found || etagOf(found.body) !== IfMatch))
      throw named("PreconditionFailed");
  }

  private get(key: string): unknown {
    this.gets.push(key);
    const error = this.failGet(key) ?? (this.objects.has(key) ? undefined : named("NoSuchKey"));
    if (error !== undefined) throw error;
    const body = this.objects.get(key)?.body ?? Buffer.alloc(0);
    return {
      ContentLength: body.length,
      ETag: etagOf(body),
      Body: this.bodyOf(body),
    };
  }

  private list(input: Command["input"]): unknown {
    this.listings += 1;
    const prefix = String(input.Prefix ?? "");
    const after = String(input.ContinuationToken ?? input.StartAfter ?? "");
    const maximum = Number(input.MaxKeys ?? 1000);
    const matching = this.keys(prefix).filter((key) => key > after);
    if (input.Delimiter !== undefined) {
      const folded = new Set(matching.map((key) => `${prefix}${key.slice(prefix.length).split("/")[0]}/`));
      return { CommonPrefixes: [...folded].map((Prefix) => ({ Prefix })), IsTruncated: false };
    }
    const page = matching.slice(0, maximum);
    const isTruncated = matching.length > maximum;
    return {
      Contents: page.map((Key) => ({
        Key,
        Size: this.objects.get(Key)?.body.length,
        LastModified: this.objects.get(Key)?.modified,
      })),
      IsTruncated: isTruncated,
      NextContinuationToken: isTruncated ? page.at(-1) : undefined,
    };
  }
}

const etagOf = (body: Buffer) => `"${createHash("md5").update(body).digest("hex")}"`;

interface Command {
  constructor: { name: string };
  input: Record<string, unknown>;
}

export interface PutEntry {
  PartitionKey: string;
  Data: Buffer;
}

/** Two shards by the last digit of the partition key; `answer` may refuse an entry or a whole call. */
export class FakeKinesis {
  readonly calls: PutEntry[][] = [];
  readonly stored: { shard: string; sequence: string; key: string; data: string }[] = [];
  failCall: (call: number) => Error | undefined = () => undefined;
  refuse: (entry: PutEntry, call: number, index: number) => boolean = () => false;
  readonly client = {
    send: async (command: { input: { Records: PutEntry[] } }) => this.putRecords(command.input.Records),
  } as unknown as KinesisClient;

  lines(): string[] {
    return this.stored.flatMap(({ data }) => data.split("\n"));
  }

  private putRecords(entries: PutEntry[]): unknown {
    this.calls.push(entries);
    const call = this.calls.length;
    const error = this.failCall(call);
    if (error !== undefined) throw error;
    return { Records: entries.map((entry, index) => this.putOne(entry, call, index)) };
  }

  private putOne(entry: PutEntry, call: number, index: number): unknown {
    if (this.refuse(entry, call, index)) {
      return { ErrorCode: "ProvisionedThroughputExceededException", ErrorMessage: "Rate exceeded for shard" };
    }
    const shard = `shardId-00000000000${Number(entry.PartitionKey.at(-1)) % 2}`;
    const sequence = String(1_000_000 + this.stored.length);
    this.stored.push({
      shard,
      sequence,
      key: entry.PartitionKey,
      data: Buffer.from(entry.Data).toString("utf8"),
    });
    return { ShardId: shard, SequenceNumber: sequence };
  }
}

/** A delivery stream; `answer` may refuse an entry or a whole call. */
export class FakeFirehose {
  readonly calls: Buffer[][] = [];
  readonly stored: Buffer[] = [];
  failCall: (call: number) => Error | undefined = () => undefined;
  refuse: (data: Buffer, call: number, index: number) => boolean = () => false;
  readonly client = {
    send: async ({ input }: { input: { Records: { Data: Uint8Array }[] } }) =>
      this.putRecordBatch(input.Records.map(({ Data }) => Buffer.from(Data))),
  } as unknown as FirehoseClient;

  private putRecordBatch(records: Buffer[]): unknown {
    this.calls.push(records);
    const call = this.calls.length;
    const error = this.failCall(call);
    if (error !== undefined) throw error;
    const RequestResponses = records.map((data, index) => this.putOne(data, call, index));
    const FailedPutCount = RequestResponses.filter((each) => "ErrorCode" in each).length;
    return { FailedPutCount, Encrypted: false, RequestResponses };
  }

  private putOne(data: Buffer, call: number, index: number) {
    if (this.refuse(data, call, index)) {
      return { ErrorCode: "ServiceUnavailableException", ErrorMessage: "Slow down." };
    }
    this.stored.push(data);
    return { RecordId: `record-${this.stored.length}` };
  }
}

/** Time passes by sleeping only. */
export class FakeClock implements Clock {
  readonly sleeps: number[] = [];
  constructor(private nowMs = Date.parse("2026-11-21T09:00:00.000Z")) {}
  now(): number {
    return this.nowMs;
  }
  async sleep(milliseconds: number): Promise<void> {
    this.sleeps.push(milliseconds);
    this.nowMs += milliseconds;
  }
}

export const SHARD = "shardId-000000000000";

export function kinesisRecord(
  data: string | Buffer,
  sequenceNumber: string,
  { shardId = SHARD, arrival = "2026-11-21T09:00:01.123Z" } = {},
): KinesisStreamRecord {
  return {
    eventID: `${shardId}:${sequenceNumber}`,
    eventName: "aws:kinesis:record",
    eventSource: "aws:kinesis",
    eventSourceARN: "arn:aws:kinesis:us-east-1:000000000000:stream/events",
    eventVersion: "1.0",
    awsRegion: "us-east-1",
    invokeIdentityArn: "arn:aws:iam::000000000000:role/ingest",
    kinesis: {
      kinesisSchemaVersion: "1.0",
      partitionKey: "lane-0",
      sequenceNumber,
      data: Buffer.from(data).toString("base64"),
      approximateArrivalTimestamp: Date.parse(arrival) / 1000,
    },
  };
}

/** As Firehose gives it to a transformation Lambda: from a direct put, with the arrival in milliseconds. */
export function firehoseRecord(
  data: string | Buffer,
  recordId: string,
  arrival = "2026-11-21T09:00:01.123Z",
): FirehoseTransformationEventRecord {
  return {
    recordId,
    approximateArrivalTimestamp: Date.parse(arrival),
    data: Buffer.from(data).toString("base64"),
  };
}

export function named(name: string, message = name): Error {
  return Object.assign(new Error(message), { name });
}
