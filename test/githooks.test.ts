// The opt-in pre-commit hook, run by git itself in a repository of its own.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(__dirname, "..");

describe(".githooks/pre-commit", function () {
  this.timeout(60_000);
  let folder: string;

  // A hook that ran this test would pass on the outer repository in GIT_DIR and its like.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")));
  const git = (...args: string[]) => {
    const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    const { status, stdout, stderr } = spawnSync("git", [...identity, ...args], {
      cwd: folder,
      env,
      encoding: "utf8",
    });
    return { status, said: stdout + stderr };
  };
  const commit = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    git("add", name);
    return git("commit", "-m", name);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-hook-"));
    git("init", "-q");
    for (const name of [".githooks", ".gitignore", "biome.json", "ruff.toml"])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    writeFileSync(
      join(folder, "tsconfig.json"),
      `{ "compilerOptions": { "strict": true, "noEmit": true, "types": [], "lib": ["ES5"], "skipLibCheck": true }, "include": ["*.ts"] }\n`,
    );
    writeFileSync(join(folder, ".gitignore"), "node_modules\n.local\n");
    git("config", "core.hooksPath", ".githooks");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const installed = () => {
    for (const name of ["node_modules", ".local"]) symlinkSync(join(ROOT, name), join(folder, name));
  };

  it("accepts files without problems", () => {
    installed();
    assert.equal(commit("good.ts", "export const one = 1;\n").status, 0);
    assert.equal(commit("good.py", "ONE = 1\n").status, 0);
    assert.equal(commit("note.md", "# Note\n").status, 0);
  });

  it("rejects what biome, tsc and ruff reject, and names the file", () => {
    installed();
    for (const [name, text] of [
      ["format.ts", "export const one   = 1\n"],
      ["types.ts", 'export const one: number = "one";\n'],
      ["lint.py", "import os\n"],
      ["format.py", "ONE   =   1\n"],
    ] as const) {
      const { status, said } = commit(name, text);
      assert.notEqual(status, 0, name);
      assert.ok(said.includes(name), `${name}: ${said}`);
      git("rm", "-q", "--cached", name);
      rmSync(join(folder, name));
    }
  });

  it("looks at staged files only", () => {
    installed();
    writeFileSync(join(folder, "other.py"), "import os\n");
    assert.equal(commit("good.py", "ONE = 1\n").status, 0);
  });

  it("says what to run where nothing is installed", () => {
    const { status, said } = commit("good.ts", "export const one = 1;\n");
    assert.notEqual(status, 0);
    assert.match(said, /node_modules\/\.bin\/biome is not installed\. Run: npm run check/);
  });
});
