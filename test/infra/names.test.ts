import assert from "node:assert/strict";
import { databaseName } from "../../infra/names";
import { nearest } from "../../infra/nearest";

describe("infra/names", () => {
  it("makes a database name that Athena takes without quotes", () => {
    assert.equal(databaseName("clickstream-dev"), "clickstream_dev");
    for (const name of ["Shop.Web-Prod", "9lives-dev", "a_b-c"])
      assert.match(databaseName(name), /^[a-z][a-z0-9_]*$/);
  });

  it("tells stacks apart that differ only in what a name cannot hold", () => {
    const names = ["shop-a-b", "shop-a_b", "shop-a.b", "shop-A-b"].map((name) => databaseName(name));
    assert.equal(new Set(names).size, names.length);
  });
});

describe("infra/nearest", () => {
  it("finds the name that a misspelt one means, and none for a strange one", () => {
    const known = ["shardCount", "batchSize", "batchWindowSeconds"];
    assert.equal(nearest("shardcuont", known), "shardCount");
    assert.equal(nearest("batchWindow", known), undefined);
    assert.equal(nearest("batchWindowSecond", known), "batchWindowSeconds");
    assert.equal(nearest("colour", known), undefined);
  });
});
