// Whether the numbers of a run add up, and what is said when they do not.
import assert from "node:assert/strict";
import { imbalance, partitionsText, readOutput } from "../../local/report";

describe("local/report", () => {
  it("is content when sent = curated + quarantined + duplicates", () => {
    assert.equal(imbalance({ sent: 200, curated: 197, quarantined: 1, duplicates: 2 }), undefined);
  });

  it("says which numbers disagree, and by how much", () => {
    assert.equal(
      imbalance({ sent: 200, curated: 190, quarantined: 1, duplicates: 2 }),
      "200 sent, but 190 curated + 1 quarantined + 2 duplicates = 193: 7 are missing",
    );
    assert.equal(
      imbalance({ sent: 200, curated: 200, quarantined: 1, duplicates: 2 }),
      "200 sent, but 200 curated + 1 quarantined + 2 duplicates = 203: 3 are too many",
    );
  });

  it("names the days of a run, and says how many the summary leaves out", () => {
    const dates = (count: number) => ({ count, first: "2026-01-01", last: "2026-01-04" });
    const partitions = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"];
    assert.equal(
      partitionsText({ dates: dates(4), partitions }),
      "2026-01-01, 2026-01-02, 2026-01-03, 2026-01-04",
    );
    assert.equal(
      partitionsText({ dates: dates(6004), partitions }),
      "2026-01-01, 2026-01-02, ... 6,000 more ..., 2026-01-03, 2026-01-04",
    );
    assert.equal(partitionsText({ dates: dates(0), partitions: [] }), "");
  });

  it("takes the report and the simulator's count out of an execution's output", () => {
    const report = { curated: 3, quarantined: 0, duplicates: 0, partitions: [] };
    assert.equal(readOutput({ report, simulated: { events: 3 } })?.sent, 3);
    assert.equal(readOutput({ report, simulated: null })?.sent, undefined);
    assert.equal(readOutput({}), undefined);
    assert.equal(readOutput(undefined), undefined);
  });
});
