// What breaks first at which size, against sizes worked out by hand from the limits.
import assert from "node:assert/strict";
import { USUAL } from "../../../cli/cost/assumptions";
import { flowOf } from "../../../cli/cost/flow";
import { type Plan, readPlan } from "../../../cli/cost/plan";
import { breaksAt, usesOf } from "../../../cli/cost/scale";
import { neededSettings, sized } from "../../../cli/cost/sized";
import { CONFIG_KEYS } from "../../../infra/config/keys";
import { declaredBy, stackConfiguration } from "../../../stack/configuration";

describe("cli/cost/scale", function () {
  this.timeout(60_000);
  let plan: Plan;
  before(async () => {
    plan = readPlan(await declaredBy(stackConfiguration("prod")));
  });
  const isNear = (actual: number | undefined, expected: number) =>
    assert.ok(
      actual !== undefined && Math.abs(actual / expected - 1) < 0.015,
      `${actual} is not ${expected}`,
    );

  it("finds the size from which on a limit of the unchanged stack is passed", () => {
    // One shard takes 1 MiB a second: 3 × events × 500 bytes / 86,400 s.
    isNear(breaksAt(plan, USUAL, "shards for the busiest second"), (1_048_576 * 86_400) / 1500);
    // 100 GiB: 7 days × 77 bytes × 30 %.
    isNear(breaksAt(plan, USUAL, "GB that a query over 7 days reads"), (100 * 2 ** 30) / (7 * 77 * 0.3));
    // A date is written anew three times, in 24 runs. Of 30 dates, one in 25 is due in a run: 98 files, 123 allowed.
    const limited = { ...plan, compaction: { mb: 2048, seconds: 120 } };
    isNear(
      breaksAt(limited, USUAL, "bytes that a run compacts"),
      2048e6 / (77 * (3 / 24 + (30 / 25) * 0.005)),
    );
    assert.equal(breaksAt(plan, USUAL, "partitions of the table after ten years"), undefined);
  });

  it("moves a limit with the key that it names", () => {
    const at = (changed: Partial<Plan>, what: string) => breaksAt({ ...plan, ...changed }, USUAL, what) ?? 0;
    const longer = "minutes of a run, of those between two";
    assert.ok(at({ workers: 8 }, longer) > 5 * at({}, longer));
    assert.ok(at({ dedupeDays: 1 }, longer) > at({}, longer));
    const memory = "memory of the driver for the names of objects and files";
    isNear(at({ dpus: 2 }, memory), 2 * at({}, memory));
    isNear(at({ scanLimitGb: 200 }, "GB that a query over 7 days reads"), 200e9 / (7 * 77 * 0.3));
    const busy = "seconds of work that a shard's batches cause in a second, at the peak";
    assert.ok(at({ ingestMemoryMb: 1024 }, busy) > at({}, busy));
  });

  it("compares FLEX with the quota for spare capacity", () => {
    const dpus = (changed: Partial<Plan>) =>
      usesOf({ ...plan, ...changed }, USUAL).find(({ what }) => what === "DPUs at once")?.limit;
    assert.deepEqual([dpus({}), dpus({ executionClass: "FLEX" })], [1000, 50]);
  });

  it("sets shards and workers until a run takes half of the time between two", async () => {
    const { settings, found } = await sized("prod", 10_000_000_000);
    // 10 G × 500 bytes × 3 / 86,400 s = 173.6 MB/s.
    assert.equal(settings.shardCount, String(Math.ceil(173_611_111 / 1_048_576)));
    const fewer = { ...found.plan, workers: Number(settings.glueWorkers) / 2 };
    const traffic = { ...USUAL, eventsPerDay: 10_000_000_000 };
    assert.ok(found.flow.jobSeconds <= 1800);
    assert.ok(flowOf(fewer, traffic).jobSeconds > 1800);
    assert.deepEqual(neededSettings(plan, { ...USUAL, eventsPerDay: 10_000_000 }), {});
  });

  it("names only keys that the configuration has as what sets a limit", () => {
    for (const { limitedBy, what } of usesOf(plan, USUAL)) {
      const key = /^`(\w+)`$/.exec(limitedBy)?.[1];
      if (key !== undefined) assert.ok(key in CONFIG_KEYS, what);
    }
  });
});
