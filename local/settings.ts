// The configuration values that a person gives a local stack, checked as the program checks them, before anything starts.
import { InvalidConfiguration, readConfig } from "../infra/config/config";
import { PROJECT_ROOT } from "../stack/runs";
import { localConfiguration } from "./deploy/local-configuration";

/** A value is wrong, or given twice. The message shows no secret. */
export class BadSetting extends Error {}

type Setting = readonly [key: string, value: string];

/** What a person gives with --way and --config: --way is short for --config way=. */
export function givenSettings({
  way,
  config = [],
}: {
  way?: string;
  config?: readonly Setting[];
}): Setting[] {
  return way === undefined ? [...config] : [["way", way], ...config];
}

/** Returns the values by key. `others` are values that the command itself sets: no one else can. */
export function checkedSettings(
  given: readonly Setting[] = [],
  others: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const keys = given.map(([key]) => key);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice === "way") throw new BadSetting("The way was given twice: give --way or --config way once.");
  if (twice !== undefined) throw new BadSetting(`--config ${twice} was given twice: give it once.`);
  const taken = keys.find((key) => key in others);
  if (taken !== undefined) {
    throw new BadSetting(`--config ${taken} is set by this command itself: leave it out.`);
  }
  const settings = { ...others, ...Object.fromEntries(given) };
  const { project, values } = localConfiguration(PROJECT_ROOT, settings);
  try {
    readConfig(project, values);
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error;
    throw new BadSetting(`--config: ${error.message}`);
  }
  return settings;
}
