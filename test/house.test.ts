// The house: which folder may import which, and that no file imports itself through others (docs/architecture.md has
// the same floors).
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(__dirname, "..");
/** The pattern of cli/checks/steps.ts. */
const NAMED = /(^|[/.])(emulator|spark|slow)\.test\.ts$/;
/** Each floor may import from itself and from those below it, never from one above. */
const FLOORS = [
  ["bench"],
  ["cli", "demo"],
  ["local"],
  ["stack"],
  ["index.ts"],
  ["infra", "policy"],
  ["lambdas", "statemachine", "schema", "tracker"],
];

const folderPattern = (names: string[]) =>
  `^(${names.map((name) => name.replace(".", "\\.")).join("|")})(/|$)`;

async function violations(rules: object[]): Promise<string[]> {
  // An ES module, which require() does not take on Node 20.
  const { cruise } = await import("dependency-cruiser");
  const { output } = await cruise(FLOORS.flat(), {
    baseDir: ROOT,
    validate: true,
    ruleSet: { forbidden: rules as never },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)node_modules/" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: [".ts", ".mjs", ".cjs", ".json", ".d.mts"] },
  });
  if (typeof output === "string") throw new Error(output);
  assert.ok((output.summary.totalDependenciesCruised ?? 0) > 300, "the imports were not found");
  return output.summary.violations.map(({ from, to }) => `${from} → ${to}`);
}

describe("the house", function () {
  this.timeout(60_000);

  it("imports from its own floor and from lower ones only", async () => {
    const rules = FLOORS.slice(1).map((floor, below) => ({
      name: `not above ${floor.join(", ")}`,
      severity: "error",
      from: { path: folderPattern(floor) },
      to: { path: folderPattern(FLOORS.slice(0, below + 1).flat()) },
    }));
    assert.deepEqual(await violations(rules), []);
  });

  it("is drawn in docs/architecture.md as it is", () => {
    const section = readFileSync(join(ROOT, "docs/architecture.md"), "utf8").split("\n## Floors\n")[1] ?? "";
    const drawn = /```text\n([\s\S]*?)\n```/.exec(section)?.[1]?.split("\n");
    assert.deepEqual(
      drawn,
      FLOORS.map((floor) => floor.join(", ")),
    );
  });

  it("has no import cycle", async () => {
    assert.deepEqual(
      await violations([{ name: "no cycle", severity: "error", from: {}, to: { circular: true } }]),
      [],
    );
  });

  it("names each test that starts the emulator or Spark so, since npm run check leaves those out by their name", () => {
    const files = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" });
    const tests = files.filter((path) => path.endsWith(".test.ts") && !path.startsWith("e2e/"));
    const starts =
      /local\/emulator-process"|\bupStack\b.*local\/stack"|bench of \["(pipeline|spark|objects|privacy)"/;
    assert.deepEqual(
      tests.filter(
        (path) => starts.test(readFileSync(join(ROOT, "test", path), "utf8")) && !NAMED.test(path),
      ),
      [],
    );
    assert.ok(tests.some((path) => NAMED.test(path)));
  });

  it("names each test that starts a browser so, since it is left out where there is none", () => {
    const files = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" });
    const starts = files.filter(
      (path) =>
        path.endsWith(".test.ts") && /browser\/launch"/.test(readFileSync(join(ROOT, "test", path), "utf8")),
    );
    assert.deepEqual(
      starts.filter((path) => !path.endsWith(".browser.test.ts")),
      [],
    );
    assert.ok(starts.length > 0);
  });
});
