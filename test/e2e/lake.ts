// A data lake for an end-to-end test: a whole local stack, and the few things that a test does with it.
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { AthenaClient } from "@aws-sdk/client-athena";
import { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { GlueClient } from "@aws-sdk/client-glue";
import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import type { Mail } from "../../local/mailbox";
import { type LocalStack, upStack } from "../../local/stack";
import { runQuery, type Value } from "../../stack/athena";
import { type Execution, followExecution, startExecution } from "../../stack/execution";
import { type Expectation, expectFromStream } from "./oracle";

/** Of a run report, what the tests look at. */
interface Report {
  outcome: string;
  curated: number;
  written: number;
  recovered: number;
  duplicates: number;
  redelivered: number;
  quarantined: number;
  partitions: string[];
}

export interface Finished extends Execution {
  report: Report | undefined;
}

export class Lake {
  readonly kinesis: KinesisClient;
  readonly firehose: FirehoseClient;
  readonly s3: S3Client;
  readonly glue: GlueClient;
  private readonly athena: AthenaClient;
  private readonly sfn: SFNClient;

  private constructor(readonly stack: LocalStack) {
    this.kinesis = new KinesisClient(stack.clientConfig);
    this.firehose = new FirehoseClient(stack.clientConfig);
    this.s3 = new S3Client(stack.clientConfig);
    this.glue = new GlueClient(stack.clientConfig);
    this.athena = new AthenaClient(stack.clientConfig);
    this.sfn = new SFNClient(stack.clientConfig);
  }

  /** A lake of the way `stream`, unless the configuration names another one. */
  static async up(config: Record<string, unknown> = {}): Promise<Lake> {
    const quick = config.way === undefined ? { "clickstream:batchWindowSeconds": 1 } : {};
    return new Lake(await upStack({ config: { ...quick, ...config } }));
  }

  down(): Promise<void> {
    return this.stack.stop({ keepState: false });
  }

  async start(input: unknown = {}): Promise<() => Promise<Finished>> {
    const arn = await startExecution(this.sfn, this.stack.outputs.stateMachineArn, input);
    return async () => {
      const execution = await followExecution(arn, { sfn: this.sfn });
      return { ...execution, report: execution.output?.report as Report | undefined };
    };
  }

  /** Runs an execution to its end, whatever that is. */
  async execute(input: unknown = {}): Promise<Finished> {
    return (await this.start(input))();
  }

  /** Puts records as a producer that knows nothing of this project would; gives the input that waits for them. */
  async put(
    ...records: (string | Uint8Array)[]
  ): Promise<{ sent: { since: string; shards: Record<string, string> } }> {
    const since = new Date().toISOString();
    const { Records = [], FailedRecordCount } = await this.kinesis.send(
      new PutRecordsCommand({
        StreamName: this.stack.outputs.streamName,
        Records: records.map((data, index) => ({ Data: Buffer.from(data), PartitionKey: `key-${index}` })),
      }),
    );
    if (FailedRecordCount) throw new Error(`${FailedRecordCount} records were refused`);
    const shards: Record<string, string> = {};
    for (const { ShardId = "", SequenceNumber = "" } of Records) shards[ShardId] = SequenceNumber;
    return { sent: { since, shards } };
  }

  /** The same with a delivery stream. Nobody can wait for such records: see `delivered`. */
  async putToFirehose(...records: string[]): Promise<void> {
    const { FailedPutCount } = await this.firehose.send(
      new PutRecordBatchCommand({
        DeliveryStreamName: this.stack.outputs.deliveryStreamName,
        Records: records.map((data) => ({ Data: Buffer.from(data) })),
      }),
    );
    if (FailedPutCount) throw new Error(`${FailedPutCount} records were refused`);
  }

  /** Waits until objects under the prefix of the raw bucket have so many of these lines. Gives their keys. */
  async delivered(prefix: string, wanted: (line: string) => boolean, lines: number): Promise<string[]> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      const having = await this.having(prefix, wanted);
      const found = having.reduce((sum, one) => sum + one.lines, 0);
      if (found >= lines) return having.map(({ key }) => key);
      if (Date.now() > deadline) throw new Error(`${found} of ${lines} lines are under ${prefix}`);
      await sleep(200);
    }
  }

  private async having(prefix: string, wanted: (line: string) => boolean) {
    const Bucket = this.stack.outputs.rawBucket;
    const all = (await this.keys(Bucket, prefix)).map(async (Key) => {
      const { Body } = await this.s3.send(new GetObjectCommand({ Bucket, Key }));
      const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
      const content = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
      const lines = content.toString("utf8").split("\n");
      return { key: Key, lines: lines.filter((line) => line !== "" && wanted(line)).length };
    });
    return (await Promise.all(all)).filter(({ lines }) => lines > 0);
  }

  async query(sql: string): Promise<Value[][]> {
    const { database, workgroup } = this.stack.outputs;
    return (await runQuery({ athena: this.athena, database, workgroup }, sql)).rows;
  }

  /** Everything that is in the events table, as a reader sees it. */
  events(): Promise<Value[][]> {
    return this.query(
      "SELECT event_id, CAST(event_date AS varchar), event_type, user_id, revenue, ip, CAST(processed_at AS varchar) FROM events",
    );
  }

  async quarantinedPayloads(): Promise<string[]> {
    const rows = await this.query("SELECT payload FROM quarantine");
    return rows.map(([payload]) => String(payload)).sort();
  }

  /** What the tables must hold, by what lies in the stream. */
  expected(): Promise<Expectation> {
    return expectFromStream(this.kinesis, this.stack.outputs.streamName);
  }

  curatedKeys(): Promise<string[]> {
    return this.keys(this.stack.outputs.curatedBucket, "events/");
  }

  rawKeys(): Promise<string[]> {
    return this.keys(this.stack.outputs.rawBucket, "raw/");
  }

  private async keys(Bucket: string, Prefix: string): Promise<string[]> {
    const { Contents = [] } = await this.s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
    return Contents.map(({ Key = "" }) => Key);
  }

  /** The mails about executions (not the subscriptions' confirmations), oldest first. */
  async notices(): Promise<Mail[]> {
    return (await this.stack.mails()).filter(({ kind }) => kind !== "confirmation");
  }

  /** The newest notice, once there are `count` of them. */
  async notice(count: number): Promise<Mail> {
    for (let tries = 0; tries < 100; tries++) {
      const mail = (await this.notices())[count - 1];
      if (mail) return mail;
      await sleep(50);
    }
    throw new Error(`Notice ${count} did not arrive`);
  }
}
