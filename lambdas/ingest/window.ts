// Reads the accepted window of event times from the environment.

import { HOUR_MS } from "../shared/durations";
import { parseEventTime } from "../shared/time";
import type { TimeWindow } from "./context";
import type { IngestEnv } from "./env";

export function readWindow(
  env: Pick<IngestEnv, "EARLIEST_EVENT_TIME" | "LATEST_EVENT_LEAD_HOURS">,
): TimeWindow {
  const earliest = parseEventTime(env.EARLIEST_EVENT_TIME);
  if (earliest === undefined) {
    throw new Error(
      `EARLIEST_EVENT_TIME must be an ISO 8601 date and time such as 2000-01-01T00:00:00Z, got "${env.EARLIEST_EVENT_TIME}".`,
    );
  }
  const leadHours = Number(env.LATEST_EVENT_LEAD_HOURS);
  if (!Number.isFinite(leadHours) || leadHours < 0) {
    throw new Error(
      `LATEST_EVENT_LEAD_HOURS must be a number of hours, 0 or more, got "${env.LATEST_EVENT_LEAD_HOURS}".`,
    );
  }
  return { earliestTime: new Date(earliest.epochMs).toISOString(), latestLeadMs: leadHours * HOUR_MS };
}
