// The partitions of the quarantine table: the days of arrival, which Athena works out itself (partition projection).

import * as pulumi from "@pulumi/pulumi";
import { QUARANTINE_PARTITION_KEYS } from "../../schema/contract";

/** The form of DateTimeFormatter. It makes the first three folders of the objects' keys (lambdas/shared/layout.ts). */
const FORMAT = "'year='yyyy'/month='MM'/day='dd";
/** No version of this program ran before. A query without a bound lists each day since then, also the empty ones. */
const FIRST_DAY = "year=2026/month=11/day=01";
/** Clocks differ. Around midnight an object can be in a day that has not begun for Athena. */
const LAST_DAY = "NOW+1DAY";

/** The table's parameters. With them no partition is registered, and a new object is found at once. */
export function projectedDays(location: pulumi.Input<string>): Record<string, pulumi.Input<string>> {
  const [day] = QUARANTINE_PARTITION_KEYS.map(({ name }) => name);
  return {
    "projection.enabled": "true",
    [`projection.${day}.type`]: "date",
    [`projection.${day}.format`]: FORMAT,
    [`projection.${day}.range`]: `${FIRST_DAY},${LAST_DAY}`,
    [`projection.${day}.interval`]: "1",
    [`projection.${day}.interval.unit`]: "DAYS",
    "storage.location.template": pulumi.interpolate`${location}\${${day}}/`,
  };
}
