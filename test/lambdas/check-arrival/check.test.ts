// Tests what the check of arrived objects answers: what is new, what waits, what failed, and whether the job is due.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { checkArrival } from "../../../lambdas/check-arrival/check";
import { keepCursor } from "../../../lambdas/check-arrival/cursor";
import { HOUR_MS, MINUTE_MS } from "../../../lambdas/shared/durations";
import { FakeS3 } from "../fakes";

const NOW = Date.parse("2026-11-21T10:00:00Z");
const at = (minutesAgo: number) => new Date(NOW - minutesAgo * MINUTE_MS);

const rawKey = (name: string, hour = "09") => `raw/year=2026/month=11/day=21/hour=${hour}/${name}.jsonl.gz`;
const hashOf = (key: string) => createHash("sha256").update(key).digest("hex").slice(0, 32);

class Lake {
  readonly raw = new FakeS3();
  readonly curated = new FakeS3();
  readonly announced: string[] = [];
  now = NOW;
  jobEveryHours = 24;

  /** A raw object, written so many minutes ago, and its marker, written so many seconds later. */
  object(key: string, minutesAgo: number, seconds = 4, marked: Record<string, unknown> = {}): this {
    this.raw.put(key, "12345", at(minutesAgo));
    return this.mark(key, minutesAgo, seconds, marked);
  }

  mark(key: string, minutesAgo: number, seconds: number, marked: Record<string, unknown> = {}): this {
    const written_at = new Date(NOW - minutesAgo * MINUTE_MS + seconds * 1000).toISOString();
    const counts = { lines: 10, rows: 8, duplicates: 1, unreadable: 1, dates: { "2026-11-21": 8 } };
    const marker = { version: 1, raw: key, etag: '"x"', ...counts, written_at, ...marked };
    this.curated.put(`runs/arrived/${hashOf(key)}.json`, JSON.stringify(marker));
    return this;
  }

  unmarked(key: string, minutesAgo: number): this {
    this.raw.put(key, "12345", at(minutesAgo));
    return this;
  }

  /** A run that listed so many minutes ago and took these objects. */
  head(listedMinutesAgo: number, taken: string[] = [], changed: Record<string, unknown> = {}): this {
    const listed = at(listedMinutesAgo).toISOString();
    const committed = at(listedMinutesAgo - 2).toISOString();
    const head = {
      version: 2,
      execution: "run-7",
      committed_at: committed,
      position: { listed_at: listed },
      retention_hours: 24,
      taken: [{ at: committed, list: "s3://curated/runs/taken/7.json.gz" }],
      ...changed,
    };
    this.curated.put("runs/head.json", JSON.stringify(head));
    this.curated.put("runs/taken/7.json.gz", gzipSync(JSON.stringify(taken.map((key) => `s3://raw/${key}`))));
    return this;
  }

  async check() {
    return checkArrival({
      s3: this.client() as never,
      rawBucket: "raw",
      givenUpPrefix: "aws/firehose/",
      curatedBucket: "curated",
      retentionMs: 24 * HOUR_MS,
      jobEveryMs: this.jobEveryHours * HOUR_MS,
      clock: { now: () => this.now, sleep: async () => {} },
      announce: async (event) => {
        const { Records } = event as {
          Records: { s3: { bucket: { name: string }; object: { key: string } } }[];
        };
        const [{ s3 } = assert.fail()] = Records;
        this.announced.push(`${s3.bucket.name}/${s3.object.key}`);
      },
    });
  }

  /** Checks, and keeps the cursor as the state machine does after the verification. */
  async checked() {
    const result = await this.check();
    assert.equal(
      await keepCursor(this.client() as never, "curated", result.keep.keep, result.keep.etag),
      true,
    );
    return result;
  }

  private client() {
    const send = (command: { input: { Bucket: string } }) => {
      const s3 = command.input.Bucket === "raw" ? this.raw : this.curated;
      return (s3.client as unknown as { send(command: unknown): Promise<unknown> }).send(command);
    };
    return { send };
  }
}

describe("lambdas/check-arrival", () => {
  it("answers that nothing arrived in a new stack", async () => {
    const { arrived, jobDue, nextJobAt, pending, missing } = await new Lake().check();
    assert.deepEqual(
      { pending, missing, jobDue, nextJobAt },
      { pending: 0, missing: 0, jobDue: false, nextJobAt: null },
    );
    assert.equal(arrived.objects, 0);
    assert.deepEqual([arrived.first, arrived.last, arrived.partitions, arrived.names], [null, null, [], []]);
  });

  it("adds up what to-parquet wrote, by hand", async () => {
    const lake = new Lake();
    lake.object(rawKey("a"), 30, 4);
    lake.object(rawKey("b"), 20, 9.5, {
      lines: 5,
      rows: 5,
      duplicates: 0,
      unreadable: 0,
      dates: { "2026-11-20": 2, "2026-11-21": 3 },
    });
    const { arrived } = await lake.check();
    assert.deepEqual(arrived, {
      objects: 2,
      bytes: 10,
      lines: 15,
      rows: 13,
      duplicates: 1,
      unreadable: 1,
      quarantined: { objects: 0, lines: 0, reasons: {} },
      files: 3,
      dates: { count: 2, first: "2026-11-20", last: "2026-11-21" },
      partitions: ["2026-11-20", "2026-11-21"],
      first: "2026-11-21T09:30:00.000Z",
      last: "2026-11-21T09:40:00.000Z",
      seconds: { p50: 4, p99: 9.5 },
      names: [hashOf(rawKey("a")).slice(0, 16), hashOf(rawKey("b")).slice(0, 16)],
    });
  });

  it("counts the quarantined lines of an object once, by reason, and not those that to-parquet and the job write", async () => {
    const lake = new Lake().object(rawKey("a"), 30);
    const key = (name: string) => rawKey(name).replace("raw/", "quarantine/");
    const line = (reason: string) => `${JSON.stringify({ reason, detail: "d", payload: '{"reason":"x"' })}\n`;
    const put = (name: string, minutesAgo: number, ...reasons: string[]) =>
      lake.raw.put(key(name), gzipSync(reasons.map(line).join("")), at(minutesAgo));
    put("a", 31, "not_json", "missing_event_type", "not_json");
    put("b", 20, "not_json");
    put("a-unreadable", 30, "unreadable_raw_line");
    put("a-conflicts", 30, "id_conflict");
    assert.deepEqual((await lake.checked()).arrived.quarantined, {
      ...{ objects: 2, lines: 4 },
      reasons: { not_json: 3, missing_event_type: 1 },
    });
    put("c", 1, "not_utf8");
    const { arrived } = await lake.checked();
    assert.deepEqual(arrived.quarantined, { objects: 1, lines: 1, reasons: { not_utf8: 1 } });
    assert.equal(arrived.objects, 0);
    // The job counts them in its own report.
    lake.jobEveryHours = 1;
    put("d", 70, "not_json");
    lake.object(rawKey("d", "08"), 70).head(90);
    const due = await lake.check();
    assert.deepEqual([due.jobDue, due.arrived.quarantined.objects], [true, 0]);
  });

  it("reports an object once, also if S3 shows it late or announces it again", async () => {
    const lake = new Lake().object(rawKey("a"), 30);
    assert.equal((await lake.checked()).arrived.objects, 1);
    // Its Parquet is written again, and an object that began earlier becomes visible.
    lake.mark(rawKey("a"), 30, 1800).object(rawKey("b"), 31);
    assert.deepEqual((await lake.checked()).arrived.names, [hashOf(rawKey("b")).slice(0, 16)]);
    assert.equal((await lake.checked()).arrived.objects, 0);
    lake.now += 26 * HOUR_MS;
    assert.equal((await lake.check()).arrived.objects, 0);
  });

  it("reports what was not kept again: the execution failed before it was verified", async () => {
    const lake = new Lake().object(rawKey("a"), 30);
    assert.equal((await lake.check()).arrived.objects, 1);
    assert.equal((await lake.check()).arrived.objects, 1);
  });

  it("keeps the cursor of one of two checks that meet", async () => {
    const lake = new Lake().object(rawKey("a"), 30);
    const other = await lake.check();
    await lake.checked();
    const { keep, etag } = other.keep;
    assert.equal(await keepCursor(lake.curated.client, "curated", keep, etag), false);
  });

  it("waits for young objects, and calls to-parquet again for those that it should have written", async () => {
    const lake = new Lake().unmarked(rawKey("young"), 1.9).unmarked(rawKey("old one+2"), 2.1);
    const first = await lake.checked();
    assert.deepEqual([first.pending, first.missing, first.arrived.objects], [1, 1, 0]);
    assert.deepEqual(lake.announced, [
      "raw/raw/year%3D2026/month%3D11/day%3D21/hour%3D09/old+one%2B2.jsonl.gz",
    ]);
    // Both stay open until they are written, whatever the cursor says.
    lake.now += 3 * HOUR_MS;
    assert.equal((await lake.checked()).missing, 2);
    lake.mark(rawKey("young"), 1.9, 5).mark(rawKey("old one+2"), 2.1, 7200);
    const last = await lake.checked();
    assert.deepEqual([last.missing, last.arrived.objects, last.arrived.seconds.p99], [0, 2, 7200]);
    assert.equal((await lake.checked()).arrived.objects, 0);
  });

  it("leaves out what a committed run of the job took, also what it left open itself", async () => {
    const lake = new Lake().object(rawKey("a"), 30).unmarked(rawKey("b"), 30);
    await lake.checked();
    lake.object(rawKey("c"), 10).head(5, [rawKey("a"), rawKey("b")]);
    const { arrived, missing, since, lastExecution } = await lake.check();
    assert.deepEqual([arrived.objects, missing, lastExecution], [1, 0, "run-7"]);
    assert.equal(since, "2026-11-21T09:57:00.000Z");
  });

  it("checks so many objects at once as pass through the state machine, the oldest first, and goes on", async () => {
    const lake = new Lake();
    for (let index = 0; index < 1003; index += 1) lake.object(rawKey(`o${index}`), 60 - index / 60);
    const first = await lake.checked();
    assert.deepEqual([first.arrived.objects, first.more], [1000, 3]);
    assert.ok(JSON.stringify(first).length < 100_000);
    const second = await lake.checked();
    assert.deepEqual([second.arrived.objects, second.more], [3, 0]);
    assert.deepEqual(second.arrived.names[0], hashOf(rawKey("o1000")).slice(0, 16));
  });

  it("lists and reads what arrived since the last check, not what the lake holds", async () => {
    const cost = async (days: number) => {
      const lake = new Lake().head(90, []);
      for (let day = 1; day <= days; day += 1) {
        for (let index = 0; index < 50; index += 1) {
          const key = `raw/year=2026/month=10/day=${String(day).padStart(2, "0")}/hour=01/${index}.jsonl.gz`;
          lake.object(key, (52 - day) * 24 * 60);
        }
      }
      await lake.checked();
      lake.object(rawKey("new"), 1);
      lake.curated.gets.length = 0;
      const listings = lake.raw.listings + lake.curated.listings;
      assert.equal((await lake.check()).arrived.objects, 1);
      return [lake.raw.listings + lake.curated.listings - listings, lake.curated.gets.length];
    };
    const [small, large] = [await cost(1), await cost(30)];
    assert.deepEqual(large, small);
  });

  describe("the job", () => {
    it("is due when its interval is over and something is new, ten minutes early at most", async () => {
      const lake = new Lake().head(24 * 60 - 11, []).object(rawKey("a"), 30);
      assert.deepEqual(await due(lake), [false, null, "2026-11-21T10:11:00.000Z"]);
      lake.head(24 * 60 - 9, []);
      assert.deepEqual(await due(lake), [true, "interval", null]);
      lake.head(24 * 60 - 9, [rawKey("a")]);
      assert.deepEqual(await due(lake), [false, null, null], "nothing is new");
    });

    it("is due for the first time an interval after the first object", async () => {
      const lake = new Lake().object(rawKey("a", "09"), 30);
      assert.deepEqual(await due(lake), [false, null, "2026-11-22T09:00:00.000Z"]);
      lake.jobEveryHours = 1;
      assert.deepEqual(await due(lake), [true, "interval", null]);
    });

    it("is due at once if a run left a note, or if the head has an unknown form", async () => {
      const lake = new Lake().head(5, []);
      lake.curated.put("runs/attempts/x.json", "{}");
      assert.deepEqual(await due(lake), [true, "open_attempt", null]);
      lake.head(5, [], { version: 3 });
      assert.deepEqual(await due(lake), [true, "unknown_head", null]);
    });

    async function due(lake: Lake) {
      const { jobDue, why, nextJobAt } = await lake.check();
      return [jobDue, why, nextJobAt];
    }
  });
});
