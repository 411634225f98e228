// The permissions that docs/live.md lists are those that the live view's calls need.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..", "..");

describe("docs/live.md", () => {
  it("lists the permissions of the calls in cli/live, and no others", () => {
    const files = readdirSync(join(ROOT, "cli", "live")).filter((name) => name.endsWith(".ts"));
    const calls = files.flatMap((name) => {
      const text = readFileSync(join(ROOT, "cli", "live", name), "utf8");
      return [...text.matchAll(/import \{([^}]*)\} from "@aws-sdk\/client-([\w-]+)"/g)].flatMap(
        ([, names = "", client = ""]) =>
          [...names.matchAll(/\b(\w+)Command\b/g)].map(([, command]) => `${client}:${command}`),
      );
    });
    const document = readFileSync(join(ROOT, "docs", "live.md"), "utf8");
    const policy = JSON.parse(/```json\n([\s\S]*?)```/.exec(document)?.[1] ?? "") as {
      Statement: { Action: string[] }[];
    };
    assert.deepEqual(policy.Statement.flatMap(({ Action }) => Action).sort(), [...new Set(calls)].sort());
    assert.equal(calls.length, 4);
  });
});
