// The routes of the collector. infra makes one route of the HTTP API of each; API Gateway answers 404 to all others.

/** `{call}` is `events`, or a call of Segment's HTTP API such as `batch` or `t`. */
export const ROUTES = [
  "POST /v1/{call}",
  "GET /v1/projects/{writeKey}/settings",
  "POST /com.snowplowanalytics.snowplow/tp2",
  "GET /i",
  "POST /api/event",
  "GET /clickstream.js",
  "GET /health",
] as const;

export type Route = (typeof ROUTES)[number];
