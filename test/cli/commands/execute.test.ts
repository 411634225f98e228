// Tests how `npm run execute` says what an execution did.

import assert from "node:assert/strict";
import { resultOf } from "../../../cli/commands/execute";

const REPORT = {
  outcome: "processed",
  curated: 1980,
  quarantined: 12,
  duplicates: 8,
  dates: { count: 1, first: "2026-11-21", last: "2026-11-21" },
  partitions: ["2026-11-21"],
};

describe("cli/commands/execute", () => {
  it("says what a run did", () => {
    assert.equal(
      resultOf({ report: REPORT }),
      "1,980 curated, 12 quarantined, 8 duplicates; partitions 2026-11-21",
    );
    assert.match(resultOf({ report: { ...REPORT, partitions: [] } }) ?? "", /no partition changed$/);
  });

  it("says that nothing was new, or that another execution does the work", () => {
    const nothing = { ...REPORT, outcome: "nothing_new", partitions: [] };
    assert.equal(resultOf({ report: nothing }), "Nothing new arrived since the last run.");
    assert.equal(
      resultOf({ report: nothing, skipped: "Nothing new arrived since the last run." }),
      "Nothing new arrived since the last run.",
    );
    assert.equal(resultOf({ skipped: "The job was busy." }), "Nothing was done: The job was busy.");
    assert.equal(resultOf(undefined), undefined);
  });
});
