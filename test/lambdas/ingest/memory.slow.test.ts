// Facts about the memory that the ingest's bundle takes for the worst batches, in a process with Lambda's settings.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { bundleSource } from "../../../infra/blocks/bundle";
import { eventOf, worstBatches } from "./worst-batches";

/** The least that the configuration key ingestMemoryMb allows. */
const MEMORY_MB = 256;
/** What Lambda's Node runtimes start Node with: a tenth for new objects, in two halves, and the rest for old ones. */
const NEW_MB = Math.floor(MEMORY_MB / 10);
const LAMBDA_FLAGS = [
  "--expose-gc",
  `--max-semi-space-size=${Math.floor(NEW_MB / 2)}`,
  `--max-old-space-size=${MEMORY_MB - NEW_MB}`,
];

/** Does what the runtime does: parses the event, calls the handler. Linux counts maxRSS from before the process. */
const HOST = `
const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const [, bundle, event, result] = process.argv;
const status = "/proc/self/status";
const peakKb = () => existsSync(status)
  ? Number(/VmHWM:\\s*(\\d+)/.exec(readFileSync(status, "utf8"))[1])
  : process.resourceUsage().maxRSS;
require(bundle).handler(JSON.parse(readFileSync(event, "utf8")), { awsRequestId: "r" }).then((answer) => {
  writeFileSync(result, JSON.stringify({ answer, peakMb: peakKb() / 1024 }));
  process.exit();
});`;

interface Result {
  answer: { batchItemFailures: unknown[] };
  peakMb: number;
}

/** Takes objects as S3 does, and counts their lines by zone. */
class LineCounter {
  readonly lines: Record<string, number> = {};
  readonly server: Server = createServer((request, response) => {
    if (request.method !== "PUT") {
      response.setHeader("content-type", "application/xml");
      response.end("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
      return;
    }
    const zone = request.url?.split("/")[2] as string;
    const text = request.pipe(createGunzip());
    text.on("data", (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) {
        this.lines[zone] = (this.lines[zone] ?? 0) + 1;
      }
    });
    text.on("end", () => response.end());
  });
}

describe("lambdas/ingest, memory", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "clickstream-memory-"));
  const [bundle, eventFile, resultFile] = ["index.js", "event.json", "result.json"].map((name) =>
    join(folder, name),
  ) as [string, string, string];

  before(() => writeFileSync(bundle, bundleSource("ingest")));
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function ingest(): Promise<Result & { lines: Record<string, number> }> {
    const counter = new LineCounter();
    counter.server.listen(0, "127.0.0.1");
    await once(counter.server, "listening");
    const { port } = counter.server.address() as AddressInfo;
    const child = spawn(process.execPath, [...LAMBDA_FLAGS, "-e", HOST, bundle, eventFile, resultFile], {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...{ STACK: "test", RAW_BUCKET: "raw", EARLIEST_EVENT_TIME: "2000-01-01T00:00:00Z" },
        ...{ LATEST_EVENT_LEAD_HOURS: "24", AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` },
        ...{ AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
      },
    });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const [code] = await once(child, "close");
    counter.server.close();
    assert.equal(code, 0, errors);
    return { ...(JSON.parse(readFileSync(resultFile, "utf8")) as Result), lines: counter.lines };
  }

  for (const batch of worstBatches()) {
    it(`takes less than ${MEMORY_MB} MB for ${batch.what}, and every line lands`, async () => {
      const { event, fillers } = eventOf(batch);
      writeFileSync(eventFile, JSON.stringify(event));
      const { answer, peakMb, lines } = await ingest();
      assert.deepEqual(answer.batchItemFailures, []);
      const expected: Record<string, number> = fillers > 0 ? { quarantine: fillers } : {};
      expected[batch.zone] = (expected[batch.zone] ?? 0) + batch.times * batch.lines;
      assert.deepEqual(lines, expected);
      assert.ok(peakMb < MEMORY_MB, `${Math.round(peakMb)} MB`);
    });
  }
});
