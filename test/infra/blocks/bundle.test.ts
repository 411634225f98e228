import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import * as os from "node:os";
import * as path from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { bundleLambda, bundleSource, PROJECT_ROOT } from "../../../infra/blocks/bundle";
import { archiveBytes } from "../../../local/deploy/assets";
import { bundleTracker } from "../../../tracker/bundle";

const LAMBDAS = readdirSync(path.join(PROJECT_ROOT, "lambdas")).filter((name) => name !== "shared");
const hash = (text: string) => createHash("sha256").update(text).digest("hex");

describe("infra/blocks/bundle", () => {
  for (const lambda of LAMBDAS) {
    it(`bundles ${lambda} to one file with a handler, and no path of this machine in it`, () => {
      const source = bundleSource(lambda);
      assert.ok(!source.includes(PROJECT_ROOT));
      assert.ok(!source.includes(os.homedir() === "/" ? "\0" : `${os.homedir()}/`));
      const loaded = { exports: {} as { handler?: unknown } };
      new Function("module", "exports", "require", source)(
        loaded,
        loaded.exports,
        createRequire(path.join(PROJECT_ROOT, "index.js")),
      );
      assert.equal(typeof loaded.exports.handler, "function");
    });
  }

  it("makes the same bytes in another process that runs in another folder", () => {
    const script = `const { bundleSource } = require(${JSON.stringify(path.join(PROJECT_ROOT, "infra/blocks/bundle.ts"))});
      process.stdout.write(require("node:crypto").createHash("sha256").update(bundleSource("ingest")).digest("hex"));`;
    const tsx = createRequire(__filename).resolve("tsx");
    const run = spawnSync(process.execPath, ["--import", `file://${tsx}`, "-e", script], {
      cwd: os.tmpdir(),
      encoding: "utf8",
    });
    assert.equal(run.stdout, hash(bundleSource("ingest")), run.stderr);
  });

  it("puts the tracker and the countries beside the collector's code, and nothing beside the others'", async () => {
    const files = await bundleLambda("collector").assets;
    assert.deepEqual(Object.keys(files).sort(), ["clickstream.js", "country.mmdb", "index.js"]);
    const { "clickstream.js": script, "country.mmdb": countries } = files;
    assert.equal(await (script as pulumi.asset.StringAsset).text, bundleTracker().code);
    const file = await (countries as pulumi.asset.FileAsset).path;
    assert.ok(!path.isAbsolute(file), file);
    assert.deepEqual(Object.keys(await bundleLambda("ingest").assets), ["index.js"]);
  });

  it("makes the same archive each time, small enough to upload it in one call", async () => {
    const zip = await archiveBytes(bundleLambda("collector"), PROJECT_ROOT);
    assert.ok(zip.equals(await archiveBytes(bundleLambda("collector"), PROJECT_ROOT)));
    // Lambda takes 50 MB in a call of its API.
    assert.ok(zip.length > 2e6 && zip.length < 10e6, `${zip.length} bytes`);
  });
});
