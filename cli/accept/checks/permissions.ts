// Checks that services can use the stack's roles, that the deployer's policy suffices, and that nothing was denied.
import { LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import { GetFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { functionsOf } from "../switches";
import { seen, uncheckable, unexpected, type Verdict } from "../verdict";
import { pause, type World } from "../world";
import { ending, given } from "./runs";

/** These states of the simulated execution were left, so the services that they call can use their roles. */
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
  if (states.length > 0) return unexpected(states.join("; "));
  return passes("SimulateTraffic", "AwaitIngest", "LookForNew")(world);
}

const DENIED = /AccessDenied|UnauthorizedOperation|not authorized to perform/;

/** Only a role that has nothing but the policy can prove that the policy suffices. */
export async function deployerSuffices(world: World): Promise<Verdict> {
  if (world.role === undefined)
    return uncheckable(
      "no --role was given: the stack was deployed with all permissions of your credentials",
    );
  const lines = world.deployer.log().split("\n");
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
/** CloudTrail allows two look-ups a second per account. */
const PAUSE_MILLISECONDS = 600;

/** CloudTrail's history has management events of the last 90 days, up to 15 minutes late. */
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
    ? `CloudTrail has no denial among ${looked} events so far (it does not record S3 object and Kinesis record calls, and is up to 15 minutes late)`
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
