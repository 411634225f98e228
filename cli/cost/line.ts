// A line of an estimate: a billable part of the program, as quantity times price.

import { basisOf } from "./basis";
import { type PriceKey, price } from "./prices";

export interface Line {
  /** The stage, or what all stages share. */
  part:
    | "collect"
    | "ingest"
    | "storage"
    | "transform"
    | "catalog"
    | "orchestrate"
    | "notify"
    | "observe"
    | "keys";
  item: string;
  quantity: number;
  /** Dollars for one. */
  usd: number;
  unit: string;
  /** Dollars a month. */
  monthly: number;
  /** What the quantity rests on: a count, a measurement or an assumption. */
  basis: string;
  /** The resource types that this line bills. */
  types: string[];
}

export function line(
  part: Line["part"],
  item: string,
  key: PriceKey,
  quantity: number,
  unit: string,
  ...types: string[]
): Line {
  const usd = price(key);
  return { part, item, quantity, usd, unit, monthly: quantity * usd, basis: basisOf(item), types };
}
