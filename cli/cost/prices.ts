// The price list: one file, one region, one date; see prices.json.
import list from "./prices.json";

export type PriceKey = keyof typeof list.prices;

export const PRICE_REGION = list.region;
export const PRICE_DATE = list.date;
/** What has no price here, as sentences. */
export const UNPRICED: readonly string[] = list.unknown;

/** Dollars for one unit. */
export function price(key: PriceKey): number {
  return list.prices[key].usd;
}

export function isPrice(key: string): key is PriceKey {
  return Object.hasOwn(list.prices, key);
}
