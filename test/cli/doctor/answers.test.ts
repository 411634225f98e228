// The checks of a stack against answers of AWS that the emulator does not give: quotas, credentials that have expired,
// a stream of any mode and size, Lake Formation's settings, billing that roles may not see.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { accountChecks } from "../../../cli/doctor/account";
import { deliveryCheck } from "../../../cli/doctor/delivery";
import { shardCheck, shardSteps } from "../../../cli/doctor/shards";
import { credentialsCheck, quotaChecks } from "../../../cli/doctor/stack";
import { localClientConfig } from "../../../stack/aws";
import { stackConfiguration } from "../../../stack/configuration";

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
    ["Max spare compute capacity consumed in data processing units (DPUs) per account.", 4],
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

const json = (status: number, body: unknown): Answer => ({
  status,
  type: "application/x-amz-json-1.1",
  body: JSON.stringify(body),
});

const IAM_DECIDES = [
  { Principal: { DataLakePrincipalIdentifier: "IAM_ALLOWED_PRINCIPALS" }, Permissions: ["ALL"] },
];

/** What AWS is to say; each test sets its own. */
const aws = {
  stream: { StreamModeDetails: { StreamMode: "PROVISIONED" }, OpenShardCount: 1, StreamStatus: "ACTIVE" },
  delivery: { DeliveryStreamStatus: "ACTIVE" } as Record<string, unknown>,
  lake: { tables: IAM_DECIDES as unknown[], databases: IAM_DECIDES as unknown[] },
  billing: true,
  callerIsKnown: false,
};

function answer(target: string, url: string, body: string): Answer {
  if (target.endsWith("ListServiceQuotas")) return listQuotas(body);
  if (target.endsWith("DescribeStreamSummary")) {
    return json(200, { StreamDescriptionSummary: { StreamName: "stream", ...aws.stream } });
  }
  if (target.endsWith("DescribeDeliveryStream")) {
    return json(200, { DeliveryStreamDescription: { DeliveryStreamName: "delivery", ...aws.delivery } });
  }
  if (url.endsWith("/GetDataLakeSettings")) {
    const { tables, databases } = aws.lake;
    return json(200, {
      DataLakeSettings: {
        CreateTableDefaultPermissions: tables,
        CreateDatabaseDefaultPermissions: databases,
      },
    });
  }
  if (target.endsWith("DescribeBudgets")) {
    return aws.billing
      ? json(200, { Budgets: [] })
      : json(400, { __type: "AccessDeniedException", Message: "Account is not authorized to view budgets" });
  }
  if (body.includes("Action=GetCallerIdentity") && aws.callerIsKnown) {
    const result =
      "<Arn>arn:aws:iam::123456789012:role/r</Arn><UserId>u</UserId><Account>123456789012</Account>";
    return {
      status: 200,
      type: "text/xml",
      body: `<GetCallerIdentityResponse><GetCallerIdentityResult>${result}</GetCallerIdentityResult></GetCallerIdentityResponse>`,
    };
  }
  return expired();
}

function expired(): Answer {
  const error =
    "<Error><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error>";
  return { status: 403, type: "text/xml", body: `<ErrorResponse>${error}</ErrorResponse>` };
}

describe("cli/doctor/stack, by AWS's answers", () => {
  let server: Server;
  let config: ReturnType<typeof localClientConfig>;
  before(async () => {
    server = createServer(async (request, response) => {
      const body = await read(request);
      const target = String(request.headers["x-amz-target"] ?? "");
      const { status, type, body: text } = answer(target, request.url ?? "", body);
      response.writeHead(status, { "content-type": type }).end(text);
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
      "Quota, Lambda: concurrent executions: ok, 10; this stack needs 3",
      "Quota, Kinesis: shards: ok, 200; this stack needs 1",
      "Quota, Glue: DPUs at once: ok, 10; this stack needs 2",
      "Quota, Glue: job runs at once: ok, 30; this stack needs 1",
    ]);
    assert.deepEqual(await quotas({ shardCount: "9", glueWorkers: "3", glueWorkerType: "G.4X" }), [
      "Quota, Lambda: concurrent executions: bad, 10; this stack needs 11",
      "Quota, Kinesis: shards: ok, 200; this stack needs 9",
      "Quota, Glue: DPUs at once: bad, 10; this stack needs 12",
      "Quota, Glue: job runs at once: ok, 30; this stack needs 1",
    ]);
    assert.deepEqual((await quotas({ glueExecutionClass: "FLEX", glueWorkers: "6" })).slice(2), [
      "Quota, Glue: DPUs at once: ok, 10; this stack needs 6",
      "Quota, Glue: DPUs of FLEX runs at once: bad, 4; this stack needs 6",
      "Quota, Glue: job runs at once: ok, 30; this stack needs 1",
    ]);
  });

  it("says where to request a higher quota", async () => {
    const [lambda] = await quotaChecks(config, stackConfiguration("dev", { shardCount: "500" }));
    assert.match(lambda?.remedy ?? "", /^request an increase: .*\/servicequotas\/.*\/lambda\/quotas$/);
  });

  it("detects expired credentials, with the remedy", async () => {
    const { state, remedy } = await credentialsCheck(config, undefined);
    assert.equal(state, "bad");
    assert.match(remedy ?? "", /^The AWS credentials have expired: log in again \(aws sso login\)/);
  });

  const shards = async (mode: string, open: number, wanted: string, StreamStatus = "ACTIVE") => {
    aws.stream = { StreamModeDetails: { StreamMode: mode }, OpenShardCount: open, StreamStatus };
    const [streamMode, count] = wanted.split(" ");
    return shardCheck(config, "stream", "dev", {
      project: "clickstream",
      streamMode: streamMode as "PROVISIONED",
      shardCount: Number(count ?? "1"),
    });
  };

  it("lists the steps from the current to the configured number of shards", async () => {
    const steps: Record<string, number[]> = {
      "1 1": [],
      "1 2": [2],
      "1 3": [2, 3],
      "10 5": [5],
      "10 4": [5, 4],
      "10 2": [5, 3, 2],
      "4 1": [2, 1],
      "3 1": [2, 1],
      "1 500": [2, 4, 8, 16, 32, 64, 128, 256, 500],
      "500 1": [250, 125, 63, 32, 16, 8, 4, 2, 1],
    };
    for (const [way, expected] of Object.entries(steps)) {
      const [open = 0, wanted = 0] = way.split(" ").map(Number);
      assert.deepEqual(shardSteps(open, wanted), expected, way);
    }
    const found = await shards("PROVISIONED", 1, "PROVISIONED 3");
    assert.equal(found.state, "bad");
    assert.equal(
      found.says,
      "the stream is PROVISIONED, 1 open, clickstream:shardCount is 3. AWS at most doubles or halves the shards in one update, so pulumi up would fail",
    );
    assert.equal(
      found.remedy,
      "go from 1 to 2, 3, with a pulumi up for each step (AWS allows ten updates in 24 hours): pulumi config set clickstream:shardCount 2 --stack dev && pulumi up --stack dev",
    );
  });

  it("finds nothing wrong with shards that one update reaches", async () => {
    const says = async (...args: Parameters<typeof shards>) => {
      const { state, says: text } = await shards(...args);
      return `${state}: ${text}`;
    };
    assert.equal(await says("PROVISIONED", 2, "PROVISIONED 2"), "ok: PROVISIONED, 2 open");
    assert.equal(
      await says("PROVISIONED", 2, "PROVISIONED 4"),
      "ok: PROVISIONED, 2 open; the next pulumi up makes it PROVISIONED, 4",
    );
    assert.equal(
      await says("PROVISIONED", 2, "ON_DEMAND"),
      "ok: PROVISIONED, 2 open; the next pulumi up makes it ON_DEMAND",
    );
    assert.equal(await says("ON_DEMAND", 4, "ON_DEMAND"), "ok: ON_DEMAND, 4 open");
    assert.equal(
      await says("ON_DEMAND", 4, "PROVISIONED 2"),
      "ok: ON_DEMAND, 4 open; the next pulumi up makes it PROVISIONED, 2",
    );
    assert.equal(
      await says("PROVISIONED", 2, "PROVISIONED 8", "UPDATING"),
      "unknown: the stream is UPDATING; check again in a few minutes",
    );
  });

  it("refuses one shard for a stream that was on demand", async () => {
    const found = await shards("ON_DEMAND", 4, "PROVISIONED 1");
    assert.equal(found.state, "bad");
    assert.match(found.says, /so pulumi up would change the mode and then fail$/);
    assert.match(found.remedy ?? "", /^go from 4 to 2, 1, .*clickstream:shardCount 2 --stack dev/);
  });

  it("says whether the delivery stream takes records, and why not", async () => {
    const state = async () => {
      const { state, says } = await deliveryCheck(config, "delivery");
      return [state, says];
    };
    assert.deepEqual(await state(), ["ok", "ACTIVE"]);
    aws.delivery = { DeliveryStreamStatus: "CREATING" };
    assert.equal((await state())[0], "unknown");
    aws.delivery = {
      DeliveryStreamStatus: "CREATING_FAILED",
      FailureDescription: { Type: "KMS_ACCESS_DENIED", Details: "the key may not be used" },
    };
    assert.deepEqual(await state(), [
      "bad",
      "the delivery stream is CREATING_FAILED: KMS_ACCESS_DENIED: the key may not be used",
    ]);
  });

  it("detects an account where Lake Formation controls new databases and tables", async () => {
    const check = async () => (await accountChecks(config, 0))[0];
    assert.deepEqual(await check(), {
      name: "Lake Formation",
      state: "ok",
      says: "IAM alone controls access to the catalog",
    });
    for (const lake of [
      { tables: IAM_DECIDES, databases: [] },
      { tables: [], databases: IAM_DECIDES },
    ]) {
      aws.lake = lake;
      const found = await check();
      assert.deepEqual(
        [found?.state, found?.remedy],
        ["unknown", 'see docs/deployment.md, section "Lake Formation", for the commands'],
      );
    }
    aws.lake = { tables: IAM_DECIDES, databases: IAM_DECIDES };
  });

  it("checks billing only if a budget is configured, and says who can activate it", async () => {
    aws.callerIsKnown = true;
    const billing = async (budget: number) =>
      (await accountChecks(config, budget)).find(({ name }) => name === "Billing");
    assert.equal(await billing(0), undefined);
    assert.equal((await billing(100))?.state, "ok");
    aws.billing = false;
    const refused = await billing(100);
    assert.equal(refused?.state, "bad");
    assert.match(
      refused?.remedy ?? "",
      /root user activates that access once .*: Account, "IAM user and role access to Billing information"/,
    );
    aws.callerIsKnown = false;
    aws.billing = true;
  });
});
