// Deleting data needs two permissions: the stack's configuration, and a confirmation by the person.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refuseUnlessAllowed } from "../../../cli/commands/empty-buckets";
import { PROJECT_ROOT } from "../../../stack/runs";

describe("cli/commands/empty-buckets", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "clickstream-empty-"));
    cpSync(join(PROJECT_ROOT, "Pulumi.yaml"), join(root, "Pulumi.yaml"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it("rejects a stack whose configuration does not allow data loss, with the command that allows it", () => {
    writeFileSync(join(root, "Pulumi.prod.yaml"), "config:\n  clickstream:allowDataLoss: false\n");
    assert.throws(
      () => refuseUnlessAllowed("prod", root),
      /The stack prod does not allow .*clickstream:allowDataLoss is false\. .*pulumi config set clickstream:allowDataLoss true --stack prod && pulumi up/,
    );
    writeFileSync(join(root, "Pulumi.prod.yaml"), "config: {}\n");
    assert.throws(() => refuseUnlessAllowed("prod", root), /allowDataLoss is (not set|false)/);
  });

  it("continues if data loss is allowed, and lists the stacks if the named one does not exist", () => {
    writeFileSync(join(root, "Pulumi.prod.yaml"), "config:\n  clickstream:allowDataLoss: true\n");
    refuseUnlessAllowed("prod", root);
    assert.throws(
      () => refuseUnlessAllowed("dev", root),
      /The stack dev has no configuration .* Stacks with one: prod/,
    );
  });
});
