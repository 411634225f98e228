// A stack that is deployed keeps its resources: each URN that a released version declared is still declared.
import assert from "node:assert/strict";
import { everythingOn } from "../local/everything-on";
import { evaluate } from "./program";
import DEPLOYED from "./urns.json";

describe("the program's URNs", function () {
  this.timeout(60_000);

  it("are those of the stacks that are deployed, so that no update replaces what holds data", async () => {
    const values = Object.entries(everythingOn().values).map(
      ([key, value]) => [key.replace("clickstream:", ""), value] as const,
    );
    const { urns } = await evaluate(Object.fromEntries(values.filter(([key]) => !key.includes(":"))));
    const declared = new Set(urns);
    assert.deepEqual(
      DEPLOYED.filter((urn) => !declared.has(urn)),
      [],
    );
    assert.ok(DEPLOYED.length > 100);
  });
});
