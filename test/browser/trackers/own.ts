// The page with this project's tracker, which the collector serves.
import type { Clickstream } from "../../../tracker/api";

const script = document.createElement("script");
script.src = `${window.collector}/clickstream.js`;
document.head.append(script);

const tracker = () => window.clickstream as Clickstream;
window.shop = {
  custom: () => tracker().track("newsletter", { list: "weekly" }),
  purchase: () =>
    tracker().purchase(
      { product_id: "p-1", product_name: "Lamp", product_category: "Home", product_price: 19.9, quantity: 2 },
      { order_id: "o-1", currency: "EUR" },
    ),
  identify: () => tracker().identify("u-1", { plan: "gold" }),
  batch: () => {
    for (let number = 1; number <= 3; number++) tracker().track("step", { number });
  },
  last: () => tracker().track("last"),
};
