// The words for the states of an execution: each task of the state machine has some, in every way.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { STATE_WORDS } from "../../../cli/view/follow";

const FOLDER = join(__dirname, "..", "..", "..", "statemachine");

describe("cli/view/follow", () => {
  it("has words for each task of the state machine and its parts", () => {
    const parts = readdirSync(join(FOLDER, "parts")).filter((name) => name.endsWith(".json"));
    const files = ["pipeline.asl.json", ...parts.map((name) => join("parts", name))];
    const tasks = files.flatMap((file) => {
      const { States } = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as {
        States: Record<string, { Type: string }>;
      };
      return Object.entries(States).flatMap(([name, { Type }]) => (Type === "Task" ? [name] : []));
    });
    assert.ok(tasks.length >= 20, `${tasks.length} tasks`);
    const without = tasks.filter((name) => STATE_WORDS[name] === undefined);
    assert.deepEqual(without, []);
  });
});
