// Plausible's events API: one event, without ids and without a time of its own.

import type { JsonObject } from "../../ingest/json";
import { campaignOf } from "../campaign";
import { eventType, PRODUCT_TYPES, PURCHASE } from "../event-types";
import type { FormatContext, Part } from "../format";
import { anonymousSession } from "../ids";
import { addProperty, emptyObject, firstText, isObject, objectOf, readJson } from "../json";
import { isNumber, takeProduct } from "../products";

/** Short and long names of the members. */
const MEMBERS: ReadonlySet<string> = new Set([
  ...["n", "name", "u", "url", "d", "domain", "r", "referrer", "p", "props", "m", "meta", "$", "revenue"],
  ...["v", "h", "hashMode", "i", "interactive", "e", "sd"],
]);

/** `visitorOf` gives the visitor's id of the day on a site, if there may be one. `requestId` is unique for each request. */
export function* readPlausible(
  text: string,
  requestId: string,
  visitorOf: (domain: string) => string | undefined,
  { arrivalMs, ids }: FormatContext,
): Generator<Part> {
  const sent = readJson(text);
  const name = isObject(sent) ? firstText(sent.n, sent.name) : undefined;
  const url = isObject(sent) ? firstText(sent.u, sent.url) : undefined;
  if (!isObject(sent) || typeof name !== "string" || typeof url !== "string") return yield { asItCame: text };
  const domain = String(firstText(sent.d, sent.domain) ?? hostOf(url));
  // The tracker never sends an event again, so each request is another event.
  const eventId = ids.of(`${requestId}\n${text}`);
  const visitor = visitorOf(domain);
  const event: JsonObject = {
    event_id: eventId,
    event_type: eventType(name),
    event_time: new Date(arrivalMs).toISOString(),
    anonymous_id: visitor,
    session_id: visitor === undefined ? anonymousSession(eventId) : undefined,
    page_url: url,
    referrer_url: firstText(sent.r, sent.referrer),
    ...campaignOf(url),
  };
  const { properties, fields } = propertiesOf(sent, name, domain, String(event.event_type));
  yield { event: { ...event, ...fields, properties } };
}

function propertiesOf(sent: JsonObject, name: string, domain: string, type: string) {
  const properties = emptyObject();
  for (const [key, value] of Object.entries(propsOf(sent))) addProperty(properties, key, value);
  const revenue = objectOf(sent.$ ?? sent.revenue);
  const isGoal = isNumber(revenue.amount);
  const isAboutProduct = isGoal || PRODUCT_TYPES.has(type);
  const { fields, rest } = isAboutProduct ? takeProduct(properties) : { fields: {}, rest: properties };
  if (isGoal) {
    // A goal with revenue is a purchase, whatever the site calls it.
    fields.event_type = PURCHASE;
    if (fields.product_price === undefined)
      Object.assign(fields, { product_price: revenue.amount, quantity: 1 });
    addProperty(rest, "goal", name);
    addProperty(rest, "revenue_amount", revenue.amount);
    addProperty(rest, "currency", revenue.currency);
  }
  addProperty(rest, "domain", domain);
  addProperty(rest, "engagement_ms", sent.e);
  addProperty(rest, "scroll_depth", sent.sd);
  addProperty(rest, "interactive", sent.i ?? sent.interactive);
  for (const [key, value] of Object.entries(sent)) {
    if (!MEMBERS.has(key)) addProperty(rest, key, value);
  }
  return { properties: rest, fields: fields as JsonObject };
}

/** The properties of the event, as an object or as its JSON text. */
function propsOf(sent: JsonObject): JsonObject {
  const given = sent.m ?? sent.meta ?? sent.p ?? sent.props;
  return objectOf(typeof given === "string" ? readJson(given) : given);
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : "";
}
