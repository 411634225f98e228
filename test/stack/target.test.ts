// What `query` and `execute` say when there is nothing to work against.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QueryFailed, runQuery } from "../../stack/athena";
import type { StackOutputs } from "../../stack/outputs";
import { checkOutputs } from "../../stack/outputs";
import { Runs } from "../../stack/runs";
import { openTarget, remedy } from "../../stack/target";

describe("stack/target", () => {
  let folder: string;
  let path: string | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-target-"));
    path = process.env.PATH;
  });
  afterEach(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true, force: true });
  });

  it("says how to start a stack if none is running", () => {
    assert.throws(
      () => openTarget({}, new Runs(folder)),
      /No local stack is running\. .*npm start -- --keep/,
    );
  });

  it("gives the remedy if the stack's process exists but the emulator no longer answers", async () => {
    const runs = new Runs(folder);
    const { id } = runs.create();
    const outputs = { database: "d", workgroup: "w" } as StackOutputs;
    runs.publish({ id, endpoint: "http://127.0.0.1:9", outputs });
    const target = openTarget({}, runs);
    const query = runQuery({ athena: target.athena, database: "d", workgroup: "w" }, "SELECT 1");
    const error = await query.then(
      () => assert.fail("answered"),
      (reason: unknown) => reason,
    );
    assert(!(error instanceof QueryFailed));
    assert.match(
      remedy(error, target) ?? "",
      /no longer answers\. Its log: .*emulator\.log\. Start a new one: npm start/,
    );
  });

  it("says where to get the pulumi CLI where --stack needs it", () => {
    process.env.PATH = folder;
    assert.throws(
      () => openTarget({ stack: "dev" }),
      /--stack needs the pulumi CLI, which is not on the PATH\. Install it: https:/,
    );
  });

  it("refuses the outputs of another program, naming what they lack", () => {
    assert.throws(
      () => checkOutputs({ streamName: "s" }, "the stack dev"),
      /The outputs of the stack dev lack way, deliveryStreamName, rawBucket/,
    );
  });
});
