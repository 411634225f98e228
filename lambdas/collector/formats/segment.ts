// Segment's HTTP API: track, page, screen, identify, group and alias, alone or in a batch.

import { type JsonObject, jsonText } from "../../ingest/json";
import { campaignOf } from "../campaign";
import { clockError, corrected } from "../clock";
import { eventType, PRODUCT_TYPES } from "../event-types";
import type { FormatContext, Part } from "../format";
import { sentId } from "../ids";
import {
  addProperty,
  elementTexts,
  emptyObject,
  firstText,
  isAbsent,
  isObject,
  objectOf,
  readJson,
} from "../json";
import { takeProduct, withProducts } from "../products";

/** The last part of the path, and the type of its messages. analytics-next sends the first letter. */
export const SEGMENT_CALLS: Readonly<Record<string, string>> = Object.fromEntries(
  ["track", "page", "screen", "identify", "group", "alias", "batch"].flatMap((type) => [
    [type, type],
    [type.charAt(0), type],
  ]),
);

/** Members of a message that become fields, or that say how it was sent. All others become properties. */
const MESSAGE_MEMBERS: ReadonlySet<string> = new Set([
  ...["type", "event", "name", "messageId", "userId", "anonymousId", "groupId", "previousId", "context"],
  ...["properties", "traits", "timestamp", "originalTimestamp", "sentAt", "receivedAt"],
  ...["writeKey", "integrations", "_metadata", "channel", "version"],
]);
/** Members of `context` that become fields or properties of their own. */
const CONTEXT_MEMBERS: ReadonlySet<string> = new Set([
  ...["page", "campaign", "userAgent", "ip", "location", "os", "library", "locale", "timezone"],
  ...["sessionId", "session_id"],
]);
const PAGE_MEMBERS: ReadonlySet<string> = new Set(["url", "title", "referrer", "path", "search"]);

export function* readSegment(text: string, call: string, context: FormatContext): Generator<Part> {
  const body = readJson(text);
  if (!isObject(body)) return yield { asItCame: text };
  const type = SEGMENT_CALLS[call];
  if (!Array.isArray(body.batch)) return yield* message(body, text, type, body, context);
  if (body.batch.length === 0) return yield { asItCame: text };
  const texts = elementTexts(text, "batch");
  for (const [index, each] of body.batch.entries()) {
    yield* message(each, texts[index] as string, undefined, body, context);
  }
}

/** `body` has what the messages of a batch share: when it was sent, and a context. */
function* message(
  given: unknown,
  text: string,
  callType: string | undefined,
  body: JsonObject,
  context: FormatContext,
): Generator<Part> {
  if (!isObject(given)) return yield { asItCame: text };
  const type = typeof given.type === "string" ? given.type : callType;
  const name = eventName(type, given);
  if (type === undefined || name === undefined) return yield { asItCame: text };
  const shared = given === body ? {} : objectOf(body.context);
  const sent: JsonObject = { ...given, type, context: { ...shared, ...objectOf(given.context) } };
  const event = fieldsOf(sent, name, firstText(given.sentAt, body.sentAt), context);
  for (const each of withItsProducts(event, context)) yield { event: each };
}

function eventName(type: string | undefined, { event }: JsonObject): string | undefined {
  switch (type) {
    case "track":
      return typeof event === "string" && event !== "" ? eventType(event) : undefined;
    case "page":
      return eventType("pageview");
    case "screen":
      return "screen_view";
    case "identify":
    case "group":
    case "alias":
      return type;
    default:
      return undefined;
  }
}

function fieldsOf(sent: JsonObject, type: string, sentAt: unknown, context: FormatContext): JsonObject {
  const about = objectOf(sent.context);
  const page = objectOf(about.page);
  const given = objectOf(sent.properties);
  const location = objectOf(about.location);
  const isPage = sent.type === "page";
  const pageUrl = firstText(isPage ? given.url : undefined, page.url);
  return {
    event_id: sentId(sent.messageId) ?? context.ids.of(jsonText(contentOf(sent))),
    event_type: type,
    event_time: eventTime(sent, sentAt, context.arrivalMs),
    user_id: firstText(sent.userId),
    anonymous_id: firstText(sent.anonymousId),
    session_id: firstText(about.sessionId, about.session_id),
    page_url: pageUrl,
    page_title: firstText(isPage ? given.title : undefined, page.title),
    referrer_url: firstText(isPage ? given.referrer : undefined, page.referrer),
    ...campaignFields(objectOf(about.campaign), pageUrl),
    os: firstText(objectOf(about.os).name),
    user_agent: firstText(about.userAgent),
    email: sent.type === "identify" ? firstText(objectOf(sent.traits).email) : undefined,
    geo: { ip: about.ip, country: firstText(location.country), city: firstText(location.city) },
    properties: propertiesOf(sent),
  };
}

/** What a retry repeats: all but the time of sending and the count of retries. */
function contentOf({ sentAt: _, _metadata: __, ...content }: JsonObject): JsonObject {
  return content;
}

/**
 * Segment computes `timestamp` as the arrival less what passed between the call and the sending, by the sender's
 * clock. A message with `receivedAt` went through Segment, so its `timestamp` is already right.
 */
function eventTime(sent: JsonObject, sentAt: unknown, arrivalMs: number): unknown {
  if (!isAbsent(sent.receivedAt) && !isAbsent(sent.timestamp)) return sent.timestamp;
  const time = firstText(sent.originalTimestamp, sent.timestamp);
  if (time === undefined) return new Date(arrivalMs).toISOString();
  return corrected(time, clockError(arrivalMs, sentAt));
}

function campaignFields(campaign: JsonObject, pageUrl: unknown): JsonObject {
  const inUrl = campaignOf(pageUrl);
  return {
    utm_source: firstText(campaign.source, inUrl.utm_source),
    utm_medium: firstText(campaign.medium, inUrl.utm_medium),
    utm_campaign: firstText(campaign.name, inUrl.utm_campaign),
  };
}

function propertiesOf(sent: JsonObject): JsonObject {
  const properties = emptyObject();
  const about = objectOf(sent.context);
  const page = objectOf(about.page);
  const isPage = sent.type === "page";
  for (const [name, value] of Object.entries(objectOf(sent.properties))) {
    // A page call repeats the page of its context.
    if (!(isPage && PAGE_MEMBERS.has(name))) addProperty(properties, name, value);
  }
  addProperty(properties, "name", sent.type === "track" ? undefined : sent.name);
  for (const [name, value] of Object.entries(objectOf(sent.traits))) {
    if (!(name === "email" && sent.type === "identify")) addProperty(properties, `traits.${name}`, value);
  }
  addProperty(properties, "group_id", sent.groupId);
  addProperty(properties, "previous_id", sent.previousId);
  for (const [name, value] of Object.entries(sent)) {
    if (!MESSAGE_MEMBERS.has(name)) addProperty(properties, name, value);
  }
  addContext(properties, about, page);
  return properties;
}

function addContext(properties: JsonObject, about: JsonObject, page: JsonObject): void {
  const library = objectOf(about.library);
  addProperty(properties, "library", [library.name, library.version].filter(Boolean).map(String).join(" "));
  addProperty(properties, "locale", about.locale);
  addProperty(properties, "timezone", about.timezone);
  addProperty(properties, "os_version", objectOf(about.os).version);
  for (const [name, value] of Object.entries(objectOf(about.campaign))) {
    if (!["source", "medium", "name"].includes(name)) addProperty(properties, `utm_${name}`, value);
  }
  for (const [name, value] of Object.entries(page)) {
    if (!PAGE_MEMBERS.has(name)) addProperty(properties, `context.page.${name}`, value);
  }
  for (const [name, value] of Object.entries(objectOf(about.location))) {
    if (!["country", "city"].includes(name)) addProperty(properties, `context.location.${name}`, value);
  }
  for (const [name, value] of Object.entries(about)) {
    if (!CONTEXT_MEMBERS.has(name)) addProperty(properties, `context.${name}`, value);
  }
}

function withItsProducts(event: JsonObject, { budget }: FormatContext): JsonObject[] {
  if (!PRODUCT_TYPES.has(String(event.event_type))) return [event];
  const { products, ...order } = objectOf(event.properties);
  const value = [order.revenue, order.total, order.value].find((each) => !isAbsent(each));
  const properties = Object.assign(emptyObject(), order);
  if (Array.isArray(products)) return withProducts({ ...event, properties }, products, value, budget);
  if (products !== undefined) properties.products = products;
  const { fields, rest } = takeProduct(properties);
  return withProducts({ ...event, ...fields, properties: rest }, undefined, value, budget);
}
