// Whether the numbers of a run add up, and what is said when they do not.
import assert from "node:assert/strict";
import { imbalance, nothingCurated, readOutput, windowHint } from "../../stack/run-report";

describe("stack/run-report", () => {
  it("accepts a run if sent = curated + quarantined + duplicates", () => {
    assert.equal(imbalance({ sent: 200, curated: 197, quarantined: 1, duplicates: 2 }), undefined);
  });

  it("says which numbers disagree, and by how much", () => {
    assert.equal(
      imbalance({ sent: 200, curated: 190, quarantined: 1, duplicates: 2 }),
      "200 sent, but 190 curated + 1 quarantined + 2 duplicates = 193: 7 missing",
    );
    assert.equal(
      imbalance({ sent: 200, curated: 200, quarantined: 1, duplicates: 2 }),
      "200 sent, but 200 curated + 1 quarantined + 2 duplicates = 203: 3 too many",
    );
  });

  it("takes the report and the simulator's count out of an execution's output", () => {
    const report = { curated: 3, quarantined: 0, duplicates: 0, partitions: [] };
    assert.equal(readOutput({ report, simulated: { events: 3 } })?.sent, 3);
    assert.equal(readOutput({ report, simulated: null })?.sent, undefined);
    assert.equal(readOutput({}), undefined);
    assert.equal(readOutput(undefined), undefined);
  });

  it("names the key that accepts early events, with the day of the earliest", () => {
    const reasons = { event_time_out_of_window: 1_891_714, not_json: 1 };
    const hint = (earliest?: string) => windowHint(reasons, "2000-01-01T00:00:00Z", earliest) ?? "";
    const early = hint("1995-07-01T04:00:01.000Z");
    assert.match(
      early,
      /^1,891,714 lines .* begins at 2000-01-01T00:00:00Z\. The earliest event sent is from 1995-07-01\./,
    );
    assert.match(early, /set earliestEventTime: "1995-07-01T00:00:00Z" under config: in Pulumi\.dev\.yaml/);
    assert.match(early, /pulumi config set earliestEventTime 1995-07-01T00:00:00Z/);
    for (const other of [undefined, "2040-01-01T00:00:00.000Z"]) {
      assert.match(
        hint(other),
        /begins at .* \(earliestEventTime\) and ends latestEventLeadHours after arrival\.$/,
      );
    }
    assert.equal(windowHint({ not_json: 1 }, "2000-01-01T00:00:00Z", "1995-07-01T04:00:01.000Z"), undefined);
  });

  it("takes a run that curated nothing for a failure, with the reasons and what helps", () => {
    const report = {
      curated: 0,
      quarantined: 1_028,
      quarantine_reasons: { not_json: 28, invalid_field: 1_000 },
    };
    assert.match(
      nothingCurated(report, undefined) ?? "",
      /^Nothing was curated: all 1,028 lines .* \(not_json 28, invalid_field 1,000\)\. To see why, .*FROM quarantine/,
    );
    assert.match(nothingCurated(report, "Set x.") ?? "", /\)\. Set x\.$/);
    assert.equal(nothingCurated({ ...report, curated: 1 }, "Set x."), undefined);
    assert.equal(nothingCurated({ ...report, quarantined: 0 }, undefined), undefined);
  });
});
