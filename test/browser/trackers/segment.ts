// The page with Segment's analytics-next, unchanged. Its settings come from the collector.
import { AnalyticsBrowser } from "@segment/analytics-next";
import { LAMP } from "./shop";

/** Without the scheme, which is an option of its own. The local stack's URL has a path. */
const host = `${window.collector.replace(/^https?:\/\//, "")}/v1`;
const load = (deliveryStrategy?: { strategy: "batching"; config: { size: number; timeout: number } }) =>
  AnalyticsBrowser.load(
    { writeKey: "key", cdnURL: window.collector },
    { integrations: { "Segment.io": { apiHost: host, protocol: "http", deliveryStrategy } } },
  );
const analytics = load();
const batched = load({ strategy: "batching", config: { size: 3, timeout: 60_000 } });

window.shop = {
  view: () => void analytics.page(),
  custom: () => void analytics.track("Newsletter Joined", { list: "weekly" }),
  purchase: () => {
    const { id: product_id, ...rest } = LAMP;
    void analytics.track("Order Completed", {
      order_id: "o-1",
      revenue: 39.8,
      currency: "EUR",
      products: [{ product_id, ...rest }],
    });
  },
  identify: () => void analytics.identify("u-1", { plan: "gold" }),
  batch: () => {
    for (let number = 1; number <= 3; number++) void batched.track("step", { number });
  },
  // One event of a batch of three: the end of the page sends it.
  last: () => void batched.track("last"),
};
