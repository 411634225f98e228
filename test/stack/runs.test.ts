// The folders of runs: which one is up, and which are cleared away.
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StackOutputs } from "../../stack/outputs";
import { NoStackUp, Runs } from "../../stack/runs";

describe("stack/runs", () => {
  let folder: string;
  let runs: Runs;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-runs-"));
    runs = new Runs(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function up(endpoint: string): string {
    const { id } = runs.create();
    runs.publish({ id, endpoint, outputs: {} as StackOutputs });
    return id;
  }

  /** A run whose process is gone: no process has this id. */
  function dead(id: string): void {
    mkdirSync(join(folder, id));
    writeFileSync(join(folder, id, "owner.json"), JSON.stringify({ pid: 2 ** 22 + 1 }));
    writeFileSync(join(folder, id, "stack.json"), JSON.stringify({ id, endpoint: "http://127.0.0.1:9" }));
  }

  it("finds the newest stack that is up, or the named one", async () => {
    const first = up("http://127.0.0.1:1");
    await new Promise((resolve) => setTimeout(resolve, 1100)); // ids have the second
    const second = up("http://127.0.0.1:2");
    assert.equal(runs.find().id, second);
    assert.equal(runs.find(first).endpoint, "http://127.0.0.1:1");
  });

  it("says how to start a stack when none is up, also when a dead one has left its folder", () => {
    assert.throws(
      () => runs.find(),
      /No local stack is running\. Start one in another terminal: npm start -- --keep/,
    );
    dead("20260101-000000-aaaa");
    assert.throws(() => runs.find(), NoStackUp);
    assert.throws(
      () => runs.find("20260101-000000-aaaa"),
      /The local run 20260101-000000-aaaa is not running/,
    );
  });

  it("does not take another process for the owner that had the same process id", () => {
    const id = up("http://127.0.0.1:1");
    const owner = join(folder, id, "owner.json");
    const { pid, started } = JSON.parse(readFileSync(owner, "utf8"));
    if (started === undefined) return; // only Linux tells when a process began
    writeFileSync(owner, JSON.stringify({ pid, started: `${Number(started) - 1}` }));
    assert.throws(() => runs.find(), NoStackUp);
  });

  it("keeps the last three dead runs and every living one", () => {
    const living = up("http://127.0.0.1:1");
    const ids = ["a", "b", "c", "d", "e"].map((letter) => `20260101-00000${letter.charCodeAt(0) - 97}-aaaa`);
    for (const id of ids) dead(id);
    const created = runs.create().id;
    assert.deepEqual(readdirSync(folder).sort(), [...ids.slice(2), living, created].sort());
    runs.remove(created);
    assert.equal(existsSync(join(folder, created)), false);
  });
});
