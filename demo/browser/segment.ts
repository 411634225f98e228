// The shop with Segment's analytics.js, sending to the collector in the place of Segment.
import { AnalyticsBrowser } from "@segment/analytics-next";
import { collector, type Item, startShop } from "./shop";

const { url, writeKey } = collector();
const { protocol, host, pathname } = new URL(url);
const key = writeKey || "demo";
const analytics = AnalyticsBrowser.load({
  writeKey: key,
  // What Segment's CDN would answer. Without it the script asks the CDN.
  cdnSettings: {
    integrations: {
      "Segment.io": {
        apiKey: key,
        apiHost: `${host}${pathname.replace(/\/$/, "")}/v1`,
        protocol: protocol.replace(":", "") as "http" | "https",
      },
    },
  },
});

/** A product in the names of Segment's ecommerce spec. */
function product({ product_id, product_name, product_category, product_price, quantity }: Item) {
  return { product_id, name: product_name, category: product_category, price: product_price, quantity };
}

void analytics.page();
startShop({
  productView: (item) => void analytics.track("Product Viewed", product(item)),
  addToCart: (item) => void analytics.track("Product Added", product(item)),
  checkout: (items, value) =>
    void analytics.track("Checkout Started", { value, currency: "USD", products: items.map(product) }),
  purchase: ({ order_id, payment_method, items, total }) =>
    void analytics.track("Order Completed", {
      order_id,
      payment_method,
      total,
      revenue: total,
      currency: "USD",
      products: items.map(product),
    }),
  signIn: (userId) => void analytics.identify(userId),
  signOut: () => void analytics.reset(),
});
