// The collector as it is deployed: its archive unpacked, its handler called, against a stand-in for AWS over HTTP.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { bundleLambda, PROJECT_ROOT } from "../../../infra/blocks/bundle";
import { bundleTracker } from "../../../tracker/bundle";
import { ARRIVAL, gatewayEvent, type Line, type Sent } from "./api";

type Handler = (
  event: APIGatewayProxyEventV2,
  context?: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

const EVENT = { event_type: "page_view", event_time: new Date(ARRIVAL).toISOString(), user_id: "u" };
const SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:write-key";

/** Kinesis and Secrets Manager, as far as the collector calls them. */
class FakeAws {
  readonly lines: Line[] = [];
  hangs = false;
  private readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      if (this.hangs) return;
      const answer = this.answer(
        String(request.headers["x-amz-target"]),
        JSON.parse(Buffer.concat(chunks).toString()),
      );
      response.setHeader("content-type", "application/x-amz-json-1.1").end(JSON.stringify(answer));
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private answer(target: string, input: Line): object {
    if (target === "secretsmanager.GetSecretValue") {
      assert.equal(input.SecretId, SECRET);
      return { SecretString: "key-1" };
    }
    assert.equal(target, "Kinesis_20131202.PutRecords");
    assert.equal(input.StreamName, "events");
    const records = input.Records as { Data: string }[];
    for (const { Data } of records) {
      this.lines.push(
        ...Buffer.from(Data, "base64")
          .toString()
          .split("\n")
          .map((line) => JSON.parse(line)),
      );
    }
    return {
      FailedRecordCount: 0,
      Records: records.map(() => ({ SequenceNumber: "1", ShardId: "shardId-0" })),
    };
  }
}

async function unpack(folder: string): Promise<void> {
  for (const [name, asset] of Object.entries(await bundleLambda("collector").assets)) {
    const content =
      asset instanceof pulumi.asset.StringAsset
        ? await asset.text
        : readFileSync(resolve(PROJECT_ROOT, await (asset as pulumi.asset.FileAsset).path));
    writeFileSync(join(folder, name), content);
  }
}

describe("lambdas/collector/handler", () => {
  const aws = new FakeAws();
  const environmentBefore = { ...process.env };
  let folder: string;
  let endpoint: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "collector-"));
    await unpack(folder);
    endpoint = await aws.start();
  });

  after(() => {
    aws.stop();
    rmSync(folder, { recursive: true });
  });

  afterEach(() => {
    process.env = { ...environmentBefore };
  });

  /** A new execution environment of the function. */
  function started(
    environment: Record<string, string> = {},
  ): (url: string, sent?: Sent, leftMs?: number) => Promise<APIGatewayProxyStructuredResultV2> {
    Object.assign(process.env, {
      ...{ AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
      AWS_ENDPOINT_URL: endpoint,
      ...{ STREAM_NAME: "events", IP_RULE: "mask", USER_AGENT_RULE: "drop", WRITE_KEY_SECRET_ARN: "" },
      ...{ RESPECT_GPC: "false", RESPECT_DNT: "false" },
      ...environment,
    });
    const path = join(folder, "index.js");
    delete require.cache[path];
    const { handler } = require(path) as { handler: Handler };
    return (url, sent = {}, leftMs = 20_000) =>
      handler(gatewayEvent(url, sent), {
        awsRequestId: "r",
        getRemainingTimeInMillis: () => leftMs,
      } as Context);
  }

  it("stores events with what the files in its archive know, and serves the tracker", async () => {
    const call = started();
    assert.equal((await call("/health")).statusCode, 200);
    const answer = await call("/v1/events", { method: "POST", body: JSON.stringify(EVENT) });
    assert.deepEqual([answer.statusCode, answer.body], [200, '{"stored":1}']);
    const { event_id: _, ...line } = aws.lines.at(-1) as Line;
    assert.deepEqual(line, {
      ...EVENT,
      device_type: "desktop",
      browser: "Chrome",
      os: "Windows",
      geo: { ip: "193.99.144.0", country: "DE" },
    });
    const script = Buffer.from((await call("/clickstream.js")).body ?? "", "base64");
    // What the integrity attribute of the script element is compared with.
    assert.equal(`sha384-${createHash("sha384").update(script).digest("base64")}`, bundleTracker().integrity);
  });

  it("reads rules, signals and the write key's secret from its environment", async () => {
    const call = started({ IP_RULE: "drop", WRITE_KEY_SECRET_ARN: SECRET, RESPECT_GPC: "true" });
    const sent = { method: "POST", body: JSON.stringify(EVENT) };
    assert.equal((await call("/v1/events", sent)).statusCode, 401);
    const headers = { "sec-gpc": "1" };
    assert.equal((await call("/v1/events?writeKey=key-1", { ...sent, headers })).statusCode, 200);
    assert.equal((await call("/v1/events?writeKey=key-1", sent)).statusCode, 200);
    const [first, second] = aws.lines.slice(-2) as [Line, Line];
    assert.match(first.session_id, /^anonymous-/);
    assert.deepEqual([first.user_id, second.user_id, second.geo], [undefined, "u", { country: "DE" }]);
  });

  it("answers 503 before its own timeout if the stream does not answer", async () => {
    const call = started();
    aws.hangs = true;
    const startedMs = Date.now();
    const answer = await call("/v1/events", { method: "POST", body: JSON.stringify(EVENT) }, 5_000);
    aws.hangs = false;
    assert.deepEqual([answer.statusCode, answer.headers?.["retry-after"]], [503, "5"]);
    assert.ok(Date.now() - startedMs < 5_000);
  });

  it("names the variables that are missing", async () => {
    await assert.rejects(started({ IP_RULE: "", RESPECT_DNT: "" })("/health"), /lacks IP_RULE, RESPECT_DNT/);
    await assert.rejects(
      started({ STREAM_NAME: "" })("/health"),
      /must set exactly one of STREAM_NAME and DELIVERY_STREAM_NAME/,
    );
  });
});
