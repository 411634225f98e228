// The calls of an execution, counted by hand for a small case, and what an average run meets.
import assert from "node:assert/strict";
import { USUAL } from "../../../cli/cost/assumptions";
import { catalogCalls, idleCalls, jobCalls, s3Reads, s3Writes, workingCalls } from "../../../cli/cost/calls";
import { type Plan, readPlan } from "../../../cli/cost/plan";
import { type RunShape, shapeOfRun } from "../../../cli/cost/run-shape";
import { declaredBy, stackConfiguration } from "../../../stack/configuration";

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
      // Script and package 2, head and retired note 2, taken lists 3, raw 5, quarantine 1, 20 known files × 4, 4 compacted
      // ones × 6.
      "s3 GetObject": 2 + 2 + 3 + 5 + 1 + 80 + 24,
      "s3 HeadObject": 16,
      // Report twice, given up, attempts twice, retired notes and folders; two pages of raw and one of quarantine; four
      // for each of eight dates, and two for the compacted one.
      "s3 ListObjectsV2": 7 + 2 + 1 + 32 + 2,
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
    // The job 117 + 16, look-for-new 1 + 3, the check 1 + 6 + 2 × 4.
    assert.equal(s3Reads(calls), 133 + 4 + 15);
    // The job 44 + 11 + 2, look-for-new 2, the check 2 and two results of two objects.
    assert.equal(s3Writes(calls), 57 + 2 + 6);
    assert.equal(catalogCalls(calls), 5 + 20);
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

  it("keeps one file more than the bytes need in a date that has settled, and many without compaction", () => {
    // 10 M × 77 bytes: seven files of 128 MB, and one of late rows.
    assert.equal(shape({ eventsPerDay: 10_000_000 }).filesOfOldDate, 8);
    const off = shape({ eventsPerDay: 10_000_000 }, 1, { compaction: undefined });
    // The runs of its own day, and half of the late files of the 30 × 24 runs after it.
    near(off.filesOfOldDate, 24 + 360);
    assert.ok(off.knownFiles > 10 * shape({ eventsPerDay: 10_000_000 }).knownFiles);
    assert.equal(off.compactedFiles, 0);
  });

  it("compacts no more than its limits allow, and says what it needs", () => {
    const wide = shape({ eventsPerDay: 1_000_000_000 });
    near(wide.compactionNeed.mb, 21_175);
    near(wide.compactionShare, Math.min(2048 / 21_175, 120 / wide.compactionNeed.seconds));
    near(wide.compactedEvents * 77, wide.compactionShare * 21_175e6);
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
