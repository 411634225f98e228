// The JSON of /all, /good, /bad and /reset: the form of Snowplow Micro's REST API, for the tests of a site.
// https://docs.snowplow.io/docs/api-reference/snowplow-micro/api/
import type { Asked, LoopbackServer } from "../../local/loopback";
import { type Answer, json } from "../../local/loopback";
import { type Feed, LIMITS } from "./feed";
import type { Seen } from "./seen";

/** Micro's names, and the same under the path that Micro has. */
const PREFIXES = ["/", "/micro/"];
const METHODS = ["GET", "POST"] as const;
/** In the place of a tracker's protocol: what arrives here is already an event of this program. */
const API = { vendor: "clickstream", version: "v1" };

type Filter = Record<string, unknown>;

export function serveMicro(server: LoopbackServer, feed: Feed, onReset: () => void): void {
  const on = (name: string, answer: (filter: Filter) => unknown, allowed: readonly string[] = []) => {
    for (const prefix of PREFIXES) {
      server.on(`${prefix}${name}`, (asked) => filtered(asked, allowed, answer), { methods: METHODS });
    }
  };
  on("all", () => summary(feed));
  on("good", (filter) => good(feed, filter), ["event_type", "schema", "contexts", "limit"]);
  on("bad", (filter) => bad(feed, filter), ["vendor", "version", "limit"]);
  on("reset", () => {
    feed.reset();
    onReset();
    return summary(feed);
  });
}

/** Micro takes filters by POST only, as JSON. */
function filtered(
  { method, body }: Asked,
  allowed: readonly string[],
  answer: (filter: Filter) => unknown,
): Answer {
  if (method !== "POST" || body.trim() === "" || allowed.length === 0) return json(answer({}));
  const filter = parsed(body);
  if (filter === undefined) return problem(`The filter must be a JSON object, got ${body.slice(0, 200)}`);
  const unknown = Object.keys(filter).filter((name) => !allowed.includes(name));
  if (unknown.length > 0) {
    return problem(`Unknown filter ${unknown.join(", ")}. Allowed are ${allowed.join(", ")}.`);
  }
  const wrong = Object.entries(filter).find(([name, value]) => !fits(name, value));
  if (wrong) return problem(`${wrong[0]} must be ${formOf(wrong[0])}, got ${JSON.stringify(wrong[1])}.`);
  return json(answer(filter));
}

function parsed(body: string): Filter | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Filter)
      : undefined;
  } catch {
    return undefined;
  }
}

function fits(name: string, value: unknown): boolean {
  if (name === "limit") return Number.isInteger(value) && (value as number) >= 0;
  if (name === "contexts") return Array.isArray(value) && value.every((item) => typeof item === "string");
  return typeof value === "string";
}

function formOf(name: string): string {
  if (name === "limit") return "a whole number, 0 or more";
  return name === "contexts" ? "a list of texts" : "text";
}

function problem(message: string): Answer {
  return json({ error: message }, 400);
}

/** Counts all lines since the start or the last reset, also those that are no longer kept. */
function summary({ counts }: Feed) {
  const { total, quarantined } = counts.summary();
  return { total, good: total - quarantined, bad: quarantined };
}

/** As in Micro, the newest first. */
function newestFirst(feed: Feed): Seen[] {
  return feed.newest(LIMITS.lines).reverse();
}

function good(feed: Feed, { event_type, schema, contexts, limit }: Filter) {
  return newestFirst(feed)
    .filter(({ verdict }) => verdict !== "quarantined")
    .map(goodEvent)
    .filter((entry) => event_type === undefined || entry.eventType === event_type)
    .filter((entry) => schema === undefined || entry.schema === schema)
    .filter(
      (entry) => (contexts as string[] | undefined)?.every((name) => entry.contexts.includes(name)) ?? true,
    )
    .slice(0, (limit as number | undefined) ?? LIMITS.lines);
}

function goodEvent(seen: Seen) {
  const { arrival: _, ...event } = seen.event as NonNullable<Seen["event"]>;
  return {
    rawEvent: {
      api: API,
      parameters: texts(event),
      contentType: "application/json",
      source: sourceOf(seen),
      context: contextOf(seen),
    },
    eventType: event.event_type,
    // The collector keeps the schema of a Snowplow event as a property.
    schema: event.properties?.schema ?? null,
    contexts: [] as string[],
    event,
    duplicate: seen.verdict === "duplicate",
  };
}

function bad(feed: Feed, { vendor, version, limit }: Filter) {
  const isOfThisApi =
    (vendor === undefined || vendor === API.vendor) && (version === undefined || version === API.version);
  if (!isOfThisApi) return [];
  return newestFirst(feed)
    .filter(({ verdict }) => verdict === "quarantined")
    .slice(0, (limit as number | undefined) ?? LIMITS.lines)
    .map(badEvent);
}

function badEvent(seen: Seen) {
  const { arrival: _, ...event } = seen.event ?? { arrival: undefined };
  return {
    collectorPayload: {
      api: API,
      querystring: [],
      contentType: "application/json",
      body: seen.payload ?? JSON.stringify(event),
      source: sourceOf(seen),
      context: contextOf(seen),
    },
    errors: [seen.reason, seen.detail],
  };
}

function sourceOf({ shardId, payloadEncoding = "utf8" }: Seen) {
  return { name: shardId, encoding: payloadEncoding, hostname: null };
}

function contextOf({ arrivalMs, sequenceNumber, position }: Seen) {
  return { timestamp: new Date(arrivalMs).toISOString(), sequenceNumber, position };
}

/** Micro's parameters are texts. */
function texts(event: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(event).map(([name, value]) => [
      name,
      typeof value === "object" ? JSON.stringify(value) : String(value),
    ]),
  );
}
