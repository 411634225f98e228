// Makes the events: their ids, visitor, session, page and campaign.

import type { Fields } from "./api";
import { sampleRate, silent, withHash, withoutIds, withoutStorage } from "./options";
import { enqueue } from "./queue";
import { sessionAt } from "./session";
import { isRefused, read, remove, write } from "./store";
import { campaignFields, pageUrl } from "./url";

const VISITOR = "clickstream:visitor";
const USER = "clickstream:user";
const SESSION = "clickstream:session";

let referrer = document.referrer;
let viewed: string | undefined;
/** Without stored ids, whether a visitor is in the sample is decided for each page. */
const chance = newId();

/** 128 random bits. crypto.randomUUID exists on https only. */
export function newId(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  return bytes.map((byte) => (byte + 256).toString(16).slice(1)).join("");
}

export function track(type: string, fields?: Fields): void {
  if (silent || isRefused() || !isInSample()) return;
  const now = Date.now();
  const event_id = newId();
  const [url, campaign] = currentPage();
  const ids = idsAt(now, event_id, campaign);
  try {
    const event = {
      event_id,
      event_type: type,
      event_time: new Date(now).toISOString(),
      ...ids,
      page_url: url,
      page_title: document.title,
      referrer_url: referrer || undefined,
      sample_rate: sampleRate < 1 ? sampleRate : undefined,
      ...fields,
    };
    enqueue(event_id, JSON.stringify(event));
  } catch (error) {
    console.warn("clickstream: event is not JSON", error);
  }
}

const currentPage = () => pageUrl(location.href, withHash);

/** Whoever is in the sample is so on every page: the visitor's id is random, so its first digits decide. */
function isInSample(): boolean {
  const id = withoutIds || withoutStorage ? chance : visitor();
  return Number(`0x${id.slice(0, 8)}`) < sampleRate * 2 ** 32;
}

/** Who, which session and which campaign. An event needs an id: without ids it is one that no other event has. */
function idsAt(now: number, eventId: string, campaign: string): Fields {
  if (withoutIds) return { session_id: `anonymous-${eventId}`, ...campaignFields(campaign) };
  const session = sessionAt(now, read(SESSION), campaign, newId);
  write(SESSION, session.join(" "));
  return {
    user_id: read(USER),
    session_id: session[1],
    anonymous_id: withoutStorage ? undefined : visitor(),
    ...campaignFields(session[2]),
  };
}

function visitor(): string {
  const id = read(VISITOR) ?? newId();
  write(VISITOR, id);
  return id;
}

/** A page view, with the page before it in the site as its referrer. */
export function page(fields?: Fields): void {
  const [url] = currentPage();
  if (viewed && viewed !== url) referrer = viewed;
  viewed = url;
  track("page_view", fields);
}

/** A page view, unless it has been sent for this URL. */
export function pageIfNew(): void {
  if (currentPage()[0] !== viewed) page();
}

export function identify(userId: string | number, traits?: Fields): void {
  if (withoutIds || isRefused()) return;
  write(USER, `${userId}`);
  track("identify", traits);
}

export function reset(): void {
  for (const key of [USER, VISITOR, SESSION]) remove(key);
}
