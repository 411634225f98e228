// Reads what Firehose delivers to S3 from now on: raw lines, quarantine lines, and how many records it gave up. Writes
// nothing to AWS.

import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Zone } from "../../lambdas/shared/layout";
import { type Listed, listKeys } from "../../lambdas/shared/objects";
import { splitLines } from "../../lambdas/to-parquet/convert/read-lines";
import { PREFIX } from "../../schema/prefixes";
import { type DeliveredLine, deliveredLine } from "./delivered-lines";
import { NewObjects } from "./new-objects";
import { type AttemptOptions, Attempts, type ObjectState, type Reader, type Trouble } from "./reader";

/** Each look is two listings, for which S3 takes money. With a long buffer there is seldom anything new. */
const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5_000;
const PAUSES_A_BUFFER = 10;
/** How often what Firehose gave up is counted. It stays until someone sends it again. */
const GIVEN_UP_EVERY_MS = 30_000;
/** One page of a listing. */
const GIVEN_UP_COUNTED = 1_000;
/** Lines are handed on in parts of this size, so that a large object is never in memory. */
const MOST_LINES = 500;
const MOST_BYTES = 1024 * 1024;

export interface ObjectReaderOptions extends AttemptOptions {
  client: Pick<S3Client, "send">;
  bucket: string;
  bufferSeconds: number;
  onLines: (lines: readonly DeliveredLine[]) => void;
}

type Found = Listed & { zone: Zone };

export class ObjectReader implements Reader {
  private readonly zones: readonly (readonly [Zone, NewObjects])[];
  private readonly attempts: Attempts;
  private readonly trouble: Trouble = { failures: 0 };
  private readonly pauseMs: number;
  private waiting: Found[] = [];
  private damaged = 0;
  private givenUp: ObjectState["givenUp"] = { objects: 0, andMore: false };
  private countedMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: ObjectReaderOptions) {
    const { client, bucket, bufferSeconds } = options;
    this.zones = (["raw", "quarantine"] as const).map((zone) => [zone, new NewObjects(zone, client, bucket)]);
    const pauseMs = (bufferSeconds * 1_000) / PAUSES_A_BUFFER;
    this.pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, pauseMs));
    this.attempts = new Attempts(options, SHORTEST_PAUSE_MS);
  }

  state(): ObjectState {
    const { problem } = this.trouble;
    return {
      kind: "objects",
      waiting: this.waiting.length,
      damaged: this.damaged,
      givenUp: this.givenUp,
      throttled: this.attempts.throttled,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  async start(): Promise<{ ended: Promise<never> }> {
    await this.attempts.untilItWorks(this.trouble, async () => {
      // What is there already is not shown.
      for (const [, objects] of this.zones) await objects.find(this.options.clock.now());
      await this.countGivenUp();
    });
    const ended = this.follow();
    ended.catch(() => undefined); // the caller races against it
    return { ended };
  }

  private async follow(): Promise<never> {
    const { clock, signal } = this.options;
    for (;;) {
      await clock.sleep(this.pauseMs, signal);
      this.waiting = await this.attempts.untilItWorks(this.trouble, () => this.find());
      for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
        await this.read(next);
        this.waiting.shift();
      }
      await this.attempts.untilItWorks(this.trouble, () => this.countGivenUp());
    }
  }

  /** The new objects in the order in which S3 got them, so that the first of two copies is read first. */
  private async find(): Promise<Found[]> {
    const found = [...this.waiting];
    for (const [zone, objects] of this.zones) {
      const listed = await objects.find(this.options.clock.now());
      found.push(...listed.map((object) => ({ ...object, zone })));
      // A failure of the next listing must not lose these.
      this.waiting = found;
    }
    return found.sort((a, b) => a.lastModifiedMs - b.lastModifiedMs || (a.key < b.key ? -1 : 1));
  }

  private async read(object: Found): Promise<void> {
    const { signal } = this.options;
    const progress = { handedOn: 0 };
    await this.attempts.untilItWorks(this.trouble, async () => {
      const body = await this.open(object.key);
      if (body === undefined) return;
      try {
        await pipeline(body, createGunzip(), (text) => this.handOn(object, text, progress), { signal });
      } catch (error) {
        if (!isDamage(error)) throw error;
        this.damaged += 1;
      }
    });
  }

  /** Undefined if it was removed meanwhile. */
  private async open(key: string): Promise<Readable | undefined> {
    const { client, bucket, signal } = this.options;
    const request = new GetObjectCommand({ Bucket: bucket, Key: key });
    try {
      return (await client.send(request, { abortSignal: signal })).Body as Readable;
    } catch (error) {
      if (error instanceof Error && error.name === "NoSuchKey") return undefined;
      throw error;
    }
  }

  /** Leaves out the lines that an earlier attempt handed on. */
  private async handOn(
    { zone, lastModifiedMs }: Found,
    text: AsyncIterable<Buffer>,
    progress: { handedOn: number },
  ): Promise<void> {
    let lines: DeliveredLine[] = [];
    let bytesHeld = 0;
    const flush = () => {
      progress.handedOn += lines.length;
      if (lines.length > 0) this.options.onLines(lines);
      lines = [];
      bytesHeld = 0;
    };
    for await (const { number, bytes } of splitLines(text)) {
      if (number < progress.handedOn) continue;
      lines.push(deliveredLine(zone, bytes, lastModifiedMs));
      bytesHeld += bytes.length;
      if (lines.length >= MOST_LINES || bytesHeld >= MOST_BYTES) flush();
    }
    flush();
  }

  private async countGivenUp(): Promise<void> {
    const { client, bucket, clock } = this.options;
    if (clock.now() - this.countedMs < GIVEN_UP_EVERY_MS) return;
    const options = { prefix: PREFIX.firehoseErrors, maxKeys: GIVEN_UP_COUNTED };
    const { objects, truncated } = await listKeys(client as S3Client, bucket, options);
    this.givenUp = { objects: objects.length, andMore: truncated };
    this.countedMs = clock.now();
  }
}

/** zlib cannot unpack it, and will not the next time. */
function isDamage(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException).code).startsWith("Z_");
}
