import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { GetJobRunsCommand } from "@aws-sdk/client-glue";
import type { ReportNumbers } from "../../cli/report/numbers";
import { type Call, readCalls } from "../../local/requests";
import { Lake } from "./lake";
import { hashRows } from "./oracle";
import { assertTablesHold, byId, cents } from "./tables";

const MAIN = join(__dirname, "..", "..", "cli", "main.mjs");

describe("e2e: simulated traffic with duplicates, malformed, late and PII-bearing events", function () {
  this.timeout(180_000);
  let lake: Lake;
  const calls: Call[] = [];
  before(async () => {
    lake = await Lake.up();
  });
  after(() => lake?.down());

  it("curates, quarantines and counts exactly what the stream's content says", async () => {
    const began = new Date();
    const { status, report } = await lake.execute({
      simulate: { events: 1500, seed: 11, duplicates: 0.05, malformed: 0.04, late: 0.1, pii: 0.1 },
    });
    assert.equal(status, "SUCCEEDED");
    for await (const call of readCalls(lake.stack.stateDir, began, new Date())) calls.push(call);
    const expected = await lake.expected();
    assert.equal(expected.lines, 1500);
    assert.ok(
      expected.duplicates > 20 && expected.quarantined.length > 20,
      "the traffic has what it was asked for",
    );
    await assertTablesHold(lake, expected);
    assert.deepEqual(
      [report?.curated, report?.quarantined, report?.duplicates],
      [expected.events.size, expected.quarantined.length, expected.duplicates],
    );
    const dates = [...new Set([...expected.events.values()].map(({ date }) => date))].sort();
    assert.deepEqual(report?.partitions, dates);
  });

  it("has each call of the execution in requests.jsonl, with its caller", async () => {
    const { rawBucket, curatedBucket } = lake.stack.outputs;
    const found = (operation: string, resource = "") =>
      calls.filter((call) => call.operation === operation && call.resource.startsWith(resource));
    const keys = (some: Call[], bucket: string) =>
      some.map(({ resource }) => resource.replace(`arn:aws:s3:::${bucket}/`, "")).sort();
    const raw = await lake.rawKeys();
    // One request for each object, and no other.
    const written = found("PutObject", `arn:aws:s3:::${curatedBucket}/events/`);
    assert.deepEqual(keys(written, curatedBucket), (await lake.curatedKeys()).sort());
    assert.deepEqual(keys(found("PutObject", `arn:aws:s3:::${rawBucket}/raw/`), rawBucket), raw);
    const jobsReads = found("GetObject", `arn:aws:s3:::${rawBucket}/raw/`);
    assert.deepEqual([...new Set(keys(jobsReads, rawBucket))], raw);
    const once = ["StartJobRun", "PutMetricData", "Publish"];
    assert.deepEqual(
      once.map((operation) => found(operation).length),
      [1, 1, 1],
    );
    // Registering the partitions, and comparing the counts.
    assert.equal(found("StartQueryExecution").length, 2);
    const roles = (some: Call[]) => [...new Set(some.map(({ principal }) => principal.split("/")[1]))];
    const [states] = roles(found("StartJobRun"));
    assert.deepEqual(roles(found("Publish")), [states]);
    assert.notDeepEqual(roles(written), [states]);
    assert.deepEqual(roles(written), roles(jobsReads));
    assert.ok(found("GetObject").some(({ principal }) => principal === "athena.amazonaws.com"));
    // The 1,500 events as they were sent, in base64.
    const sent = found("PutRecords").reduce((sum, { bytes_in }) => sum + bytes_in, 0);
    assert.ok(sent > 1500 * 300 && sent < 1500 * 1500, `${sent} bytes`);
  });

  it("sends one mail, with the same numbers", async () => {
    const expected = await lake.expected();
    const mail = await lake.notice(1);
    assert.match(mail.subject, /curated/);
    assert.match(mail.body, new RegExp(`curated\\D+${expected.events.size.toLocaleString("en-US")}\\b`, "i"));
    assert.match(mail.body, new RegExp(`quarantined\\D+${expected.quarantined.length}\\b`, "i"));
    assert.match(mail.body, new RegExp(`duplicates\\D+${expected.duplicates}\\b`, "i"));
  });

  it("reports on exactly what the stream's content says, with npm run report", async () => {
    const { events, quarantined } = await lake.expected();
    const folder = mkdtempSync(join(tmpdir(), "report-"));
    try {
      const out = join(folder, "report.html");
      const from = new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 10);
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [MAIN, "report", "--run", lake.stack.id, "--from", from, "--out", out, "--json"],
        { env: { ...process.env, NO_COLOR: "1" } },
      );
      const report = JSON.parse(stdout) as ReportNumbers & { file: string };
      const all = [...events.values()];
      const purchases = all.filter(({ type }) => type === "purchase");
      const revenue = purchases.reduce((sum, event) => sum + cents(event.revenue), 0);
      const { totals } = report;
      assert.deepEqual([report.file, totals.events, totals.botEvents], [out, all.length, 0]);
      assert.deepEqual([totals.purchases, cents(totals.revenue)], [purchases.length, revenue]);
      assert.equal(report.quarantine.lines, quarantined.length);
      const dates = new Map<string, number>();
      for (const { date } of all) dates.set(date, (dates.get(date) ?? 0) + 1);
      assert.deepEqual(
        report.days.filter(({ hasData }) => hasData).map(({ date, events: count }) => [date, count]),
        [...dates].sort(byId),
      );
      assert.ok(report.cost.scannedBytes > 0);
      const page = readFileSync(out, "utf8");
      assert.match(page, /^<!doctype html>/);
      assert.ok(page.includes(`<dd>${all.length.toLocaleString("en-US")}`));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("writes no e-mail address, user agent or whole IP to the curated table", async () => {
    const rows = await lake.query("SELECT * FROM events");
    const text = JSON.stringify(rows);
    assert.ok(!/[\w.]+@[\w.]+\.\w+/.test(text), "an e-mail address");
    assert.ok(!text.includes("Mozilla/"), "a user agent");
    const ips = await lake.query("SELECT DISTINCT ip FROM events WHERE ip IS NOT NULL");
    assert.ok(ips.length > 0);
    for (const [ip] of ips) assert.match(String(ip), /\.0$|::$/);
  });

  it("changes no row and starts no Spark job when an execution finds nothing new, and says so", async () => {
    const { jobName } = lake.stack.outputs;
    const runs = async () =>
      (await lake.glue.send(new GetJobRunsCommand({ JobName: jobName }))).JobRuns?.length;
    const before = [hashRows(await lake.events()), await runs()];
    const mails = (await lake.notices()).length;
    const { status, report, seconds } = await lake.execute();
    assert.equal(status, "SUCCEEDED");
    assert.equal(report?.outcome, "nothing_new");
    assert.ok(seconds < 20, `${seconds} s`);
    const mail = await lake.notice(mails + 1);
    assert.match(mail.subject, /nothing new/);
    assert.match(mail.body, /No Spark job was needed\./);
    const scheduled = await lake.execute({ scheduled: true });
    assert.deepEqual([scheduled.status, scheduled.report?.outcome], ["SUCCEEDED", "nothing_new"]);
    assert.match(String(scheduled.output?.skipped), /Nothing new/);
    assert.equal((await lake.notices()).length, mails + 1);
    assert.deepEqual([hashRows(await lake.events()), await runs()], before);
  });

  it("changes no answer when MSCK REPAIR TABLE is run by hand", async () => {
    const before = hashRows(await lake.events());
    await lake.query("MSCK REPAIR TABLE events");
    assert.equal(hashRows(await lake.events()), before);
  });

  it("accepts the events of both producers, and stores a resent old event once, on its old day", async () => {
    const old = JSON.stringify({
      event_id: "old-1",
      event_type: "purchase",
      timestamp: "2003-03-01T23:59:59.999Z",
      user_id: "u-old",
      session_id: "s-old",
      page_url: "/checkout",
      product_id: "p-1",
      product_price: 19.99,
      quantity: 3,
      country: "DE",
      city: "Berlin",
      ip_address: "203.0.113.77",
      email: "someone@example.org",
    });
    const nested = JSON.stringify({
      user_id: "u-nested",
      session_id: "s-nested",
      event_time: "2003-03-02T00:00:00",
      event_type: "page_view",
      page_url: "/",
      referrer_url: "https://example.org/",
      device_type: "mobile",
      browser: "Firefox",
      geo: { ip: "2001:db8:1234:5678::9", country: "FR", city: "Paris" },
    });
    const sent = await lake.put(
      old,
      `${nested}\n${old}`,
      "{not json",
      new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]),
    );
    const { status, report } = await lake.execute(sent);
    assert.equal(status, "SUCCEEDED");
    assert.deepEqual([report?.curated, report?.duplicates, report?.quarantined], [2, 1, 2]);
    const rows = await lake.query(`
      SELECT CAST(event_date AS varchar), event_type, user_id, ip, country, city, revenue, hour, day_of_week, referrer_url
      FROM events WHERE event_date < DATE '2004-01-01' ORDER BY event_time`);
    assert.deepEqual(rows, [
      ["2003-03-01", "purchase", "u-old", "203.0.113.0", "DE", "Berlin", 59.97, 23, "Saturday", null],
      [
        "2003-03-02",
        "page_view",
        "u-nested",
        "2001:db8:1234::",
        "FR",
        "Paris",
        0,
        0,
        "Sunday",
        "https://example.org/",
      ],
    ]);

    const again = await lake.execute(await lake.put(old));
    assert.equal(again.status, "SUCCEEDED");
    assert.deepEqual([again.report?.curated, again.report?.duplicates], [0, 1]);
    const bytes = await lake.query("SELECT payload FROM quarantine WHERE payload_encoding = 'base64'");
    assert.deepEqual(bytes, [[Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString("base64")]]);
  });

  it("rebuilds a day from raw objects, with the same rows", async () => {
    const before = hashRows((await lake.events()).map((row) => row.slice(0, -1)));
    const { status } = await lake.execute({ reprocess: { from: "2003-03-01", to: "2003-03-02" } });
    assert.equal(status, "SUCCEEDED");
    assert.equal(hashRows((await lake.events()).map((row) => row.slice(0, -1))), before);
    await lake.query("MSCK REPAIR TABLE events");
    assert.equal(hashRows((await lake.events()).map((row) => row.slice(0, -1))), before);
  });
});
