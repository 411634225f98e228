// What a sender refused lies in the quarantine as the line that it was, with the sender's reason.

import assert from "node:assert/strict";
import { ingestBatch } from "../../../lambdas/ingest/batch";
import { readWindow } from "../../../lambdas/ingest/window";
import { REFUSED_NAME, type Refused, readRefused, refusedLine } from "../../../lambdas/shared/refused";
import { FakeClock, FakeS3, kinesisRecord } from "../fakes";

const REFUSED: Refused = {
  reason: "not_a_log_line",
  detail: "Line 3: column 5: expected a time.",
  payload: 'a "line"\r\nof two lines',
  payload_encoding: "utf8",
};

async function quarantined(record: string) {
  const s3 = new FakeS3();
  await ingestBatch([kinesisRecord(record, "1")], {
    s3: s3.client,
    bucket: "raw",
    stack: "clickstream-test",
    window: readWindow({ EARLIEST_EVENT_TIME: "2000-01-01T00:00:00Z", LATEST_EVENT_LEAD_HOURS: "24" }),
    clock: new FakeClock(),
    log: () => undefined,
  });
  return s3.keys("quarantine/").flatMap((key) => s3.lines(key));
}

describe("lambdas/ingest: refused lines", () => {
  it("keeps the original line, with the sender's reason and detail", async () => {
    const base64: Refused = { ...REFUSED, reason: "too_large", payload: "/w==", payload_encoding: "base64" };
    const lines = await quarantined(`${refusedLine(REFUSED)}\n${refusedLine(base64)}\n`);
    const place = {
      shard_id: "shardId-000000000000",
      sequence_number: "1",
      arrival_time: "2026-11-21 09:00:01.123",
    };
    assert.deepEqual(lines, [
      { ...REFUSED, ...place, position: 0 },
      { ...base64, ...place, position: 1 },
    ]);
  });

  it("checks similar objects from producers as events", async () => {
    for (const object of [
      { [REFUSED_NAME]: { ...REFUSED, reason: "made_up" } },
      { [REFUSED_NAME]: { ...REFUSED, payload: 1 } },
      { [REFUSED_NAME]: { ...REFUSED, payload_encoding: "latin1" } },
      { [REFUSED_NAME]: "x" },
      { [REFUSED_NAME]: REFUSED, more: 1 },
    ]) {
      assert.equal(readRefused(object), undefined);
      const [line] = await quarantined(JSON.stringify(object));
      assert.deepEqual([line?.reason, line?.payload], ["missing_event_type", JSON.stringify(object)]);
    }
  });
});
