// What the command line is declared with, and what each command is given by it.
import type { TargetOptions as StackTarget } from "../../stack/target";

/** A part of the set-up. */
export type Part = "npm" | "python" | "jars";

/** Refuses a value, with a message that names the argument, what was given and what is allowed. */
export type Refuse = (message: string) => never;
export type ReadValue = (name: string, value: string, refuse: Refuse) => unknown;

interface Flag {
  type: "boolean";
  help: string;
  short?: string;
}

interface ValueOption {
  type: "string";
  /** What stands for the value in the help text. */
  value: string;
  help: string;
  read: ReadValue;
  multiple?: boolean;
  required?: boolean;
}

export type Option = Flag | ValueOption;
export type Options = Record<string, unknown>;

/** What a command takes beside its options. */
interface Positional {
  name: string;
  /** Under which name the command gets the value. */
  key: string;
  /** The text that is read where none was given; without it, one must be given. */
  fallback?: string;
  /** Several may be given, none too; the command gets a list. */
  list?: boolean;
  read: ReadValue;
}

export interface Command {
  usage: string;
  about: string;
  needs: Part[] | ((options: Options) => Part[]);
  /** Plain JavaScript, which runs before anything is set up. */
  plain?: boolean;
  options: Record<string, Option>;
  positional?: Positional;
  /** Pairs of options of which only one may be given. */
  conflicts?: [string, string][];
  /** Pairs of options of which the first needs the second. */
  together?: [string, string][];
  /** Options of which one must be given. */
  oneOf?: string[];
  examples: string[];
}

/** What was typed: a command to run, or the help text to print. */
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

interface TargetOptions extends StackTarget {
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

export interface BenchOptions {
  /** The benchmarks to run; all of them where it is empty. */
  names: string[];
  rounds?: number;
  small?: boolean;
}
