// Every configuration key: what it may hold, and its default. Pulumi.yaml declares the same keys for the engine.

import type * as pulumi from "@pulumi/pulumi";
import { OWN_TAGS } from "../blocks/tags";

/** How a value's text is read; `read` returns undefined for what is not allowed. */
export interface Check {
  type: "string" | "integer" | "boolean" | "array" | "object";
  allowed: string;
  read: (text: string) => unknown;
}

export interface ConfigKey {
  check: Check;
  default: unknown;
  /** What follows `pulumi config set`: a value, or (with `--path`) the whole of it, KEY standing for the key. */
  example: string;
  /** Never shown, not even in an error. */
  secret?: boolean;
}

/** What the stages are given. */
export interface ClickstreamConfig {
  streamMode: "PROVISIONED" | "ON_DEMAND";
  shardCount: number;
  streamRetentionHours: number;
  batchSize: number;
  batchWindowSeconds: number;
  ingestMemoryMb: number;
  ingestRetryAttempts: number;
  ingestRecordAgeHours: number;
  earliestEventTime: string;
  latestEventLeadHours: number;
  ingestWaitMinutes: number;
  glueWorkerType: string;
  glueWorkers: number;
  glueTimeoutMinutes: number;
  targetFileMb: number;
  privacy: Record<string, PrivacyRule>;
  privacyHashKey?: pulumi.Output<string>;
  versioning: boolean;
  noncurrentRetentionDays: number;
  rawInfrequentAccessDays: number;
  rawRetentionDays: number;
  quarantineRetentionDays: number;
  resultsRetentionDays: number;
  successEmails: string[];
  failureEmails: string[];
  scheduleEnabled: boolean;
  scheduleExpression: string;
  tags: Record<string, string>;
  logRetentionDays: number;
  alarms: boolean;
  alarmNoEventsMinutes: number;
  alarmVolumeDropPercent: number;
  alarmIteratorAgeMinutes: number;
  alarmQuarantinePercent: number;
  alarmNoSuccessHours: number;
  dashboard: boolean;
  tracing: boolean;
  athenaScanLimitGb: number;
  monthlyBudgetUsd: number;
  customerKey: boolean;
  allowDataLoss: boolean;
  forceDestroy: boolean;
}

export type PrivacyRule = "keep" | "mask" | "hash" | "drop";

/** The fields that the Glue script protects, in the table's columns and in `properties`. */
export const PRIVACY_KEYS = [
  "user_id",
  "session_id",
  "page_url",
  "referrer_url",
  "device_type",
  "browser",
  "ip",
  "country",
  "city",
  "product_id",
  "product_name",
  "product_category",
  "user_agent",
  "email",
];
const PRIVACY_RULES = ["keep", "mask", "hash", "drop"];
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

export const CONFIG_KEYS = {
  streamMode: { check: oneOf("PROVISIONED", "ON_DEMAND"), default: "PROVISIONED", example: "PROVISIONED" },
  shardCount: { check: integer(1, 500), default: 1, example: "1" },
  streamRetentionHours: { check: integer(24, 8760), default: 24, example: "24" },
  batchSize: { check: integer(1, 10_000), default: 10_000, example: "10000" },
  batchWindowSeconds: { check: integer(0, 300), default: 60, example: "60" },
  ingestMemoryMb: { check: integer(256, 10_240), default: 512, example: "512" },
  ingestRetryAttempts: { check: integer(0, 10_000), default: 10, example: "10" },
  ingestRecordAgeHours: { check: integer(1, 168), default: 12, example: "12" },
  earliestEventTime: {
    check: isoTime(),
    default: "2000-01-01T00:00:00Z",
    example: "2000-01-01T00:00:00Z",
  },
  latestEventLeadHours: { check: integer(0, 8760), default: 24, example: "24" },
  ingestWaitMinutes: { check: integer(1, 120), default: 15, example: "15" },
  glueWorkerType: { check: oneOf("G.1X", "G.2X", "G.4X", "G.8X"), default: "G.1X", example: "G.1X" },
  glueWorkers: { check: integer(2, 299), default: 2, example: "2" },
  glueTimeoutMinutes: { check: integer(1, 2880), default: 60, example: "60" },
  targetFileMb: { check: integer(1, 1024), default: 128, example: "128" },
  privacy: {
    check: privacyRules(),
    default: { ip: "mask", user_agent: "drop", email: "drop", user_id: "keep" },
    example: "--path KEY.user_id hash",
  },
  privacyHashKey: {
    check: text("text of 16 characters or more", (value) => value === "" || value.length >= 16),
    default: "",
    example: '--secret KEY "$(openssl rand -base64 32)"',
    secret: true,
  },
  versioning: { check: bool(), default: true, example: "true" },
  noncurrentRetentionDays: { check: integer(1, 3650), default: 30, example: "30" },
  rawInfrequentAccessDays: { check: zeroOr(30, 3650), default: 0, example: "90" },
  rawRetentionDays: { check: zeroOr(7, 36_500), default: 0, example: "730" },
  quarantineRetentionDays: { check: zeroOr(7, 36_500), default: 0, example: "365" },
  resultsRetentionDays: { check: integer(1, 3650), default: 30, example: "30" },
  successEmails: { check: emails(), default: [], example: "--path 'KEY[0]' you@example.com" },
  failureEmails: { check: emails(), default: [], example: "--path 'KEY[0]' you@example.com" },
  scheduleEnabled: { check: bool(), default: true, example: "true" },
  scheduleExpression: { check: schedule(), default: "rate(1 hour)", example: "'rate(1 hour)'" },
  tags: { check: tags(), default: {}, example: "--path KEY.CostCenter data" },
  logRetentionDays: {
    check: number(`one of ${LOG_RETENTION_DAYS.join(", ")}`, (days) => LOG_RETENTION_DAYS.includes(days)),
    default: 30,
    example: "30",
  },
  alarms: { check: bool(), default: true, example: "true" },
  alarmNoEventsMinutes: { check: zeroOr(10, 1440), default: 60, example: "60" },
  alarmVolumeDropPercent: { check: integer(0, 99), default: 50, example: "50" },
  alarmIteratorAgeMinutes: { check: integer(0, 10_080), default: 15, example: "15" },
  alarmQuarantinePercent: { check: integer(0, 99), default: 5, example: "5" },
  alarmNoSuccessHours: { check: integer(0, 168), default: 3, example: "3" },
  dashboard: { check: bool(), default: true, example: "true" },
  tracing: { check: bool(), default: false, example: "true" },
  athenaScanLimitGb: { check: integer(0, 100_000), default: 100, example: "100" },
  monthlyBudgetUsd: { check: integer(0, 10_000_000), default: 0, example: "100" },
  customerKey: { check: bool(), default: false, example: "true" },
  allowDataLoss: { check: bool(), default: false, example: "false" },
  forceDestroy: { check: bool(), default: false, example: "false" },
} satisfies Record<string, ConfigKey>;

function integer(min: number, max: number): Check {
  return number(`an integer from ${min} to ${max}`, (value) => value >= min && value <= max);
}

/** Days or minutes of what can also be left out. */
function zeroOr(min: number, max: number): Check {
  return number(
    `0 or an integer from ${min} to ${max}`,
    (value) => value === 0 || (value >= min && value <= max),
  );
}

function number(allowed: string, accepts: (value: number) => boolean): Check {
  return {
    type: "integer",
    allowed,
    read: (given) => (/^-?\d+$/.test(given) && accepts(Number(given)) ? Number(given) : undefined),
  };
}

function bool(): Check {
  return {
    type: "boolean",
    allowed: "true or false",
    read: (given) => (given === "true" ? true : given === "false" ? false : undefined),
  };
}

function text(allowed: string, accepts: (value: string) => boolean): Check {
  return { type: "string", allowed, read: (given) => (accepts(given) ? given : undefined) };
}

function oneOf(...values: string[]): Check {
  return text(`one of ${values.join(", ")}`, (given) => values.includes(given));
}

function isoTime(): Check {
  const form = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z$/;
  return text(
    "a UTC time such as 2000-01-01T00:00:00Z",
    (given) =>
      form.test(given) &&
      !Number.isNaN(Date.parse(given)) &&
      // Date.parse takes February 30 for March 1.
      new Date(given).toISOString().startsWith(given.slice(0, 10)),
  );
}

/** EventBridge Scheduler's recurring forms; `at(...)` would run once only and is not for a pipeline. */
function schedule(): Check {
  const rate = /^rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)$/;
  const cron = /^cron\(\S+( \S+){5}\)$/;
  return text(
    "rate(N minutes|hours|days) or cron(with six fields)",
    (given) => rate.test(given) || cron.test(given),
  );
}

function json<T>(type: Check["type"], allowed: string, accepts: (value: unknown) => value is T): Check {
  return {
    type,
    allowed,
    read: (given) => {
      try {
        const value: unknown = JSON.parse(given);
        return accepts(value) ? value : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

function emails(): Check {
  const address = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
  return json(
    "array",
    "a list of different e-mail addresses",
    (value): value is string[] =>
      Array.isArray(value) &&
      value.every((item) => typeof item === "string" && address.test(item)) &&
      new Set(value).size === value.length,
  );
}

/**
 * What every AWS service takes: IAM tells keys apart without regard to case, and an S3 object has ten tags at most,
 * of which three are the program's.
 */
function tags(): Check {
  const chars = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
  const fits = (key: string, value: unknown) =>
    key.length >= 1 &&
    key.length <= 128 &&
    chars.test(key) &&
    !key.toLowerCase().startsWith("aws:") &&
    typeof value === "string" &&
    value.length <= 256 &&
    chars.test(value);
  return json(
    "object",
    `an object of up to 7 tags: different keys of 1 to 128 and values of up to 256 letters, digits, spaces and _.:/=+-@, no key ${OWN_TAGS.join(", ")} or aws:...`,
    (value): value is Record<string, string> => {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
      const keys = Object.keys(value).map((key) => key.toLowerCase());
      return (
        keys.length <= 7 &&
        new Set([...keys, ...OWN_TAGS.map((key) => key.toLowerCase())]).size ===
          keys.length + OWN_TAGS.length &&
        Object.entries(value).every(([key, member]) => fits(key, member))
      );
    },
  );
}

function privacyRules(): Check {
  return json(
    "object",
    `an object whose keys are among ${PRIVACY_KEYS.join(", ")} and whose values are ${PRIVACY_RULES.join(", ")}`,
    (value): value is Record<string, PrivacyRule> =>
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      Object.entries(value).every(
        ([field, rule]) => PRIVACY_KEYS.includes(field) && PRIVACY_RULES.includes(rule),
      ),
  );
}
