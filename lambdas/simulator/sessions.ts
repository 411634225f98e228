// Visits as they go on in parallel: each call gives the next event of one of them. Memory does not grow.

import { type Random, WeightedTable } from "../shared/random";
import {
  ANONYMOUS_SHARE,
  ENTRY_PAGES,
  EVENT_TYPES,
  MEAN_DWELL_SECONDS,
  NEXT_PAGES,
  PAYMENT_METHODS,
  type Page,
  QUANTITIES,
  REFERRERS,
  SEARCH_WORDS,
} from "./behaviour";
import type { Rhythm } from "./rhythm";
import type { Person, Product, World } from "./world";

/** An event in parts, so that the caller can bend its time and add to it without parsing it again. */
export interface DraftEvent {
  session: Session;
  timeMs: number;
  /** Type, page and product as JSON members. */
  pageJson: string;
  properties: string;
}

export interface Session {
  id: string;
  person: Person;
  /** Everything that is the same in all events of the visit, as JSON members in UTF-8. */
  json: Buffer;
  userAgent: string;
  page: Page;
  url: string;
  referrer: string;
  /** The product that was looked at or bought last, and the one that the page before showed. */
  product: Product | undefined;
  shown: Product | undefined;
  quantity: number;
  timeMs: number;
}

export interface SessionsOptions {
  world: World;
  random: Random;
  rhythm: Rhythm;
  /** Events that are wanted in all: the visits' starts spread over them. */
  events: number;
  endMs: number;
}

const SITE = "https://shop.example.com";
/** Visits that go on at the same time. */
const MAX_PARALLEL = 64;
const EVENTS_A_PARALLEL_SESSION = 200;
/** A user visits so many events' worth on average; the pool of users follows from it. */
const EVENTS_A_USER = 15;
const MIN_USERS = 10;

/** `,"event_type":…,"page_url":"https://…` up to where the path goes. */
const TYPE_JSON = Object.fromEntries(
  Object.entries(EVENT_TYPES).map(([page, type]) => [page, `,"event_type":"${type}","page_url":"${SITE}`]),
) as Record<Page, string>;
const entryTable = new WeightedTable(ENTRY_PAGES);
const referrerTable = new WeightedTable(REFERRERS);
const quantityTable = new WeightedTable(QUANTITIES);
const paymentTable = new WeightedTable(PAYMENT_METHODS);
const nextTables = Object.fromEntries(
  Object.entries(NEXT_PAGES).map(([page, weights]) => [page, new WeightedTable(weights)]),
) as Record<Page, WeightedTable<Page | "leave">>;
/** Quantiles of the exponential distribution with mean 1: looked up instead of a logarithm for each event. */
const exponential = Float64Array.from({ length: 1024 }, (_, index) => -Math.log(1 - (index + 0.5) / 1024));
const HEX = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

export class Sessions {
  private readonly open: (Session | undefined)[];
  private readonly users: number;
  private made = 0;

  constructor(private readonly options: SessionsOptions) {
    const parallel = Math.ceil(options.events / EVENTS_A_PARALLEL_SESSION);
    this.open = new Array(Math.min(MAX_PARALLEL, Math.max(1, parallel))).fill(undefined);
    this.users = Math.max(MIN_USERS, Math.ceil(options.events / EVENTS_A_USER));
  }

  next(): DraftEvent {
    const { random } = this.options;
    const slot = (random.unit() * this.open.length) | 0;
    const session = this.goOn(this.open[slot]) ?? this.begin();
    this.open[slot] = session;
    this.made += 1;
    return this.draft(session);
  }

  private begin(): Session {
    const { random, rhythm, events, world } = this.options;
    const fraction = Math.min(1, (this.made + random.unit()) / events);
    // Squared: some people come back often, many come once.
    const person = world.person((random.unit() ** 2 * this.users) | 0);
    const device = person.device(random.unit());
    const id = `s-${hex4(random)}${hex4(random)}${hex4(random)}`;
    const user = random.unit() < ANONYMOUS_SHARE ? "" : person.userJson;
    const session: Session = {
      id,
      person,
      json: Buffer.from(`${user}"session_id":"${id}",${device.json},${person.geoJson}`),
      userAgent: device.userAgent,
      page: entryTable.pick(random.unit()),
      url: "",
      referrer: referrerTable.pick(random.unit()),
      product: undefined,
      shown: undefined,
      quantity: 1,
      timeMs: rhythm.at(fraction),
    };
    return session;
  }

  /** The session one page further, or undefined where it is over. */
  private goOn(session: Session | undefined): Session | undefined {
    if (session === undefined) return undefined;
    const { random, endMs } = this.options;
    const next = nextTables[session.page].pick(random.unit());
    if (next === "leave") return undefined;
    const dwell = MEAN_DWELL_SECONDS[session.page] * (exponential[(random.unit() * 1024) | 0] as number);
    session.timeMs += 1000 + ((dwell * 1000) | 0);
    // Nothing lies in the future: whoever is still on a page has not gone on yet.
    if (session.timeMs > endMs) return undefined;
    session.page = next;
    session.referrer = session.url;
    return session;
  }

  private draft(session: Session): DraftEvent {
    const { path, fields, properties } = this.visit(session);
    session.url = SITE + path;
    const referrer = session.referrer === "" ? "" : `,"referrer_url":"${session.referrer}"`;
    return {
      session,
      timeMs: session.timeMs,
      pageJson: `${TYPE_JSON[session.page]}${path}"${referrer}${fields}`,
      properties,
    };
  }

  /** What the page shows: its path, its product fields, its properties. */
  private visit(session: Session): { path: string; fields: string; properties: string } {
    const { random, world } = this.options;
    switch (session.page) {
      case "home":
        return { path: "/", fields: "", properties: '"page":"home"' };
      case "category": {
        const category = world.categories[(random.unit() * world.categories.length) | 0] as string;
        session.shown = world.productsOf.get(category)?.pick(random.unit());
        return {
          path: `/category/${category.toLowerCase()}`,
          fields: "",
          properties: `"page":"category","category":"${category}"`,
        };
      }
      case "search": {
        const words = SEARCH_WORDS[(random.unit() * SEARCH_WORDS.length) | 0] as string;
        session.shown = undefined;
        const results = 1 + ((random.unit() * 48) | 0);
        return {
          path: `/search?q=${words.replace(" ", "+")}`,
          fields: "",
          properties: `"query":"${words}","results":"${results}"`,
        };
      }
      case "product": {
        // From a category page, the product that was shown there; else what the long tail gives.
        const product = session.shown ?? world.products.pick(random.unit());
        session.shown = undefined;
        session.product = product;
        return { path: product.path, fields: `,${product.json}`, properties: "" };
      }
      default:
        return this.buy(session);
    }
  }

  private buy(session: Session): { path: string; fields: string; properties: string } {
    const { random, world } = this.options;
    session.product ??= world.products.pick(random.unit());
    if (session.page === "cart") session.quantity = quantityTable.pick(random.unit());
    const fields = `,${session.product.json},"quantity":${session.quantity}`;
    const properties =
      session.page === "purchase"
        ? `"order_id":"o-${hex4(random)}${hex4(random)}","payment_method":"${paymentTable.pick(random.unit())}"`
        : "";
    return { path: PATHS[session.page as keyof typeof PATHS], fields, properties };
  }
}

const PATHS = { cart: "/cart", checkout: "/checkout", purchase: "/checkout/thank-you" };

function hex4(random: Random): string {
  const bits = random.bits();
  return (HEX[bits >>> 24] as string) + (HEX[(bits >>> 16) & 255] as string);
}
