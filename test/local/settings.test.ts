// --config: values for a local stack, checked by the program's own checks before anything starts.
import assert from "node:assert/strict";
import { BadSetting, checkedSettings } from "../../local/settings";

function refusal(...given: [string, string][]): string {
  try {
    checkedSettings(given, { collector: true });
  } catch (error) {
    assert.ok(error instanceof BadSetting);
    return error.message;
  }
  assert.fail("accepted");
}

describe("local/settings", () => {
  it("returns the values by key, with those that the command sets", () => {
    assert.deepEqual(
      checkedSettings([
        ["shardCount", "2"],
        ["tags", '{"team":"data=1"}'],
      ]),
      { shardCount: "2", tags: '{"team":"data=1"}' },
    );
    assert.deepEqual(checkedSettings([], { batchWindowSeconds: 1 }), { batchWindowSeconds: 1 });
    assert.deepEqual(checkedSettings(), {});
  });

  it("refuses with the program's own message, all problems at once", () => {
    const message = refusal(["shardCount", "0"], ["shardCuont", "2"], ["batchWindowSeconds", "301"]);
    assert.match(message, /^--config: Invalid configuration:/);
    assert.match(message, /shardCount must be an integer from 1 to 500, got "0"/);
    assert.match(message, /did you mean clickstream:shardCount\?/);
    assert.match(message, /batchWindowSeconds must be an integer from 0 to 300, got "301"/);
  });

  it("refuses a key that was given twice, or that the command sets itself", () => {
    assert.equal(
      refusal(["shardCount", "2"], ["shardCount", "3"]),
      "--config shardCount was given twice: give it once.",
    );
    assert.equal(
      refusal(["collector", "false"]),
      "--config collector is set by this command itself: leave it out.",
    );
  });
});
