// Facts about sending files: what a log's line becomes, what goes on as it is, and what is refused.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { parseAccessLogLine } from "../../../local/traffic/access-log";
import { sendFile } from "../../../local/traffic/send-file";
import { agentTraits } from "../../../local/traffic/user-agent";
import { Visitors } from "../../../local/traffic/visitors";
import { FakeClock, FakeKinesis } from "../../lambdas/fakes";

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

  async function send(path: string) {
    const kinesis = new FakeKinesis();
    const sent = await sendFile({
      path,
      client: kinesis.client,
      streamName: "events",
      clock: new FakeClock(),
    });
    return { sent, kinesis, lines: kinesis.lines() };
  }

  it("makes a request a page_view event", async () => {
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
      [sent.kind, sent.lines, sent.skippedBlank, sent.since],
      ["access log", 1, 1, "2026-11-21T09:00:00.000Z"],
    );
  });

  it("gives the same line at the same place the same id, and another one elsewhere", async () => {
    const path = file("access.log", `${LINE}\n${LINE}\n`);
    const ids = async () => (await send(path)).lines.map((line) => JSON.parse(line).event_id).sort();
    const first = await ids();
    assert.deepEqual(await ids(), first);
    assert.equal(new Set(first).size, 2);
  });

  const parsed: [string, string, Record<string, unknown>][] = [
    [
      "the common format",
      '::1 - bob [17/May/2015:10:05:03 +0000] "HEAD / HTTP/1.0" 304 -',
      { ip: "::1", remoteUser: "bob", bytes: undefined },
    ],
    [
      "a user with a blank",
      '1.2.3.4 - Bob B [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200 1',
      { remoteUser: "Bob B" },
    ],
    [
      "HTTP/0.9",
      '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /" 200 1',
      { target: "/", protocol: undefined },
    ],
    [
      "quotes in a user agent",
      String.raw`1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "a \"b\" c"`,
      { userAgent: 'a "b" c', referrer: undefined },
    ],
    [
      "escaped UTF-8",
      String.raw`1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /\xc3\xbc HTTP/1.1" 200 1`,
      { target: "/ü" },
    ],
    [
      "escaped bytes of another encoding",
      String.raw`1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /\xe4 HTTP/1.1" 200 1`,
      { target: String.raw`/\xe4` },
    ],
    ["what a server adds at the end", `${LINE} "10.0.0.1" 0.003`, { userAgent: FIREFOX }],
    [
      "a blank in the target",
      '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a b HTTP/1.1" 200 1',
      { target: "/a b" },
    ],
  ];
  for (const [what, line, expected] of parsed) {
    it(`reads ${what}`, () => {
      const request = parseAccessLogLine(line) as unknown as Record<string, unknown>;
      for (const [field, value] of Object.entries(expected)) assert.equal(request[field], value);
    });
  }

  const none = [
    '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "-" 408 0',
    String.raw`1.2.3.4 - - [17/May/2015:10:05:03 +0000] "\x16\x03\x01" 400 0`,
    '1.2.3.4 - - [31/Feb/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1',
    '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "cut off',
    "not a log",
  ];
  for (const line of none) {
    it(`takes no request from ${line}`, () => assert.equal(parseAccessLogLine(line), undefined));
  }

  it("ends a visit after 30 minutes, and bears lines that swapped places", () => {
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

  it("tells programs from people", () => {
    assert.equal(
      agentTraits("Mozilla/5.0 (compatible; Exabot/3.0; +http://www.exabot.com/go/robot)").deviceType,
      "bot",
    );
    assert.equal(agentTraits("UniversalFeedParser/4.2 +http://feedparser.org/").deviceType, "bot");
    assert.deepEqual(agentTraits(FIREFOX), { deviceType: "desktop", browser: "Firefox" });
    assert.deepEqual(agentTraits(undefined), { deviceType: undefined, browser: undefined });
  });

  it("sends JSON lines as they are, gzip or not, broken ones and bytes too", async () => {
    const content = Buffer.concat([
      Buffer.from('\ufeff{"user_id":"u","x":1}\r\n{broken\n'),
      Buffer.from([0xff, 0xfe, 10]),
    ]);
    for (const path of [file("a.json", content), file("a.json.gz", gzipSync(content))]) {
      const { sent, kinesis } = await send(path);
      assert.deepEqual([sent.kind, sent.lines, sent.unrecognised], ["json lines", 3, 2]);
      assert.ok(kinesis.lines().includes('{"user_id":"u","x":1}'));
      assert.ok(kinesis.lines().includes("{broken"));
      assert.ok(
        kinesis.calls.flat().some(({ Data }) => Buffer.from(Data).includes(Buffer.from([0xff, 0xfe]))),
      );
    }
  });

  it("sends a file without a line break at its end whole", async () => {
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
      /holds neither JSON lines nor an access log.*a,b/,
    ],
    [
      "pretty-printed JSON",
      () => file("x.json", '[\n  {\n    "a": 1\n  }\n]'),
      /JSON over several lines.*jq/,
    ],
    ["UTF-16", () => file("x.json", Buffer.from('\ufeff{"a":1}', "utf16le")), /UTF-16.*iconv/],
    [
      "gzip that was cut off",
      () => file("x.gz", gzipSync(LINE.repeat(50)).subarray(0, 60)),
      /cannot be read beyond line 0.*gzip -t/s,
    ],
    [
      "an event beyond Kinesis' limit",
      () => file("x.json", `{"a":1}\n{"a":"${"x".repeat(1_048_600)}"}\n`),
      /line 2: the line has .* bytes/,
    ],
  ];
  for (const [what, path, message] of refused) {
    it(`refuses ${what}, and names it`, async () => {
      await assert.rejects(send(path()), { name: "UnusableFile", message });
    });
  }

  it("sends the 10,000 real requests, one line of them no request", async function () {
    if (!existsSync(REAL_LOG)) {
      console.log(
        `      no log at ${REAL_LOG}: set CLICKSTREAM_ACCESS_LOG to a log of 10,000 lines to check it`,
      );
      return;
    }
    this.timeout(20_000);
    const { sent, lines } = await send(REAL_LOG);
    assert.deepEqual([sent.kind, sent.lines, sent.unrecognised], ["access log", 10_000, 1]);
    const events = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    assert.equal(new Set(events.map((event) => event.event_id)).size, 9_999);
    const days = new Set(events.map((event) => event.event_time.slice(0, 10)));
    assert.deepEqual([...days].sort(), ["2015-05-17", "2015-05-18", "2015-05-19", "2015-05-20"]);
  });
});
