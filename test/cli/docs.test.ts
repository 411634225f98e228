// The generated documents are what the program would write now.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GENERATED } from "../../cli/docs/generated";

const ROOT = join(__dirname, "..", "..");

describe("cli/docs", function () {
  this.timeout(180_000);

  for (const { path, text } of GENERATED) {
    it(`${path} is current (npm run docs writes it)`, async () => {
      const current = readFileSync(join(ROOT, path), "utf8");
      assert.equal(current, await text(current));
    });
  }
});
