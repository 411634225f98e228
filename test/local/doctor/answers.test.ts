// The checks of a stack against answers of AWS that the emulator does not give: quotas, and credentials that have expired.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { localClientConfig } from "../../../local/aws";
import { credentialsCheck, quotaChecks } from "../../../local/doctor/stack";
import { stackConfiguration } from "../../../local/stack-config";

type Answer = { status: number; type: string; body: string };

/** As AWS names them, with what a new account has. */
const QUOTAS: Record<string, [string, number][]> = {
  lambda: [
    ["Function and layer storage", 75],
    ["Concurrent executions", 10],
  ],
  kinesis: [["Shards per Region", 200]],
  glue: [
    ["Max task DPUs per account", 10],
    ["Max concurrent job runs per account", 30],
  ],
};

async function read(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

function listQuotas(body: string): Answer {
  const { ServiceCode } = JSON.parse(body) as { ServiceCode: string };
  const Quotas = (QUOTAS[ServiceCode] ?? []).map(([QuotaName, Value]) => ({ ServiceCode, QuotaName, Value }));
  return { status: 200, type: "application/x-amz-json-1.1", body: JSON.stringify({ Quotas }) };
}

function expired(): Answer {
  const error =
    "<Error><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error>";
  return { status: 403, type: "text/xml", body: `<ErrorResponse>${error}</ErrorResponse>` };
}

describe("local/doctor/stack, by AWS's answers", () => {
  let server: Server;
  let config: ReturnType<typeof localClientConfig>;
  before(async () => {
    server = createServer(async (request, response) => {
      const body = await read(request);
      const target = String(request.headers["x-amz-target"] ?? "");
      const answer = target.endsWith("ListServiceQuotas") ? listQuotas(body) : expired();
      response.writeHead(answer.status, { "content-type": answer.type }).end(answer.body);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    config = localClientConfig(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  after(() => server.close());

  const quotas = async (settings: Record<string, string>) =>
    (await quotaChecks(config, stackConfiguration("dev", settings))).map(
      ({ name, state, says }) => `${name}: ${state}, ${says}`,
    );

  it("compares each quota with what the stack's configuration needs", async () => {
    assert.deepEqual(await quotas({}), [
      "Quota, Lambda: concurrent executions: ok, 10, this stack needs 3",
      "Quota, Kinesis: shards: ok, 200, this stack needs 1",
      "Quota, Glue: DPUs at once: ok, 10, this stack needs 2",
      "Quota, Glue: job runs at once: ok, 30, this stack needs 1",
    ]);
    assert.deepEqual(await quotas({ shardCount: "9", glueWorkers: "3", glueWorkerType: "G.4X" }), [
      "Quota, Lambda: concurrent executions: bad, 10, and this stack needs 11",
      "Quota, Kinesis: shards: ok, 200, this stack needs 9",
      "Quota, Glue: DPUs at once: bad, 10, and this stack needs 12",
      "Quota, Glue: job runs at once: ok, 30, this stack needs 1",
    ]);
  });

  it("says where more is to be had", async () => {
    const [lambda] = await quotaChecks(config, stackConfiguration("dev", { shardCount: "500" }));
    assert.match(lambda?.remedy ?? "", /^ask for more: .*\/servicequotas\/.*\/lambda\/quotas$/);
  });

  it("knows credentials that have expired, with what to do", async () => {
    const { state, remedy } = await credentialsCheck(config, undefined);
    assert.equal(state, "bad");
    assert.match(remedy ?? "", /^The AWS credentials have expired: log in again \(aws sso login\)/);
  });
});
