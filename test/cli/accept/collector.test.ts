// The check of the collector, against a server that answers as the collector should, or with a fault.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { collects } from "../../../cli/accept/checks/collector";
import { OUTPUTS, world } from "./fakes";

const SITE = "https://www.example.com";
/** printf 'the tracker' | openssl dgst -sha384 -binary | base64 */
const HASH = "sha384-Lt+BTtbk1g8nRRRz1shdBXmNSN28NB1n8t+a9N3KeHbPpnYiEE+k0MXnsZXSwYEO";

interface Answers {
  health?: number;
  script?: string;
  stored?: [status: number, body: string];
  origin?: (asked: string) => string | undefined;
}

function serve({ health = 200, script = "the tracker", stored, origin }: Answers): Promise<Server> {
  const [status, body] = stored ?? [200, '{"stored":1}'];
  const allow = origin ?? ((asked) => (asked === SITE ? asked : undefined));
  const server = createServer((request, response) => {
    const allowed = allow(String(request.headers.origin));
    if (allowed) response.setHeader("access-control-allow-origin", allowed);
    if (request.url === "/health") response.writeHead(health).end("health");
    else if (request.url === "/clickstream.js") response.end(script);
    else response.writeHead(request.method === "POST" ? status : 404).end(body);
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

async function checked(answers: Answers) {
  const server = await serve(answers);
  const { port } = server.address() as AddressInfo;
  const outputs = {
    ...OUTPUTS,
    collectorUrl: `http://127.0.0.1:${port}`,
    collectorScriptIntegrity: HASH,
  };
  try {
    return await collects(world({}, { outputs }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("cli/accept/checks/collector", () => {
  it("sees a collector that stores an event of its site and serves the tracker", async () => {
    const { state, says } = await checked({});
    assert.equal(state, "seen", says);
    assert.match(says, /an event of https:\/\/www\.example\.com is stored/);
  });

  for (const [fault, answers, says] of [
    ["the function may not be called", { health: 500 }, /GET \/health: 500 health/],
    ["the stream refuses", { stored: [503, "later"] }, /POST \/v1\/events: 503 later/],
    ["nothing is stored", { stored: [200, '{"stored":0}'] }, /POST \/v1\/events: 200 \{"stored":0\}/],
    ["another script is served", { script: "another" }, /the tracker's hash is sha384-.*, not sha384-Lt/],
    ["the site is not allowed", { origin: () => undefined }, /access-control-allow-origin is null for/],
    ["every site is allowed", { origin: (asked) => asked }, /a page of https:\/\/elsewhere.example may read/],
  ] as [string, Answers, RegExp][]) {
    it(`is not as expected where ${fault}`, async () => {
      const verdict = await checked(answers);
      assert.equal(verdict.state, "not as expected");
      assert.match(verdict.says, says);
    });
  }
});
