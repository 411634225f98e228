// The calls that the cost model counts for an execution, against those that executions on the local stack make.
import assert from "node:assert/strict";
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { type Calls, jobCalls, lookForNewCalls, verificationCalls } from "../../cli/cost/calls";
import type { RunShape } from "../../cli/cost/run-shape";
import { type Call, readCalls } from "../../local/requests";
import { type Finished, Lake } from "./lake";

const NOTHING_COMPACTED = {
  compactedDates: 0,
  compactedFiles: 0,
  compactionFiles: 0,
  copiedFiles: 0,
  compactedEvents: 0,
  compactionShare: 1,
  compactionNeed: { mb: 0, seconds: 0 },
};
const TRAFFIC = { events: 600, malformed: 0.02, late: 0.1 };

interface Counted {
  calls: Call[];
  shape: RunShape;
}

describe("e2e: the calls of an execution, as the cost model counts them", function () {
  this.timeout(300_000);
  let lake: Lake;
  before(async () => {
    lake = await Lake.up();
    assert.equal((await lake.execute({ simulate: { ...TRAFFIC, seed: 1 } })).status, "SUCCEEDED");
  });
  after(() => lake?.down());

  const keysUnder = async (bucket: string | undefined, prefix: string) => {
    const { Contents = [] } = await lake.s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }),
    );
    return Contents.map(({ Key = "" }) => Key);
  };

  async function counted(input: unknown): Promise<Counted> {
    const { rawBucket, curatedBucket } = lake.stack.outputs;
    const objects = () => Promise.all([keysUnder(rawBucket, "raw/"), keysUnder(rawBucket, "quarantine/")]);
    const [[raw, quarantine], files] = [await objects(), await keysUnder(curatedBucket, "events/")];
    const began = new Date();
    const finished = await lake.execute(input);
    assert.equal(finished.status, "SUCCEEDED");
    const calls: Call[] = [];
    for await (const call of readCalls(lake.stack.stateDir, began, new Date())) calls.push(call);
    const [rawAfter, quarantineAfter] = await objects();
    const added = {
      raw: rawAfter.length - raw.length,
      quarantine: quarantineAfter.length - quarantine.length,
    };
    return { calls, shape: shapeOf(finished, added, files) };
  }

  /** One run was committed before, in the same hour, with one file for each of its dates. */
  function shapeOf(
    { report }: Finished,
    added: { raw: number; quarantine: number },
    files: string[],
  ): RunShape {
    const touched = new Set(report?.partitions ?? []);
    const dateOf = (key: string) => /event_date=([\d-]+)/.exec(key)?.[1] ?? "";
    const filled = new Set(files.map(dateOf));
    // The model's dates all have files. A date without files takes one of their three listings.
    const searched = (new Set([...touched, ...filled]).size + 2 * filled.size) / 3;
    return {
      ...NOTHING_COMPACTED,
      events: TRAFFIC.events,
      rawObjects: added.raw,
      quarantineObjects: added.quarantine,
      windowRawObjects: added.raw,
      windowQuarantineObjects: added.quarantine,
      takenLists: 1,
      touchedDates: touched.size,
      searchedDates: searched,
      touchedFiles: files.filter((key) => touched.has(dateOf(key))).length,
      knownFiles: files.length,
      knownEvents: TRAFFIC.events,
      filesWritten: touched.size,
      filesOfOldDate: 1,
    };
  }

  /** The calls of one principal that the model has, by operation. */
  function made(calls: Call[], principal: string, model: Calls): Calls {
    const sums: Calls = Object.fromEntries(Object.keys(model).map((name) => [name, 0]));
    for (const call of calls) {
      const name = `${call.service} ${call.operation}`;
      if (call.principal.includes(principal) && /^(s3|glue)$/.test(call.service))
        sums[name] = (sums[name] ?? 0) + 1;
    }
    return sums;
  }

  /** Each operation to a tenth. */
  function assertNear(found: Calls, model: Calls): void {
    const wrong = Object.keys({ ...model, ...found }).filter((name) => {
      const [real, expected] = [found[name] ?? 0, model[name] ?? 0];
      return Math.abs(real - expected) > Math.max(1, expected / 10);
    });
    assert.deepEqual(
      wrong.map((name) => `${name}: ${found[name]} calls, the model has ${model[name]}`),
      [],
    );
  }

  const only = (calls: Calls, names: RegExp): Calls =>
    Object.fromEntries(Object.entries(calls).filter(([name]) => names.test(name)));

  it("counts those of look-for-new, of the job and of the check", async () => {
    const { calls, shape } = await counted({ simulate: { ...TRAFFIC, seed: 2 } });
    assert.ok(shape.knownFiles > 15, `${shape.knownFiles} files were there before`);
    const look = only(lookForNewCalls(shape, true), /^s3 /);
    assert.deepEqual(made(calls, "look-for-new-role", look), look);
    const job = jobCalls(shape);
    assertNear(made(calls, "job-role", job), job);
    // The summary is read by the state machine. How the local Athena asks the catalog says nothing about AWS.
    const check = only(verificationCalls(shape), /^s3 /);
    check["s3 GetObject"] = (check["s3 GetObject"] ?? 0) - 1;
    assertNear(only(made(calls, "athena.amazonaws.com", check), /^s3 /), check);
  });

  it("counts those of an execution that finds nothing new", async () => {
    const { calls, shape } = await counted({});
    const look = only(lookForNewCalls({ ...shape, takenLists: 2 }, false), /^s3 /);
    const found = made(calls, "look-for-new-role", look);
    assert.deepEqual(found, look);
    assert.deepEqual(made(calls, "job-role", {}), {});
    assert.deepEqual(made(calls, "athena.amazonaws.com", {}), {});
  });
});
