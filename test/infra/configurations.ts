// Configurations for tests of what a change of one key does: one that has everything, and another value of each key.
import assert from "node:assert/strict";
import { CONFIG_KEYS, type ConfigKey, type Way } from "../../infra/config/keys";

/** What a change can take away is there. */
export const BEFORE: Record<string, string> = {
  alarms: "true",
  collector: "true",
  collectorOrigins: '["https://www.example.com"]',
  collectorWriteKey: "a-key-of-enough-letters",
  collectorConcurrency: "50",
  monthlyBudgetUsd: "100",
  customerKey: "true",
  privacy: '{"user_id":"hash"}',
  privacyHashKey: "a key of enough letters",
  successEmails: '["ann@example.com"]',
  failureEmails: '["ann@example.com"]',
  allowDataLoss: "true",
  forceDestroy: "true",
};

/** Values for keys whose other value cannot be found by trying. */
const AFTER: Record<string, string> = {
  collectorOrigins: '["*"]',
  collectorWriteKey: "another-key-of-enough-letters",
  privacy: '{"user_id":"hash","city":"drop"}',
  privacyHashKey: "another key of enough letters",
  successEmails: '["bob@example.com"]',
  failureEmails: '["bob@example.com"]',
  rawRetentionDays: "200",
  tags: '{"Team":"data"}',
  earliestEventTime: "2010-01-01T00:00:00Z",
  scheduleExpression: "rate(2 hours)",
};

/** What cannot be changed alone. */
export const TOGETHER: Record<string, Record<string, string>> = {
  allowDataLoss: { forceDestroy: "false" },
  collector: { collectorOrigins: "[]", collectorWriteKey: "" },
  // Alarms and budgets keep the key for the topics.
  customerKey: { alarms: "false", monthlyBudgetUsd: "0" },
};

const textOf = (standard: unknown) => (typeof standard === "string" ? standard : JSON.stringify(standard));

/** Of each key that the way of `before` has, another allowed value than what it is there. */
export function otherValues(before: Record<string, string>): Record<string, string> {
  const way = (before.way ?? CONFIG_KEYS.way.default) as Way;
  return Object.fromEntries(
    Object.entries<ConfigKey>(CONFIG_KEYS)
      .filter(([, { only }]) => only === undefined || only.includes(way))
      .map(([key, spec]) => [key, otherValue(key, spec, before)]),
  );
}

function otherValue(
  key: string,
  { check, default: standard, example }: ConfigKey,
  before: Record<string, string>,
): string {
  const now = before[key] ?? textOf(standard);
  const number = Number(now);
  const oneOf = check.allowed.startsWith("one of ") ? check.allowed.slice("one of ".length).split(", ") : [];
  const candidates = [AFTER[key], "true", "false", ...oneOf, `${number + 1}`, `${number * 2}`, "90", example];
  const found = candidates.find(
    (value) => value !== undefined && value !== now && check.read(value) !== undefined,
  );
  assert.ok(found !== undefined, `give another value of ${key} in AFTER`);
  return found;
}

/** Of each key that can turn something off, the value that does. */
export function offValues(): Record<string, string> {
  const nothing: Record<string, string> = { boolean: "false", integer: "0", array: "[]", object: "{}" };
  return Object.fromEntries(
    Object.entries<ConfigKey>(CONFIG_KEYS).flatMap(([key, { check }]) => {
      const off = nothing[check.type] ?? "";
      return check.read(off) === undefined ? [] : [[key, off]];
    }),
  );
}
