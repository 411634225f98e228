// The tracker's API as a site calls it: `window.clickstream`. Copy this file into a TypeScript project to get its types.

/** A field of an event. Names that the table `events` has no column for arrive in `properties`. */
export type Fields = Record<string, unknown>;

/** A product, as the columns of the table are called. */
export interface Product {
  product_id: string;
  product_name?: string;
  product_category?: string;
  /** The price per piece. */
  product_price?: number;
  /** Number of pieces. */
  quantity?: number;
  [property: string]: unknown;
}

export interface Clickstream {
  /** Sends an event of any type. */
  track(type: string, fields?: Fields): void;
  /** Sends a page view. The tracker does so itself unless the script has `data-page-views="manual"`. */
  page(fields?: Fields): void;
  /** From now on, events carry this user id. Sends the event `identify` with what is known of the user. */
  identify(userId: string | number, traits?: Fields): void;
  /** At sign-out: later events have no user id, and belong to a new visitor and a new session. */
  reset(): void;
  /** The visitor's answer. `true` is kept for later pages. `false` deletes all that the tracker has stored. */
  consent(given: boolean): void;
  productView(product: Product): void;
  addToCart(product: Product): void;
  /** Sends `begin_checkout`, with the product if there is one, and with `items` if there are several. */
  checkout(items?: Product | Product[], fields?: Fields): void;
  /** Sends a `purchase` for each product. They share an `order_id`: yours, or one that the tracker makes. */
  purchase(items: Product | Product[], fields?: Fields): void;
  /** Calls a method by its name: `clickstream.push(["track", "search", { query: "lamp" }])`. */
  push(...commands: Command[]): void;
}

type Method = Exclude<keyof Clickstream, "push">;
/** A call that also works before the script has loaded, when `window.clickstream` is still an array. */
export type Command = { [Name in Method]: [Name, ...Parameters<Clickstream[Name]>] }[Method];

declare global {
  interface Window {
    clickstream: Clickstream | Command[];
  }
}
