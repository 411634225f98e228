// The shop with Snowplow's browser tracker, with the schemas of its ecommerce plug-in.
import { newTracker, setUserId, trackPageView, trackSelfDescribingEvent } from "@snowplow/browser-tracker";
import { collector, type Item, startShop } from "./shop";

const { url, writeKey } = collector();
const ECOMMERCE = "iglu:com.snowplowanalytics.snowplow.ecommerce";

newTracker("shop", url, {
  appId: "example-shop",
  ...(writeKey === "" ? {} : { customHeaders: { authorization: `Bearer ${writeKey}` } }),
});

interface Entity {
  schema: string;
  data: Record<string, unknown>;
}

function entity(name: string, data: Record<string, unknown>): Entity {
  return { schema: `${ECOMMERCE}/${name}/jsonschema/1-0-0`, data };
}

function product({ product_id, product_name, product_category, product_price, quantity }: Item): Entity {
  return entity("product", {
    id: product_id,
    name: product_name,
    category: product_category,
    price: product_price,
    currency: "USD",
    quantity,
  });
}

function action(type: string, context: Entity[]): void {
  const schema = `${ECOMMERCE}/snowplow_ecommerce_action/jsonschema/1-0-2`;
  trackSelfDescribingEvent({ event: { schema, data: { type } }, context });
}

trackPageView();
startShop({
  productView: (item) => action("product_view", [product(item)]),
  addToCart: (item) => action("add_to_cart", [product(item)]),
  checkout: (items) => action("checkout_step", [entity("checkout_step", { step: 1 }), ...items.map(product)]),
  purchase: ({ order_id, payment_method, items, total }) =>
    action("transaction", [
      entity("transaction", { transaction_id: order_id, revenue: total, currency: "USD", payment_method }),
      ...items.map(product),
    ]),
  signIn: (userId) => setUserId(userId),
  signOut: () => setUserId(null),
});
