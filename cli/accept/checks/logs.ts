// Checks that each part writes to its own log group of the stack, and what the log groups contain.
import { paginateDescribeLogGroups, paginateFilterLogEvents } from "@aws-sdk/client-cloudwatch-logs";
import { BROKEN_RULE } from "../breakage";
import { seen, unexpected, type Verdict } from "../verdict";
import { qualified, until, type World } from "../world";

/** The groups that must have lines after the executions. */
function expected(world: World): string[] {
  const own = qualified(world);
  return [
    ...["simulator", "ingest", "await-ingest", "look-for-new", "transform/output", "transform/error"].map(
      (path) => `/${own}/${path}`,
    ),
    // The local Step Functions delivers no logs.
    ...(world.target === "aws" ? [`/aws/vendedlogs/states/${own}/pipeline`] : []),
  ];
}

export async function logGroups(world: World): Promise<Verdict> {
  const found = new Map<string, number | undefined>();
  const client = world.clients.logs;
  for await (const { logGroups: groups = [] } of paginateDescribeLogGroups({ client }, {})) {
    for (const { logGroupName = "", retentionInDays } of groups) found.set(logGroupName, retentionInDays);
  }
  const problems: string[] = [];
  for (const name of expected(world)) {
    if (!found.has(name)) problems.push(`${name} does not exist`);
    else if (found.get(name) === undefined) problems.push(`${name} has no retention: its lines never expire`);
    else if (!(await hasLines(world, name))) problems.push(`${name} is empty`);
  }
  // A service without a configured group creates its own, which stays after destroy.
  const names = [
    world.outputs.ingestFunction,
    world.outputs.awaitIngestFunction,
    world.outputs.lookForNewFunction,
    world.outputs.simulatorFunction,
    world.outputs.collectorFunction,
  ];
  const strays = [...found.keys()].filter((group) => names.some((name) => group === `/aws/lambda/${name}`));
  problems.push(...strays.map((group) => `${group} was created outside of the stack`));
  return problems.length > 0
    ? unexpected(problems.join("; "))
    : seen(
        `with lines and a retention: ${expected(world).join(", ")}${world.target === "local" ? " (without the state machine's group: the local stack delivers no logs to it)" : ""}`,
      );
}

async function hasLines(world: World, logGroupName: string): Promise<boolean> {
  return (await messages(world, logGroupName, undefined)).length > 0;
}

/** Each line is one JSON object with top-level fields, where metrics and filters find them. */
export async function ingestLines(world: World): Promise<Verdict> {
  const logGroupName = `/${qualified(world)}/ingest`;
  const lines = await messages(world, logGroupName, "{ $.batch = * }");
  if (lines.length === 0) return unexpected(`no line of ${logGroupName} has the top-level field batch`);
  const nested = lines.find((line) => {
    const { message } = JSON.parse(line) as { message?: unknown };
    return typeof message === "string" && message.startsWith("{");
  });
  if (nested) return unexpected(`a line has JSON in its message: ${nested}`);
  return seen(`${lines.length} lines, each one JSON object with top-level fields`);
}

/** The failure mail refers to this group. */
export async function jobSaysWhy(world: World): Promise<Verdict> {
  const logGroupName = `/${qualified(world)}/transform/output`;
  const lines = await messages(world, logGroupName, BROKEN_RULE);
  if (lines.length > 0) return seen(`${logGroupName}: ${lines[0]?.slice(0, 300)}`);
  const other = await messages(world, `/${qualified(world)}/transform/error`, BROKEN_RULE, 0);
  return unexpected(
    other.length > 0
      ? `${logGroupName} has no line with "${BROKEN_RULE}"; transform/error has: ${other[0]?.slice(0, 300)}`
      : `no log group of the job has a line with "${BROKEN_RULE}"`,
  );
}

const LINES = 50;

/** Up to fifty lines of this run. CloudWatch returns empty pages while it searches. */
async function messages(
  world: World,
  logGroupName: string,
  filterPattern: string | undefined,
  seconds = 120,
): Promise<string[]> {
  const startTime = Date.parse(world.facts.began);
  const client = world.clients.logs;
  const found = await until(world, `lines in ${logGroupName}`, seconds, async () => {
    const lines: string[] = [];
    for await (const { events = [] } of paginateFilterLogEvents(
      { client },
      { logGroupName, filterPattern, startTime, limit: LINES },
    )) {
      lines.push(...events.map(({ message = "" }) => message));
      if (lines.length > 0) break;
    }
    return lines.length > 0 ? lines : undefined;
  });
  return found ?? [];
}
