// Snowplow's tracker protocol: POST with an array of payloads, and GET with one payload as parameters.

import { type JsonObject, jsonText } from "../../ingest/json";
import { campaignOf } from "../campaign";
import { clockError, corrected } from "../clock";
import { eventType, PRODUCT_TYPES, PURCHASE } from "../event-types";
import type { FormatContext, Part } from "../format";
import { anonymousSession, sentId } from "../ids";
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

/** The envelope of POST. Its version changes with the parameters; a new first number could mean another form. */
const ENVELOPE = /^iglu:com\.snowplowanalytics\.snowplow\/payload_data\/jsonschema\/1-0-\d+$/;
const SCHEMA = /^iglu:([\w.-]+)\/([\w.-]+)\/jsonschema\/(\d+-\d+-\d+)$/;
const ECOMMERCE = "com.snowplowanalytics.snowplow.ecommerce";
const ENHANCED_ECOMMERCE = "com.google.analytics.enhanced-ecommerce";

/** Parameters that become fields, or that say how the event was sent. */
const FIELD_PARAMETERS: ReadonlySet<string> = new Set([
  ...["e", "eid", "dtm", "ttm", "stm", "uid", "duid", "sid", "url", "page", "refr", "ip", "ua"],
  ...["co", "cx", "ue_pr", "ue_px", "writeKey", "ti_sk", "ti_nm", "ti_ca", "ti_pr", "ti_qu"],
]);

/** Names of the parameters that become properties. Others keep the parameter's name. */
const PROPERTY_NAMES: Readonly<Record<string, string>> = {
  ...{ aid: "app_id", p: "platform", tv: "tracker_version", tna: "tracker_namespace", lang: "locale" },
  ...{ tz: "timezone", res: "screen_resolution", vp: "viewport", ds: "document_size", cd: "color_depth" },
  ...{ cs: "character_set", cookie: "cookies", vid: "session_number", nuid: "network_userid" },
  ...{ tnuid: "network_userid", se_ca: "se_category", se_ac: "se_action", se_la: "se_label" },
  ...{ se_pr: "se_property", se_va: "se_value", ti_id: "order_id", ti_cu: "currency", tr_id: "order_id" },
  ...{ tr_af: "affiliation", tr_tt: "total", tr_tx: "tax", tr_sh: "shipping", tr_ci: "city" },
  ...{ tr_st: "state", tr_co: "country", tr_cu: "currency", pp_mix: "scroll_min_x", pp_max: "scroll_max_x" },
  ...{ pp_miy: "scroll_min_y", pp_may: "scroll_max_y" },
};

/** A self-describing JSON: the schema of the data, and the data. */
interface Described {
  vendor: string;
  name: string;
  schema: string;
  data: JsonObject;
}

export function* readSnowplowPost(text: string, context: FormatContext): Generator<Part> {
  const body = readJson(text);
  const isKnown = isObject(body) && typeof body.schema === "string" && ENVELOPE.test(body.schema);
  if (!isKnown || !Array.isArray(body.data) || body.data.length === 0) return yield { asItCame: text };
  const texts = elementTexts(text, "data");
  for (const [index, payload] of body.data.entries()) {
    yield* events(payload, texts[index] as string, context);
  }
}

/** `text` is the query string. The first value of a parameter counts. */
export function* readSnowplowGet(text: string, context: FormatContext): Generator<Part> {
  const payload = emptyObject();
  for (const [name, value] of new URLSearchParams(text)) addProperty(payload, name, value);
  yield* events(payload, text, context);
}

function* events(payload: unknown, text: string, context: FormatContext): Generator<Part> {
  if (!isObject(payload)) return yield { asItCame: text };
  const contexts = entities(payload);
  const described = selfDescribing(payload);
  const type = typeOf(payload, described, contexts ?? []);
  if (type === undefined || contexts === undefined) return yield { asItCame: text };
  const event = fieldsOf(payload, type, contexts, context);
  for (const each of withItsProducts(event, payload, described, contexts, context)) yield { event: each };
}

function typeOf(
  payload: JsonObject,
  described: Described | undefined,
  contexts: Described[],
): string | undefined {
  switch (payload.e) {
    case "pv":
      return eventType("pageview");
    case "pp":
      return "page_ping";
    case "se":
      return typeof payload.se_ac === "string" ? eventType(payload.se_ac) : undefined;
    case "ti":
      return PURCHASE;
    // The items of the order are the purchases. This is their sum.
    case "tr":
      return "transaction";
    case "ue":
      return described && describedType(described, contexts);
    default:
      return undefined;
  }
}

function describedType({ vendor, name, data }: Described, contexts: Described[]): string {
  const action = vendor === ECOMMERCE ? data.type : vendor === ENHANCED_ECOMMERCE ? data.action : undefined;
  if (typeof action !== "string") return eventType(name);
  if (action === "transaction") return PURCHASE;
  if (action === "checkout_step") {
    const step = contexts.find((each) => each.vendor === ECOMMERCE && each.name === "checkout_step");
    return Number(step?.data.step) === 1 ? eventType("checkout started") : action;
  }
  return eventType(ENHANCED_ACTIONS[action] ?? action);
}

const ENHANCED_ACTIONS: Readonly<Record<string, string>> = {
  detail: "product viewed",
  add: "add to cart",
  remove: "remove from cart",
  checkout: "checkout started",
};

function fieldsOf(
  payload: JsonObject,
  type: string,
  contexts: Described[],
  { arrivalMs, ids }: FormatContext,
): JsonObject {
  const session = contexts.find(({ name }) => name === "client_session")?.data ?? {};
  const { stm: _, ...content } = payload;
  const eventId = sentId(payload.eid) ?? ids.of(jsonText(content));
  const identity = {
    user_id: firstText(payload.uid),
    anonymous_id: firstText(payload.duid, session.userId),
    session_id: firstText(payload.sid, session.sessionId),
  };
  // Anonymous tracking sends no ids. The event still counts.
  const isAnonymous = Object.values(identity).every((value) => value === undefined);
  return {
    event_id: eventId,
    event_type: type,
    event_time: eventTime(payload, arrivalMs),
    ...identity,
    ...(isAnonymous ? { session_id: anonymousSession(eventId) } : {}),
    page_url: firstText(payload.url),
    page_title: firstText(payload.page),
    referrer_url: firstText(payload.refr),
    ...campaignOf(payload.url),
    user_agent: firstText(payload.ua),
    geo: { ip: payload.ip },
    properties: propertiesOf(payload, contexts),
  };
}

/** `ttm` is the true time. `dtm` and `stm` are by the sender's clock. */
function eventTime(payload: JsonObject, arrivalMs: number): unknown {
  if (!isAbsent(payload.ttm)) return payload.ttm;
  if (isAbsent(payload.dtm)) return new Date(arrivalMs).toISOString();
  return corrected(payload.dtm, clockError(arrivalMs, payload.stm));
}

function propertiesOf(payload: JsonObject, contexts: Described[]): JsonObject {
  const properties = emptyObject();
  for (const [name, value] of Object.entries(payload)) {
    if (!FIELD_PARAMETERS.has(name)) addProperty(properties, PROPERTY_NAMES[name] ?? name, value);
  }
  const byName = new Map<string, JsonObject[]>();
  for (const { vendor, name, data } of contexts) {
    if (isProduct(vendor, name)) continue;
    byName.set(name, [...(byName.get(name) ?? []), data]);
  }
  for (const [name, data] of byName) {
    addProperty(properties, `context.${name}`, data.length === 1 ? data[0] : data);
  }
  return properties;
}

function isProduct(vendor: string, name: string): boolean {
  return (
    (vendor === ECOMMERCE && name === "product") ||
    (vendor === ENHANCED_ECOMMERCE && name === "productFieldObject")
  );
}

function withItsProducts(
  event: JsonObject,
  payload: JsonObject,
  described: Described | undefined,
  contexts: Described[],
  { budget }: FormatContext,
): JsonObject[] {
  const properties = Object.assign(emptyObject(), objectOf(event.properties));
  const products = contexts.filter(({ vendor, name }) => isProduct(vendor, name)).map(({ data }) => data);
  const order =
    contexts.find(({ name }) => name === "transaction" || name === "actionFieldObject")?.data ?? {};
  addProperty(properties, "order_id", firstText(order.transaction_id, order.id));
  addProperty(properties, "currency", order.currency);
  const data = { ...itemOf(payload), ...described?.data };
  // An action's name is the name of a list. Its products are entities.
  const isAction = described?.vendor === ECOMMERCE || described?.vendor === ENHANCED_ECOMMERCE;
  const isAboutProduct = PRODUCT_TYPES.has(String(event.event_type)) && !isAction;
  const { fields, rest } = isAboutProduct ? takeProduct(data) : { fields: {}, rest: data };
  addProperty(properties, "schema", described?.schema);
  for (const [name, value] of Object.entries(rest)) addProperty(properties, name, value);
  return withProducts({ ...event, ...fields, properties }, products, order.revenue, budget);
}

/** The item of a transaction (`e=ti`), with the names of a product. */
function itemOf({ ti_sk, ti_nm, ti_ca, ti_pr, ti_qu }: JsonObject): JsonObject {
  const item = { id: ti_sk, name: ti_nm, category: ti_ca, price: ti_pr, quantity: ti_qu };
  return Object.fromEntries(Object.entries(item).filter(([, value]) => !isAbsent(value)));
}

/** The event's own data, in a wrapper. undefined if there is none, or if it cannot be read. */
function selfDescribing(payload: JsonObject): Described | undefined {
  const wrapper = embedded(payload.ue_pr, payload.ue_px);
  return isObject(wrapper) ? describedBy(wrapper.data) : undefined;
}

/** The entities that describe the event's surroundings. undefined if they cannot be read. */
function entities(payload: JsonObject): Described[] | undefined {
  if (isAbsent(payload.co) && isAbsent(payload.cx)) return [];
  const wrapper = embedded(payload.co, payload.cx);
  if (!isObject(wrapper) || !Array.isArray(wrapper.data)) return undefined;
  const all = wrapper.data.map(describedBy);
  return all.every((each) => each !== undefined) ? all : undefined;
}

function describedBy(value: unknown): Described | undefined {
  if (!isObject(value) || typeof value.schema !== "string" || !isObject(value.data)) return undefined;
  const [, vendor, name] = SCHEMA.exec(value.schema) ?? [];
  if (vendor === undefined || name === undefined) return undefined;
  return { vendor, name, schema: value.schema, data: value.data };
}

/** JSON as text, or as base64 with the alphabet of URLs. */
function embedded(plain: unknown, encoded: unknown): unknown {
  if (typeof plain === "string" && plain !== "") return readJson(plain);
  if (typeof encoded !== "string") return undefined;
  return readJson(Buffer.from(encoded, "base64url").toString("utf8"));
}
