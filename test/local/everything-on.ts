// The configuration in which the program declares everything that it can: each switch on, each optional resource there.
import { CONFIG_KEYS, type ConfigKey, type Way } from "../../infra/config/keys";
import { type StackConfiguration, stackConfiguration } from "../../stack/configuration";

export function everythingOn(way: Way = "stream"): StackConfiguration {
  const switches = Object.entries<ConfigKey>(CONFIG_KEYS)
    .filter(([, { check }]) => check.type === "boolean")
    .map(([key]) => [key, "true"]);
  return stackConfiguration(way === "stream" ? "dev" : "firehose", {
    way,
    ...Object.fromEntries(switches),
    collectorOrigins: '["*"]',
    collectorWriteKey: "a-key-of-enough-letters",
    collectorConcurrency: "5",
    privacy: '{"user_id":"hash"}',
    privacyHashKey: "a key of enough letters",
    successEmails: '["success@example.com"]',
    failureEmails: '["failure@example.com"]',
    monthlyBudgetUsd: "100",
  });
}
