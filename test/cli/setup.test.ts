// What set-up decides: which tools are missing, and which parts are out of date. Nothing is installed here.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Part } from "../../cli/arguments/types";
import { findJava, findPython, findTools, MissingTools, nodeIsTooOld } from "../../cli/prerequisites.mjs";
import { excerpt, setUp, setupParts, stale } from "../../cli/setup.mjs";

describe("cli/setup", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-setup-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function tool(name: string, script: string): string {
    const path = join(folder, "bin", name);
    mkdirSync(join(folder, "bin"), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  function jdk(version: string): string {
    const home = join(folder, `jdk-${version}`);
    mkdirSync(join(home, "bin"), { recursive: true });
    writeFileSync(join(home, "bin", "java"), "");
    writeFileSync(join(home, "release"), `IMPLEMENTOR="Somebody"\nJAVA_VERSION="${version}"\n`);
    return home;
  }

  it("requires Node 20.19 or later", () => {
    assert.equal(nodeIsTooOld("20.18.3"), true);
    assert.equal(nodeIsTooOld("18.20.0"), true);
    assert.equal(nodeIsTooOld("20.19.0"), false);
    assert.equal(nodeIsTooOld("24.1.0"), false);
  });

  it("takes the Python that has venv and pip, in the order of preference", () => {
    tool("python3.11", "exit 127"); // a shim of a version that is not active
    tool("python3.12", 'echo "3.12.4 0 /opt/python3.12"'); // Debian's without python3-venv
    tool("python3.10", 'echo "3.10.9 1 /opt/python3.10"');
    assert.equal(findPython({ PATH: join(folder, "bin") }).path, "/opt/python3.10");
  });

  it("says why no Python fits", () => {
    tool("python3.12", 'echo "3.12.4 0 /opt/python3.12"');
    tool("python3", 'echo "3.13.1 1 /opt/python3"');
    const { problem = "" } = findPython({ PATH: join(folder, "bin") });
    assert.match(problem, /python3\.12 is 3\.12\.4, without venv and pip; python3 is 3\.13\.1\./);
  });

  it("uses CLICKSTREAM_PYTHON and nothing else where it is set", () => {
    tool("python3.11", 'echo "3.11.7 1 /opt/python3.11"');
    const { problem = "" } = findPython({ PATH: join(folder, "bin"), CLICKSTREAM_PYTHON: "/no/python" });
    assert.match(problem, /CLICKSTREAM_PYTHON=\/no\/python does not run/);
  });

  it("accepts only Java 17", () => {
    assert.equal(findJava({ JAVA_HOME: jdk("17.0.15") }).home, join(folder, "jdk-17.0.15"));
    for (const version of ["1.8.0_402", "11.0.2", "21.0.1"]) {
      const found = findJava({ JAVA_HOME: jdk(version), PATH: "" });
      // Where this machine has a 17 at Debian's place, that one is taken instead.
      if (found.problem) assert.match(found.problem, /JAVA_HOME is Java (8|11|21)\./);
      else assert.match(found.home ?? "", /^\/usr\/lib\/jvm\//);
    }
  });

  it("names all missing tools in one message, with the remedy of each system", () => {
    try {
      findTools({ PATH: join(folder, "bin"), CLICKSTREAM_PYTHON: "/no/python", JAVA_HOME: "/no/java" });
    } catch (error) {
      assert(error instanceof MissingTools);
      assert.match(error.message, /Python 3\.10, 3\.11 or 3\.12/);
      assert.match(error.message, /Debian, Ubuntu: sudo apt-get install python3\.11/);
      assert.match(error.message, /macOS: +brew install/);
      assert.match(error.message, /WSL/);
      return;
    }
    assert.fail("nothing was missing");
  });

  it("shows the first error of npm's output, not the usage that follows", () => {
    const usage = Array.from({ length: 60 }, (_, index) => `npm error   --option-${index}`);
    const output = [
      "npm warn old",
      "npm error code EUSAGE",
      "npm error",
      "npm error Missing: a@1",
      ...usage,
    ].join("\n");
    assert.deepEqual(excerpt(output).slice(0, 2), ["npm error code EUSAGE", "npm error Missing: a@1"]);
    assert.deepEqual(excerpt("Collecting a\nERROR: no such package\n"), [
      "Collecting a",
      "ERROR: no such package",
    ]);
  });

  describe("what is out of date", () => {
    beforeEach(() => {
      mkdirSync(join(folder, "emulator", "glue"), { recursive: true });
      mkdirSync(join(folder, "node_modules"));
      mkdirSync(join(folder, ".local", "venv", "bin"), { recursive: true });
      mkdirSync(join(folder, ".local", "jars"));
      writeFileSync(join(folder, "package-lock.json"), "{}");
      writeFileSync(join(folder, "emulator", "requirements.txt"), "one==1\n");
      writeFileSync(join(folder, "emulator", "glue", "spark-jars.json"), "[]\n");
    });

    const all = ["npm", "python", "jars"] as const;
    const outOfDate = () => stale(setupParts(folder, {}), [...all]);

    it("is everything on a fresh clone", () => {
      assert.deepEqual(outOfDate(), ["npm", "python", "jars"]);
    });

    it("is nothing when the stamps are those of the lock files, and just the part whose lock file changed", async () => {
      await installWithFakes();
      assert.deepEqual(outOfDate(), []);
      writeFileSync(join(folder, "emulator", "requirements.txt"), "one==2\n");
      assert.deepEqual(outOfDate(), ["python"]);
    });

    it("is the environment when somebody removed it", async () => {
      await installWithFakes();
      rmSync(join(folder, ".local", "venv"), { recursive: true });
      assert.deepEqual(outOfDate(), ["python"]);
    });

    it("stays out of date after a set-up that failed, whose message has the end of the output and the log", async () => {
      tool("npm", "echo 'npm error network is down'; exit 1");
      await assert.rejects(install(["npm"]), (error: Error) => {
        assert.match(error.message, /Set-up failed: npm packages/);
        assert.match(error.message, /npm error network is down/);
        assert.match(error.message, /\.local\/setup\.log/);
        return true;
      });
      assert.deepEqual(stale(setupParts(folder, {}), ["npm"]), ["npm"]);
    });

    function install(needs: Part[]): Promise<Record<string, string>> {
      const output = { write: () => true, isTTY: false };
      const env = { PATH: `${join(folder, "bin")}:${process.env.PATH}`, JAVA_HOME: jdk("17.0.15") };
      return setUp({ root: folder, needs, env, output });
    }

    /** Set-up for real, with an npm and a Python that install nothing. */
    async function installWithFakes(): Promise<void> {
      tool("npm", "exit 0");
      tool(
        "python3.11",
        [
          `case "$2" in`,
          `  venv) mkdir -p "$3/bin"; printf '#!/bin/sh\\nexit 0\\n' > "$3/bin/python"; chmod +x "$3/bin/python";;`,
          `  *fcntl*) echo locked; cat > /dev/null;;`,
          `  *) echo "3.11.7 1 ${join(folder, "bin", "python3.11")}";;`,
          "esac",
        ].join("\n"),
      );
      await install([...all]);
    }
  });
});
