// What a wire format is: it reads a body into events of the contract, and passes on as it came what it cannot read.

import type { JsonObject } from "../ingest/json";
import type { Ids } from "./ids";
import type { OrderBudget } from "./products";

/** An event, or text that is not one. The ingest quarantines such text. */
export type Part = { event: JsonObject } | { asItCame: string };

export interface FormatContext {
  /** When the request arrived. */
  arrivalMs: number;
  ids: Ids;
  budget: OrderBudget;
}
