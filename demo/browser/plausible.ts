// The shop with Plausible's tracker. It knows no users, and its properties are texts.
import { init, track } from "@plausible-analytics/tracker";
import { collector, type Item, startShop } from "./shop";

const { url, writeKey } = collector();
init({
  domain: "shop.example",
  endpoint: `${url}/api/event${writeKey === "" ? "" : `?writeKey=${encodeURIComponent(writeKey)}`}`,
  captureOnLocalhost: true,
  bindToWindow: false,
});

function props({ product_id, product_name, product_category, product_price, quantity }: Item) {
  return {
    product_id,
    product_name,
    product_category,
    product_price: String(product_price),
    quantity: String(quantity),
  };
}

startShop({
  productView: (item) => track("product_view", { props: props(item) }),
  addToCart: (item) => track("add_to_cart", { props: props(item) }),
  checkout: (items, total) =>
    track("begin_checkout", { props: { products: String(items.length), total: String(total) } }),
  purchase: ({ order_id, payment_method, items }) => {
    for (const item of items) {
      const amount = Math.round(100 * item.product_price * item.quantity) / 100;
      track("purchase", {
        props: { ...props(item), order_id, payment_method },
        revenue: { amount, currency: "USD" },
      });
    }
  },
});
