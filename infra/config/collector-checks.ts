// Checks the collector's settings against each other: what it needs, and what somebody has set for no collector.

import { CONFIG_KEYS, type ConfigValues } from "./keys";

type Key = (name: string) => string;
/** A value that failed its own check is undefined. */
type Values = Partial<ConfigValues>;

export function collectorProblems(key: Key, values: Values): string[] {
  if (values.collector === true) return originProblems(key, values);
  return values.collector === false ? unusedProblems(key, values) : [];
}

/** A browser keeps a page from a collector that does not name its origin, and only its console says so. */
function originProblems(key: Key, { collectorOrigins }: Values): string[] {
  if (collectorOrigins === undefined || collectorOrigins.length > 0) return [];
  const example = CONFIG_KEYS.collectorOrigins.example.replace("KEY", key("collectorOrigins"));
  return [
    `${key("collectorOrigins")} is required because ${key("collector")} is true, got none: browsers would refuse the pages of every site. ` +
      `Name your site: pulumi config set ${example}, or every site: pulumi config set --path '${key("collectorOrigins")}[0]' '*'`,
  ];
}

/** Whoever names a site or sets a key expects a collector. Limits alone say no such thing. */
function unusedProblems(key: Key, { collectorOrigins = [], collectorWriteKey = "" }: Values): string[] {
  const set = [
    ...(collectorOrigins.length > 0 ? ["collectorOrigins"] : []),
    ...(collectorWriteKey !== "" ? ["collectorWriteKey"] : []),
  ];
  return set.map(
    (name) =>
      `${key(name)} is set, but ${key("collector")} is false, so there is no collector. ` +
      `Turn it on: pulumi config set ${key("collector")} true, or: pulumi config rm ${key(name)}`,
  );
}
