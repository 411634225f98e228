// What is read of an access log's line without a format, by hand: the client, the properties, or the place of the fault.

import assert from "node:assert/strict";
import { LogReader } from "../../../../local/traffic/log/log-reader";
import { isRefusal } from "../../../../local/traffic/log/request";

const AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0";
const TIME = "[20/Nov/2026:04:33:14 +0000]";
const BEHIND = `${TIME} "GET /a HTTP/1.1" 200 512 "-" "${AGENT}"`;
const PLAIN = { method: "GET", protocol: "HTTP/1.1", status: "200", bytes: "512" };

function read(line: string, log: string[] = [line]) {
  const reader = new LogReader();
  reader.learn(log);
  return reader.read(line);
}

/** What: line, the client, and the properties beside those of every line. */
const READ: [what: string, line: string, client: string, more?: Record<string, string>][] = [
  ["the combined format", `198.51.100.1 - - ${BEHIND}`, "198.51.100.1"],
  ["IPv6", `2001:DB8::7 - - ${BEHIND}`, "2001:db8::7"],
  ["a host name", `ppp-7.example.net - - ${BEHIND}`, "ppp-7.example.net"],
  [
    "a user",
    `198.51.100.1 - alice@example.com ${BEHIND}`,
    "198.51.100.1",
    { remote_user: "alice@example.com" },
  ],
  ["a user with a blank", `198.51.100.1 - Bob B ${BEHIND}`, "198.51.100.1", { remote_user: "Bob B" }],
  ["an empty user of Apache", `198.51.100.1 - "" ${BEHIND}`, "198.51.100.1"],
  ["a port at the client", `198.51.100.77:61598 - - ${BEHIND}`, "198.51.100.77"],
  ["a port at an IPv6 client", `[2001:db8::7]:443 - - ${BEHIND}`, "2001:db8::7"],
  ["a zone at the client", `fe80::1%eth0 - - ${BEHIND}`, "fe80::1"],
  [
    "a virtual host",
    `shop.example.com 198.51.100.11 - - ${BEHIND}`,
    "198.51.100.11",
    { host: "shop.example.com" },
  ],
  [
    "a virtual host with its port",
    `shop.example.com:443 2001:db8::9%enp0s8 - - ${BEHIND}`,
    "2001:db8::9",
    { host: "shop.example.com", port: "443" },
  ],
  [
    "a virtual host before a client's name",
    `shop.example.com:80 ppp-7.example.net - - ${BEHIND}`,
    "ppp-7.example.net",
    { host: "shop.example.com", port: "80" },
  ],
  [
    "an address as virtual host",
    `203.0.113.80:443 10.0.0.7 - - ${BEHIND}`,
    "10.0.0.7",
    { host_ip: "203.0.113.80", port: "443" },
  ],
  ["a forwarded list first", `198.51.100.23, 203.0.113.5, 10.0.0.2 - - ${BEHIND}`, "198.51.100.23"],
  ["a forwarded list without blanks", `198.51.100.23,203.0.113.5 - - ${BEHIND}`, "198.51.100.23"],
  ["a forwarded list with ports", `198.51.100.23:5000, 203.0.113.5:80 - - ${BEHIND}`, "198.51.100.23"],
  ["a forwarded list that begins inside a company", `10.1.1.1, 198.51.100.9 - - ${BEHIND}`, "198.51.100.9"],
  ["a forwarded list with an unknown", `unknown, 198.51.100.9 - - ${BEHIND}`, "198.51.100.9"],
  [
    "a forwarded list before the connection",
    `198.51.100.9, 203.0.113.5 10.0.0.1 - - ${BEHIND}`,
    "198.51.100.9",
  ],
  ["no forwarded list before the connection", `- 198.51.100.4 - - ${BEHIND}`, "198.51.100.4"],
  ["a forwarded list in parentheses", `10.0.2.1 (198.51.100.31, 203.0.113.1) - - ${BEHIND}`, "198.51.100.31"],
  ["empty parentheses", `10.0.2.1 (-) - - ${BEHIND}`, "10.0.2.1"],
  ["a forwarded list last", `10.0.0.5 - - ${BEHIND} "198.51.100.21, 10.0.0.9"`, "198.51.100.21"],
  ["no forwarded list last", `198.51.100.5 - - ${BEHIND} "-"`, "198.51.100.5"],
  ["a private forwarded list last", `10.0.0.5 - - ${BEHIND} "10.3.4.5"`, "10.3.4.5"],
  ["a private address behind a client's", `198.51.100.5 - - ${BEHIND} "10.0.0.9"`, "198.51.100.5"],
  [
    "an upstream server behind a private client",
    `10.3.4.5 - - ${BEHIND} "10.16.20.25:8084"`,
    "10.3.4.5",
    { extra_1_ip: "10.16.20.25:8084" },
  ],
  ["a forwarded client with a port", `10.0.0.5 - - ${BEHIND} "198.51.100.77:61598"`, "198.51.100.77"],
  ["a named forwarded list", `10.0.0.5 - - ${BEHIND} xff="198.51.100.77, 10.0.0.8"`, "198.51.100.77"],
  ["RFC 3164", `<190>Nov 20 04:33:14 web1 nginx: 198.51.100.1 - - ${BEHIND}`, "198.51.100.1"],
  ["a syslog line with a pid", `Nov  2 04:33:14 web1 httpd[12]: 198.51.100.1 - - ${BEHIND}`, "198.51.100.1"],
  ["rsyslog", `2026-11-20T04:33:14.123456+00:00 web1 nginx: 198.51.100.1 - - ${BEHIND}`, "198.51.100.1"],
  ["RFC 5424", `<190>1 2026-11-20T04:33:14Z web1 nginx 123 - - 198.51.100.1 - - ${BEHIND}`, "198.51.100.1"],
  ["containerd", `2026-11-20T04:33:14.123456789Z stdout F 198.51.100.1 - - ${BEHIND}`, "198.51.100.1"],
  ["docker compose", `web-1  | 198.51.100.1 - - ${BEHIND}`, "198.51.100.1"],
  ["two blanks", `198.51.100.1  -  -  ${BEHIND.replaceAll(" 200 ", "  200  ")}`, "198.51.100.1"],
  ["a duration behind", `198.51.100.1 - - ${BEHIND} 0.003`, "198.51.100.1", { extra_1: "0.003" }],
  [
    "names and values behind",
    `198.51.100.1 - - ${BEHIND} "-" 0.5 rt=0.151 ut="0.1, 0.2" cs=MISS ua="10.16.20.25:8084" x="-"`,
    "198.51.100.1",
    { extra_2: "0.5", rt: "0.151", ut: "0.1, 0.2", cs: "MISS", ua_ip: "10.16.20.25:8084" },
  ],
  [
    "what ingress-nginx puts behind",
    `198.51.100.1 - - ${BEHIND} 315 0.003 [default-web-80] [] 10.4.0.7:8080 12 0.003 200 5ce3f0`,
    "198.51.100.1",
    {
      ...{ extra_1: "315", extra_2: "0.003", extra_3: "default-web-80", extra_5_ip: "10.4.0.7:8080" },
      ...{ extra_6: "12", extra_7: "0.003", extra_8: "200", extra_9: "5ce3f0" },
    },
  ],
];

const CADDY = JSON.stringify({
  level: "info",
  ts: 1795149194.25,
  logger: "http.log.access",
  msg: "handled request",
  request: {
    ...{
      remote_ip: "10.0.0.1",
      remote_port: "5000",
      client_ip: "198.51.100.7",
      proto: "HTTP/2.0",
      method: "GET",
    },
    ...{ host: "shop.example.com", uri: "/a", headers: { "User-Agent": [AGENT], Cookie: ["REDACTED"] } },
  },
  ...{ duration: 0.001, size: 512, status: 200 },
});
const NGINX = JSON.stringify({
  ...{ time_iso8601: "2026-11-20T05:33:14+01:00", remote_addr: "10.0.0.1", request: "GET /a HTTP/1.1" },
  ...{ status: "200", body_bytes_sent: "512", http_user_agent: AGENT, http_referer: "-" },
  ...{ http_x_forwarded_for: "198.51.100.7, 10.0.0.2", upstream_addr: "10.0.0.3:80" },
});
const DOCKER = JSON.stringify({
  log: `198.51.100.7 - - ${BEHIND}\n`,
  stream: "stdout",
  time: "2026-11-20T04:33:15Z",
});

/** What: line, column, and a piece of what was expected there. */
const REFUSED: [what: string, line: string, column: number, expected: RegExp][] = [
  ["no log", '"quoted", and no log', 1, /client's address/],
  ["no time", "198.51.100.1 - - GET /", 18, /a time/],
  ["no client", `- - - ${BEHIND}`, 1, /client's address/],
  ["no ident", `198.51.100.1 ${BEHIND}`, 13, /ident/],
  ["a host's port without a client", `shop.example.com:443 - - ${BEHIND}`, 1, /client's address/],
  [
    "two addresses of which nothing says what they are",
    `198.51.100.1 10.0.0.9 - - ${BEHIND}`,
    1,
    /--log-format/,
  ],
  ["an address behind the user", `10.0.0.5 - alice 198.51.100.7 ${BEHIND}`, 12, /a user's name/],
  ["a host behind the user", `10.0.0.5 - - shop.example.com ${BEHIND}`, 12, /a user's name/],
  ["an address as user", `10.0.0.5 - 198.51.100.7 ${BEHIND}`, 12, /a user's name/],
  ["a syslog line without a program", `Nov 20 04:33:14 web1 198.51.100.1 - - ${BEHIND}`, 8, /a user's name/],
  ["an impossible date", `198.51.100.1 - - ${BEHIND.replace("20/Nov", "31/Feb")}`, 19, /a time/],
  ["a request that was none", `198.51.100.1 - - ${TIME} "-" 408 0`, 47, /a request/],
  ["bytes of TLS", String.raw`198.51.100.1 - - ${TIME} "\x16\x03\x01" 400 0`, 47, /a request/],
  [
    "a duration before the bytes",
    `198.51.100.1 - - ${TIME} "GET /a HTTP/1.1" 200 0.003 512 "-" "x"`,
    69,
    /bytes/,
  ],
  [
    "a duration before the agent",
    `198.51.100.1 - - ${TIME} "GET /a HTTP/1.1" 200 512 0.003 "-" "x"`,
    79,
    /right behind/,
  ],
  ["a lone agent", `198.51.100.1 - - ${TIME} "GET /a HTTP/1.1" 200 512 "${AGENT}"`, 73, /the referrer/],
  ["a cut-off line", `198.51.100.1 - - ${BEHIND.slice(0, -5)}`, 77, /the user agent/],
  [
    "an address behind, beside a public client",
    `198.51.100.1 - - ${BEHIND} 203.0.113.9`,
    150,
    /--log-format/,
  ],
  ["an address behind, beside a private client", `10.0.0.1 - - ${BEHIND} 10.0.0.9`, 146, /--log-format/],
  [
    "two forwarded lists of two clients",
    `10.0.0.1 - - ${BEHIND} "198.51.100.1" "198.51.100.2"`,
    1,
    /one client/,
  ],
  [
    "a list that is none of addresses alone",
    `10.0.0.1 - - ${BEHIND} "foo, 198.51.100.7"`,
    146,
    /--log-format/,
  ],
  [
    "a named address that may be the client's",
    `10.0.0.1 - - ${BEHIND} who=198.51.100.7`,
    146,
    /--log-format/,
  ],
  ["an event as a log", '{"user_id": "u", "x": 1}', 1, /a logged request/],
  [
    "an error inside of Docker's log",
    '{"log":"2026/11/18 [error] 7#7: no\\n","stream":"stderr"}',
    1,
    /client's/,
  ],
];

describe("local/traffic/log", () => {
  for (const [what, line, client, more] of READ) {
    it(`reads ${what}`, () => {
      assert.deepEqual(read(line), {
        client,
        epochMs: Date.UTC(2026, 10, 20, 4, 33, 14),
        target: "/a",
        referrer: undefined,
        userAgent: AGENT,
        properties: { ...PLAIN, ...more },
      });
    });
  }

  for (const [what, line, column, expected] of REFUSED) {
    it(`rejects ${what}, and says where`, () => {
      const reading = read(line);
      assert(isRefusal(reading), JSON.stringify(reading));
      assert.equal(reading.column, column, reading.expected);
      assert.match(reading.expected, expected);
    });
  }

  it("detects from the whole log which of two addresses is the client", () => {
    const line = `198.51.100.1 10.0.0.9 - - ${BEHIND}`;
    const client = (log: string[]) => (read(line, [...log, line]) as { client: string }).client;
    assert.equal(client([`- 10.0.0.9 - - ${BEHIND}`]), "198.51.100.1");
    assert.equal(client([`198.51.100.8, 203.0.113.1 10.0.0.9 - - ${BEHIND}`]), "198.51.100.1");
    assert(isRefusal(read(line, [`203.0.113.80:443 10.0.0.9 - - ${BEHIND}`, line])));
    assert(
      isRefusal(read(line, [`- 10.0.0.9 - - ${BEHIND}`, `203.0.113.80:443 10.0.0.9 - - ${BEHIND}`, line])),
    );
  });

  it("reads a request that Caddy, nginx or Docker logged as JSON", () => {
    const common = { client: "198.51.100.7", target: "/a", referrer: undefined, userAgent: AGENT };
    assert.deepEqual(read(CADDY), {
      ...common,
      epochMs: Date.UTC(2026, 10, 20, 4, 33, 14, 250),
      properties: {
        ...{ method: "GET", protocol: "HTTP/2.0", status: "200", bytes: "512", duration: "0.001" },
        ...{ level: "info", logger: "http.log.access", msg: "handled request", host: "shop.example.com" },
      },
    });
    assert.deepEqual(read(NGINX), {
      ...common,
      epochMs: Date.UTC(2026, 10, 20, 4, 33, 14),
      properties: { ...PLAIN, upstream_addr_ip: "10.0.0.3:80" },
    });
    assert.deepEqual(read(DOCKER), {
      ...common,
      epochMs: Date.UTC(2026, 10, 20, 4, 33, 14),
      properties: PLAIN,
    });
  });

  const escapes: [string, string, Record<string, unknown>][] = [
    ["quotes in a user agent", String.raw`"GET /a HTTP/1.1" 200 1 "-" "a \"b\" c"`, { userAgent: 'a "b" c' }],
    ["escaped UTF-8", String.raw`"GET /\xc3\xbc HTTP/1.1" 200 1`, { target: "/ü" }],
    [
      "escaped bytes of another encoding",
      String.raw`"GET /\xe4 HTTP/1.1" 200 1`,
      { target: String.raw`/\xe4` },
    ],
    ["a blank in the target", '"GET /a b HTTP/1.1" 200 1', { target: "/a b" }],
    ["HTTP/0.9", '"GET /" 200 1', { target: "/", userAgent: undefined }],
    [
      "no bytes",
      '"GET /a HTTP/1.1" 304 -',
      { properties: { method: "GET", protocol: "HTTP/1.1", status: "304" } },
    ],
  ];
  for (const [what, behind, expected] of escapes) {
    it(`reads ${what}`, () => {
      const request = read(`198.51.100.1 - - ${TIME} ${behind}`) as unknown as Record<string, unknown>;
      for (const [field, value] of Object.entries(expected)) assert.deepEqual(request[field], value);
    });
  }

  it("puts no complete address into a property whose name does not end in ip", () => {
    for (const [, line] of READ) {
      const { properties } = read(line) as { properties: Record<string, string> };
      for (const [name, value] of Object.entries(properties)) {
        assert(/(?:^|_)ip$/.test(name) || !/\d+\.\d+\.\d+\.\d+|[0-9a-f]*::/.test(value), `${name}=${value}`);
      }
    }
  });

  it("takes time proportional to the length of a line", () => {
    const began = Date.now();
    for (const piece of ["-", "1.1.1.1, ", "(", '"', "\\", "[", "a=", ":", "a."]) {
      read(piece.repeat(100_000));
      read(`198.51.100.1 - - ${BEHIND} ${piece.repeat(100_000)}`);
    }
    assert(Date.now() - began < 5_000);
  });
});
