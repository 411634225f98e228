// Gives events of all trackers the names that this product's own events have. Other names stay as they were sent.

import { EVENT_TYPES } from "../simulator/behaviour";

export const PURCHASE = EVENT_TYPES.purchase;

/** Names of Segment's ecommerce spec, of Snowplow's ecommerce actions and of Plausible, in lower case with spaces. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  pageview: EVENT_TYPES.home,
  "products searched": EVENT_TYPES.search,
  "site search": EVENT_TYPES.search,
  "product viewed": EVENT_TYPES.product,
  "product added": EVENT_TYPES.cart,
  "product removed": "remove_from_cart",
  "remove from cart": "remove_from_cart",
  "checkout started": EVENT_TYPES.checkout,
  "order completed": PURCHASE,
};

const BY_NAME: ReadonlyMap<string, string> = new Map([
  ...Object.values(EVENT_TYPES).map((type) => [plain(type), type] as const),
  ...Object.entries(OTHER_NAMES),
]);

/** The types whose events are about products. */
export const PRODUCT_TYPES: ReadonlySet<string> = new Set([
  ...[EVENT_TYPES.product, EVENT_TYPES.cart, "remove_from_cart", EVENT_TYPES.checkout, PURCHASE],
]);

export function eventType(name: string): string {
  return BY_NAME.get(plain(name)) ?? name;
}

function plain(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, " ");
}
