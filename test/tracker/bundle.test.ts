// The script that the collector serves: its weight, its integrity hash, and that it is the same on every machine.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { bundleTracker } from "../../tracker/bundle";

describe("tracker: bundle", () => {
  const { code, integrity } = bundleTracker();

  it("weighs at most 3 kB with gzip", () => {
    const weight = gzipSync(code).length;
    assert.ok(weight <= 3000, `${weight} bytes`);
  });

  it("has the hash of its bytes for the attribute integrity", () => {
    assert.equal(integrity, `sha384-${createHash("sha384").update(code, "utf8").digest("base64")}`);
  });

  it("is ASCII, so that the page's character set does not matter, and names no file", () => {
    assert.match(code, /^[\x20-\x7e\n]+$/);
    assert.doesNotMatch(code, /sourceMappingURL|tracker\/|node_modules/);
  });
});
