// Puts products into the product fields of events. An event has one product, so an order becomes one event per product.

import { type JsonObject, jsonText, numberText } from "../ingest/json";
import { PURCHASE } from "./event-types";
import { addProperty, emptyObject, isObject, objectOf, textOf } from "./json";

/** The names that trackers use for each product field, the most exact first. */
const TEXT_NAMES: Readonly<Record<string, readonly string[]>> = {
  product_id: ["product_id", "id", "sku", "item_id"],
  product_name: ["product_name", "name", "item_name"],
  product_category: ["product_category", "category", "item_category"],
};
const PRICE_NAMES = ["product_price", "price", "unitPrice"];
const QUANTITY_NAMES = ["quantity"];

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const MAX_INT = 2 ** 31 - 1;

/** The most bytes that the events of a request may repeat of their orders. */
const BUDGET_BYTES = 2 * 1024 * 1024;

/** Bounds what splitting orders adds to a request: a small body can be an order with thousands of products. */
export class OrderBudget {
  private left = BUDGET_BYTES;

  take(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }
}

/** Moves the product fields out of `source`. The rest is returned with its own names. */
export function takeProduct(source: JsonObject): { fields: JsonObject; rest: JsonObject } {
  const rest = Object.assign(emptyObject(), source);
  const fields: JsonObject = {};
  const take = (field: string, names: readonly string[], fits: (value: unknown) => boolean) => {
    const name = names.find((each) => Object.hasOwn(source, each) && fits(source[each]));
    if (name === undefined) return;
    fields[field] = source[name];
    delete rest[name];
  };
  for (const [field, names] of Object.entries(TEXT_NAMES)) take(field, names, isText);
  take("product_price", PRICE_NAMES, isNumber);
  take("quantity", QUANTITY_NAMES, isInt);
  return { fields, rest };
}

/** The value is kept as a property if it does not fit: an invalid field would send the event to the quarantine. */
function isText(value: unknown): boolean {
  return textOf(value) !== undefined;
}

export function isNumber(value: unknown): boolean {
  const text = typeof value === "string" ? value : numberText(value);
  return text !== undefined && JSON_NUMBER.test(text) && Number.isFinite(Number(text));
}

function isInt(value: unknown): boolean {
  return isNumber(value) && Number.isInteger(Number(value)) && Math.abs(Number(value)) <= MAX_INT;
}

/** Types with one event per product. Other types have the product fields only if there is one product. */
const SPLIT_TYPES: ReadonlySet<string> = new Set([
  "product_view",
  "add_to_cart",
  "remove_from_cart",
  PURCHASE,
]);

/**
 * The events of an order or a cart. The first has the id that was sent, the others have `-2`, `-3` and so on after it,
 * so a retry makes the same ids. `value` is the value of the whole order: without products, it is the price.
 */
export function withProducts(
  event: JsonObject,
  list: unknown,
  value: unknown,
  budget: OrderBudget,
): JsonObject[] {
  const products = Array.isArray(list) ? list.filter(isObject) : [];
  const isSplit = SPLIT_TYPES.has(String(event.event_type));
  if (products.length === 1) return [withProduct(event, products[0] as JsonObject)];
  if (products.length > 1 && isSplit && budget.take(jsonText(event).length * products.length)) {
    return products.map((product, index) => {
      const id = index === 0 ? event.event_id : `${String(event.event_id)}-${index + 1}`;
      return withProduct({ ...event, event_id: id }, product);
    });
  }
  const properties = Object.assign(emptyObject(), objectOf(event.properties));
  if (products.length > 0) addProperty(properties, "products", list);
  const isWhole = event.event_type === PURCHASE && event.product_price === undefined && isNumber(value);
  return [{ ...event, ...(isWhole ? { product_price: value, quantity: 1 } : {}), properties }];
}

function withProduct(event: JsonObject, product: JsonObject): JsonObject {
  const { fields, rest } = takeProduct(product);
  const properties = Object.assign(emptyObject(), objectOf(event.properties));
  for (const [name, value] of Object.entries(rest)) {
    addProperty(properties, name.startsWith("product_") ? name : `product_${name}`, value);
  }
  return { ...event, ...fields, properties };
}
