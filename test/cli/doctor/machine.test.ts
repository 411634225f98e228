// Each check of the machine, passing and failing, with made-up answers of the machine.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Check, machineChecks, type Probe } from "../../../cli/doctor/machine.mjs";

const ROOT = join(__dirname, "..", "..", "..");
const WELL: Probe = {
  nodeVersion: () => "22.3.0",
  npmVersion: () => "10.8.0",
  python: () => ({ version: "3.11.2" }),
  java: (_, major) => ({ version: `${major}, installed by the set-up` }),
  freeBytes: () => 50e9,
  listen: async () => undefined,
  staleParts: () => [],
  browser: () => ({ path: "/usr/bin/chromium", installable: false }),
};

const check = async (name: string, broken: Probe): Promise<Check | undefined> =>
  (await machineChecks(ROOT, {}, { ...WELL, ...broken })).find((one) => one.name === name);

describe("cli/doctor/machine", () => {
  it("finds no problem on a complete machine", async () => {
    const checks = await machineChecks(ROOT, {}, WELL);
    assert.deepEqual(new Set(checks.map(({ state }) => state)), new Set(["ok"]));
    assert.equal(checks.length, 14);
  });

  it("names each problem and its remedy", async () => {
    const broken: [string, Probe, RegExp, RegExp][] = [
      ["Node.js", { nodeVersion: () => "18.20.0" }, /18\.20\.0/, /install 20\.19 or later/],
      ["npm", { npmVersion: () => "8.1.0" }, /8\.1\.0/, /npm install -g npm@10/],
      ["npm", { npmVersion: () => undefined }, /not on the PATH/, /npm install -g/],
      [
        "Python",
        { python: () => ({ problem: "Python 3.10: none\n  apt install it" }) },
        /none/,
        /apt install it/,
      ],
      ["Java for Spark", { java: () => ({ problem: "Java 17: none\n  set it" }) }, /none/, /set it/],
      ["Java for Trino", { java: () => ({ problem: "Java 25: none\n  set it" }) }, /none/, /set it/],
      ["Disk", { freeBytes: () => 1e9 }, /1\.0 GB free/, /free 3 GB/],
      ["Ports", { listen: () => Promise.reject(new Error("listen EPERM")) }, /EPERM/, /127\.0\.0\.1/],
    ];
    for (const [name, probe, says, remedy] of broken) {
      const found = await check(name, probe);
      assert.equal(found?.state, "bad", name);
      assert.match(found?.says ?? "", says);
      assert.match(found?.remedy ?? "", remedy);
    }
  });

  it("does not report parts that are not set up yet as problems", async () => {
    const found = await check("Spark's S3 jars", { staleParts: () => ["jars"] });
    assert.deepEqual([found?.state, found?.remedy], ["unknown", "npm start or npm test installs it"]);
  });

  it("says where the browser of the tests is, or what becomes of them without one", async () => {
    const name = "Browser for tests";
    assert.equal((await check(name, {}))?.says, "/usr/bin/chromium");
    const later = await check(name, { browser: () => ({ installable: true }) });
    assert.deepEqual([later?.state, later?.remedy], ["unknown", "npm test installs it"]);
    const never = await check(name, { browser: () => ({ installable: false }) });
    assert.equal(never?.state, "unknown");
    assert.match(never?.says ?? "", /npm test leaves the browser tests out/);
    assert.match(never?.remedy ?? "", /CLICKSTREAM_BROWSER=/);
  });

  it("prints one line per check, or one JSON document, and no stack trace", () => {
    const doctor = (...args: string[]) =>
      spawnSync(process.execPath, [join(ROOT, "cli", "main.mjs"), "doctor", ...args], { encoding: "utf8" });
    const plain = doctor();
    assert.match(plain.stdout, /^✓ Node\.js +\d+\.\d+\.\d+$/m);
    assert.equal(plain.stderr, "");
    const { checks } = JSON.parse(doctor("--json").stdout) as { checks: Check[] };
    assert.equal(plain.status, checks.some(({ state }) => state === "bad") ? 1 : 0);
    const nowhere = doctor("--stack", "nowhere");
    assert.equal(nowhere.status, 1);
    assert.match(
      nowhere.stdout,
      /✗ Configuration +The stack nowhere has no configuration .* → pulumi stack init nowhere/,
    );
    assert.doesNotMatch(nowhere.stdout + nowhere.stderr, /\n\s+at /);
  }).timeout(60_000);
});
