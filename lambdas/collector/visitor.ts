// Adds to an event what only the server knows of its visitor, and applies the privacy rules that need no key.

import type { PrivacyRule } from "../../schema/contract";
import type { JsonObject } from "../ingest/json";
import { hashId } from "../shared/hash-id";
import { agentTraits } from "../shared/user-agent";
import { networkOf, plainAddress, ruledAddress } from "./address";
import type { Countries } from "./country";
import { anonymousSession } from "./ids";
import { emptyObject, firstText, isObject, objectOf } from "./json";

export interface Visitor {
  /** The address that connected to the API. */
  address: string | undefined;
  userAgent: string | undefined;
  /** Asked for events without ids, by Global Privacy Control or Do Not Track. */
  isPrivate: boolean;
  /** Asked the server not to store the address (Snowplow's header SP-Anonymous). */
  withoutAddress: boolean;
}

export interface PrivacyRules {
  ip: PrivacyRule;
  userAgent: PrivacyRule;
}

/** Browsers, and crawlers that run the page's script. Other programs send events of visitors whom they do not name. */
const BROWSER_LIKE = /^(?:Mozilla|Opera)\//;

/** The fields that the event has itself are kept. The server only knows who sent it, e.g. a site's backend. */
export async function withVisitor(
  event: JsonObject,
  visitor: Visitor,
  rules: PrivacyRules,
  countries: Pick<Countries, "of">,
): Promise<JsonObject> {
  const agent = ownAgent(event) ?? browserAgent(visitor);
  const { deviceType, browser, os, isBot } = agentTraits(agent);
  const added: JsonObject = {
    ...event,
    // The reports tell bots by this column, whatever the client says of itself.
    device_type: isBot ? "bot" : (firstText(event.device_type) ?? deviceType),
    browser: firstText(event.browser) ?? browser,
    os: firstText(event.os) ?? os,
    user_agent: rules.userAgent === "keep" || rules.userAgent === "hash" ? agent : undefined,
    ...(await place(event, visitor, rules.ip, countries)),
  };
  if (isBot) added.properties = flagged(added.properties);
  return visitor.isPrivate ? withoutIds(added) : added;
}

function ownAgent({ user_agent }: JsonObject): string | undefined {
  return typeof user_agent === "string" && user_agent !== "" ? user_agent : undefined;
}

function browserAgent({ userAgent }: Visitor): string | undefined {
  return userAgent !== undefined && BROWSER_LIKE.test(userAgent) ? userAgent : undefined;
}

/** The address by its rule, and the country. A `geo` that is not an object is left to the ingest, which refuses it. */
async function place(
  event: JsonObject,
  visitor: Visitor,
  rule: PrivacyRule,
  countries: Pick<Countries, "of">,
): Promise<JsonObject> {
  const geo = objectOf(event.geo);
  const own = firstText(geo.ip, event.ip_address);
  const ruled = (address: unknown) => (visitor.isPrivate ? undefined : ruledAddress(address, rule));
  // The contract's other name of the address, and a usual name of a property with one.
  const others = {
    ip_address: event.ip_address === own ? undefined : ruled(event.ip_address),
    ip: ruled(event.ip),
  };
  if (!isObject(event.geo ?? {})) return others;
  const country = firstText(geo.country, event.country) ?? (await countries.of(own ?? visitor.address));
  const address = own ?? (visitor.withoutAddress ? undefined : visitor.address);
  return { ...others, geo: { ...geo, ip: ruled(address), country } };
}

/** `properties` that is not an object is left to the ingest. */
function flagged(properties: unknown): unknown {
  if (properties !== undefined && properties !== null && !isObject(properties)) return properties;
  return Object.assign(emptyObject(), objectOf(properties), { bot: "true" });
}

const IDS = ["user_id", "anonymous_id", "email", "user_agent"] as const;
/** Properties that the formats fill with ids and traits of a person. */
const PERSONAL_PROPERTY =
  /^(?:traits\..*|context\.traits|context\.client_session|context\.user|group_id|previous_id|network_userid)$/;

/** An event needs one id, so its session is one that no other event has. */
function withoutIds(event: JsonObject): JsonObject {
  const kept: JsonObject = { ...event, session_id: anonymousSession(event.event_id) };
  for (const name of IDS) delete kept[name];
  if (isObject(kept.properties)) {
    kept.properties = Object.fromEntries(
      Object.entries(kept.properties).filter(([name]) => !PERSONAL_PROPERTY.test(name)),
    );
  }
  return kept;
}

/**
 * The id of a visitor on one UTC day on one site, for a format without ids. It is made only of what the privacy rules
 * let the table keep, so nobody can find more in it than in the table. There is no salt: two visitors of a network with
 * the same kind of browser are one. undefined if the rule of `ip` leaves nothing to tell visitors apart.
 */
export function visitorOfTheDay(
  { address, userAgent }: Visitor,
  rules: PrivacyRules,
  domain: string,
  arrivalMs: number,
): string | undefined {
  if (address === undefined || rules.ip === "drop") return undefined;
  const { deviceType, browser, os } = agentTraits(userAgent);
  const from = rules.ip === "keep" ? plainAddress(address) : networkOf(address);
  const agent = rules.userAgent === "keep" ? userAgent : [deviceType, browser, os].join("\n");
  return `visitor-${hashId([new Date(arrivalMs).toISOString().slice(0, 10), domain, from, agent].join("\n"))}`;
}
