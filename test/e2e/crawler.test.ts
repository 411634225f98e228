// With `crawler`: the table shows what it shows without, also after a reprocess. A day and a column put there by hand are added.
import assert from "node:assert/strict";
import { GetCrawlerCommand, GetPartitionsCommand, GetTableCommand } from "@aws-sdk/client-glue";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { parquetWriteBuffer } from "hyparquet-writer";
import { Lake } from "./lake";

const DAYS = ["2003-03-01", "2003-03-02"];
const events = (prefix: string) =>
  DAYS.map((day, index) =>
    JSON.stringify({
      event_id: `${prefix}-${index}`,
      event_type: "page_view",
      event_time: `${day}T12:00:00Z`,
      user_id: "u-1",
    }),
  );

describe("e2e: a stack with a crawler", function () {
  this.timeout(400_000);
  let lake: Lake;
  before(async () => {
    lake = await Lake.up({ "clickstream:crawler": true });
  });
  after(() => lake?.down());

  const lastCrawl = async () => {
    const { Crawler } = await lake.glue.send(new GetCrawlerCommand({ Name: lake.stack.outputs.crawlerName }));
    return Crawler?.LastCrawl;
  };
  const ids = async () => (await lake.query("SELECT event_id FROM events ORDER BY 1")).flat();
  const locations = async () => {
    const { database, eventsTable } = lake.stack.outputs;
    const { Partitions = [] } = await lake.glue.send(
      new GetPartitionsCommand({ DatabaseName: database, TableName: eventsTable }),
    );
    return new Map(
      Partitions.map(({ Values, StorageDescriptor }) => [
        Values?.[0] ?? "",
        StorageDescriptor?.Location ?? "",
      ]),
    );
  };

  const columns = async () => {
    const { database, eventsTable } = lake.stack.outputs;
    const { Table } = await lake.glue.send(
      new GetTableCommand({ DatabaseName: database, Name: eventsTable }),
    );
    return Table?.StorageDescriptor?.Columns?.map(({ Name, Type }) => `${Name} ${Type}`) ?? [];
  };

  it("crawls after a run, and finds nothing to change", async () => {
    const { status, cause } = await lake.execute(await lake.put(...events("a")));
    assert.equal(status, "SUCCEEDED", cause);
    assert.equal((await lastCrawl())?.Status, "SUCCEEDED", (await lastCrawl())?.ErrorMessage);
    assert.deepEqual(await ids(), ["a-0", "a-1"]);
  });

  it("leaves rebuilt days where they are, while their old files are still there", async () => {
    const { status, cause } = await lake.execute({ reprocess: { from: DAYS[0], to: DAYS[0] } });
    assert.equal(status, "SUCCEEDED", cause);
    assert.match((await locations()).get("2003-03-01") ?? "", /\/rebuilt\//);
    assert.ok((await lake.curatedKeys()).some((key) => key.includes("event_date=2003-03-01/")));
    // The local crawler wants to move the day back, and may not.
    assert.match(
      (await lastCrawl())?.ErrorMessage ?? "",
      /not authorized to perform: glue:BatchUpdatePartition/,
    );
    assert.deepEqual(await ids(), ["a-0", "a-1"]);
  });

  it("adds a day and a column that somebody put there, in the next run, and leaves the declared columns", async () => {
    const { curatedBucket } = lake.stack.outputs;
    const declared = await columns();
    const columnData = [
      { name: "event_id", data: ["by-hand"], type: "STRING" as const },
      { name: "campaign", data: ["spring"], type: "STRING" as const },
    ];
    await lake.s3.send(
      new PutObjectCommand({
        Bucket: curatedBucket,
        Key: "events/event_date=2001-01-01/by-hand.parquet",
        Body: new Uint8Array(parquetWriteBuffer({ columnData })),
      }),
    );
    const { status, cause } = await lake.execute(await lake.put(...events("b")));
    assert.equal(status, "SUCCEEDED", cause);
    assert.equal(
      (await locations()).get("2001-01-01"),
      `s3://${curatedBucket}/events/event_date=2001-01-01/`,
    );
    assert.deepEqual(await columns(), [...declared, "campaign string"]);
    assert.deepEqual(await ids(), ["a-0", "a-1", "b-0", "b-1", "by-hand"]);
    assert.deepEqual(await lake.query("SELECT event_id, campaign FROM events WHERE campaign IS NOT NULL"), [
      ["by-hand", "spring"],
    ]);
  });
});
