// The shop with this project's own tracker, which the page's next script element loads from the collector.
import type { Command } from "../../tracker/api";
import { startShop } from "./shop";

/** Until the tracker has loaded, its commands wait in this list. */
function call(...command: Command): void {
  window.clickstream ??= [];
  (window.clickstream as Command[]).push(command);
}

startShop({
  productView: (item) => call("productView", item),
  addToCart: (item) => call("addToCart", item),
  checkout: (items, total) => call("checkout", items, { total }),
  purchase: ({ items, order_id, payment_method }) => call("purchase", items, { order_id, payment_method }),
  signIn: (userId) => call("identify", userId),
  signOut: () => call("reset"),
});
