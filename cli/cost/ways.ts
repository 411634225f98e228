// The committed prod and dev stacks with another way, and their estimates. docs/ways.md and a test compare them.

import { CONFIG_KEYS, type ConfigKey, type Way } from "../../infra/config/keys";
import { type Sized, sized } from "./sized";

/** Freshness does not depend on the executions of this way, so they can be rare. */
const CHOSEN: Partial<Record<Way, Record<string, string>>> = {
  arrival: { scheduleExpression: "rate(6 hours)", alarmNoSuccessHours: "13" },
};

/** `stack` with this way, without the settings that are for other ways. */
export function sizedWay(
  stack: string,
  way: Way,
  eventsPerDay: number,
  chosen: Record<string, string> = {},
): Promise<Sized> {
  return sized(stack, eventsPerDay, { ...settingsOfWay(way), ...chosen });
}

function settingsOfWay(way: Way): Record<string, string | undefined> {
  const others = Object.entries<ConfigKey>(CONFIG_KEYS).filter(([, { only }]) => only && !only.includes(way));
  return { ...Object.fromEntries(others.map(([key]) => [key, undefined])), ...CHOSEN[way], way };
}
