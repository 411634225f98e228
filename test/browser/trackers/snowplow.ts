// The page with Snowplow's browser tracker, unchanged. A purchase is what its e-commerce plug-in sends.
import {
  newTracker,
  setUserId,
  trackPageView,
  trackSelfDescribingEvent,
  trackStructEvent,
} from "@snowplow/browser-tracker";
import { LAMP } from "./shop";

newTracker("single", window.collector, { appId: "shop", bufferSize: 1 });
newTracker("batched", window.collector, { appId: "shop", bufferSize: 3 });

const ecommerce = (name: string, version: string) =>
  `iglu:com.snowplowanalytics.snowplow.ecommerce/${name}/jsonschema/${version}`;

window.shop = {
  view: () => trackPageView({}, ["single"]),
  custom: () =>
    trackSelfDescribingEvent(
      { event: { schema: "iglu:com.example/newsletter/jsonschema/1-0-0", data: { list: "weekly" } } },
      ["single"],
    ),
  purchase: () =>
    trackSelfDescribingEvent(
      {
        event: { schema: ecommerce("snowplow_ecommerce_action", "1-0-2"), data: { type: "transaction" } },
        context: [
          {
            schema: ecommerce("transaction", "1-0-0"),
            data: { transaction_id: "o-1", revenue: 39.8, currency: "EUR", payment_method: "card" },
          },
          { schema: ecommerce("product", "1-0-0"), data: { ...LAMP, currency: "EUR" } },
        ],
      },
      ["single"],
    ),
  // It has no event of its own: later events have the user.
  identify: () => {
    setUserId("u-1");
    trackStructEvent({ category: "account", action: "sign_in" }, ["single"]);
  },
  batch: () => {
    for (let value = 1; value <= 3; value++)
      trackStructEvent({ category: "form", action: "step", value }, ["batched"]);
  },
  // One event of a batch of three: the end of the page sends it.
  last: () => trackStructEvent({ category: "page", action: "last" }, ["batched"]),
};
