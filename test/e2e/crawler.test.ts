// With `crawler`: what the table shows is what it shows without, also after a reprocess; a day put there by hand is added.
import assert from "node:assert/strict";
import { GetCrawlerCommand, GetPartitionsCommand } from "@aws-sdk/client-glue";
import { CopyObjectCommand } from "@aws-sdk/client-s3";
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

  it("adds a day that somebody put there, in the next run", async () => {
    const { curatedBucket } = lake.stack.outputs;
    const [file] = (await lake.curatedKeys()).filter((key) => key.includes("event_date=2003-03-02/"));
    const Key = "events/event_date=2001-01-01/by-hand.parquet";
    await lake.s3.send(
      new CopyObjectCommand({ Bucket: curatedBucket, CopySource: `${curatedBucket}/${file}`, Key }),
    );
    const { status, cause } = await lake.execute(await lake.put(...events("b")));
    assert.equal(status, "SUCCEEDED", cause);
    assert.equal(
      (await locations()).get("2001-01-01"),
      `s3://${curatedBucket}/events/event_date=2001-01-01/`,
    );
    assert.deepEqual(await ids(), ["a-0", "a-1", "a-1", "b-0", "b-1"]);
  });
});
