import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { DescribeDeliveryStreamCommand, UpdateDestinationCommand } from "@aws-sdk/client-firehose";
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { Traffic } from "../../lambdas/simulator/traffic";
import { type Finished, Lake } from "./lake";
import { type Expectation, expectFromRecords } from "./oracle";
import { assertTablesHold } from "./tables";

const MAIN = join(__dirname, "..", "..", "cli", "main.mjs");
const START = new Date(Math.floor(Date.now() / 1000) * 1000);
const GIVEN_UP = "aws/firehose/processing-failed/";

/** Simulated traffic as an execution asks for it, and the same lines as they are handed in. */
function traffic(events: number, seed: number) {
  const simulate = {
    ...{ events, seed, duplicates: 0.05, malformed: 0.04, late: 0.1, pii: 0.1 },
    startTime: START.toISOString(),
  };
  const { startTime, ...options } = simulate;
  const lines = [...new Traffic({ ...options, startMs: START.getTime() }).lines()].map(({ text }) => text);
  return { simulate, lines };
}

/** Raw lines that the ingest makes of the records: all but the quarantined ones. */
const rawLines = ({ lines, quarantined }: Expectation) => lines - quarantined.length;

/** Another configuration of the Lambda and of the delivery stream, so that every call of the Lambda fails at once. */
class Breakage {
  private readonly lambda: LambdaClient;
  private environment: Record<string, string> = {};

  constructor(private readonly lake: Lake) {
    this.lambda = new LambdaClient(lake.stack.clientConfig);
  }

  async begin(): Promise<void> {
    const FunctionName = this.lake.stack.outputs.ingestFunction;
    const { Environment } = await this.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    this.environment = Environment?.Variables ?? {};
    const { RAW_BUCKET, ...others } = this.environment;
    assert.ok(RAW_BUCKET);
    await this.setEnvironment(others);
    await this.setRetries("0");
  }

  end(): Promise<void> {
    return this.setEnvironment(this.environment);
  }

  private async setEnvironment(Variables: Record<string, string>): Promise<void> {
    const FunctionName = this.lake.stack.outputs.ingestFunction;
    await this.lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }),
    );
  }

  private async setRetries(retries: string): Promise<void> {
    const DeliveryStreamName = this.lake.stack.outputs.deliveryStreamName;
    const { firehose } = this.lake;
    const { DeliveryStreamDescription } = await firehose.send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName }),
    );
    const [destination] = DeliveryStreamDescription?.Destinations ?? [];
    const { Processors = [] } = destination?.ExtendedS3DestinationDescription?.ProcessingConfiguration ?? {};
    const changed = Processors.map(({ Type, Parameters = [] }) => ({
      Type,
      Parameters: Parameters.map((parameter) =>
        parameter.ParameterName === "NumberOfRetries" ? { ...parameter, ParameterValue: retries } : parameter,
      ),
    }));
    await firehose.send(
      new UpdateDestinationCommand({
        DeliveryStreamName,
        CurrentDeliveryStreamVersionId: DeliveryStreamDescription?.VersionId,
        DestinationId: destination?.DestinationId,
        ExtendedS3DestinationUpdate: {
          ProcessingConfiguration: { Enabled: true, Processors: changed },
        },
      }),
    );
  }
}

/** Firehose delivers at least once. Here it writes each object twice, and calls the ingest again for each batch. */
async function upWithFaults(): Promise<Lake> {
  process.env.CLICKSTREAM_FIREHOSE_FAULTS = "object-twice,invocation-twice";
  try {
    return await Lake.up({ way: "firehose", firehoseBufferSeconds: 1 });
  } finally {
    delete process.env.CLICKSTREAM_FIREHOSE_FAULTS;
  }
}

describe("e2e: the way firehose, with each object delivered twice and each call of the ingest repeated", function () {
  this.timeout(180_000);
  let lake: Lake;
  /** All records that were handed in. */
  const records: string[] = [];
  /** Counted by all executions: how often a line was there again. */
  let redelivered = 0;
  const execute = async (input?: unknown): Promise<Finished> => {
    const finished = await lake.execute(input);
    assert.equal(finished.status, "SUCCEEDED", finished.cause);
    redelivered += finished.report?.redelivered ?? 0;
    return finished;
  };
  before(async () => {
    lake = await upWithFaults();
  });
  after(() => lake?.down());

  it("curates, quarantines and counts exactly what was handed in", async () => {
    const { simulate, lines } = traffic(1500, 11);
    records.push(...lines);
    const expected = expectFromRecords(lines);
    assert.deepEqual([expected.lines, expected.conflicts], [1500, 0]);
    assert.ok(
      expected.duplicates > 20 && expected.quarantined.length > 20,
      "the traffic has what it was asked for",
    );
    const { report } = await execute({ simulate });
    await assertTablesHold(lake, expected);
    assert.deepEqual(
      [report?.curated, report?.quarantined, report?.duplicates],
      [expected.events.size, expected.quarantined.length, expected.duplicates],
    );
    assert.match((await lake.notice(1)).body, /Redelivered/);
  });

  it("takes what producers send that know nothing of it, and events without an id once each", async () => {
    const nested = JSON.stringify({
      ...{ user_id: "wild-nested", session_id: "s-1", event_time: "2003-03-02T00:00:00" },
      ...{ event_type: "page_view", page_url: "/", device_type: "mobile", browser: "Firefox" },
      geo: { ip: "2001:db8:1234:5678::9", country: "FR", city: "Paris" },
    });
    const flat = JSON.stringify({
      ...{ event_id: "wild-1", event_type: "purchase", timestamp: "2003-03-01T23:59:59.999Z" },
      ...{ user_id: "wild-flat", session_id: "s-2", product_id: "p-1", product_price: 19.99, quantity: 3 },
      ...{ country: "DE", city: "Berlin", ip_address: "203.0.113.77", email: "someone@example.org" },
    });
    // The same content twice without an id: two events. The same id twice: one event, and a duplicate.
    const wild = [nested, `${nested}\n${flat}`, flat, '{"user_id": "wild-broken"'];
    records.push(...wild);
    await lake.putToFirehose(...wild);
    const isWild = (line: string) => line.includes('"wild-');
    // Each raw object twice. The quarantine's object is written by the Lambda, so again under the same key.
    await lake.delivered("raw/", isWild, 2 * 4);
    assert.equal((await lake.delivered("quarantine/", (line) => line.includes("wild-broken"), 1)).length, 1);
    const { report } = await execute();
    assert.deepEqual([report?.curated, report?.duplicates, report?.quarantined], [3, 1, 1]);
    const rows = await lake.query(`
      SELECT CAST(event_date AS varchar), event_type, user_id, ip, country, city, revenue, hour
      FROM events WHERE event_date < DATE '2004-01-01' ORDER BY event_time, event_id`);
    const paris = ["2003-03-02", "page_view", "wild-nested", "2001:db8:1234::", "FR", "Paris", 0, 0];
    assert.deepEqual(rows, [
      ["2003-03-01", "purchase", "wild-flat", "203.0.113.0", "DE", "Berlin", 59.97, 23],
      paris,
      paris,
    ]);
    const expected = expectFromRecords(records);
    await assertTablesHold(lake, expected);
    // So nothing of it is missing that a second copy could hide.
    assert.equal(redelivered, rawLines(expected));
  });

  it("accounts for records that Firehose gave up, and says how to send them again", async () => {
    const breakage = new Breakage(lake);
    await breakage.begin();
    const { simulate, lines } = traffic(60, 12);
    const unnamed = JSON.stringify({
      ...{ event_type: "search", user_id: "given-up", event_time: "2003-03-05T12:00:00Z" },
    });
    records.push(...lines, unnamed);
    await lake.putToFirehose(unnamed);
    const mails = (await lake.notices()).length;
    const { report } = await execute({ simulate });
    await breakage.end();
    assert.equal(report?.curated ?? 0, 0);
    const mail = await lake.notice(mails + 1);
    assert.match(mail.subject, /given up/);
    assert.match(mail.body, /npm run resend/);
    const kept = await lake.delivered(GIVEN_UP, (line) => line.includes('"rawData"'), 4);
    assert.ok(kept.length >= 2, kept.join(", "));
  });

  it("brings them in with npm run resend", async () => {
    const expected = expectFromRecords(records);
    const before = (await lake.events()).length;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [MAIN, "resend", "--run", lake.stack.id, "--json"],
      { env: { ...process.env, NO_COLOR: "1" } },
    );
    const { objects } = JSON.parse(stdout) as { objects: { key: string; fate: string }[] };
    assert.ok(objects.length >= 2);
    assert.deepEqual([...new Set(objects.map(({ fate }) => fate))], ["sent"]);
    assert.ok(objects.every(({ key }) => key.startsWith(GIVEN_UP)));
    assert.deepEqual(await lake.delivered(GIVEN_UP, () => true, 0), []);
    const resent = expectFromRecords(records.slice(-61));
    const isResent = (line: string) =>
      [...resent.events.keys(), '"given-up"'].some((id) => line.includes(id));
    // Each raw object twice.
    await lake.delivered("raw/", isResent, 2 * rawLines(resent));
    await lake.delivered("quarantine/", () => true, expected.quarantined.length);
    const { report } = await execute();
    assert.equal(report?.curated, expected.events.size - before);
    await assertTablesHold(lake, expected);
  });
});
