// Logs in a format that was given: nginx's and Apache's format strings, and the one clear error for what is none.

import assert from "node:assert/strict";
import { BadLogFormat, LogFormat } from "../../../../local/traffic/log/format";
import { LogReader } from "../../../../local/traffic/log/log-reader";
import type { LoggedRequest, Refusal } from "../../../../local/traffic/log/request";

const AT = Date.UTC(2026, 10, 20, 4, 33, 14);
const CLF = "20/Nov/2026:04:33:14 +0000";

function read(format: string, line: string): LoggedRequest | Refusal {
  return new LogReader(new LogFormat(format)).read(line);
}

const READ: [what: string, format: string, line: string, expected: Partial<LoggedRequest>][] = [
  [
    "nginx's default with a forwarded list",
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"',
    `10.0.0.1 - Bob B [${CLF}] "GET /a HTTP/1.1" 200 5 "https://a.example/" "x \\x22y\\x22" "198.51.100.7, 10.0.0.2"`,
    {
      ...{
        client: "198.51.100.7",
        epochMs: AT,
        target: "/a",
        referrer: "https://a.example/",
        userAgent: 'x "y"',
      },
      properties: { method: "GET", protocol: "HTTP/1.1", remote_user: "Bob B", status: "200", bytes: "5" },
    },
  ],
  [
    "nginx's variables one by one",
    "$msec|$host:$server_port|$http_x_forwarded_for|$request_method $request_uri $server_protocol|$status|$request_time|$http_user_agent|$upstream_addr",
    "1795149194.250|shop.example.com:443|198.51.100.7|GET /a?b=1 HTTP/2.0|200|0.003|Mozilla/5.0 (X11; Linux)|10.0.0.3:80, 10.0.0.4:80",
    {
      ...{
        client: "198.51.100.7",
        epochMs: AT + 250,
        target: "/a?b=1",
        userAgent: "Mozilla/5.0 (X11; Linux)",
      },
      properties: {
        ...{ method: "GET", protocol: "HTTP/2.0", host: "shop.example.com", port: "443", status: "200" },
        ...{ request_time: "0.003", upstream_addr_ip: "10.0.0.3:80, 10.0.0.4:80" },
      },
    },
  ],
  [
    "nginx's JSON",
    '{"t":"$time_iso8601","a":"$remote_addr","r":"$request","s":$status,"u":"$http_user_agent","id":"$request_id"}',
    '{"t":"2026-11-20T05:33:14+01:00","a":"198.51.100.7","r":"GET /a HTTP/1.1","s":200,"u":"say \\"hi\\"","id":"abc"}',
    {
      ...{ client: "198.51.100.7", epochMs: AT, target: "/a", userAgent: 'say "hi"' },
      properties: { method: "GET", protocol: "HTTP/1.1", status: "200", request_id: "abc" },
    },
  ],
  [
    "tabs",
    "$remote_addr\\t$time_local\\t$request\\t$http_user_agent\\t$my_own",
    `198.51.100.7\t${CLF}\tGET /a HTTP/1.1\tMozilla/5.0 (X11; Linux)\tx`,
    { client: "198.51.100.7", userAgent: "Mozilla/5.0 (X11; Linux)" },
  ],
  [
    "a last field with blanks, where other characters separate the fields",
    "$remote_addr|$time_iso8601|$request|$status|$http_user_agent|$http_x_note",
    `198.51.100.7|2026-11-20T04:33:14Z|GET /a HTTP/1.1|200|Mozilla/5.0 (X11; Linux)|a note of words`,
    {
      ...{ client: "198.51.100.7", userAgent: "Mozilla/5.0 (X11; Linux)" },
      properties: { method: "GET", protocol: "HTTP/1.1", status: "200", http_x_note: "a note of words" },
    },
  ],
  [
    "a user agent without quotes at the end of the line",
    "$host|$remote_addr|$time_iso8601|$request|$http_user_agent",
    `a.example|198.51.100.7|2026-11-20T04:33:14Z|GET /a HTTP/1.1|Mozilla/5.0 (X11; Linux) "x" `,
    { client: "198.51.100.7", userAgent: 'Mozilla/5.0 (X11; Linux) "x"' },
  ],
  [
    "an unquoted user agent as the last of fields that blanks separate",
    "$remote_addr [$time_local] $request $http_user_agent",
    `198.51.100.7 [${CLF}] GET /a HTTP/1.1 Mozilla/5.0 (X11; Linux)`,
    { client: "198.51.100.7", target: "/a", userAgent: "Mozilla/5.0 (X11; Linux)" },
  ],
  [
    "a whole log_format of nginx",
    `log_format main escape=json '$remote_addr [$time_local] '\n  '"$request" $status';`,
    `198.51.100.7 [${CLF}] "GET /a HTTP/1.1" 200`,
    { client: "198.51.100.7", target: "/a", epochMs: AT },
  ],
  [
    "Apache's directives",
    String.raw`%v:%p %{X-Forwarded-For}i %a %{c}a %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-agent}i\" %D %{X-Request-Id}i %{ms}T %{sid}C`,
    `shop.example.com:443 198.51.100.7, 10.0.0.2 10.0.0.9 10.0.0.8 - - [${CLF}] "GET /a HTTP/1.1" 200 - "-" "x" 1234 abc 7 s1`,
    {
      ...{ client: "198.51.100.7", epochMs: AT, target: "/a", referrer: undefined, userAgent: "x" },
      properties: {
        ...{ method: "GET", protocol: "HTTP/1.1", host: "shop.example.com", port: "443", status: "200" },
        ...{ duration_us: "1234", http_x_request_id: "abc", duration_ms: "7", cookie_sid: "s1" },
      },
    },
  ],
  [
    "Apache's own times and a request in parts",
    "%h %{%Y-%m-%d %H:%M:%S}t.%{msec_frac}t %m %U%q %H %s",
    "198.51.100.7 2026-11-20 04:33:14.125 GET /a?b=1 HTTP/1.1 200",
    { client: "198.51.100.7", epochMs: AT + 125, target: "/a?b=1" },
  ],
  [
    "a LogFormat of Apache, with its name",
    String.raw`LogFormat "%h %l %u %t \"%r\" %>s %b" common`,
    `198.51.100.7 - - [${CLF}] "GET /a HTTP/1.1" 200 5`,
    { client: "198.51.100.7", target: "/a" },
  ],
  ["a format by name", "common", `198.51.100.7 - - [${CLF}] "GET /a HTTP/1.1" 200 5`, { target: "/a" }],
  [
    "vhost_combined",
    "vhost_combined",
    `shop.example.com:80 2001:db8::7 - - [${CLF}] "GET /a HTTP/1.1" 200 5 "-" "-"`,
    { client: "2001:db8::7", userAgent: undefined },
  ],
  [
    "the first of two forwarded lists",
    "$http_x_forwarded_for|$http_x_real_ip|$remote_addr|$time_local|$request",
    `198.51.100.7, 203.0.113.5|203.0.113.5|10.0.0.1|${CLF}|GET /a HTTP/1.1`,
    { client: "198.51.100.7" },
  ],
  [
    "a client with a port",
    '%a:%{remote}p %t "%r"',
    `198.51.100.7:5000 [${CLF}] "GET /a HTTP/1.1"`,
    { client: "198.51.100.7" },
  ],
  [
    "a syslog prefix",
    "common",
    `Nov 20 04:33:14 web1 nginx: 198.51.100.7 - - [${CLF}] "GET /a HTTP/1.1" 200 5`,
    { client: "198.51.100.7" },
  ],
  [
    "Docker's JSON",
    "common",
    JSON.stringify({ log: `198.51.100.7 - - [${CLF}] "GET /a HTTP/1.1" 200 5\n`, stream: "stdout" }),
    { client: "198.51.100.7" },
  ],
];

const REFUSED: [what: string, format: string, line: string, column: number, expected: RegExp][] = [
  ["what comes behind", "common", `1.2.3.4 - - [${CLF}] "GET /a HTTP/1.1" 200 5 x`, 65, /end of the line/],
  ["what is missing", "combined", `1.2.3.4 - - [${CLF}] "GET /a HTTP/1.1" 200 5`, 65, /"/],
  ["another time", "common", '1.2.3.4 - - [2026-11-20] "GET /a HTTP/1.1" 200 5', 13, /%t/],
  ["no request", "common", `1.2.3.4 - - [${CLF}] "-" 200 5`, 43, /a request/],
  [
    "no address",
    '$remote_addr [$time_local] "$request"',
    `(x) [${CLF}] "GET /a HTTP/1.1"`,
    1,
    /\$remote_addr/,
  ],
  [
    "an impossible time",
    "common",
    `1.2.3.4 - - [31/Feb/2026:04:33:14 +0000] "GET / HTTP/1.1" 200 5`,
    13,
    /a time.* for %t/,
  ],
];

const BAD: [format: string, message: RegExp][] = [
  ['%h %l %u %t "%r" %>s %Z', /column 22: %Z is not a directive of Apache/],
  ["$remote_addr $%x", /column 14: \$%x is not a variable of nginx/],
  ["%h %{%Q}t %r", /column 4: %\{%Q\}t is not a directive/],
  ['" - [] "', /no \$variable and no %directive.*single quotes/],
  ["$remote_addr [$time_local]", /lacks the request/],
  ['$http_host$host $remote_addr [$time_local] "$request"', /nothing separates \$http_host from \$host/],
  ["$time_local $status", /lacks the client's address .* and the request/],
];

describe("local/traffic/log: --log-format", () => {
  for (const [what, format, line, expected] of READ) {
    it(`reads ${what}`, () => {
      const request = read(format, line) as unknown as Record<string, unknown>;
      assert(!("expected" in request), JSON.stringify(request));
      for (const [field, value] of Object.entries(expected)) assert.deepEqual(request[field], value, field);
    });
  }

  for (const [what, format, line, column, expected] of REFUSED) {
    it(`rejects ${what}, and says where`, () => {
      const reading = read(format, line) as Refusal;
      assert.equal(reading.column, column, reading.expected);
      assert.match(reading.expected, expected);
    });
  }

  for (const [format, message] of BAD) {
    it(`names what is wrong with ${format}`, () => {
      assert.throws(() => new LogFormat(format), { name: "BadLogFormat", message });
    });
  }

  it("takes time proportional to the length of a line", () => {
    const began = Date.now();
    const formats = [
      "vhost_combined",
      '$remote_addr:$remote_port - $remote_user [$time_local] "$request" $upstream_addr|$x',
    ];
    for (const reader of formats.map((format) => new LogReader(new LogFormat(format)))) {
      for (const piece of ["-", "1.1.1.1, ", "a b ", '"', "\\", "[", ":", "a.", "1:"]) {
        reader.read(piece.repeat(50_000));
        reader.read(`1.2.3.4:1 - ${piece.repeat(50_000)}`);
      }
    }
    assert(Date.now() - began < 10_000);
  });

  it("is an error of the command line", () => assert.equal(new BadLogFormat("x").exitCode, 2));
});
