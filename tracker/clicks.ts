// Clicks on elements with data-clickstream="event_type". Their attributes data-clickstream-NAME are the event's fields.

import type { Clickstream, Fields } from "./api";

const ATTRIBUTE = "data-clickstream";
/** The columns of the table that are numbers. Attributes are text. */
const NUMBERS = ["product_price", "quantity"];

/** data-clickstream-product-id="7" is the field product_id. */
export function clickFields(attributes: Iterable<{ name: string; value: string }>): Fields {
  const fields: Fields = {};
  for (const { name, value } of attributes) {
    if (!name.startsWith(`${ATTRIBUTE}-`)) continue;
    const field = name.slice(ATTRIBUTE.length + 1).replace(/-/g, "_");
    fields[field] = NUMBERS.includes(field) ? Number(value) : value;
  }
  return fields;
}

export function watchClicks(track: Clickstream["track"]): void {
  const listener = ({ target, button }: MouseEvent) => {
    const element = button < 2 && (target as Element).closest(`[${ATTRIBUTE}]`);
    if (element) track(element.getAttribute(ATTRIBUTE) as string, clickFields(element.attributes));
  };
  // Before the page's own listeners, which may stop the event. A click of the middle button is an auxclick.
  for (const name of ["click", "auxclick"] as const) addEventListener(name, listener, true);
}
