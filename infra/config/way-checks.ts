// Checks that no key is set that the configured way does not have.

import { CONFIG_KEYS, type ConfigKey, type ConfigValues } from "./keys";

/** A value that failed its own check is undefined. */
type Values = Partial<ConfigValues>;

/**
 * The engine passes the defaults of Pulumi.yaml as if they were set, so only another value than the default tells that
 * somebody has set the key.
 */
export function wayProblems(key: (name: string) => string, values: Values): string[] {
  const { way } = values;
  if (way === undefined) return [];
  return Object.entries<ConfigKey>(CONFIG_KEYS).flatMap(([name, { only, default: standard }]) => {
    const value = values[name as keyof Values];
    if (only === undefined || only.includes(way) || value === undefined || value === standard) return [];
    return [
      `${key(name)} is for ${key("way")} ${only.join(" and ")} only, got ${value} with ${way}. ` +
        `Remove it: pulumi config rm ${key(name)}`,
    ];
  });
}
