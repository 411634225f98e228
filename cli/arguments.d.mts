/** Wrong arguments: the message names the argument, what was given and what is allowed. */
import type { TargetOptions as StackTarget } from "../stack/target.js";

export class UsageError extends Error {
  exitCode: number;
}

export interface StartOptions {
  events?: number;
  seed?: number;
  /** Absolute path of a file or pipe that exists, or - for standard input. */
  file?: string;
  /** A format string of nginx or Apache, or the name of a usual one. */
  "log-format"?: string;
  query?: string[];
  json?: boolean;
  keep?: boolean;
}

export interface TargetOptions extends StackTarget {
  json?: boolean;
}

export interface QueryOptions extends TargetOptions {
  sql: string;
}

export interface ExecuteOptions extends TargetOptions {
  input: Record<string, unknown>;
}

export interface EmptyBucketsOptions extends TargetOptions {
  yes?: boolean;
}

export interface LeftoversOptions {
  /** The stack that was destroyed; dev where it is left out. */
  stack?: string;
  region?: string;
  json?: boolean;
}

export interface DeployerPolicyOptions {
  account: string;
  /** The stack that the role deploys; dev where it is left out. */
  stack?: string;
  project?: string;
  region?: string;
  partition?: string;
  /** Absolute path of a folder, which need not exist. */
  out?: string;
  json?: boolean;
}

export interface AcceptOptions {
  /** Given unless `local` is. */
  stack?: string;
  local?: boolean;
  role?: string;
  region?: string;
  yes?: boolean;
  keep?: boolean;
  destroy?: boolean;
  json?: boolean;
}

export interface CostOptions {
  /** The stack whose Pulumi.NAME.yaml is read; dev where it is left out. */
  stack?: string;
  "events-per-day"?: number;
  "event-bytes"?: number;
  "events-per-record"?: number;
  "quarantine-percent"?: number;
  "peak-factor"?: number;
  months?: number;
  "queries-per-day"?: number;
  "days-per-query"?: number;
  "executions-per-day"?: number;
  /** KEY=VALUE each. */
  set?: string[];
  json?: boolean;
}

export interface Request {
  command: string;
  /** The parts of the set-up that the command needs. */
  needs: ("npm" | "python" | "jars")[];
  /** Plain JavaScript, which runs before anything is set up. */
  plain?: boolean;
  options: Record<string, unknown>;
  help?: undefined;
}

/** Reads the command line; `help` is set instead of the rest when help was asked for. */
export function readArguments(argv: string[], env?: NodeJS.ProcessEnv): Request | { help: string };
