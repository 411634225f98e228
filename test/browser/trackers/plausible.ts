// The page with Plausible's tracker, unchanged.
import { init, track } from "@plausible-analytics/tracker";

// Plausible's own switch for tests: without it, a browser under remote control is ignored.
Object.assign(window, { __plausible: true });
init({ domain: "shop.example", endpoint: `${window.collector}/api/event`, captureOnLocalhost: true });

window.shop = {
  custom: () => track("newsletter", { props: { list: "weekly" } }),
  purchase: () =>
    track("Purchase", { revenue: { amount: 39.8, currency: "EUR" }, props: { order_id: "o-1" } }),
  last: () => track("last", {}),
};
