import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Call, sumCalls } from "../../local/requests";

const ROLE = "arn:aws:sts::000000000000:assumed-role/clickstream-dev-job/GlueJobRunnerSession";

function call(time: string, change: Partial<Call> = {}): string {
  const plain: Call = {
    time: `2026-11-26T12:00:${time}Z`,
    principal: ROLE,
    service: "s3",
    operation: "GetObject",
    action: "s3:GetObject",
    resource: "arn:aws:s3:::raw/one",
    status: 200,
    bytes_in: 0,
    bytes_out: 100,
  };
  return `${JSON.stringify({ ...plain, ...change })}\n`;
}

describe("the sums of an execution's calls", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-requests-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (name: string, ...lines: string[]) => writeFileSync(join(folder, name), lines.join(""));
  const at = (seconds: string) => new Date(`2026-11-26T12:00:${seconds}Z`);
  const list = { operation: "ListObjectsV2", action: "s3:ListBucket", bytes_out: 7 };

  it("adds up calls and bytes by service and operation, in their order", async () => {
    write(
      "requests.jsonl",
      call("10.000", { bytes_in: 1 }),
      call("11.000", { bytes_in: 2, status: 404 }),
      call("12.000", list),
      call("13.000", { service: "glue", operation: "GetTable", action: "glue:GetTable", bytes_in: 5 }),
    );
    assert.deepEqual(await sumCalls(folder, at("10"), at("20")), [
      { service: "glue", operation: "GetTable", calls: 1, bytesIn: 5, bytesOut: 100 },
      { service: "s3", operation: "GetObject", calls: 2, bytesIn: 3, bytesOut: 200 },
      { service: "s3", operation: "ListObjectsV2", calls: 1, bytesIn: 0, bytesOut: 7 },
    ]);
  });

  it("leaves out the deployment before, the queries after, and what the command line itself asks", async () => {
    write(
      "requests.jsonl",
      call("09.999"),
      call("10.000"),
      call("15.000", { principal: "arn:aws:iam::000000000000:root" }),
      call("16.000", { principal: "athena.amazonaws.com" }),
      call("20.001"),
    );
    const sums = await sumCalls(folder, at("10"), at("20"));
    assert.deepEqual(
      sums?.map(({ calls }) => calls),
      [2],
    );
  });

  it("reads the files that the emulator has put aside", async () => {
    write("requests.2.jsonl", call("10.000"));
    write("requests.1.jsonl", call("11.000"));
    write("requests.jsonl", call("12.000"));
    assert.equal((await sumCalls(folder, at("10"), at("20")))?.[0]?.calls, 3);
  });

  it("has no sums where lines of that time are already removed", async () => {
    write("requests.3.jsonl", call("11.000"));
    write("requests.jsonl", call("12.000"));
    assert.equal(await sumCalls(folder, at("10"), at("20")), undefined);
    assert.equal((await sumCalls(folder, at("11"), at("20")))?.[0]?.calls, 2);
  });
});
