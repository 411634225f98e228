// Reads the campaign of a visit from the page's URL.

import type { JsonObject } from "../ingest/json";

const FIELDS = ["utm_source", "utm_medium", "utm_campaign"] as const;

/** The fields `utm_source`, `utm_medium` and `utm_campaign`, as far as the URL has them. */
export function campaignOf(url: unknown): JsonObject {
  if (typeof url !== "string" || !url.includes("utm_")) return {};
  const query = url.split("#")[0]?.split("?").slice(1).join("?") ?? "";
  const parameters = new URLSearchParams(query);
  return Object.fromEntries(FIELDS.map((name) => [name, parameters.get(name) || undefined]));
}
