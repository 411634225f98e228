// The configuration that a run deploys with: every switch on, and short waiting times.
import { randomBytes } from "node:crypto";
import type { Settings } from "./settings";
import { SWITCHES } from "./switches";

/** The settings of every deployment of the run, in addition to the switches. */
const BASE: Settings = {
  // The steps put records into a stream and break its ingest. rows-by-person.ts has what to look at in the other ways.
  way: "stream",
  batchWindowSeconds: 5,
  // Lambda gives up a failing batch after a minute instead of an hour.
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
