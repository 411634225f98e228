// The tracker: sends what visitors do on a site to the collector. esbuild makes one script of this file (bundle.ts).

import type { Clickstream, Command, Fields, Product } from "./api";
import { watchClicks } from "./clicks";
import { identify, newId, page, pageIfNew, reset, track } from "./events";
import { automaticPageViews, endpoint, sampleRate } from "./options";
import { flush, watchConnection } from "./queue";
import { setConsent } from "./store";

const list = (items: Product | Product[] | undefined) => ([] as Product[]).concat(items ?? []);

const api: Clickstream = {
  track,
  page,
  identify,
  reset,
  consent(given) {
    setConsent(given);
    flush();
  },
  productView: (product) => track("product_view", product),
  addToCart: (product) => track("add_to_cart", product),
  checkout(items, fields) {
    const [only, ...more] = list(items);
    track("begin_checkout", { ...(more.length ? { items } : only), ...fields });
  },
  purchase(items, fields) {
    const order: Fields = { order_id: newId(), ...fields };
    for (const item of list(items)) track("purchase", { ...item, ...order });
  },
  push(...commands) {
    for (const [name, ...values] of commands)
      (api[name] as ((...values: unknown[]) => void) | undefined)?.(...values);
  },
};

/** Routers change the URL by these. The title is often set right after. */
function watchRouter(): void {
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (...values) {
      original.apply(this, values);
      setTimeout(pageIfNew);
    };
  }
  // Also when the fragment changes.
  addEventListener("popstate", () => setTimeout(pageIfNew));
  addEventListener("pageshow", ({ persisted }) => persisted && page());
}

function start(): void {
  const commands = window.clickstream as Command[] | undefined;
  window.clickstream = api;
  // First, so that the page view carries a user id that the page gave.
  api.push(...(commands ?? []));
  if (automaticPageViews) {
    page();
    watchRouter();
  }
  watchClicks(track);
  watchConnection();
  // What earlier pages left.
  flush();
}

if (!endpoint) console.warn("clickstream: data-endpoint is missing");
else if (!(sampleRate >= 0 && sampleRate <= 1)) console.warn("clickstream: data-sample must be 0 to 1");
else if (Array.isArray(window.clickstream ?? [])) {
  // A page that the browser loads ahead may never be seen.
  if ((document as { prerendering?: boolean }).prerendering)
    document.addEventListener("prerenderingchange", start, { once: true });
  else start();
}
