// The fields of an event of an element with data-clickstream.
import assert from "node:assert/strict";
import { clickFields } from "../../tracker/clicks";

describe("tracker: fields of a click", () => {
  it("are the attributes data-clickstream-…, with numbers where the table has numbers", () => {
    const attributes = {
      id: "buy",
      "data-clickstream": "add_to_cart",
      "data-clickstream-product-id": "0012",
      "data-clickstream-product-price": "19.90",
      "data-clickstream-quantity": "2",
      "data-clickstream-list": "",
      "data-clickstreamer": "no",
      "data-other": "no",
    };
    const list = Object.entries(attributes).map(([name, value]) => ({ name, value }));
    assert.deepEqual(clickFields(list), { product_id: "0012", product_price: 19.9, quantity: 2, list: "" });
  });
});
