// The configuration of the stack that is looked at: everything on that a key can turn off, and nothing that takes long.
import { randomBytes } from "node:crypto";
import { SWITCHES } from "./switches";

/** Values by key, without the project's name; undefined takes the key out of the configuration. */
export type Settings = Readonly<Record<string, Setting>>;
export type Setting = string | number | boolean | Readonly<Record<string, string>> | undefined;

/** Kept encrypted in the stack's file. */
export const SECRET_KEYS: readonly string[] = ["privacyHashKey"];

/** What every deployment of the run has, beside the switches. */
const BASE: Settings = {
  batchWindowSeconds: 5,
  // A batch that cannot be landed is given up after a minute instead of an hour.
  ingestRetryAttempts: 1,
  glueTimeoutMinutes: 15,
  logRetentionDays: 1,
  // Executions are started by hand until the step that looks at the schedule.
  scheduleEnabled: false,
  // pulumi destroy leaves nothing behind: the stack holds made-up events only.
  allowDataLoss: true,
  forceDestroy: true,
};

export function settings(): Settings {
  return Object.assign({}, BASE, ...SWITCHES.map(({ on }) => on), {
    privacyHashKey: randomBytes(24).toString("base64url"),
  }) as Settings;
}

/** `privacy: {user_id: "hash"}` is `privacy.user_id=hash` to `pulumi config set --path`. */
export function asPaths(given: Settings): [path: string, value: string | undefined][] {
  return Object.entries(given).flatMap(([key, value]): [string, string | undefined][] => {
    if (typeof value !== "object") return [[key, value === undefined ? undefined : String(value)]];
    return Object.entries(value).map(([member, text]) => [`${key}.${member}`, text]);
  });
}
