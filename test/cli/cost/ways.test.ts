// The estimates of the ways, against figures worked out by hand from AWS's list prices, and against their targets.
import assert from "node:assert/strict";
import type { Estimate } from "../../../cli/cost/model";
import { sizedWay } from "../../../cli/cost/ways";

function near(actual: number | undefined, expected: number): void {
  assert.ok(
    actual !== undefined && Math.abs(actual - expected) <= expected * 0.001,
    `${actual} is not ${expected}`,
  );
}

const monthly = ({ lines }: Estimate, item: string) => lines.find((line) => line.item === item)?.monthly ?? 0;

describe("cli/cost/ways", function () {
  this.timeout(120_000);

  it("keeps each way below its target", async () => {
    const idleDev = await sizedWay("dev", "firehose", 0);
    assert.ok(idleDev.found.monthly <= 1, `an idle dev stack costs ${idleDev.found.monthly}`);
    const idle = await sizedWay("prod", "firehose", 0);
    assert.ok(idle.found.monthly <= 12, `an idle stack costs ${idle.found.monthly}`);
    const million = await sizedWay("prod", "arrival", 1_000_000);
    assert.ok(million.found.monthly <= 20, `a million events a day cost ${million.found.monthly}`);
  });

  it("has no stream and no shard where Firehose takes the events", async () => {
    const { found } = await sizedWay("prod", "firehose", 1_000_000);
    assert.deepEqual(
      found.lines.filter(({ item }) => item.startsWith("Kinesis")),
      [],
    );
    assert.equal(found.plan.stream, undefined);
  });

  it("bills records in steps of 5 KB", async () => {
    const { found } = await sizedWay("prod", "firehose", 1_000_000);
    // 30.41667 M events in records of ten, 5,000 bytes: 3.041667 M × 5,120 bytes × $0.029.
    near(monthly(found, "Firehose: records taken"), 0.451627);
  });

  it("makes an object each 300 seconds, and one PUT for each and its quarantine", async () => {
    const { found } = await sizedWay("prod", "firehose", 1_000_000);
    // A record each 0.864 s: an object each 300.864 s.
    near(found.flow.rawObjects, 2_628_000 / 300.864);
  });

  it("runs the job once a day where Parquet is written on arrival, and checks in the other executions", async () => {
    const { found } = await sizedWay("prod", "arrival", 1_000_000);
    near(found.flow.runs, 730 / 24);
    // An execution every six hours.
    near(found.flow.checks, 730 / 6 - 730 / 24);
    // 1 s an object, and 16,000 events a second and core of 1,024 of 1,769 MB.
    const seconds = found.flow.rawObjects + (30_416_667 / 16_000) * (1769 / 1024);
    near(monthly(found, "Lambda: to-parquet, arm64"), seconds * 0.0000133334);
  });
});
