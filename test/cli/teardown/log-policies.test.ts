// The statements of a policy of CloudWatch Logs that name a stack's log groups, and the command that takes just these out.
import assert from "node:assert/strict";
import { nameTest } from "../../../cli/teardown/leftovers";
import { namedIn } from "../../../cli/teardown/log-policies";

const group = (name: string) => `arn:aws:logs:eu-west-1:123456789012:log-group:${name}:log-stream:*`;
const OURS = group("/aws/vendedlogs/states/clickstream-dev/pipeline");
const THEIRS = group("/aws/vendedlogs/states/clickstream-dev2/pipeline");

const document = (...resources: (string | string[])[]) => ({
  Version: "2012-10-17",
  Statement: resources.map((Resource) => ({
    Effect: "Allow",
    Principal: { Service: "delivery.logs.amazonaws.com" },
    Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
    Resource,
  })),
});

describe("cli/teardown/log-policies", () => {
  const wanted = nameTest("clickstream", "dev");
  const found = (...resources: (string | string[])[]) =>
    namedIn("AWSLogDeliveryWrite20150319", JSON.stringify(document(...resources)), wanted);

  it("finds the stack's log groups, and deletes a policy that names no others", () => {
    assert.deepEqual(found(OURS), [
      {
        id: `AWSLogDeliveryWrite20150319: ${OURS}`,
        remove: "aws logs delete-resource-policy --policy-name AWSLogDeliveryWrite20150319",
      },
    ]);
  });

  it("leaves what other stacks' log groups need, in the same statement and in others", () => {
    for (const resources of [[OURS, THEIRS], [[OURS, THEIRS]]]) {
      const [item, ...more] = found(...resources);
      assert.deepEqual(more, []);
      const [, text = ""] = /--policy-document '(.*)'$/.exec(item?.remove ?? "") ?? [];
      assert.deepEqual(JSON.parse(text), document([THEIRS]));
    }
  });

  it("finds nothing in a policy for all vended logs, for other stacks, or that is no JSON", () => {
    assert.deepEqual(found(group("/aws/vendedlogs/*"), THEIRS), []);
    assert.deepEqual(namedIn("broken", "{", wanted), []);
    assert.deepEqual(namedIn("empty", "{}", wanted), []);
  });
});
