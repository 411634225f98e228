// Types for the declarations of commands, and for the options that each command receives.
import type { TargetOptions as StackTarget } from "../../stack/target";

/** A part of the set-up. */
export type Part = "npm" | "python" | "java17" | "java25" | "jars" | "trino" | "browser";

/** Rejects a value with a message that names the argument, the given value and what is allowed. */
export type Refuse = (message: string) => never;
export type ReadValue = (name: string, value: string, refuse: Refuse) => unknown;

interface Flag {
  type: "boolean";
  help: string;
  short?: string;
}

interface ValueOption {
  type: "string";
  /** Placeholder for the value in the help text. */
  value: string;
  help: string;
  read: ReadValue;
  multiple?: boolean;
  required?: boolean;
}

export type Option = Flag | ValueOption;
export type Options = Record<string, unknown>;

/** The positional argument of a command. */
interface Positional {
  name: string;
  /** The key under which the command receives the value. */
  key: string;
  /** The default text. Without it, the argument is required. */
  fallback?: string;
  /** Any number of arguments is allowed, also none. The command receives a list. */
  list?: boolean;
  read: ReadValue;
}

export interface Command {
  usage: string;
  about: string;
  needs: Part[] | ((options: Options) => Part[]);
  /** True for a plain JavaScript command, which runs before the set-up. */
  plain?: boolean;
  options: Record<string, Option>;
  positional?: Positional;
  /** Pairs of options that exclude each other. */
  conflicts?: [string, string][];
  /** Pairs of options of which the first requires the second. */
  together?: [string, string][];
  /** At least one of these options is required. */
  oneOf?: string[];
  examples: string[];
}

/** The parsed command line: a command to run, or the help text to print. */
export type Request = CommandRequest | HelpRequest;

interface CommandRequest {
  command: string;
  needs: Part[];
  plain: boolean;
  options: Options;
  help?: undefined;
}

interface HelpRequest {
  help: string;
}

/** A key of the program's configuration and its text. */
type Setting = [key: string, value: string];

export interface StartOptions {
  events?: number;
  seed?: number;
  /** The simulated events are spread over this many days. */
  days?: number;
  /** Absolute path of a file or pipe that exists, or - for standard input. */
  file?: string;
  /** A format string of nginx or Apache, or the name of a common format. */
  "log-format"?: string;
  query?: string[];
  way?: string;
  config?: Setting[];
  json?: boolean;
  keep?: boolean;
}

interface TargetOptions extends StackTarget {
  json?: boolean;
}

export interface QueryOptions extends TargetOptions {
  sql: string;
}

export interface ReportOptions extends TargetOptions {
  /** YYYY-MM-DD. */
  from?: string;
  to?: string;
  /** Absolute path of a file in a folder that exists. */
  out?: string;
}

export interface ExecuteOptions extends TargetOptions {
  input: Record<string, unknown>;
}

export interface LiveOptions extends TargetOptions {
  /** 1 to 65535. Default: a free port. */
  port?: number;
}

export interface DemoOptions {
  /** A stack on AWS instead of a local one. */
  stack?: string;
  way?: string;
  config?: Setting[];
  /** Of the page with both panes. Default: a free port. */
  port?: number;
  "shop-port"?: number;
  "write-key"?: string;
  "no-open"?: boolean;
  json?: boolean;
}

export interface EmptyBucketsOptions extends TargetOptions {
  yes?: boolean;
}

export interface RedriveOptions extends TargetOptions {
  "dry-run"?: boolean;
}

export interface ResendOptions extends TargetOptions {
  "dry-run"?: boolean;
}

export interface LeftoversOptions {
  /** The stack that was destroyed. Default: dev. */
  stack?: string;
  region?: string;
  json?: boolean;
}

export interface DeployerPolicyOptions {
  account: string;
  /** The stack that the role deploys. Default: dev. */
  stack?: string;
  project?: string;
  region?: string;
  partition?: string;
  /** Absolute path of a folder, which may not exist yet. */
  out?: string;
  json?: boolean;
}

export interface AcceptOptions {
  /** Required unless `local` is set. */
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
  /** The stack whose Pulumi.NAME.yaml is read. Default: dev. */
  stack?: string;
  "events-per-day"?: number;
  "event-bytes"?: number;
  "events-per-record"?: number;
  "events-per-request"?: number;
  "quarantine-percent"?: number;
  "late-percent"?: number;
  "late-days"?: number;
  "peak-factor"?: number;
  months?: number;
  "queries-per-day"?: number;
  "days-per-query"?: number;
  "executions-per-day"?: number;
  /** KEY=VALUE each. */
  set?: string[];
  json?: boolean;
}

export interface DocsOptions {
  check?: boolean;
  pictures?: boolean;
}

export interface BenchOptions {
  /** The benchmarks to run. If empty, all benchmarks run. */
  names: string[];
  rounds?: number;
  small?: boolean;
}
