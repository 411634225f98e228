// What steps and checks work with: the stack, its clients, and what earlier steps found.
import { setTimeout as sleep } from "node:timers/promises";
import { qualifiedName } from "../../infra/blocks/names";
import type { StackOutputs } from "../../stack/outputs";
import type { RunReport } from "../../stack/run-report";
import type { TargetConfig } from "../../stack/target";
import type { Clients } from "./clients";
import type { Deployer } from "./deployer";

/** Of an execution, what the checks look at. */
export interface ExecutionFact {
  name: string;
  status: string;
  seconds: number;
  error?: string;
  cause?: string;
  failedState?: string;
  /** The states that were left, hence succeeded or were caught. */
  left: string[];
  report?: RunReport;
  sent?: number;
}

/** What the steps found; it is kept in the state file, so that a run that goes on knows it. */
export interface Facts {
  /** When the run began, ISO 8601: what is older is not this run's. */
  began: string;
  /** In every event that this run makes up, so that it finds them again. */
  marker: string;
  outputs?: StackOutputs;
  /** ARNs of the roles that the stack made. */
  roles?: string[];
  secondUp?: { changes?: string };
  simulate?: ExecutionFact & { rowsBefore: number };
  poison?: ExecutionFact & { marker: string; good: string[]; bad: string[] };
  givenUp?: { id: string; key?: string; holdsRecord: boolean };
  refuse?: ExecutionFact;
  raise?: ExecutionFact;
  reprocess?: ExecutionFact & { day: string; before: DayFact; after: DayFact };
  schedule?: { execution?: string; status?: string };
  /** By the switch's id: what was on before it was turned off. */
  switches?: Record<string, string[]>;
  destroyed?: boolean;
}

/** A day of the events table, as Athena and the catalog show it. */
export interface DayFact {
  rows: number;
  ids: number;
  location: string;
}

export interface World {
  target: "aws" | "local";
  project: string;
  stack: string;
  region: string;
  config: TargetConfig;
  clients: Clients;
  outputs: StackOutputs;
  facts: Facts;
  deployer: Deployer;
  /** The role that deployed, where one was given. */
  role?: string;
  /** The share of AWS's waiting times that is waited: 1 on AWS; the local stack tells at once. */
  patience: number;
  signal: AbortSignal;
  /** Writes down at once what a step found before it changes it: the run may be killed in between. */
  keep(found: Partial<Facts>): void;
  /** Says what is being waited for. */
  say(text: string): void;
}

/** `clickstream-NAME`, with which the stack's own names begin. */
export function qualified({ project, stack }: Pick<World, "project" | "stack">): string {
  return qualifiedName(project, stack);
}

const LOOK_EVERY_SECONDS = 5;

/** Asks again and again until the answer is not undefined, or `seconds` have passed. */
export async function until<T>(
  world: Pick<World, "patience" | "signal" | "say">,
  what: string,
  seconds: number,
  probe: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const end = Date.now() + seconds * 1000 * world.patience;
  for (;;) {
    world.signal.throwIfAborted();
    const found = await probe();
    if (found !== undefined || Date.now() >= end) return found;
    world.say(`waiting for ${what}, up to ${Math.ceil((end - Date.now()) / 1000)} s more`);
    await pause(LOOK_EVERY_SECONDS * 1000 * Math.max(world.patience, 0.05), world.signal);
  }
}

/** Rejects with the signal's own reason, not with Node's. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}
