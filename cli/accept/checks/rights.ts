// Whether services may use the stack's roles, whether the deployer's policy suffices, and what was denied.
import { LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import { GetFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { functionsOf } from "../switches";
import { seen, uncheckable, unexpected, type Verdict } from "../verdict";
import { pause, type World } from "../world";
import { ending, given } from "./runs";

/** Whether a state of the simulated execution was left, hence what it calls may use its role. */
export function passes(...states: string[]) {
  return async ({ facts }: World): Promise<Verdict> => {
    const fact = given(facts.simulate, "simulate");
    const missing = states.filter((state) => !fact.left.includes(state) || fact.failedState === state);
    return missing.length === 0
      ? seen(`${states.join(", ")} succeeded`)
      : unexpected(`${missing.join(", ")} did not succeed; the execution ended ${ending(fact)}`);
  };
}

export async function functionsRun(world: World): Promise<Verdict> {
  const states: string[] = [];
  for (const FunctionName of functionsOf(world.outputs)) {
    const { State, StateReason } = await world.clients.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName }),
    );
    if (State !== "Active") states.push(`${FunctionName} is ${State}: ${StateReason ?? "no reason given"}`);
  }
  return states.length > 0 ? unexpected(states.join("; ")) : passes("SimulateTraffic", "AwaitIngest")(world);
}

const DENIED = /AccessDenied|UnauthorizedOperation|not authorized to perform/;

/** The policy is what is looked at only where a role was given that has nothing else. */
export async function deployerSuffices(world: World): Promise<Verdict> {
  if (world.role === undefined)
    return uncheckable("no --role was given: the stack was deployed with all that your credentials may do");
  const lines = world.deployer.said().split("\n");
  const denied = lines.filter((line) => DENIED.test(line)).map((line) => line.trim());
  if (denied.length > 0) return unexpected([...new Set(denied)].join("\n"));
  if (!world.facts.destroyed) return unexpected("pulumi destroy did not succeed under the role");
  const found = await denials(world, [world.role]);
  if (found.denied.length > 0) return unexpected(found.denied.join("\n"));
  return seen(`up, up again, each changed key and destroy under ${world.role}; ${found.words}`);
}

export async function nothingDenied(world: World): Promise<Verdict> {
  const roles = given(world.facts.roles, "simulate");
  if (roles.length === 0) return unexpected("the stack has no role under its path");
  const found = await denials(world, roles);
  if (found.denied.length > 0) return unexpected(found.denied.join("\n"));
  if (!found.complete) return uncheckable(found.words);
  return seen(`${roles.length} roles; ${found.words}`);
}

interface Denials {
  denied: string[];
  complete: boolean;
  words: string;
}

const PAGES = 120;
/** CloudTrail answers two look-ups a second for the whole account. */
const PAUSE_MILLISECONDS = 600;

/** CloudTrail's history holds what manages resources, for 90 days; it comes up to 15 minutes late. */
async function denials(world: World, roles: readonly string[]): Promise<Denials> {
  const StartTime = new Date(world.facts.began);
  const denied: string[] = [];
  let NextToken: string | undefined;
  let looked = 0;
  let pages = 0;
  do {
    world.signal.throwIfAborted();
    world.say(`CloudTrail: ${looked} events read`);
    const { Events = [], NextToken: next } = await world.clients.cloudtrail.send(
      new LookupEventsCommand({ StartTime, MaxResults: 50, NextToken }),
    );
    looked += Events.length;
    pages += 1;
    denied.push(...Events.flatMap(({ CloudTrailEvent = "{}" }) => denialOf(CloudTrailEvent, roles)));
    NextToken = next;
    if (NextToken) await pause(PAUSE_MILLISECONDS * world.patience, world.signal);
  } while (NextToken && pages < PAGES);
  const complete = NextToken === undefined;
  const words = complete
    ? `CloudTrail has no denial among ${looked} events so far (it has no S3 objects or records, and is up to 15 minutes late)`
    : `CloudTrail has more than ${looked} events since ${world.facts.began}: no denial among those that were read`;
  return { denied: [...new Set(denied)], complete, words };
}

interface TrailEvent {
  errorCode?: string;
  errorMessage?: string;
  eventName?: string;
  eventSource?: string;
  userIdentity?: { arn?: string; sessionContext?: { sessionIssuer?: { arn?: string } } };
}

function denialOf(text: string, roles: readonly string[]): string[] {
  const event = JSON.parse(text) as TrailEvent;
  const who = event.userIdentity?.sessionContext?.sessionIssuer?.arn ?? event.userIdentity?.arn ?? "";
  if (!roles.includes(who) || !DENIED.test(`${event.errorCode} ${event.errorMessage}`)) return [];
  return [`${event.eventSource} ${event.eventName}: ${event.errorCode}: ${event.errorMessage}`];
}
