// Tests when an execution needs the Spark job: new objects, and everything that the check cannot be sure about.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { lookForNew } from "../../../lambdas/look-for-new/look";
import { HOUR_MS } from "../../../lambdas/shared/durations";
import { FakeS3, named } from "../fakes";

const SHARD = "shardId-000000000000";
const LISTED = "2026-11-21T09:05:00.123456+00:00";
const COMMITTED = "2026-11-21T09:06:00+00:00";
const LIST = "runs/taken/run-7-20261121T090500.json.gz";

const key = (zone: string, hour: string, name: string) => {
  const [year, month, day, hours] = hour.split("-");
  return `${zone}/year=${year}/month=${month}/day=${day}/hour=${hours}/${SHARD}-${name}.jsonl.gz`;
};

class Lake {
  readonly raw = new FakeS3();
  readonly curated = new FakeS3();
  retentionHours = 24;

  /** A head that names one list, with these objects. */
  head(taken: string[] = [], changed: Record<string, unknown> = {}): this {
    const head = {
      version: 2,
      execution: "run-7",
      stamp: "run-7-20261121T090500",
      committed_at: COMMITTED,
      position: { listed_at: LISTED, processed_at: "2026-11-21 09:05:00.123", rebuilds: [] },
      claimed_by: null,
      taken: [{ at: COMMITTED, list: `s3://curated/${LIST}` }],
      dates: {},
      ...changed,
    };
    this.curated.put("runs/head.json", JSON.stringify(head));
    return this.list(LIST, taken);
  }

  list(at: string, taken: string[]): this {
    this.curated.put(at, gzipSync(JSON.stringify(taken.map((one) => `s3://raw/${one}`))));
    return this;
  }

  object(name: string, modified: string): this {
    this.raw.put(name, "", new Date(modified));
    return this;
  }

  look() {
    const send = (command: { input: { Bucket: string } }) => {
      const s3 = command.input.Bucket === "raw" ? this.raw : this.curated;
      return (s3.client as unknown as { send(command: unknown): Promise<unknown> }).send(command);
    };
    return lookForNew({
      s3: { send } as never,
      givenUpPrefix: "aws/lambda/",
      rawBucket: "raw",
      curatedBucket: "curated",
      retentionMs: this.retentionHours * HOUR_MS,
    });
  }

  async reason(): Promise<string> {
    const { result, reason } = await this.look();
    assert.equal(result.new, reason !== undefined);
    return reason ?? "nothing_new";
  }
}

const NOTHING = { since: "2026-11-21T09:06:00.000Z", lastExecution: "run-7", givenUpBatches: 0, new: false };

describe("lambdas/look-for-new", () => {
  it("finds nothing new if the last run took all recent objects", async () => {
    const taken = [key("raw", "2026-11-21-09", "1-2"), key("quarantine", "2026-11-21-08", "3-4")];
    const lake = new Lake().head(taken);
    for (const one of taken) lake.object(one, "2026-11-21T09:04:00Z");
    lake.object(key("raw", "2026-11-20-09", "0-0"), "2026-11-20T09:04:00Z");
    assert.deepEqual(await lake.look(), { result: NOTHING });
  });

  it("finds an object that no run took, and names it", async () => {
    const one = key("raw", "2026-11-21-09", "1-2");
    const lake = new Lake().head([]).object(one, "2026-11-21T09:30:00Z");
    assert.deepEqual(await lake.look(), {
      result: { ...NOTHING, new: true },
      reason: "new_object",
      key: one,
    });
  });

  it("finds a quarantine object of the ingest, but counts none that the job wrote", async () => {
    const lake = new Lake().head();
    lake.object(
      key("quarantine", "2026-11-21-09", "1-2").replace(".jsonl.gz", "-unreadable.jsonl.gz"),
      COMMITTED,
    );
    lake.object(
      key("quarantine", "2026-11-21-09", "1-2").replace(".jsonl.gz", "-conflicts.jsonl.gz"),
      COMMITTED,
    );
    lake.object("raw/year=2026/month=11/day=21/hour=09/_temporary", COMMITTED);
    assert.equal(await lake.reason(), "nothing_new");
    lake.object(key("quarantine", "2026-11-21-09", "1-2"), COMMITTED);
    assert.equal(await lake.reason(), "new_object");
  });

  it("finds an object that was stored up to an hour before the last listing, which may have missed it", async () => {
    const lake = new Lake().head().object(key("raw", "2026-11-21-08", "1-2"), "2026-11-21T08:04:59Z");
    assert.equal(await lake.reason(), "nothing_new");
    lake.object(key("raw", "2026-11-21-08", "1-2"), "2026-11-21T08:05:01Z");
    assert.equal(await lake.reason(), "new_object");
  });

  it("finds an object of an ingest that was behind by as much as the stream keeps", async () => {
    const late = key("raw", "2026-11-20-08", "1-2");
    const lake = new Lake().head().object(late, "2026-11-21T09:30:00Z");
    assert.equal(await lake.reason(), "new_object");
    // Older keys are out of the window: the job does not list them either.
    const older = new Lake().head().object(key("raw", "2026-11-20-07", "1-2"), "2026-11-21T09:30:00Z");
    assert.equal(await older.reason(), "nothing_new");
    older.retentionHours = 25;
    assert.equal(await older.reason(), "new_object");
    // Lowered since the last run: what the stream still had then counts.
    older.retentionHours = 24;
    assert.equal(await older.head([], { retention_hours: 25 }).reason(), "new_object");
  });

  it("knows a redelivered object from the list of the run that took it first", async () => {
    const old = key("raw", "2026-11-20-12", "1-2");
    const lists = ["2026-11-20T11:59:59Z", "2026-11-20T12:30:00Z", COMMITTED].map((at, index) => ({
      at,
      list: `s3://curated/runs/taken/run-${index}.json.gz`,
    }));
    const lake = new Lake().head([], { taken: lists }).object(old, "2026-11-21T09:30:00Z");
    lake.list("runs/taken/run-0.json.gz", []).list("runs/taken/run-1.json.gz", [old]);
    lake.list("runs/taken/run-2.json.gz", []);
    assert.equal(await lake.reason(), "nothing_new");
    // The run before the hour of the object cannot have taken it.
    assert.deepEqual(lake.curated.gets.sort().slice(1), [
      "runs/taken/run-1.json.gz",
      "runs/taken/run-2.json.gz",
    ]);
  });

  it("leaves to the job what it cannot be sure about", async () => {
    const quiet = () => new Lake().head();
    assert.equal(await quiet().reason(), "nothing_new");
    const withAttempt = quiet();
    withAttempt.curated.put("runs/attempts/run-8-20261121T100000.json", "{}");
    assert.equal(await withAttempt.reason(), "open_attempt");
    const unknown = {
      version: 3,
      committed_at: 5,
      position: { listed_at: "yesterday" },
      retention_hours: "a day",
      execution: 7,
      taken: [{ at: "now", list: "s3://curated/runs/taken/x" }],
    };
    for (const [name, value] of Object.entries(unknown)) {
      assert.equal(await new Lake().head([], { [name]: value }).reason(), "unknown_head", name);
    }
    const elsewhere = [{ at: COMMITTED, list: "s3://other/runs/taken/x" }];
    assert.equal(await new Lake().head([], { taken: elsewhere }).reason(), "unknown_head");
    assert.equal(await new Lake().head([], { position: undefined }).reason(), "unknown_head");
    for (const text of ["", "[]", "null", '{"version":2']) {
      const lake = new Lake();
      lake.curated.put("runs/head.json", text);
      assert.equal(await lake.reason(), "unknown_head", text);
    }
  });

  it("takes any object as new if no run was committed, and finds nothing in an empty lake", async () => {
    const object = key("raw", "2020-01-01-00", "1-2");
    const empty = { since: null, lastExecution: null, givenUpBatches: 0, new: false };
    assert.deepEqual(await new Lake().look(), { result: empty });
    assert.equal(await new Lake().object(object, "2020-01-01T00:10:00Z").reason(), "new_object");
    const quarantined = key("quarantine", "2020-01-01-00", "1-2");
    assert.equal(await new Lake().object(quarantined, "2020-01-01T00:10:00Z").reason(), "new_object");
    const unused = { execution: null, stamp: null, committed_at: null, position: null, taken: [] };
    assert.deepEqual(await new Lake().head([], unused).look(), { result: empty });
    const claimed = new Lake().head([], unused).object(object, "2020-01-01T00:10:00Z");
    assert.equal(await claimed.reason(), "new_object");
  });

  it("tells a missing head from one that it may not read", async () => {
    const denied = () => named("AccessDenied");
    const lake = new Lake();
    lake.curated.failGet = denied;
    assert.equal(await lake.reason(), "nothing_new");
    const locked = new Lake().head();
    locked.curated.failGet = denied;
    await assert.rejects(locked.look(), { name: "AccessDenied" });
  });

  it("takes the objects of a lost list as new, as the job does, but fails if it may not read one", async () => {
    const one = key("raw", "2026-11-21-09", "1-2");
    const lake = new Lake().head([one]).object(one, COMMITTED);
    lake.curated.failGet = (read) => (read === LIST ? named("AccessDenied") : undefined);
    await assert.rejects(lake.look(), { name: "AccessDenied" });
    lake.curated.failGet = () => undefined;
    assert.equal(await lake.reason(), "nothing_new");
    lake.curated.objects.delete(LIST);
    assert.equal(await lake.reason(), "new_object");
    lake.curated.put(LIST, gzipSync('{"not": "a list"}'));
    await assert.rejects(lake.look(), /must be a JSON array/);
  });

  it("counts the batches that were given up, which are no new objects", async () => {
    const lake = new Lake().head();
    for (const id of ["a", "b"]) lake.object(`aws/lambda/mapping-1/${SHARD}/2026/11/21/${id}`, COMMITTED);
    assert.deepEqual((await lake.look()).result, { ...NOTHING, givenUpBatches: 2 });
    for (let count = 0; count < 10_500; count += 1) lake.object(`aws/lambda/mapping-1/x/${count}`, COMMITTED);
    assert.equal((await lake.look()).result.givenUpBatches, 10_000);
  });

  it("reads no lists that are too large, and no more pages than a run of the job is worth", async () => {
    const lake = new Lake().head().object(key("raw", "2026-11-21-09", "1-2"), COMMITTED);
    lake.curated.put(LIST, gzipSync(JSON.stringify([randomBytes(6_000_000).toString("hex")])));
    assert.equal(await lake.reason(), "too_many_objects");
    const crowded = new Lake().head();
    const page = Array.from({ length: 1000 }, (_, index) => ({
      Key: key("raw", "2026-11-21-09", `${index}-${index}`),
      LastModified: new Date(0),
    }));
    let pages = 0;
    crowded.raw.listed = () => {
      pages += 1;
      return { Contents: page, IsTruncated: true, NextContinuationToken: "more" };
    };
    assert.equal(await crowded.reason(), "too_many_objects");
    assert.equal(pages, 500);
  });

  it("asks as much of a lake of 1,000 days as of one of 10, if nothing or something is new", async () => {
    const requests = async (days: number, isNew: boolean) => {
      const lake = new Lake();
      const taken: string[] = [];
      const end = Date.parse("2026-11-21T09:00:00Z");
      for (let hour = 24 * days; hour >= 0; hour -= 1) {
        const at = new Date(end - hour * HOUR_MS);
        const [year, month, day, hours] = at.toISOString().split(/[-T:]/);
        for (const zone of ["raw", "quarantine"]) {
          const one = key(zone, `${year}-${month}-${day}-${hours}`, `${hour}-${hour}`);
          lake.object(one, at.toISOString());
          if (hour < 3) taken.push(one);
        }
      }
      lake.head(taken);
      if (isNew) lake.object(key("raw", "2026-11-21-09", "new-1"), "2026-11-21T09:40:00Z");
      assert.equal((await lake.look()).result.new, isNew);
      return [lake.raw.listings, lake.curated.listings, lake.curated.gets.length];
    };
    // Both zones twice and the given-up batches; the notes; the head and one list.
    assert.deepEqual(await requests(10, false), [5, 1, 2]);
    assert.deepEqual(await requests(1000, false), [5, 1, 2]);
    assert.deepEqual(await requests(1000, true), [1, 1, 2]);
  });
});
