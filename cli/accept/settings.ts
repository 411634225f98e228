// Configuration values of the stack under test, and their form for `pulumi config set --path`.

import { CONFIG_KEYS, type ConfigKey } from "../../infra/config/keys";

/** Values by key, without the project's name. Undefined removes the key from the configuration. */
export type Settings = Readonly<Record<string, Setting>>;
type Setting = string | number | boolean | readonly string[] | Readonly<Record<string, string>> | undefined;

/** Kept encrypted in the stack's file. */
export const SECRET_KEYS: readonly string[] = Object.entries<ConfigKey>(CONFIG_KEYS).flatMap(
  ([key, { secret }]) => (secret ? [key] : []),
);

/** `privacy: {user_id: "hash"}` is `privacy.user_id=hash` to `pulumi config set --path`, a list's first member `key[0]`. */
export function asPaths(given: Settings): [path: string, value: string | undefined][] {
  return Object.entries(given).flatMap(([key, value]): [string, string | undefined][] => {
    if (typeof value !== "object") return [[key, value === undefined ? undefined : String(value)]];
    if (Array.isArray(value)) return value.map((text, index) => [`${key}[${index}]`, text]);
    return Object.entries(value).map(([member, text]) => [`${key}.${member}`, text]);
  });
}
