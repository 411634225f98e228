// Tests sending files: what a log's line becomes, what goes on as it is, and what is refused.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { deliveryDestination, streamDestination } from "../../../lambdas/shared/destination";
import { readRefused } from "../../../lambdas/shared/refused";
import { openFile, sendFile } from "../../../local/traffic/send-file";
import { Visitors } from "../../../local/traffic/visitors";
import { FakeClock, FakeFirehose, FakeKinesis } from "../../lambdas/fakes";

const FIREFOX = "Mozilla/5.0 (Windows NT 6.1; rv:11.0) Gecko/20100101 Firefox/11.0";
const LINE = `198.18.0.1 - - [17/May/2015:12:05:03 +0200] "GET /a?b=%zz HTTP/1.1" 200 512 "http://example.com/" "${FIREFOX}"`;
const REAL_LOG =
  process.env.CLICKSTREAM_ACCESS_LOG ?? resolve(__dirname, "../../../../shared/data/access.log");

describe("local/traffic", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-traffic-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function file(name: string, content: string | Buffer): string {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  }

  async function send(path: string, logFormat?: string) {
    const kinesis = new FakeKinesis();
    const sent = await sendFile(await openFile(path, logFormat), {
      destination: streamDestination(kinesis.client, "events"),
      clock: new FakeClock(),
    });
    return { sent, kinesis, lines: kinesis.lines() };
  }

  it("turns a request into a page_view event", async () => {
    const { sent, lines } = await send(file("access.log", `${LINE}\n\n`));
    const { event_id, user_id, session_id, ...event } = JSON.parse(lines[0] as string);
    assert.match(event_id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.match(user_id, /^visitor-[0-9a-f]{16}$/);
    assert.equal(session_id, `${user_id}-20150517T100503`);
    assert.deepEqual(event, {
      event_type: "page_view",
      event_time: "2015-05-17T10:05:03.000Z",
      page_url: "/a?b=%zz",
      referrer_url: "http://example.com/",
      device_type: "desktop",
      browser: "Firefox",
      user_agent: FIREFOX,
      geo: { ip: "198.18.0.1" },
      properties: { method: "GET", status: "200", bytes: "512", protocol: "HTTP/1.1" },
    });
    assert.deepEqual(
      [sent.kind, sent.lines, sent.skippedBlank, sent.sent.since],
      ["access log", 1, 1, "2026-11-21T09:00:00.000Z"],
    );
  });

  it("sends to a delivery stream with markers, and counts the records", async () => {
    const firehose = new FakeFirehose();
    const content = Array.from(
      { length: 900 },
      (_, line) => `{"user_id":"u","x":${line},"y":"${"y".repeat(80)}"}\n`,
    );
    const path = file("x.json", `${content.join("")}{"y":"${"z".repeat(1024 * 1024 - 30)}"}\n`);
    const { sent, lines, refused } = await sendFile(await openFile(path), {
      destination: deliveryDestination(firehose.client, "events"),
      clock: new FakeClock(),
    });
    assert.ok("batch" in sent);
    assert.deepEqual(
      [lines, refused, sent.records, sent.since],
      [901, 1, firehose.stored.length, "2026-11-21T09:00:00.000Z"],
    );
    const records = firehose.stored.map((record) => record.toString("utf8").split("\n"));
    assert.deepEqual(
      records.map(([marker]) => JSON.parse(marker ?? "")),
      records.map((_, record) => ({ clickstream_batch: sent.batch, record })),
    );
    const sentLines = records.flatMap(([, ...rest]) => rest.map((line) => JSON.parse(line)));
    assert.deepEqual(
      sentLines.slice(0, 900).map(({ x }) => x),
      [...Array(900).keys()],
    );
    // A Kinesis record would hold it.
    assert.match(
      readRefused(sentLines[900])?.detail ?? "",
      /has 1048554 bytes; a Firehose record holds 1024000\./,
    );
  });

  it("gives a line the same id at the same position, and a different id elsewhere", async () => {
    const path = file("access.log", `${LINE}\n${LINE}\n`);
    const ids = async () => (await send(path)).lines.map((line) => JSON.parse(line).event_id).sort();
    const first = await ids();
    assert.deepEqual(await ids(), first);
    assert.equal(new Set(first).size, 2);
  });

  it("ends a visit after 30 minutes, and accepts lines out of order", () => {
    const visitors = new Visitors();
    const at = (minute: number) => visitors.visit("1.2.3.4", "x", minute * 60_000).sessionId;
    const first = at(100);
    assert.equal(at(130), first);
    assert.equal(at(95), first);
    assert.notEqual(at(161), first);
    assert.equal(at(120), first);
    assert.notEqual(
      visitors.visit("1.2.3.4", "y", 6_000_000).userId,
      visitors.visit("1.2.3.4", "x", 6_000_000).userId,
    );
  });

  /** What a sent line refuses, and nothing for an event. */
  const refusals = (lines: string[]) => lines.flatMap((line) => readRefused(JSON.parse(line)) ?? []);

  it("sends JSON lines unchanged, with or without gzip, and other lines as refused", async () => {
    const content = Buffer.concat([
      Buffer.from('\ufeff{"user_id":"u","x":1}\r\n{broken\n'),
      Buffer.from([0xff, 0xfe, 10]),
      Buffer.from('"text"\n[]\n[1]\n{"a":1} {"b":\n{"batch":[]}\n'),
    ]);
    for (const path of [file("a.json", content), file("a.json.gz", gzipSync(content))]) {
      const { sent, lines } = await send(path);
      assert.deepEqual([sent.kind, sent.lines, sent.refused], ["JSON lines", 8, 6]);
      assert(lines.includes('{"user_id":"u","x":1}') && lines.includes('{"batch":[]}'));
      const found = refusals(lines).map(({ reason, payload, detail }) => [
        detail.slice(0, 7),
        reason,
        payload,
      ]);
      assert.deepEqual(found.sort(), [
        ["Line 2:", "not_json", "{broken"],
        ["Line 3:", "not_utf8", "//4="],
        ["Line 4:", "not_an_object", '"text"'],
        ["Line 5:", "not_an_object", "[]"],
        ["Line 6:", "not_an_object", "1"],
        ["Line 7:", "not_json", '{"a":1} {"b":'],
      ]);
    }
  });

  it("reads nested gzip, and several members", async () => {
    const members = Buffer.concat([gzipSync('{"user_id":"a"}\n'), gzipSync('{"user_id":"b"}\n')]);
    for (const content of [members, gzipSync(members)]) {
      assert.deepEqual((await send(file("x", content))).lines.sort(), ['{"user_id":"a"}', '{"user_id":"b"}']);
    }
  });

  /** As they are written, digit for digit, each on a line of its own. */
  const values: [what: string, content: string, lines: string[]][] = [
    [
      "pretty-printed objects",
      '{\n  "a": 1,\r\n  "b": [1, 2]\n}\n{\n  "a": 2\n}\n',
      ['{ "a": 1, "b": [1, 2] }', '{ "a": 2 }'],
    ],
    [
      "objects back to back",
      '{"a":"}{"}{"a":12345678901234567890}',
      ['{"a":"}{"}', '{"a":12345678901234567890}'],
    ],
    ["an array", '[{"a":1},{"a":[{}]} ,\n {"a":1.50}]', ['{"a":1}', '{"a":1.50}', '{"a":[{}]}']],
    ["an array over lines", '[\n{"a":1},\n{"a":2}\n]\n', ['{"a":1}', '{"a":2}']],
    [
      "a batch, with what it says of its events around each",
      '{"user_id": "x", "batch": [{"a":"]"}, {"a":10.00}], "b": {"batch": 1}}',
      [
        '{"user_id": "x", "batch":[{"a":"]"}], "b": {"batch": 1}}',
        '{"user_id": "x", "batch":[{"a":10.00}], "b": {"batch": 1}}',
      ],
    ],
    [
      "batches, one a line",
      '{"batch":[{"a":1}]}\n{"batch":[{"a":2},{"a":3}]}\n',
      ['{"a":1}', '{"a":2}', '{"a":3}'],
    ],
    [
      "an array among lines",
      '{"a":1}\n[{"a":2},{"a":3}]\n{"a":4}\n{"a":5}{"a":6}\n{"a":7}\n',
      [1, 2, 3, 4, 5, 6, 7].map((a) => `{"a":${a}}`),
    ],
    ["a byte order mark", '\ufeff{\n"a": 1\n}', ['{ "a": 1 }']],
    ["an event that has a batch", '{"event_type":"x","batch":[1]}', ['{"event_type":"x","batch":[1]}']],
  ];
  for (const [what, content, lines] of values) {
    it(`reads ${what}`, async () => {
      assert.deepEqual((await send(file("x.json", content))).lines.sort(), [...lines].sort());
    });
  }

  it("refuses only the invalid value among pretty-printed ones, and keeps its text", async () => {
    const bad = '{\n  "a": "no end,\n  "b": 1\n}\n';
    const { sent, lines } = await send(file("x.json", `{\n "a": 1\n}\n${bad}{\n "a": 2\n}\n{\n "a": 3\n}\n`));
    assert.deepEqual([sent.lines, sent.refused], [4, 1]);
    assert.match(
      sent.refusals.join(),
      /^line 4: not valid JSON: Invalid character '\\u000a', line 5, column 16$/,
    );
    assert.deepEqual(lines.filter((line) => !line.includes("refused")).sort(), [
      '{ "a": 1 }',
      '{ "a": 2 }',
      '{ "a": 3 }',
    ]);
    const refused = lines.map((line) => readRefused(JSON.parse(line))).find((each) => each !== undefined);
    assert.deepEqual(
      [refused?.reason, refused?.payload, refused?.payload_encoding],
      ["not_json", bad, "utf8"],
    );
    assert.match(refused?.detail ?? "", /^Line 4: not valid JSON: .*, line 5, column 16\.$/);
  });

  it("detects a log line in a JSON file", async () => {
    const line = '127.0.0.1 - - [20/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5';
    const { lines } = await send(file("x.json", `{"a":1}\n{"a":2}\n${line}\n`));
    assert.deepEqual(refusals(lines), [
      {
        reason: "log_line",
        detail: "Line 3: a log line in a JSON file; put log lines into a separate file.",
        payload: line,
        payload_encoding: "utf8",
      },
    ]);
  });

  it("cuts a line that is too long at a character boundary", async () => {
    const { lines } = await send(file("x.json", `{"b":1}\n{"a":"${"ü".repeat(600_000)}"}\n`));
    assert.deepEqual(
      refusals(lines).map(({ payload, payload_encoding }) => [payload, payload_encoding]),
      [[`{"a":"${"ü".repeat((65_536 - 6) / 2)}`, "utf8"]],
    );
  });

  it("sends a log line that is not a request as refused, complete and with its reason and position", async () => {
    const { sent, lines } = await send(file("access.log", `${LINE}\nhello, world\n`));
    assert.deepEqual([sent.lines, sent.refused], [2, 1]);
    assert.deepEqual(sent.refusals, ["line 2: column 1: expected the client's address or host name"]);
    const refused = lines.map((line) => readRefused(JSON.parse(line))).find((each) => each !== undefined);
    assert.deepEqual(refused, {
      reason: "not_a_log_line",
      detail: "Line 2: column 1: expected the client's address or host name.",
      payload: "hello, world",
      payload_encoding: "utf8",
    });
  });

  it("reads a log whose first thousand lines are not requests", async () => {
    const { sent } = await send(file("access.log", `${"# comment: nothing yet\n".repeat(60_000)}${LINE}\n`));
    assert.deepEqual([sent.kind, sent.lines, sent.refused], ["access log", 60_001, 60_000]);
  });

  it("reads a log in the given format, and rejects a format that matches no line", async () => {
    const path = file("x.log", "17/May/2015:10:05:03 +0000|198.18.0.1|GET /a HTTP/1.1\n");
    const { lines } = await send(path, "$time_local|$remote_addr|$request");
    assert.equal(JSON.parse(lines[0] as string).geo.ip, "198.18.0.1");
    await assert.rejects(send(path, "common"), {
      name: "UnusableFile",
      message:
        /none of its first 1 lines matches the format given with --log-format\. As a log, line 1 is not understood at column 3: expected " "/,
    });
  });

  it("sends the beginning, length and hash of a line that is too long for a record, and the rest of the file", async () => {
    const big = `{"a":"${"x".repeat(1_600_000)}"}`;
    const huge = "y".repeat(17 * 1024 * 1024);
    const { sent, lines } = await send(file("x.json", `{"a":1}\n${big}\n${huge}\n{"a":2}\n`));
    assert.deepEqual([sent.lines, sent.refused], [4, 2]);
    assert(lines.includes('{"a":1}') && lines.includes('{"a":2}'));
    const refused = lines.flatMap((line) => readRefused(JSON.parse(line)) ?? []);
    for (const [number, text] of [
      [2, big],
      [3, huge],
    ] as const) {
      const found = refused.find(({ detail }) => detail.startsWith(`Line ${number} `));
      assert.equal(found?.reason, "too_large");
      assert.equal(found?.payload, text.slice(0, 65_536));
      assert.match(
        found?.detail ?? "",
        new RegExp(`has ${text.length} bytes; .*${createHash("sha256").update(text).digest("hex")}`),
      );
    }
  });

  it("reports how much of truncated gzip could be read", async () => {
    const lines = Array.from(
      { length: 60_000 },
      (_, index) => `{"a":"${createHash("md5").update(`${index}`).digest("hex")}"}\n`,
    );
    const packed = gzipSync(lines.join(""));
    await assert.rejects(send(file("x.gz", packed.subarray(0, packed.length - 1000))), {
      name: "UnusableFile",
      message: /cannot be read beyond line \d{5}: .*gzip -t/,
    });
  });

  it("reads a pipe, which can only be read once", async () => {
    const path = join(folder, "pipe");
    spawnSync("mkfifo", [path]);
    const ended = once(spawn("sh", ["-c", `printf '%s\\n' '{"a":1}' > "${path}"`]), "close");
    assert.deepEqual((await send(path)).lines, ['{"a":1}']);
    await ended;
  });

  it("reports the earliest time that was sent", async () => {
    const { sent } = await send(
      file("a.log", `${LINE}\n${LINE.replace("2015:12:05:03", "1995:12:05:03")}\n`),
    );
    assert.equal(sent.earliest, "1995-05-17T10:05:03.000Z");
    const json = '{"event_time":"2001-02-03T04:05:06Z"}\n{"timestamp":"1999-02-03T04:05:06Z"}\n{"a":1}\n';
    assert.equal((await send(file("a.json", json))).sent.earliest, "1999-02-03T04:05:06.000Z");
  });

  it("sends all lines of a file without a final newline", async () => {
    assert.deepEqual((await send(file("a.json", '{"user_id":"u"}'))).lines, ['{"user_id":"u"}']);
  });

  const refused: [string, () => string, RegExp][] = [
    ["a missing file", () => join(folder, "no"), /no does not exist\. Check the path/],
    ["a directory", () => folder, /is a directory\. Give one file/],
    ["an empty file", () => file("empty", ""), /is empty/],
    ["blank lines only", () => file("blank", "\n\n"), /blank lines only/],
    [
      "another kind of file",
      () => file("x.csv", "a,b\n1,2\n"),
      /contains neither JSON nor a readable access log.*a,b\nAs a log, line 1 is not understood at column 1.*--log-format/s,
    ],
    ["JSON that is none", () => file("x.json", '{"a": 1,\n "b": }\n'), /no object in it is whole.*jq empty/s],
    ["zstd", () => file("x.zst", Buffer.from("28b52ffd0458", "hex")), /compressed with zstd.*zstd -dc/],
    ["bzip2", () => file("x", Buffer.from("BZh91AY&SY")), /compressed with bzip2.*bzip2 -dc/],
    [
      "xz in gzip",
      () => file("x", gzipSync(Buffer.from("fd377a585a0000", "hex"))),
      /compressed with xz.*xz -dc/,
    ],
    ["a ZIP archive", () => file("x", Buffer.from("PK\u0003\u0004")), /compressed with ZIP.*unzip -p/],
    ["Parquet", () => file("x", "PAR1\u0015\u0004"), /is Parquet/],
    [
      "a tar archive in gzip",
      () => file("x", gzipSync(Buffer.concat([Buffer.alloc(257), Buffer.from("ustar")]))),
      /is a tar archive.*tar -xOf/,
    ],
    ["bytes that are no text", () => file("x", Buffer.from("0001020304050607", "hex")), /is not text/],
    ["UTF-16", () => file("x.json", Buffer.from('\ufeff{"a":1}', "utf16le")), /UTF-16.*iconv/],
    [
      "gzip that was cut off",
      () => file("x.gz", gzipSync(LINE.repeat(50)).subarray(0, 60)),
      /cannot be read: .*gzip -t/s,
    ],
  ];
  for (const [what, path, message] of refused) {
    it(`rejects ${what}, and names it`, async () => {
      await assert.rejects(send(path()), { name: "UnusableFile", message });
    });
  }

  it("sends 10,000 real requests, with one line that is not a request", async function () {
    if (!existsSync(REAL_LOG)) {
      console.log(
        `      no log at ${REAL_LOG}: set CLICKSTREAM_ACCESS_LOG to a log of 10,000 lines to check it`,
      );
      return;
    }
    this.timeout(20_000);
    const { sent, lines } = await send(REAL_LOG);
    assert.deepEqual([sent.kind, sent.lines, sent.refused], ["access log", 10_000, 1]);
    const events = lines.map((line) => JSON.parse(line)).filter((event) => readRefused(event) === undefined);
    assert.equal(new Set(events.map((event) => event.event_id)).size, 9_999);
    const days = new Set(events.map((event) => event.event_time.slice(0, 10)));
    assert.deepEqual([...days].sort(), ["2015-05-17", "2015-05-18", "2015-05-19", "2015-05-20"]);
  });
});
