import assert from "node:assert/strict";
import { consoleHost } from "../../infra/blocks/account";
import { partitionOf } from "../../stack/partition";

describe("stack/partition", () => {
  it("finds a region's partition and its console", () => {
    const places = ["eu-central-1", "cn-northwest-1", "us-gov-east-1", "us-east-1"].map((region) => [
      partitionOf(region),
      consoleHost(partitionOf(region)),
    ]);
    assert.deepEqual(places, [
      ["aws", "console.aws.amazon.com"],
      ["aws-cn", "console.amazonaws.cn"],
      ["aws-us-gov", "console.amazonaws-us-gov.com"],
      ["aws", "console.aws.amazon.com"],
    ]);
  });
});
