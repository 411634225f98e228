// The calls of an execution, counted by hand for a small case, and what an average run meets.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { USUAL } from "../../../cli/cost/assumptions";
import {
  batchCalls,
  catalogCalls,
  idleCalls,
  jobCalls,
  s3Reads,
  s3Writes,
  workingCalls,
} from "../../../cli/cost/calls";
import { type Plan, readPlan } from "../../../cli/cost/plan";
import { COMPACTION_RULES, type RunShape, shapeOfRun } from "../../../cli/cost/run-shape";
import { declaredBy, stackConfiguration } from "../../../stack/configuration";
import { PROJECT_ROOT } from "../../../stack/runs";

/** Five raw objects and one of quarantine, for two dates with three files each. */
const SMALL: RunShape = {
  events: 500,
  rawObjects: 5,
  quarantineObjects: 1,
  windowRawObjects: 1200,
  windowQuarantineObjects: 30,
  takenLists: 3,
  touchedDates: 2,
  searchedDates: 8,
  touchedFiles: 6,
  knownFiles: 20,
  knownEvents: 4000,
  filesWritten: 2,
  compactedDates: 1,
  compactedFiles: 4,
  compactionFiles: 1,
  copiedFiles: 2,
  compactedEvents: 100,
  filesOfOldDate: 2,
  compactionShare: 1,
  compactionNeed: { mb: 1, seconds: 1 },
};

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= expected * 0.001, `${actual} is not ${expected}`);
}

describe("cli/cost/calls", () => {
  it("counts the job's calls from the head to the removal of its note", () => {
    assert.deepEqual(jobCalls(SMALL), {
      // Script and package 2, head and retired note 2, taken lists 3, raw 5, quarantine 1; 20 known files and twice 4
      // compacted ones × 3.
      "s3 GetObject": 2 + 2 + 3 + 5 + 1 + 84,
      // Eight dates, and 28 files × 4.
      "s3 HeadObject": 8 + 112,
      // Report twice, given up, attempts twice, retired notes and folders; two pages of raw and one of quarantine; three
      // for each of eight dates, and two for the compacted one.
      "s3 ListObjectsV2": 7 + 2 + 1 + 24 + 2,
      // Note twice, taken list, summary, head, report; the retired location twice; two files and a compacted one.
      "s3 PutObject": 6 + 2 + 2 + 1,
      "s3 CopyObject": 2,
      "s3 DeleteObjects": 1,
      "glue BatchGetPartition": 3,
      "glue GetTable": 1,
      "glue BatchUpdatePartition": 1,
    });
  });

  it("counts an execution that finds nothing new in a dozen calls, without Glue and Athena", () => {
    assert.deepEqual(idleCalls(SMALL), {
      "lambda Invoke": 1,
      "s3 GetObject": 4,
      // Attempts and given-up batches; raw and quarantine since the last listing; the hours before: two pages and one.
      "s3 ListObjectsV2": 2 + 2 + 3,
      "monitoring PutMetricData": 1,
    });
  });

  it("adds up what S3 and the catalog bill", () => {
    const calls = workingCalls(SMALL);
    // The job 97 + 120, look-for-new 1 + 3, the check 1 + 6 + 2 × 2.
    assert.equal(s3Reads(calls), 217 + 4 + 11);
    // The job 36 + 11 + 2, look-for-new 2, the check 2 and two results of two objects.
    assert.equal(s3Writes(calls), 49 + 2 + 6);
    assert.equal(catalogCalls(calls), 5 + 20);
  });

  it("lists the quarantine once for each quarantine object of a batch, in pages of 1,000 objects", () => {
    assert.deepEqual(batchCalls(1, 1000), { "s3 PutObject": 2, "s3 ListObjectsV2": 1 });
    assert.deepEqual(batchCalls(2, 60), { "s3 PutObject": 3, "s3 ListObjectsV2": 2 });
    assert.deepEqual(batchCalls(1, 3600), { "s3 PutObject": 2, "s3 ListObjectsV2": 4 });
    assert.deepEqual(batchCalls(0, 5000), { "s3 PutObject": 1, "s3 ListObjectsV2": 0 });
  });

  it("leaves out what only compaction calls where there is nothing to compact", () => {
    const none = { compactedDates: 0, compactedFiles: 0, compactionFiles: 0, copiedFiles: 0 };
    const calls = jobCalls({ ...SMALL, ...none });
    assert.deepEqual(
      [
        calls["s3 PutObject"],
        calls["s3 CopyObject"],
        calls["glue GetTable"],
        calls["glue BatchUpdatePartition"],
      ],
      [8, 0, 0, 0],
    );
  });
});

describe("cli/cost/run-shape", () => {
  let plan: Plan;
  before(async () => {
    plan = readPlan(await declaredBy(stackConfiguration("prod")));
  });
  const shape = (traffic: Partial<typeof USUAL>, hours = 1, changed: Partial<Plan> = {}) =>
    shapeOfRun(
      { ...plan, ...changed },
      { ...USUAL, ...traffic },
      { rawPerHour: 12, quarantinePerHour: 12 },
      hours,
    );

  it("lists the hours of the stream's retention, and an hour before and after", () => {
    // 24 + 1 + 1 hours × 12 objects.
    assert.equal(shape({}).windowRawObjects, 312);
    assert.equal(shape({}, 1, { retentionHours: 168 }).windowRawObjects, 2040);
    assert.equal(shape({}, 24).windowRawObjects, 588);
  });

  it("touches today's date and those of late events, and searches the ones of dedupeDays too", () => {
    const punctual = shape({ latePercent: 0 });
    near(punctual.touchedDates, 1 + 1 / 24);
    assert.equal(punctual.searchedDates, 8);
    // 10,000 late events a day over 30 dates: 13.9 an hour for each, so that nearly no date gets none.
    const late = shape({});
    near(late.touchedDates, 1 + 1 / 24 + 30);
    near(late.searchedDates, 8 + 30);
    // 100 late events a day: 0.139 an hour for each of 30 dates, 1 - e^-0.139 = 0.1297.
    near(shape({ eventsPerDay: 10_000 }).touchedDates, 1 + 1 / 24 + 30 * 0.12967);
    near(shape({ latePercent: 0 }, 1, { dedupeDays: 30 }).searchedDates, 31);
  });

  it("keeps about the files that the bytes need in a date that has settled, and many without compaction", () => {
    // 10 M × 77 bytes: five files of 160 MB. Seven of 128 MB and one more are allowed, a ninth makes the date due.
    assert.equal(shape({ eventsPerDay: 10_000_000 }).filesOfOldDate, 7);
    const off = shape({ eventsPerDay: 10_000_000 }, 1, { compaction: undefined });
    // The runs of its own day, and half of the late files of the 30 × 24 runs after it.
    near(off.filesOfOldDate, 24 + 360);
    assert.ok(off.knownFiles > 10 * shape({ eventsPerDay: 10_000_000 }).knownFiles);
    assert.equal(off.compactedFiles, 0);
  });

  it("rewrites only late rows of a settled date, and copies its full files", () => {
    const one = shape({ eventsPerDay: 10_000_000 });
    // A 24th of three dates a run. Three late files have room, so ten of 30 dates are due, with half of their late rows.
    near(one.compactedEvents, 30e6 / 24 + 10 * 50_000);
    near(one.copiedFiles, 10 * 5);
    // A date of one file has room for one late file, so all 30 are due.
    near(shape({}).compactionNeed.mb, ((3e6 / 24 + 30 * 5000) * 77) / 1e6);
    near(shape({}).copiedFiles, 30);
  });

  it("compacts no more than its limits allow, and says what it needs", () => {
    const wide = shape({ eventsPerDay: 1_000_000_000 });
    // A day has 482 files of 160 MB and may have 603, so that one in 121 of the 30 dates is due in a run.
    const mb = ((3e9 / 24 + (30 / 121) * 5e6) * 77) / 1e6;
    near(wide.compactionNeed.mb, mb);
    const limits = plan.compaction ?? { mb: 0, seconds: 0 };
    near(wide.compactionShare, Math.min(limits.mb / mb, limits.seconds / wide.compactionNeed.seconds));
    near(wide.compactedEvents * 77, wide.compactionShare * mb * 1e6);
  });

  it("compacts by the job's own rules", () => {
    const job = readFileSync(join(PROJECT_ROOT, "glue-scripts", "clickstream", "compaction_plan.py"), "utf8");
    for (const [name, value] of Object.entries(COMPACTION_RULES)) {
      assert.equal(Number(new RegExp(`^${name} = ([\\d.]+)$`, "m").exec(job)?.[1]), value, name);
    }
  });

  it("meets nothing where nothing arrives", () => {
    const none = shapeOfRun(plan, { ...USUAL, eventsPerDay: 0 }, { rawPerHour: 0, quarantinePerHour: 0 }, 1);
    const counts = Object.entries(none).filter(([name]) => !["takenLists", "compactionNeed"].includes(name));
    assert.deepEqual(
      counts.filter(([, value]) => value !== 0),
      [],
    );
  });
});
