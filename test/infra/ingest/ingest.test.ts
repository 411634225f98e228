import assert from "node:assert/strict";
import { evaluate } from "../program";

const MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping";
const FUNCTION = "aws:lambda/function:Function";

describe("infra/ingest/ingest", () => {
  it("maps the stream to the ingest so that no record is lost or stops the others", async () => {
    const program = await evaluate({ batchSize: "500", batchWindowSeconds: "5", ingestRecordAgeHours: "2" });
    const { tags, ...mapping } = program.named(MAPPING, "clickstream-ingest");
    assert.ok(tags);
    assert.deepEqual(mapping, {
      eventSourceArn: "arn:aws:kinesis/stream:Stream:clickstream-stream",
      functionName: "clickstream-ingest-id",
      startingPosition: "TRIM_HORIZON",
      batchSize: 500,
      maximumBatchingWindowInSeconds: 5,
      functionResponseTypes: ["ReportBatchItemFailures"],
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: 10,
      maximumRecordAgeInSeconds: 7200,
      destinationConfig: { onFailure: { destinationArn: "arn:aws:s3:::clickstream-raw-id" } },
      metricsConfig: { metrics: ["EventCount"] },
    });
  });

  it("hands its configuration to the functions", async () => {
    const program = await evaluate({
      earliestEventTime: "2020-02-29T00:00:00Z",
      latestEventLeadHours: "1",
      ingestMemoryMb: "1024",
    });
    const ingest = program.named(FUNCTION, "clickstream-ingest");
    assert.deepEqual(ingest.environment, {
      variables: {
        STACK: "clickstream-test",
        RAW_BUCKET: "clickstream-raw-id",
        EARLIEST_EVENT_TIME: "2020-02-29T00:00:00Z",
        LATEST_EVENT_LEAD_HOURS: "1",
      },
    });
    assert.equal(ingest.memorySize, 1024);
    assert.deepEqual(program.named(FUNCTION, "clickstream-await-ingest").environment, {
      variables: { RAW_BUCKET: "clickstream-raw-id" },
    });
    assert.deepEqual(program.named(FUNCTION, "clickstream-simulator").environment, {
      variables: { STREAM_NAME: "clickstream-stream-id" },
    });
  });

  it("runs every function on Node 24, arm64", async () => {
    for (const { inputs } of (await evaluate()).of(FUNCTION)) {
      assert.deepEqual(
        [inputs.runtime, inputs.architectures, inputs.handler],
        ["nodejs24.x", ["arm64"], "index.handler"],
      );
    }
  });
});
