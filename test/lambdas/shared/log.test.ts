// Tests the log lines of the Lambdas' own handlers, run against a small server that answers for AWS.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Context } from "aws-lambda";
import { handler as awaitIngest } from "../../../lambdas/await-ingest/handler";
import { handler as ingest } from "../../../lambdas/ingest/handler";
import { handler as lookForNew } from "../../../lambdas/look-for-new/handler";
import { jsonLog, takeExecution } from "../../../lambdas/shared/log";
import { handler as simulator } from "../../../lambdas/simulator/handler";
import { kinesisRecord, SHARD } from "../fakes";

const CONTEXT = { awsRequestId: "request-1", getRemainingTimeInMillis: () => 60_000 } as unknown as Context;
const LIST = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
const EVENT =
  '{"event_type":"x","event_time":"2026-11-21T09:00:00Z","user_id":"u-secret","email":"a@b.example"}';

/** What a call of `work` writes to stdout, a line each. */
async function linesOf(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const write = process.stdout.write;
  let text = "";
  process.stdout.write = (chunk: string | Uint8Array): boolean => {
    text += String(chunk);
    return true;
  };
  try {
    await work();
  } finally {
    process.stdout.write = write;
  }
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function assertForm(lines: Record<string, unknown>[], context: Record<string, string>): void {
  assert.ok(lines.length > 0);
  for (const line of lines) {
    assert.match(String(line.timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(["INFO", "WARN", "ERROR"].includes(String(line.level)));
    assert.ok(String(line.message).length > 0);
    for (const [key, value] of Object.entries(context)) assert.equal(line[key], value);
  }
}

describe("lambdas/shared/log", () => {
  let server: Server;
  let status: number;
  const before_ = { ...process.env };

  before(async () => {
    server = createServer((request, response) => {
      const isKinesis = String(request.headers["x-amz-target"] ?? "").startsWith("Kinesis");
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => {
        response.statusCode = status;
        if (!isKinesis) return response.end(request.method === "GET" ? LIST : "");
        const { Records } = JSON.parse(body) as { Records: unknown[] };
        const answer = Records.map((_, index) => ({ ShardId: SHARD, SequenceNumber: String(index + 1) }));
        response.setHeader("content-type", "application/x-amz-json-1.1");
        return response.end(JSON.stringify({ FailedRecordCount: 0, Records: answer }));
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "a",
      AWS_SECRET_ACCESS_KEY: "s",
      AWS_MAX_ATTEMPTS: "1",
      RAW_BUCKET: "raw",
      CURATED_BUCKET: "curated",
      STREAM_RETENTION_HOURS: "24",
      GIVEN_UP_PREFIX: "aws/lambda/",
      STACK: "clickstream-test",
      STREAM_NAME: "events",
      EARLIEST_EVENT_TIME: "2000-01-01T00:00:00Z",
      LATEST_EVENT_LEAD_HOURS: "24",
    });
  });
  beforeEach(() => {
    status = 200;
  });
  after(async () => {
    for (const key of Object.keys(process.env)) if (!(key in before_)) delete process.env[key];
    Object.assign(process.env, before_);
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  it("has the batch's key in every line of the ingest, as in the raw object's key", async () => {
    const event = { Records: [kinesisRecord(EVENT, "100"), kinesisRecord("broken", "101")] };
    const lines = await linesOf(() => ingest(event, CONTEXT));
    assertForm(lines, { requestId: "request-1", batch: `${SHARD}-100-101` });
    const [{ keys = [] } = {}] = lines as { keys?: string[] }[];
    assert.equal(keys.length, 2);
    for (const key of keys) assert.ok(key.endsWith(`/${SHARD}-100-101.jsonl.gz`));
  });

  it("has the batch's key in the line of a failed batch", async () => {
    status = 403;
    const lines = await linesOf(() => ingest({ Records: [kinesisRecord(EVENT, "7")] }, CONTEXT));
    assertForm(lines, { level: "ERROR", batch: `${SHARD}-7-7` });
  });

  it("has the execution's name in every line of Lambdas that the state machine calls, also on failure", async () => {
    const execution = "run-1";
    const asked = { since: "2026-11-21T09:00:00Z", shards: {}, execution };
    assertForm(await linesOf(() => awaitIngest(asked, CONTEXT)), { requestId: "request-1", execution });
    const sent = await linesOf(() => simulator({ events: 5, seed: 1, execution }, CONTEXT));
    assertForm(sent, { requestId: "request-1", execution });
    // The server's answer to each GET is a listing, which is no head.
    const looked = await linesOf(() => lookForNew({ execution }, CONTEXT));
    assertForm(looked, { level: "INFO", requestId: "request-1", execution, reason: "unknown_head" });
    const unknown = await linesOf(() => assert.rejects(lookForNew({ execution, since: 1 }, CONTEXT)));
    assertForm(unknown, { level: "ERROR", error: "InvalidInput", execution });
    const refused = await linesOf(() => assert.rejects(awaitIngest({ since: "now", execution }, CONTEXT)));
    assertForm(refused, { level: "ERROR", error: "InvalidInput", execution });
    const failed = await linesOf(() => assert.rejects(simulator({ events: 0, execution }, CONTEXT)));
    assertForm(failed, { level: "ERROR", error: "InvalidInput", execution });
  });

  it("logs no data of events", async () => {
    const event = { Records: [kinesisRecord(`${EVENT}\nnot json: a@b.example`, "1")] };
    const text = JSON.stringify(await linesOf(() => ingest(event, CONTEXT)));
    for (const personal of ["a@b.example", "u-secret"]) assert.ok(!text.includes(personal));
  });

  it("writes fields at the top level, and the caller cannot overwrite the log's own fields", () => {
    const lines: string[] = [];
    const log = jsonLog(
      { requestId: "r", execution: "e" },
      (line) => lines.push(line),
      () => 0,
    );
    log({ level: "WARN", message: "m", events: 3 });
    assert.deepEqual(lines, [
      '{"timestamp":"1970-01-01T00:00:00.000Z","level":"WARN","message":"m","requestId":"r","execution":"e","events":3}\n',
    ]);
  });

  it("separates the execution's name from the input, and keeps any other input unchanged", () => {
    assert.deepEqual(takeExecution({ execution: "e", a: 1 }), { execution: "e", rest: { a: 1 } });
    for (const input of [undefined, null, [1], "text", { a: 1 }, { execution: 1 }]) {
      assert.deepEqual(takeExecution(input), { rest: input });
    }
  });
});
