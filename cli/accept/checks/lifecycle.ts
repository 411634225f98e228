// Checks that a second deployment changes nothing, the schedule runs, tags are indexed, switches turn off, and destroy leaves nothing.
import { spawnSync } from "node:child_process";
import { paginateGetJobRuns } from "@aws-sdk/client-glue";
import { paginateGetResources } from "@aws-sdk/client-resource-groups-tagging-api";
import { PROJECT_ROOT } from "../../../stack/runs";
import { findLeftovers, PROJECT_TAG, STACK_TAG } from "../../teardown/leftovers";
import { SWITCHES, schedules } from "../switches";
import { seen, uncheckable, unexpected, type Verdict } from "../verdict";
import { until, type World } from "../world";
import { given } from "./runs";

export async function secondUp(world: World): Promise<Verdict> {
  const { changes } = given(world.facts.secondUp, "second-up");
  return changes === undefined ? seen("a second pulumi up changes nothing") : unexpected(changes);
}

export async function scheduled(world: World): Promise<Verdict> {
  const { execution, status } = given(world.facts.schedule, "schedule");
  if (execution === undefined) return unexpected("rate(1 minute) started no execution within 4 minutes");
  const words = `the schedule started ${execution}, which ended ${status}`;
  return status === "SUCCEEDED" ? seen(words) : unexpected(words);
}

export async function scheduleOff(world: World): Promise<Verdict> {
  const left = await schedules(world);
  return left.length === 0 ? seen("no schedule starts the state machine") : unexpected(left.join("; "));
}

const SETTLE_SECONDS = 60;

/** The part must have been on before and must be off according to its service. */
export function isOff(id: string) {
  return async (world: World): Promise<Verdict> => {
    const found = SWITCHES.find((one) => one.id === id);
    if (!found) throw new Error(`no switch ${id}`);
    const before = given(world.facts.switches?.[id], `off: ${id}`);
    if (before.length === 0)
      return unexpected(`${id} was not on before it was turned off, so this check proves nothing`);
    let left: string[] = [];
    await until(world, `${id} to be off`, SETTLE_SECONDS, async () => {
      left = await found.isOn(world);
      return left.length === 0 ? true : undefined;
    });
    return left.length === 0 ? seen(`off: ${before.join("; ")}`) : unexpected(`still on: ${left.join("; ")}`);
  };
}

const TAGGED = ["kinesis", "lambda", "s3", "sns", "states", "glue"];

export async function tagIndex(world: World): Promise<Verdict> {
  const TagFilters = [
    { Key: PROJECT_TAG, Values: [world.project] },
    { Key: STACK_TAG, Values: [world.stack] },
  ];
  let services = new Set<string>();
  let count = 0;
  const missing = () => TAGGED.filter((service) => !services.has(service));
  await until(world, "the tag index", 180, async () => {
    services = new Set();
    count = 0;
    for await (const page of paginateGetResources({ client: world.clients.tagging }, { TagFilters })) {
      for (const { ResourceARN = "" } of page.ResourceTagMappingList ?? []) {
        services.add(ResourceARN.split(":")[2] ?? "");
        count += 1;
      }
    }
    return missing().length === 0 ? true : undefined;
  });
  return missing().length === 0
    ? seen(`${count} resources of ${[...services].sort().join(", ")}`)
    : unexpected(`the tag index has nothing of ${missing().join(", ")} with the stack's tags`);
}

/** The cost model assumes 45 seconds. Its result is right within these bounds. */
const BASE_SECONDS = { least: 20, most: 120 };

export async function jobTime(world: World): Promise<Verdict> {
  const times: number[] = [];
  const JobName = world.outputs.jobName;
  for await (const { JobRuns = [] } of paginateGetJobRuns({ client: world.clients.glue }, { JobName })) {
    for (const { JobRunState, ExecutionTime } of JobRuns) {
      if (JobRunState === "SUCCEEDED" && ExecutionTime !== undefined) times.push(ExecutionTime);
    }
  }
  if (times.length === 0) return unexpected("no run of the job has succeeded");
  const words = `${times.length} runs took ${times.join(", ")} s`;
  const { least, most } = BASE_SECONDS;
  return times.every((time) => time >= least && time <= most)
    ? seen(words)
    : unexpected(`${words}; the cost model assumes 45 s and is right from ${least} to ${most} s`);
}

export async function leftovers(world: World): Promise<Verdict> {
  if (!world.facts.destroyed) return unexpected("the stack was not destroyed");
  const { found, unlisted, stale } = await findLeftovers(world.config, world.project, world.stack);
  if (found.length > 0)
    return unexpected(found.map(({ kind, id, remove }) => `${kind} ${id}: ${remove}`).join("\n"));
  if (unlisted.length > 0)
    return uncheckable(unlisted.map(({ kind, why }) => `${kind} could not be listed: ${why}`).join("\n"));
  return seen(
    `no service lists a resource of the stack${stale.length ? `; ${stale.length} are still in the tag index` : ""}`,
  );
}

/** Runs npm. Tests replace it. */
export type Npm = (...args: string[]) => { stdout: string };

const npm: Npm = (...args) => spawnSync("npm", args, { cwd: PROJECT_ROOT, encoding: "utf8" });

export function noKnownVulnerabilities(run: Npm = npm) {
  return async (): Promise<Verdict> => {
    const { stdout } = run("audit", "--json");
    let total: number | undefined;
    try {
      const answer = JSON.parse(stdout) as { metadata?: { vulnerabilities?: { total?: number } } };
      total = answer.metadata?.vulnerabilities?.total;
    } catch {
      // Reported below: npm gave no answer.
    }
    if (total === undefined) return uncheckable(`npm audit gave no answer: ${stdout.trim().slice(0, 300)}`);
    return total === 0
      ? seen("found 0 vulnerabilities")
      : unexpected(`npm audit found ${total} vulnerabilities`);
  };
}
