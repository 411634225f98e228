// Naive baselines of the simulator: one Faker call for each field of an event.

import { faker } from "@faker-js/faker/locale/en";
import {
  ANONYMOUS_SHARE,
  CAMPAIGNS,
  DEVICES,
  ENTRY_PAGES,
  EVENT_TYPES,
  NEXT_PAGES,
  PAYMENT_METHODS,
  type Page,
  QUANTITIES,
  REFERRERS,
  SEARCH_WORDS,
  type Weights,
} from "../../lambdas/simulator/behaviour";
import type { Line } from "../../lambdas/simulator/traffic";
import type { ClickstreamEvent } from "../../schema/event";

const SITE = "https://shop.example.com";

function weighted<Option>(weights: Weights<Option>): Option {
  return faker.helpers.weightedArrayElement(weights.map(([value, weight]) => ({ value, weight })));
}

/** The same visits as the simulator's, with the same weights, event after event. */
export function* plainTraffic(events: number, seed: number, startMs: number): Generator<Line> {
  faker.seed(seed);
  let page: Page | "leave" = "leave";
  let session: Partial<ClickstreamEvent> = {};
  let url = "";
  for (let count = 0; count < events; count += 1) {
    const previous: string = url;
    const next: Page | "leave" = page === "leave" ? "leave" : weighted(NEXT_PAGES[page]);
    const isNew: boolean = next === "leave";
    if (isNew) session = plainSession();
    page = isNew ? weighted(ENTRY_PAGES) : next;
    const event = plainEvent(page as Page, session, startMs);
    event.referrer_url = (isNew ? weighted(REFERRERS) : previous) || undefined;
    url = event.page_url ?? "";
    yield { text: JSON.stringify(event), sessionId: event.session_id ?? "" };
  }
}

function plainSession(): Partial<ClickstreamEvent> {
  return {
    user_id: faker.datatype.boolean(ANONYMOUS_SHARE) ? undefined : `user-${faker.string.numeric(6)}`,
    session_id: `s-${faker.string.hexadecimal({ length: 12, prefix: "", casing: "lower" })}`,
    anonymous_id: `a-${faker.string.hexadecimal({ length: 16, prefix: "", casing: "lower" })}`,
    ...CAMPAIGNS[weighted(REFERRERS)]?.campaign,
  };
}

function plainEvent(page: Page, session: Partial<ClickstreamEvent>, startMs: number): ClickstreamEvent {
  const device = weighted(DEVICES);
  const event: ClickstreamEvent = {
    event_id: faker.string.uuid(),
    event_type: EVENT_TYPES[page],
    event_time: faker.date.recent({ days: 1 / 24, refDate: startMs }).toISOString(),
    ...session,
    device_type: device.type,
    browser: device.browser,
    os: device.os,
    user_agent: device.userAgent,
    geo: {
      ip: faker.internet.ipv4(),
      country: faker.helpers.arrayElement(["US", "GB", "DE", "FR"]),
      city: faker.location.city(),
    },
    page_url: `${SITE}/${page}/${faker.lorem.slug()}`,
    page_title: faker.commerce.productName(),
  };
  if (page === "search") {
    event.properties = {
      query: faker.helpers.arrayElement(SEARCH_WORDS),
      results: String(faker.number.int({ min: 1, max: 48 })),
    };
  } else if (page === "home") event.properties = { page: "home" };
  else if (page === "category")
    event.properties = { page: "category", category: faker.commerce.department() };
  else addProduct(event, page);
  return event;
}

function addProduct(event: ClickstreamEvent, page: Page): void {
  event.product_id = `P-${faker.string.numeric(5)}`;
  event.product_name = faker.commerce.productName();
  event.product_category = faker.commerce.department();
  event.product_price = Number(faker.commerce.price({ min: 2, max: 200 }));
  if (page !== "product") event.quantity = weighted(QUANTITIES);
  if (page === "purchase") {
    event.properties = {
      order_id: `o-${faker.string.hexadecimal({ length: 8, prefix: "", casing: "lower" })}`,
      payment_method: weighted(PAYMENT_METHODS),
    };
  }
}

/** How often each page occurs in the visits above. */
const PAGE_SHARES: Weights<Page> = [
  ["home", 17],
  ["category", 20],
  ["search", 11],
  ["product", 39],
  ["cart", 8],
  ["checkout", 3],
  ["purchase", 2],
];

/** The same fields, each with a separate Faker call, as most simulators are written. */
export function* fieldByField(events: number, seed: number, startMs: number): Generator<Line> {
  faker.seed(seed);
  for (let count = 0; count < events; count += 1) {
    const event = fieldsOf(weighted(PAGE_SHARES), startMs);
    yield { text: JSON.stringify(event), sessionId: event.session_id ?? "" };
  }
}

function fieldsOf(page: Page, startMs: number): ClickstreamEvent {
  const event: ClickstreamEvent = {
    event_id: faker.string.uuid(),
    event_type: EVENT_TYPES[page],
    event_time: faker.date.recent({ days: 1 / 24, refDate: startMs }).toISOString(),
    user_id: `user-${faker.string.numeric(6)}`,
    session_id: `s-${faker.string.hexadecimal({ length: 12, prefix: "", casing: "lower" })}`,
    anonymous_id: `a-${faker.string.hexadecimal({ length: 16, prefix: "", casing: "lower" })}`,
    utm_source: faker.helpers.arrayElement(["google", "newsletter", undefined]),
    utm_medium: faker.helpers.arrayElement(["cpc", "email", undefined]),
    utm_campaign: faker.helpers.arrayElement(["brand", "weekly", undefined]),
    device_type: weighted(DEVICES).type,
    browser: weighted(DEVICES).browser,
    os: weighted(DEVICES).os,
    user_agent: faker.internet.userAgent(),
    geo: { ip: faker.internet.ipv4(), country: faker.location.countryCode(), city: faker.location.city() },
    page_url: faker.internet.url(),
    page_title: faker.commerce.productName(),
    referrer_url: weighted(REFERRERS),
  };
  if (page === "home") event.properties = { page: "home" };
  else if (page === "category")
    event.properties = { page: "category", category: faker.commerce.department() };
  else if (page === "search") event.properties = { query: faker.helpers.arrayElement(SEARCH_WORDS) };
  else addProduct(event, page);
  return event;
}
