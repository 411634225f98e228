// What each tracker's page offers to the tests: the same visit of a shop, in that tracker's own calls.

export interface Shop {
  /** A page view, where the tracker does not send it itself. */
  view?(): void;
  custom(): void;
  /** Two lamps at 19.90 euros. */
  purchase(): void;
  /** The user u-1. */
  identify?(): void;
  /** Three events `step` in one request, where the tracker can. */
  batch?(): void;
  /** The event `last`, right before the page ends. */
  last(): void;
}

declare global {
  interface Window {
    shop: Shop;
    /** The collector's URL. */
    collector: string;
  }
}

export const LAMP = { id: "p-1", name: "Lamp", category: "Home", price: 19.9, quantity: 2 };
