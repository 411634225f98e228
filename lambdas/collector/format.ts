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

/** The properties of an event. Several sources add to them. The first value for a name is kept. */
export function addProperty(properties: JsonObject, name: string, value: unknown): void {
  if (value === undefined || value === null || value === "") return;
  if (!Object.hasOwn(properties, name)) properties[name] = value;
}
