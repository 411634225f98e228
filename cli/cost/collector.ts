// What a million events cost through the collector, beside what the stack costs anyway.

import { declaredBy, stackConfiguration } from "../../stack/configuration";
import { USUAL, WORK } from "./assumptions";
import { GB } from "./flow";
import { type Estimate, estimate } from "./model";
import { price } from "./prices";
import { DAYS_PER_MONTH } from "./schedule";

const MILLION = 1_000_000;
const SETTINGS = { collector: "true", collectorOrigins: '["https://www.example.com"]' };

/** Dollars by item, for each number of events a request. */
export async function collectorPerMillion(
  eventsPerRequests: readonly number[],
): Promise<Record<string, number>[]> {
  const resources = await declaredBy(stackConfiguration("prod", SETTINGS));
  return eventsPerRequests.map((eventsPerRequest) =>
    growing(estimate(resources, { ...USUAL, eventsPerDay: MILLION / DAYS_PER_MONTH, eventsPerRequest })),
  );
}

/** What grows with the requests, by item: of a month with a million events. */
function growing({ lines, flow }: Estimate): Record<string, number> {
  const items = [
    "API Gateway: requests to the collector",
    "Lambda: collector, requests",
    "Lambda: collector, arm64",
    "Kinesis: PUT units",
  ];
  const of = (item: string) => lines.find((line) => line.item === item)?.monthly ?? 0;
  return {
    ...Object.fromEntries(items.map((item) => [item, of(item)])),
    "CloudWatch Logs: access log": ((flow.requests * WORK.logBytesPerRequest) / GB) * price("logs.ingestGb"),
  };
}
