// What steps and checks work with: the stack, its clients, and the results of earlier steps.
import { setTimeout as sleep } from "node:timers/promises";
import { qualifiedName } from "../../infra/blocks/names";
import type { StackOutputs } from "../../stack/outputs";
import type { RunReport } from "../../stack/run-report";
import type { TargetConfig } from "../../stack/target";
import type { Clients } from "./clients";
import type { Deployer } from "./deployer";

/** What the checks look at of an execution. */
export interface ExecutionFact {
  name: string;
  status: string;
  seconds: number;
  error?: string;
  cause?: string;
  failedState?: string;
  /** The states that were left: they succeeded, or their error was caught. */
  left: string[];
  report?: RunReport;
  sent?: number;
}

/** What the steps found. The state file keeps it for a resumed run. */
export interface Facts {
  /** When the run began, ISO 8601. Older log lines and events belong to other runs. */
  began: string;
  /** Contained in every event of this run, to find them again. */
  marker: string;
  outputs?: StackOutputs;
  /** ARNs of the stack's roles. */
  roles?: string[];
  secondUp?: { changes?: string };
  simulate?: ExecutionFact & { rowsBefore: number };
  poison?: ExecutionFact & { marker: string; good: string[]; bad: string[] };
  givenUp?: { id: string; key?: string; holdsRecord: boolean };
  refuse?: ExecutionFact;
  raise?: ExecutionFact;
  quiet?: ExecutionFact;
  reprocess?: ExecutionFact & { day: string; before: DayFact; after: DayFact };
  schedule?: { execution?: string; status?: string };
  /** By switch: what was on before it was turned off. */
  switches?: Record<string, string[]>;
  destroyed?: boolean;
}

/** A day of the events table, from Athena and the catalog. */
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
  /** The role that deployed the stack, if one was given. */
  role?: string;
  /** Factor on the waiting times: 1 on AWS, less on the local stack, which reports at once. */
  patience: number;
  signal: AbortSignal;
  /** Saves at once what a step found before it changes it: the run may be killed in between. */
  keep(found: Partial<Facts>): void;
  /** Shows what the run is waiting for. */
  say(text: string): void;
}

/** `clickstream-NAME`: the prefix of the stack's names. */
export function qualified({ project, stack }: Pick<World, "project" | "stack">): string {
  return qualifiedName(project, stack);
}

const LOOK_EVERY_SECONDS = 5;

/** Polls until the answer is not undefined, or `seconds` have passed. */
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
    world.say(`waiting up to ${Math.ceil((end - Date.now()) / 1000)} s more for ${what}`);
    await pause(LOOK_EVERY_SECONDS * 1000 * Math.max(world.patience, 0.05), world.signal);
  }
}

/** Rejects with the signal's reason, not with Node's error. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}
