// Tests what the to-parquet Lambda writes for an announced object, in which order, and what it does when a call fails.

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { announcedKeys } from "../../../lambdas/to-parquet/announced";
import { type Marker, takeObject } from "../../../lambdas/to-parquet/arrived";
import { protector } from "../../../lambdas/to-parquet/convert/privacy";
import { Partitions } from "../../../lambdas/to-parquet/partitions";
import { readKey, readRules } from "../../../lambdas/to-parquet/rules";
import { FakeClock, named } from "../fakes";

const KEY = "raw/year=2026/month=03/day=15/hour=12/firehose-1-2026-03-15-12-00-00-uuid.jsonl.gz";
/** SHA-256 of the key, its first 32 digits: the job computes the same name. */
const NAME = "fb3eb4148baf58b03873bc6a9c1ea958";
const MODIFIED = new Date("2026-03-15T12:05:00Z");

const line = (id: string, day = "2026-03-15", more: object = {}) =>
  JSON.stringify({
    event_id: id,
    event_type: "page_view",
    event_time: `${day}T09:30:00.000Z`,
    user_id: "u1",
    ...more,
    arrival: { time: "2026-03-15T12:00:00.000Z", shard_id: "firehose", sequence_number: "1", position: 0 },
  });

const LINES = [line("a"), line("b", "2026-03-14"), line("a"), "{cut", line("c")];

/** S3 and Glue in one: keeps objects and partitions, and notes each write in order. */
class Fakes {
  readonly objects = new Map<string, Buffer>();
  readonly writes: string[] = [];
  readonly partitions = new Map<string, string>();
  tables = 0;
  fail: (call: string) => Error | undefined = () => undefined;
  readonly clock = new FakeClock();
  memoryMb = 1024;

  constructor(lines: readonly string[] = LINES) {
    this.objects.set(`raw/${KEY}`, gzipSync(lines.join("\n")));
  }

  private readonly client = {
    send: async (command: { constructor: { name: string }; input: Record<string, unknown> }) =>
      this.send(command.constructor.name, command.input),
  } as never;

  readonly registry = new Partitions(this.client, "lake", "arrived_events", this.clock);

  take(key = KEY): Promise<Marker> {
    return takeObject(key, {
      s3: this.client,
      rawBucket: "raw",
      curatedBucket: "curated",
      partitions: this.registry,
      protect: protector(readRules("{}"), undefined),
      memoryMb: this.memoryMb,
      clock: this.clock,
      log: () => undefined,
    });
  }

  private send(name: string, input: Record<string, unknown>): unknown {
    const at = `${input.Bucket}/${input.Key}`;
    if (name === "GetObjectCommand") {
      const body = this.objects.get(at);
      if (body === undefined) throw named("NoSuchKey");
      return {
        ContentLength: body.length,
        LastModified: MODIFIED,
        ETag: '"tag"',
        Body: { transformToByteArray: async () => body },
      };
    }
    if (name === "PutObjectCommand") {
      this.note(at);
      this.objects.set(at, Buffer.from(input.Body as Uint8Array));
      return {};
    }
    if (name === "GetTableCommand") {
      this.tables += 1;
      return { Table: { StorageDescriptor: { Location: "s3://curated/arrived", InputFormat: "parquet" } } };
    }
    if (name === "BatchCreatePartitionCommand") return this.createPartitions(input);
    throw new Error(`The fakes do not know ${name}`);
  }

  private note(call: string): void {
    const error = this.fail(call);
    if (error !== undefined) throw error;
    this.writes.push(call);
  }

  private createPartitions(input: Record<string, unknown>): unknown {
    const wanted = input.PartitionInputList as {
      Values: string[];
      StorageDescriptor: { Location: string };
    }[];
    this.note(`partitions ${wanted.map(({ Values }) => Values[0])}`);
    const known = wanted.filter(({ Values }) => this.partitions.has(Values[0] as string));
    for (const { Values, StorageDescriptor } of wanted) {
      this.partitions.set(Values[0] as string, StorageDescriptor.Location);
    }
    return {
      Errors: known.map(({ Values }) => ({
        PartitionValues: Values,
        ErrorDetail: { ErrorCode: "AlreadyExistsException", ErrorMessage: "exists" },
      })),
    };
  }
}

/** The bytes of everything but the marker, whose time differs. */
const contents = (fakes: Fakes) =>
  Object.fromEntries(
    [...fakes.objects]
      .filter(([key]) => !key.includes("/runs/"))
      .map(([key, body]) => [key, body.toString("hex")]),
  );

describe("to-parquet", () => {
  it("writes a file for each date, registers the dates, and writes the marker last", async () => {
    const fakes = new Fakes();
    const marker = await fakes.take();
    const [name] = /[0-9a-f]{32}/.exec(fakes.writes[1] as string) as RegExpExecArray;
    assert.deepEqual(fakes.writes, [
      `raw/quarantine/${KEY.slice(4, -9)}-unreadable.jsonl.gz`,
      `curated/arrived/event_date=2026-03-14/${name}.parquet`,
      `curated/arrived/event_date=2026-03-15/${name}.parquet`,
      "partitions 2026-03-14,2026-03-15",
      `curated/runs/arrived/${name}.json`,
    ]);
    assert.equal(name, NAME);
    assert.deepEqual(Object.fromEntries(fakes.partitions), {
      "2026-03-14": "s3://curated/arrived/event_date=2026-03-14/",
      "2026-03-15": "s3://curated/arrived/event_date=2026-03-15/",
    });
    const written = {
      version: 1,
      raw: KEY,
      etag: '"tag"',
      lines: 5,
      rows: 3,
      duplicates: 1,
      unreadable: 1,
      dates: { "2026-03-14": 1, "2026-03-15": 2 },
      written_at: "2026-11-21T09:00:00.000Z",
    };
    assert.deepEqual(marker, written);
    assert.deepEqual(JSON.parse(String(fakes.objects.get(`curated/runs/arrived/${name}.json`))), written);
  });

  it("writes the same bytes when the object is announced again, also at the same time", async () => {
    const [once, twice, together] = [new Fakes(), new Fakes(), new Fakes()];
    await once.take();
    await twice.take();
    await twice.clock.sleep(3_600_000);
    await twice.take();
    await Promise.all([together.take(), together.take()]);
    assert.deepEqual(contents(twice), contents(once));
    assert.deepEqual(contents(together), contents(once));
  });

  it("ends as an undisturbed run does, whichever write fails first", async () => {
    const undisturbed = new Fakes();
    await undisturbed.take();
    for (const failing of undisturbed.writes) {
      const fakes = new Fakes();
      fakes.fail = (call) => (call === failing ? named("SlowDown") : undefined);
      await assert.rejects(fakes.take(), { name: "SlowDown" });
      assert.equal(
        fakes.writes.some((call) => call.includes("runs/arrived")),
        false,
        failing,
      );
      fakes.fail = () => undefined;
      await fakes.take();
      assert.deepEqual(contents(fakes), contents(undisturbed), failing);
      assert.equal(fakes.partitions.size, 2);
    }
  });

  it("asks Glue once for dates that it registered, and again after ten minutes", async () => {
    const fakes = new Fakes();
    await fakes.take();
    await fakes.take();
    const calls = () => fakes.writes.filter((call) => call.startsWith("partitions")).length;
    assert.deepEqual([calls(), fakes.tables], [1, 1]);
    await fakes.clock.sleep(10 * 60_000);
    await fakes.take();
    assert.deepEqual([calls(), fakes.tables], [2, 2]);
  });

  it("fails if Glue rejects a partition for another reason than that it exists", async () => {
    const rejecting = {
      send: async (command: { constructor: { name: string } }) =>
        command.constructor.name === "GetTableCommand"
          ? { Table: { StorageDescriptor: { Location: "s3://curated/arrived/" } } }
          : {
              Errors: [
                {
                  PartitionValues: ["2026-03-15"],
                  ErrorDetail: {
                    ErrorCode: "ResourceNumberLimitExceededException",
                    ErrorMessage: "too many",
                  },
                },
              ],
            },
    } as never;
    await assert.rejects(
      new Partitions(rejecting, "lake", "arrived_events", new FakeClock()).register(["2026-03-15"]),
      /did not register the partition 2026-03-15 of lake\.arrived_events: ResourceNumberLimitExceededException: too many/,
    );
  });

  it("writes only a marker for an object without readable lines", async () => {
    const marker = await new Fakes([""]).take();
    assert.deepEqual([marker.lines, marker.rows, marker.dates], [0, 0, {}]);
  });

  it("says what to do about a missing object, a broken one, and one that is too large", async () => {
    const fakes = new Fakes();
    await assert.rejects(
      fakes.take("raw/x.jsonl.gz"),
      /does not exist any more.*delete its message in the queue/,
    );
    fakes.objects.set("raw/raw/x.jsonl.gz", gzipSync("x".repeat(1000)).subarray(0, 20));
    await assert.rejects(
      fakes.take("raw/x.jsonl.gz"),
      /raw\/x\.jsonl\.gz is not a whole gzip file: unexpected end of file/,
    );
    fakes.memoryMb = 0.0001;
    await assert.rejects(fakes.take(), /clickstream:toParquetMemoryMb/);
  });
});

describe("an event of S3", () => {
  const event = (key: string, bucket = "raw-bucket") => ({
    Records: [{ s3: { bucket: { name: bucket }, object: { key } } }],
  });

  it("has its keys encoded like a form", () => {
    assert.deepEqual(announcedKeys(event("raw/year%3D2026/a+b%2Bc.jsonl.gz"), "raw-bucket"), [
      "raw/year=2026/a b+c.jsonl.gz",
    ]);
  });

  it("without records is S3's test event, or an error", () => {
    assert.deepEqual(announcedKeys({ Event: "s3:TestEvent" }, "raw-bucket"), []);
    assert.throws(() => announcedKeys({}, "raw-bucket"), /must be an event of S3 with Records, got {}/);
  });

  it("of another object is an error that names it", () => {
    for (const other of [
      event("quarantine/x.jsonl.gz"),
      event("raw/x.txt"),
      event("raw/x.jsonl.gz", "other"),
    ]) {
      assert.throws(() => announcedKeys(other, "raw-bucket"), /is no raw object of this stack/);
    }
  });
});

describe("the privacy rules of to-parquet", () => {
  const secrets = (SecretString?: string) => ({ send: async () => ({ SecretString }) }) as never;

  it("have the defaults for fields without a rule", () => {
    const { ip, email, user_agent, user_id } = readRules('{"user_id":"hash"}');
    assert.deepEqual([ip, email, user_agent, user_id], ["mask", "drop", "drop", "hash"]);
  });

  it("that are invalid are an error with the allowed values", () => {
    assert.throws(
      () => readRules('{"ip":"blur","phone":"drop"}'),
      /"blur".*keep, mask, hash, drop.*phone.*user_id/,
    );
    for (const text of ["{", "[]", "null"]) assert.throws(() => readRules(text), /must be a JSON object/);
  });

  it("need the key only to hash", async () => {
    assert.equal(await readKey({ ip: "mask" }, "none", secrets("key")), undefined);
    assert.deepEqual(await readKey({ ip: "hash" }, "arn", secrets("ключ")), Buffer.from("ключ"));
    await assert.rejects(readKey({ ip: "hash" }, "none", secrets("key")), /PRIVACY_KEY_SECRET/);
    await assert.rejects(readKey({ ip: "hash" }, "arn", secrets()), /has no text/);
  });
});
