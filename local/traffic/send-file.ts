// Sends a file of events or a web server's access log to the stream, whatever its size.

import type { KinesisClient } from "@aws-sdk/client-kinesis";
import { EventTooLarge, lanesFor, RecordPacker } from "../../lambdas/shared/records";
import { type Clock, systemClock } from "../../lambdas/shared/runtime";
import { KinesisSender } from "../../lambdas/shared/sender";
import { type FileLine, readLines, tooLong, UnusableFile } from "./lines";
import { type FileKind, type MakeOutgoing, outgoingMaker, recognise, SAMPLE_LINES } from "./outgoing";

export interface SendFileOptions {
  path: string;
  client: Pick<KinesisClient, "send">;
  streamName: string;
  onProgress?: (progress: SendProgress) => void;
  clock?: Clock;
  random?: () => number;
}

export interface SendProgress {
  lines: number;
  records: number;
  bytes: number;
}

export interface SentFile {
  kind: FileKind;
  /** Lines handed to Kinesis. */
  lines: number;
  records: number;
  skippedBlank: number;
  /** Lines that went as they are since they could not be read; they end in the quarantine. */
  unrecognised: number;
  /** ISO 8601, before the first put. */
  since: string;
  /** Shard to the last sequence number put into it. */
  shards: Record<string, string>;
}

/** A file's length is not known before it is read, so the lanes are those of a middling one. */
const EXPECTED_LINES = 10_000;
const BLANK = /^\s*$/;

export async function sendFile(options: SendFileOptions): Promise<SentFile> {
  const clock = options.clock ?? systemClock;
  const lines = readLines(options.path);
  const sample = await takeSample(lines);
  const kind = recogniseFile(options.path, sample.lines);
  const sender = new KinesisSender({
    client: options.client,
    streamName: options.streamName,
    clock,
    random: options.random ?? Math.random,
    onSent: ({ lines: sent, records, bytes }) => options.onProgress?.({ lines: sent, records, bytes }),
  });
  const transfer = new Transfer(options.path, outgoingMaker(kind), sender);
  const since = new Date(clock.now()).toISOString();
  for (const line of sample.lines) await transfer.send(line);
  for await (const line of lines) {
    if (isBlank(line)) sample.blank += 1;
    else await transfer.send(line);
  }
  await transfer.finish();
  return {
    kind,
    lines: sender.sent.lines,
    records: sender.sent.records,
    skippedBlank: sample.blank,
    unrecognised: transfer.unrecognised,
    since,
    shards: sender.sent.shards,
  };
}

class Transfer {
  unrecognised = 0;
  private readonly packer = new RecordPacker(lanesFor(EXPECTED_LINES));

  constructor(
    private readonly path: string,
    private readonly outgoing: MakeOutgoing,
    private readonly sender: KinesisSender,
  ) {}

  async send({ bytes, number }: FileLine): Promise<void> {
    const { line, key, isRecognised } = this.outgoing(bytes, number);
    if (!isRecognised) this.unrecognised += 1;
    try {
      const record = this.packer.add(this.packer.laneOf(key), line);
      if (record !== undefined) await this.sender.add(record);
    } catch (error) {
      throw error instanceof EventTooLarge ? tooLong(this.path, number, error.bytes) : error;
    }
  }

  async finish(): Promise<void> {
    for (const record of this.packer.drain()) await this.sender.add(record);
    await this.sender.flush();
  }
}

async function takeSample(lines: AsyncGenerator<FileLine>): Promise<{ lines: FileLine[]; blank: number }> {
  const sample: FileLine[] = [];
  let blank = 0;
  while (sample.length < SAMPLE_LINES) {
    const next = await lines.next();
    if (next.done === true) break;
    if (isBlank(next.value)) blank += 1;
    // The reader's next chunk may overwrite nothing of it, but must not keep all of it alive.
    else sample.push({ number: next.value.number, bytes: Buffer.from(next.value.bytes) });
  }
  return { lines: sample, blank };
}

function recogniseFile(path: string, sample: readonly FileLine[]): FileKind {
  if (sample.length === 0)
    throw new UnusableFile(`${path} has blank lines only. Give a file that has events.`);
  const kind = recognise(sample.map((line) => line.bytes));
  if (kind !== undefined) return kind;
  const first = (sample[0] as FileLine).bytes.toString("utf8").slice(0, 80);
  const remedy = /^\s*[[{]/.test(first)
    ? `It looks like JSON over several lines: make it one object a line, e.g. jq -c '.[]? // .' "${path}".`
    : "Give a file with one JSON object a line, or a log in the common or combined format.";
  throw new UnusableFile(
    `${path} holds neither JSON lines nor an access log; its first line begins with: ${first}\n${remedy}`,
  );
}

function isBlank({ bytes }: FileLine): boolean {
  return bytes.length < 64 && BLANK.test(bytes.toString("latin1"));
}
