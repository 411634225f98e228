// Simulates parallel visits. Each call returns the next event of one of them. Memory use is constant.

import type { ClickstreamEvent } from "../../schema/event";
import { type Random, WeightedTable } from "../shared/random";
import {
  ANONYMOUS_SHARE,
  CAMPAIGNS,
  type Device,
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
import { shortId } from "./ids";
import type { Rhythm } from "./rhythm";
import type { Person, Product, World } from "./world";

/** An event without id and time. The caller adds both, and can shift the time. */
export interface DraftEvent {
  session: Session;
  timeMs: number;
  /** The fields that are not the same in the whole session. */
  fields: Partial<ClickstreamEvent> & Pick<ClickstreamEvent, "event_type">;
}

/** Event fields that depend on the page. */
interface Visit {
  path: string;
  title: string;
  product?: Product;
  quantity?: number;
  properties?: Record<string, string>;
}

export interface Session {
  id: string;
  person: Person;
  device: Device;
  /** The fields that are the same in all events of the visit, as JSON text. Built once, because they are most of it. */
  json: string;
  page: Page;
  url: string;
  referrer: string;
  /** The product that was viewed or bought last, and the one on the previous page. */
  product: Product | undefined;
  shown: Product | undefined;
  quantity: number;
  timeMs: number;
}

export interface SessionsOptions {
  world: World;
  random: Random;
  rhythm: Rhythm;
  /** Number of calls of next(). The starts of the visits are distributed over them. */
  events: number;
  endMs: number;
  /** People come for the first time, return soon or later, and stay away, as over weeks. Otherwise all are known. */
  history: boolean;
}

const SITE = "https://shop.example.com";
const SHOP = "Example Shop";
/** Number of parallel visits. */
const MAX_PARALLEL = 64;
const EVENTS_A_PARALLEL_SESSION = 200;
/** Average number of events per user. It determines the number of users. */
const EVENTS_A_USER = 15;
const MIN_USERS = 10;
/** The same for a history: most people visit once. */
const EVENTS_A_USER_OF_HISTORY = 6;
/** Share of a history's people who may have visited when it begins. */
const KNOWN_AT_FIRST = 0.1;

const entryTable = new WeightedTable(ENTRY_PAGES);
const referrerTable = new WeightedTable(REFERRERS);
const quantityTable = new WeightedTable(QUANTITIES);
const paymentTable = new WeightedTable(PAYMENT_METHODS);
const nextTables = Object.fromEntries(
  Object.entries(NEXT_PAGES).map(([page, weights]) => [page, new WeightedTable(weights)]),
) as Record<Page, WeightedTable<Page | "leave">>;
/** Quantiles of the exponential distribution with mean 1. A lookup avoids a logarithm for each event. */
const exponential = Float64Array.from({ length: 1024 }, (_, index) => -Math.log(1 - (index + 0.5) / 1024));

export class Sessions {
  private readonly open: (Session | undefined)[];
  private readonly users: number;
  private made = 0;

  constructor(private readonly options: SessionsOptions) {
    const parallel = Math.ceil(options.events / EVENTS_A_PARALLEL_SESSION);
    this.open = new Array(Math.min(MAX_PARALLEL, Math.max(1, parallel))).fill(undefined);
    const eventsEach = options.history ? EVENTS_A_USER_OF_HISTORY : EVENTS_A_USER;
    this.users = Math.max(MIN_USERS, Math.ceil(options.events / eventsEach));
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
    const person = world.person(this.visitor(fraction));
    const { device, anonymousId } = person.browser(random.unit());
    const referrer = referrerTable.pick(random.unit());
    const source = CAMPAIGNS[referrer];
    const id = `s-${shortId(random, 3)}`;
    const fields: Partial<ClickstreamEvent> = {
      user_id: random.unit() < ANONYMOUS_SHARE ? undefined : person.userId,
      session_id: id,
      anonymous_id: anonymousId,
      // The tracker reads them from the URL of the first page, and removes them from the URL that it sends.
      ...(source !== undefined && random.unit() < source.share ? source.campaign : {}),
      device_type: device.type,
      browser: device.browser,
      os: device.os,
      user_agent: device.userAgent,
      geo: person.geo,
    };
    return {
      id,
      person,
      device,
      json: JSON.stringify(fields).slice(1, -1),
      page: entryTable.pick(random.unit()),
      url: "",
      referrer,
      product: undefined,
      shown: undefined,
      quantity: 1,
      timeMs: rhythm.at(fraction),
    };
  }

  /** The index of the person whose visit begins when this share of the visits has begun. */
  private visitor(fraction: number): number {
    const unit = this.options.random.unit();
    // Squared: a few people return often, many visit once.
    if (!this.options.history) return (unit ** 2 * this.users) | 0;
    // The index tells when a person first comes. Cubed: mostly people who came first a short time ago.
    const known = Math.ceil(this.users * (KNOWN_AT_FIRST + (1 - KNOWN_AT_FIRST) * fraction));
    return ((1 - unit ** 3) * (known - 1)) | 0;
  }

  /** Moves the session to the next page. Returns undefined if the visit is over. */
  private goOn(session: Session | undefined): Session | undefined {
    if (session === undefined) return undefined;
    const { random, endMs } = this.options;
    const next = nextTables[session.page].pick(random.unit());
    if (next === "leave") return undefined;
    const dwell = MEAN_DWELL_SECONDS[session.page] * (exponential[(random.unit() * 1024) | 0] as number);
    session.timeMs += 1000 + ((dwell * 1000) | 0);
    // No event is in the future: a visitor who would move on later is still on the current page.
    if (session.timeMs > endMs) return undefined;
    session.page = next;
    session.referrer = session.url;
    return session;
  }

  private draft(session: Session): DraftEvent {
    const { path, title, product, quantity, properties } = this.visit(session);
    session.url = SITE + path;
    const fields = {
      event_type: EVENT_TYPES[session.page],
      page_url: session.url,
      page_title: `${title} | ${SHOP}`,
      referrer_url: session.referrer || undefined,
      ...product?.fields,
      quantity,
      properties,
    };
    return { session, timeMs: session.timeMs, fields };
  }

  /** The path, product fields and properties of the page. */
  private visit(session: Session): Visit {
    const { random, world } = this.options;
    switch (session.page) {
      case "home":
        return { path: "/", title: "Home", properties: { page: "home" } };
      case "category": {
        const category = world.categories[(random.unit() * world.categories.length) | 0] as string;
        session.shown = world.productsOf.get(category)?.pick(random.unit());
        return {
          path: `/category/${category.toLowerCase()}`,
          title: category,
          properties: { page: "category", category },
        };
      }
      case "search": {
        const words = SEARCH_WORDS[(random.unit() * SEARCH_WORDS.length) | 0] as string;
        session.shown = undefined;
        const results = 1 + ((random.unit() * 48) | 0);
        return {
          path: `/search?q=${words.replace(" ", "+")}`,
          title: `Search: ${words}`,
          properties: { query: words, results: String(results) },
        };
      }
      case "product": {
        // After a category page, the product that was shown there. Otherwise a product from the long tail.
        const product = session.shown ?? world.products.pick(random.unit());
        session.shown = undefined;
        session.product = product;
        return { path: product.path, title: product.fields.product_name, product };
      }
      default:
        return this.buy(session);
    }
  }

  private buy(session: Session): Visit {
    const { random, world } = this.options;
    session.product ??= world.products.pick(random.unit());
    if (session.page === "cart") session.quantity = quantityTable.pick(random.unit());
    const visit = {
      ...STEPS[session.page as keyof typeof STEPS],
      product: session.product,
      quantity: session.quantity,
    };
    if (session.page !== "purchase") return visit;
    const order_id = `o-${shortId(random, 2)}`;
    return { ...visit, properties: { order_id, payment_method: paymentTable.pick(random.unit()) } };
  }
}

const STEPS = {
  cart: { path: "/cart", title: "Cart" },
  checkout: { path: "/checkout", title: "Checkout" },
  purchase: { path: "/checkout/thank-you", title: "Thank you" },
};
