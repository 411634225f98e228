// The DPUs of the worker types, against Glue's documentation.
import assert from "node:assert/strict";
import { CONFIG_KEYS } from "../../../infra/config/keys";
import { dpusOf } from "../../../infra/transform/worker-types";

describe("infra/transform/worker-types", () => {
  it("has the DPUs of every worker type that the configuration allows", () => {
    const allowed = CONFIG_KEYS.glueWorkerType.check.allowed.match(/G\.\d+X/g) ?? [];
    assert.deepEqual(
      allowed.map((type) => [type, dpusOf(type)]),
      [
        ["G.1X", 1],
        ["G.2X", 2],
        ["G.4X", 4],
        ["G.8X", 8],
      ],
    );
    assert.throws(() => dpusOf("Z.2X"), /no DPUs of Z\.2X/);
  });
});
