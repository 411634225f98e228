// The typed configuration of the stack, with defaults and checks. Reports all problems together.

import * as pulumi from "@pulumi/pulumi";
import { PRIVACY_DEFAULTS, type PrivacyRule } from "../../schema/contract";
import { alarmProblems } from "./alarm-checks";
import type { Check } from "./checks";
import { collectorProblems } from "./collector-checks";
import {
  type ClickstreamConfig,
  CONFIG_KEYS,
  type ConfigKey,
  type ConfigValues,
  type PlainConfig,
} from "./keys";
import { suggest } from "./suggest.cjs";
import { wayProblems } from "./way-checks";

/** Stops `pulumi up`. The engine shows the message without a stack trace. */
export class InvalidConfiguration extends pulumi.RunError {
  constructor(problems: string[]) {
    super(`Invalid configuration:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
}

/** The configuration of the current stack. */
export function stackConfig(): ClickstreamConfig {
  return readConfig(pulumi.getProject(), pulumi.runtime.allConfig());
}

/** `values` maps full keys (`clickstream:shardCount`) to text. Lists and objects are JSON. */
export function readConfig(namespace: string, values: Record<string, string>): ClickstreamConfig {
  const problems = unknownKeys(namespace, Object.keys(values));
  const read: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries<ConfigKey>(CONFIG_KEYS)) {
    const full = `${namespace}:${key}`;
    const text = values[full];
    const checked = text === undefined ? { value: spec.default } : parse(spec.check, text);
    if ("value" in checked) read[key] = checked.value;
    else
      problems.push(
        explain(full, checked.problem, spec.secret ? "a secret value" : JSON.stringify(text), spec.example),
      );
  }
  const config = read as ConfigValues;
  const hashKey = config.privacyHashKey || undefined;
  problems.push(...wayProblems((name) => `${namespace}:${name}`, config));
  problems.push(...crossChecks(namespace, config, hashKey));
  problems.push(...collectorProblems((name) => `${namespace}:${name}`, config));
  if (problems.length > 0) throw new InvalidConfiguration(problems);
  return {
    ...config,
    privacy: { ...CONFIG_KEYS.privacy.default, ...config.privacy },
    privacyHashKey: secret(hashKey),
    collectorWriteKey: secret(config.collectorWriteKey || undefined),
  };
}

function secret(value: string | undefined): pulumi.Output<string> | undefined {
  return value === undefined ? undefined : pulumi.secret(value);
}

function parse(check: Check<unknown>, text: string): { value: unknown } | { problem: string } {
  const result = check.read(text);
  return result === undefined ? { problem: `must be ${check.allowed}` } : { value: result };
}

function explain(key: string, problem: string, given: string, example: string): string {
  const remedy = example.includes("KEY") ? example.replace("KEY", key) : `${key} ${example}`;
  return `${key} ${problem}, got ${given}. For example: pulumi config set ${remedy}`;
}

function unknownKeys(namespace: string, keys: string[]): string[] {
  const prefix = `${namespace}:`;
  const known = Object.keys(CONFIG_KEYS);
  return keys
    .filter((key) => key.startsWith(prefix) && !known.includes(key.slice(prefix.length)))
    .map((key) => {
      const match = suggest(key.slice(prefix.length), known);
      const hint = match ? `did you mean ${prefix}${match}?` : `known keys: ${known.join(", ")}.`;
      return `${key} is not a key of this program: ${hint} Remove it with: pulumi config rm ${key}`;
    });
}

type ReadValues = Partial<PlainConfig>;

/** A key that failed its own check is undefined here, so that it is not reported twice. */
function crossChecks(namespace: string, config: ReadValues, hashKey: string | undefined): string[] {
  const key = (name: string) => `${namespace}:${name}`;
  const problems: string[] = [];
  if (config.streamMode === "ON_DEMAND" && config.shardCount !== undefined && config.shardCount !== 1) {
    problems.push(
      `${key("shardCount")} is for ${key("streamMode")} PROVISIONED only, got ${config.shardCount} with ON_DEMAND. ` +
        `Remove one of them: pulumi config rm ${key("shardCount")}`,
    );
  }
  const age = config.ingestRecordAgeHours;
  const retention = config.streamRetentionHours;
  if (age !== undefined && retention !== undefined && age >= retention) {
    problems.push(
      `${key("ingestRecordAgeHours")} must be less than ${key("streamRetentionHours")} (${retention}), got ${age}: ` +
        `a failing batch would expire from the stream before it is saved in the raw bucket. Raise ${key("streamRetentionHours")} or lower this`,
    );
  }
  const window = config.batchWindowSeconds;
  const batch = config.batchSize;
  if (window === 0 && batch !== undefined && batch > LARGEST_BATCH_WITHOUT_WINDOW) {
    problems.push(
      `${key("batchWindowSeconds")} must be 1 or more where ${key("batchSize")} is more than ${LARGEST_BATCH_WITHOUT_WINDOW} (${batch}), got 0: ` +
        `AWS requires it. Raise it, or: pulumi config set ${key("batchSize")} ${LARGEST_BATCH_WITHOUT_WINDOW}`,
    );
  }
  if (config.forceDestroy && config.allowDataLoss === false) {
    problems.push(
      `${key("forceDestroy")} empties the buckets, which requires ${key("allowDataLoss")}, got true without it. ` +
        `If the data can be deleted: pulumi config set ${key("allowDataLoss")} true, otherwise: pulumi config rm ${key("forceDestroy")}`,
    );
  }
  problems.push(
    ...waitProblems(key, config),
    ...retentionProblems(key, config),
    ...executionClassProblems(key, config),
  );
  return [...problems, ...alarmProblems(key, config), ...hashKeyProblems(key, config.privacy, hashKey)];
}

/** Lambda: "when you set BatchSize to a value greater than 10, you must set MaximumBatchingWindowInSeconds to at least 1". */
const LARGEST_BATCH_WITHOUT_WINDOW = 10;

/** An execution that sends events waits at least as long as they are collected. */
function waitProblems(key: (name: string) => string, config: ReadValues): string[] {
  const collects = config.way === "stream" ? "batchWindowSeconds" : "firehoseBufferSeconds";
  const { ingestWaitMinutes: wait, [collects]: seconds } = config;
  if (config.way === undefined || wait === undefined || seconds === undefined) return [];
  if (wait * 60 > seconds) return [];
  const early =
    collects === "batchWindowSeconds" ? "before the ingest is called" : "before Firehose writes the events";
  return [
    `${key("ingestWaitMinutes")} must be longer than ${key(collects)} (${seconds} seconds), got ${wait}: ` +
      `executions would time out ${early}. Raise it`,
  ];
}

/** STANDARD_IA bills at least 30 days for each object, so an earlier expiry saves nothing. */
const INFREQUENT_ACCESS_MINIMUM_DAYS = 30;

function retentionProblems(key: (name: string) => string, config: ReadValues): string[] {
  const moved = config.rawInfrequentAccessDays;
  const kept = config.rawRetentionDays;
  if (!moved || !kept || kept >= moved + INFREQUENT_ACCESS_MINIMUM_DAYS) return [];
  return [
    `${key("rawRetentionDays")} must be 0 or at least ${INFREQUENT_ACCESS_MINIMUM_DAYS} days more than ${key("rawInfrequentAccessDays")} (${moved}), got ${kept}: ` +
      `STANDARD_IA bills ${INFREQUENT_ACCESS_MINIMUM_DAYS} days of each object. Raise it, or: pulumi config rm ${key("rawInfrequentAccessDays")}`,
  ];
}

/** Glue: "Flexible job runs are supported for jobs using AWS Glue version 3.0 or later and G.1X or G.2X worker types". */
const FLEXIBLE_WORKER_TYPES = ["G.1X", "G.2X"];

function executionClassProblems(key: (name: string) => string, config: ReadValues): string[] {
  const type = config.glueWorkerType;
  if (config.glueExecutionClass !== "FLEX" || type === undefined || FLEXIBLE_WORKER_TYPES.includes(type))
    return [];
  return [
    `${key("glueExecutionClass")} FLEX is for ${key("glueWorkerType")} ${FLEXIBLE_WORKER_TYPES.join(" and ")} only, got ${type}. ` +
      `Use one of these with more ${key("glueWorkers")}, or: pulumi config rm ${key("glueExecutionClass")}`,
  ];
}

function hashKeyProblems(
  key: (name: string) => string,
  privacy: Record<string, PrivacyRule> | undefined,
  hashKey: string | undefined,
): string[] {
  const set = `pulumi config set --secret ${key("privacyHashKey")} "$(openssl rand -base64 32)"`;
  const hashed = Object.entries(privacy ?? {}).filter(([, rule]) => rule === "hash");
  const problems: string[] = [];
  if (hashed.length > 0 && hashKey === undefined) {
    const fields = hashed.map(([field]) => field).join(", ");
    problems.push(
      `${key("privacyHashKey")} is required because ${key("privacy")} hashes ${fields}, got none. Set it: ${set}`,
    );
  }
  if (privacy && hashed.length === 0 && hashKey !== undefined) {
    problems.push(
      `${key("privacyHashKey")} is set, but no field of ${key("privacy")} is hashed. ` +
        `Hash one of ${Object.keys(PRIVACY_DEFAULTS).join(", ")}, or: pulumi config rm ${key("privacyHashKey")}`,
    );
  }
  return problems;
}
