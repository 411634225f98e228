// Parsers for configuration values, each with a description of the allowed values.

import { PRIVACY_DEFAULTS, type PrivacyRule } from "../../schema/contract";
import { OWN_TAGS } from "../blocks/tags";

/** Parses the text of a value. `read` returns undefined if the value is not allowed. */
export interface Check<T> {
  type: "string" | "integer" | "boolean" | "array" | "object";
  allowed: string;
  read: (text: string) => T | undefined;
}

const PRIVACY_RULES: readonly string[] = ["keep", "mask", "hash", "drop"] satisfies PrivacyRule[];

export function integer(min: number, max: number): Check<number> {
  return number(`an integer from ${min} to ${max}`, (value) => value >= min && value <= max);
}

/** Days or minutes. 0 turns the feature off. */
export function zeroOr(min: number, max: number): Check<number> {
  return number(
    `0 or an integer from ${min} to ${max}`,
    (value) => value === 0 || (value >= min && value <= max),
  );
}

export function number(allowed: string, accepts: (value: number) => boolean): Check<number> {
  return {
    type: "integer",
    allowed,
    read: (given) => (/^-?\d+$/.test(given) && accepts(Number(given)) ? Number(given) : undefined),
  };
}

export function bool(): Check<boolean> {
  return {
    type: "boolean",
    allowed: "true or false",
    read: (given) => (given === "true" ? true : given === "false" ? false : undefined),
  };
}

export function text(allowed: string, accepts: (value: string) => boolean): Check<string> {
  return { type: "string", allowed, read: (given) => (accepts(given) ? given : undefined) };
}

export function oneOf<const Value extends string>(...values: Value[]): Check<Value> {
  return {
    type: "string",
    allowed: `one of ${values.join(", ")}`,
    read: (given) => values.find((value) => value === given),
  };
}

export function isoTime(): Check<string> {
  const form = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z$/;
  return text(
    "a UTC time such as 2000-01-01T00:00:00Z",
    (given) =>
      form.test(given) &&
      !Number.isNaN(Date.parse(given)) &&
      // Date.parse reads February 30 as March 1.
      new Date(given).toISOString().startsWith(given.slice(0, 10)),
  );
}

/** The recurring expressions of EventBridge Scheduler. `at(...)` would run only once. */
export function schedule(): Check<string> {
  const rate = /^rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)$/;
  const cron = /^cron\(\S+( \S+){5}\)$/;
  return text(
    "rate(N minutes|hours|days) or cron(with six fields)",
    (given) => rate.test(given) || cron.test(given),
  );
}

function json<T>(type: Check<T>["type"], allowed: string, accepts: (value: unknown) => value is T): Check<T> {
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

export function emails(): Check<string[]> {
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

/** Every site. API Gateway takes no plain `*` with credentials, so infra/collect/collector.ts translates it. */
export const EVERY_ORIGIN = "*";

/** Origins as browsers send them. A page over http is refused: without https it has no secure context to make ids in. */
export function origins(): Check<string[]> {
  return json(
    "array",
    "a list of different origins, such as https://www.example.com (lower case, no path, no slash at the end; http only with localhost or 127.0.0.1), or '*' alone",
    (value): value is string[] =>
      Array.isArray(value) &&
      new Set(value).size === value.length &&
      (value.every(isOrigin) || (value.length === 1 && value[0] === EVERY_ORIGIN)),
  );
}

function isOrigin(value: unknown): boolean {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { origin, protocol, hostname } = new URL(value);
  const local = hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "127.0.0.1";
  return (
    // What a browser sends has no standard port and no trailing slash, so only that can match.
    origin === value && !value.includes("*") && (protocol === "https:" || (protocol === "http:" && local))
  );
}

/**
 * Tags that every AWS service accepts. IAM ignores case in keys. An S3 object has at most ten tags, and this program
 * uses three of them.
 */
export function tags(): Check<Record<string, string>> {
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

export function privacyRules(): Check<Record<string, PrivacyRule>> {
  return json(
    "object",
    `an object whose keys are among ${Object.keys(PRIVACY_DEFAULTS).join(", ")} and whose values are ${PRIVACY_RULES.join(", ")}`,
    (value): value is Record<string, PrivacyRule> =>
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      Object.entries(value).every(
        ([field, rule]) => Object.hasOwn(PRIVACY_DEFAULTS, field) && PRIVACY_RULES.includes(rule),
      ),
  );
}
