// Runs executions of the state machine to their end and returns what the checks need of each.
import { PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { ListExecutionsCommand } from "@aws-sdk/client-sfn";
import { runQuery } from "../../stack/athena";
import { followExecution, startExecution } from "../../stack/execution";
import { readOutput } from "../../stack/run-report";
import { type ExecutionFact, until, type World } from "./world";

const SETTLE_SECONDS = 1800;

/** Waits for an execution that an interrupted step left running. Its events would distort the counts. */
export async function settled(world: World): Promise<void> {
  const { stateMachineArn } = world.outputs;
  const quiet = await until(world, "an earlier execution to end", SETTLE_SECONDS, async () => {
    const { executions = [] } = await world.clients.sfn.send(
      new ListExecutionsCommand({ stateMachineArn, statusFilter: "RUNNING", maxResults: 1 }),
    );
    return executions.length === 0 ? true : undefined;
  });
  if (!quiet) throw new Error(`an execution of ${stateMachineArn} has been running for half an hour`);
}

export async function execute(world: World, input: unknown): Promise<ExecutionFact> {
  const { clients, outputs, signal } = world;
  await settled(world);
  const arn = await startExecution(clients.sfn, outputs.stateMachineArn, input);
  const left: string[] = [];
  const ended = await followExecution(arn, {
    sfn: clients.sfn,
    signal,
    onEvent: (event) => {
      if (event.kind === "left") left.push(event.state);
    },
    onTick: (state) => world.say(`execution: ${state ?? "starting"}`),
  });
  const { report, sent } = readOutput(ended.output) ?? {};
  const { name, status, seconds, error, cause, failedState } = ended;
  return { name, status, seconds, error, cause, failedState, left, report, sent };
}

/** The execution input that waits for these records. A run deploys a stream (run-settings.ts). */
export interface Sent {
  sent: { since: string; shards: Record<string, string> };
}

export async function put(world: World, records: readonly (string | Uint8Array)[]): Promise<Sent> {
  const since = new Date().toISOString();
  const { Records = [], FailedRecordCount } = await world.clients.kinesis.send(
    new PutRecordsCommand({
      StreamName: world.outputs.streamName,
      Records: records.map((data, index) => ({ Data: Buffer.from(data), PartitionKey: `accept-${index}` })),
    }),
  );
  if (FailedRecordCount) {
    const refused = Records.find(({ ErrorCode }) => ErrorCode);
    throw new Error(
      `The stream refused ${FailedRecordCount} records: ${refused?.ErrorCode}: ${refused?.ErrorMessage}`,
    );
  }
  const shards: Record<string, string> = {};
  for (const { ShardId = "", SequenceNumber = "" } of Records) shards[ShardId] = SequenceNumber;
  return { sent: { since, shards } };
}

/** An event that the ingest accepts. `id` identifies it in the tables. */
export function goodEvent(id: string): string {
  return JSON.stringify({
    event_id: id,
    event_type: "page_view",
    event_time: new Date().toISOString(),
    user_id: "accept",
    session_id: "accept",
  });
}

/** Lines that the ingest rejects, each for another reason. Each contains the marker. */
export function poisonedLines(marker: string): string[] {
  const event = { event_id: `${marker}-bad`, event_type: "page_view", user_id: "accept" };
  return [
    `${marker}-bad {"event_type":`,
    JSON.stringify(`${marker}-bad`),
    JSON.stringify({ ...event, event_time: "the day before yesterday" }),
    JSON.stringify({ ...event, event_time: "1970-01-01T00:00:00Z" }),
    JSON.stringify({ ...event, event_type: undefined, event_time: new Date().toISOString() }),
    JSON.stringify({ ...event, user_id: undefined, event_time: new Date().toISOString() }),
  ];
}

/** Rows of the events table, counted with Athena. */
export async function countEvents({ clients, outputs }: World, where = "true"): Promise<number> {
  const { database, workgroup, eventsTable } = outputs;
  const sql = `SELECT count(*) FROM ${eventsTable} WHERE ${where}`;
  const { rows } = await runQuery({ athena: clients.athena, database, workgroup }, sql);
  return Number(rows[0]?.[0]);
}
