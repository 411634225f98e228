// Holds the cost of a quiet schedule in docs/architecture.md to the states, the requests and the price list.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WORK } from "../../../cli/cost/assumptions";
import { IDLE_PATH } from "../../../cli/cost/flow";
import { price } from "../../../cli/cost/prices";
import { PROJECT_ROOT } from "../../../stack/runs";

const HOURS = 730;
/** test/lambdas/look-for-new/look.test.ts counts them. */
const LISTINGS = 6;
const READS = 2;
const MEMORY_GB = 0.5;

describe("docs/architecture, when nothing is new", () => {
  const text = readFileSync(join(PROJECT_ROOT, "docs", "architecture.md"), "utf8");

  it("names what the hourly schedule costs in a month without events", () => {
    const states = HOURS * IDLE_PATH.length;
    const transitions = states * price("sfn.transition");
    const requests = HOURS * (LISTINGS * price("s3.write") + READS * price("s3.read"));
    const call = price("lambda.request") + MEMORY_GB * WORK.otherLambdaSeconds * price("lambda.armGbSecond");
    const total = transitions + requests + HOURS * (call + price("scheduler.invocation"));
    const count = (number: number) => number.toLocaleString("en-US");
    assert.ok(
      text.includes(
        `costs $${total.toFixed(2)} a month: $${transitions.toFixed(2)} for ${count(states)} state transitions, ` +
          `$${requests.toFixed(2)} for ${count(HOURS * (LISTINGS + READS))} requests to S3`,
      ),
      `${[total, transitions, states, requests]}`,
    );
    assert.ok(
      text.includes(`a third of that, ${Math.round((100 * total) / 3)} cents a month`),
      `${total / 3}`,
    );
    // Glue bills a minute at least: two workers of one DPU.
    const glue = (HOURS / 60) * 2 * price("glue.dpuHour");
    assert.ok(text.includes(`would cost at least $${glue.toFixed(2)} a month`), `${glue}`);
  });
});
