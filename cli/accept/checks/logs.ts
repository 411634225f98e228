// Whether each part writes to a log group of the stack's own, and what is in it.
import { paginateDescribeLogGroups, paginateFilterLogEvents } from "@aws-sdk/client-cloudwatch-logs";
import { BROKEN_RULE } from "../breakage";
import { seen, unexpected, type Verdict } from "../verdict";
import { qualified, until, type World } from "../world";

/** The groups that hold lines after the executions. */
function expected(world: World): string[] {
  const own = qualified(world);
  return [
    ...["simulator", "ingest", "await-ingest", "transform/output", "transform/error"].map(
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
  // A service that is not told its group makes one of its own, which stays after destroy.
  const names = [
    world.outputs.ingestFunction,
    world.outputs.awaitIngestFunction,
    world.outputs.simulatorFunction,
  ];
  const strays = [...found.keys()].filter((group) => names.some((name) => group === `/aws/lambda/${name}`));
  problems.push(...strays.map((group) => `${group} was made outside of the stack`));
  return problems.length > 0
    ? unexpected(problems.join("; "))
    : seen(
        `with lines and a retention: ${expected(world).join(", ")}${world.target === "local" ? " (not the state machine's, to which the local stack delivers nothing)" : ""}`,
      );
}

async function hasLines(world: World, logGroupName: string): Promise<boolean> {
  return (await messages(world, logGroupName, undefined)).length > 0;
}

/** One JSON object a line, with the fields at the top: that is where metrics and filters find them. */
export async function ingestLines(world: World): Promise<Verdict> {
  const logGroupName = `/${qualified(world)}/ingest`;
  const lines = await messages(world, logGroupName, "{ $.batch = * }");
  if (lines.length === 0) return unexpected(`no line of ${logGroupName} has the field batch at the top`);
  const nested = lines.find((line) => {
    const { message } = JSON.parse(line) as { message?: unknown };
    return typeof message === "string" && message.startsWith("{");
  });
  if (nested) return unexpected(`a line has JSON in its message: ${nested}`);
  return seen(`${lines.length} lines, each one object with its fields at the top`);
}

/** The failure mail sends a person to this group. */
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

/** Lines of this run, up to fifty; CloudWatch answers empty pages while it is still searching. */
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
