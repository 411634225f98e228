import assert from "node:assert/strict";
import { evaluate } from "../program";

const BUDGET = "aws:budgets/budget:Budget";
const FAILURE_TOPIC = "arn:aws:sns/topic:Topic:PipelineFailure";

describe("infra/observe/budget", function () {
  this.timeout(120_000);
  it("warns the failure topic at 80 % spent and at 100 % expected, of what carries this stack's tags", async () => {
    const program = await evaluate({ monthlyBudgetUsd: "250" });
    const notification = (notificationType: string, threshold: number) => ({
      comparisonOperator: "GREATER_THAN",
      notificationType,
      threshold,
      thresholdType: "PERCENTAGE",
      subscriberSnsTopicArns: [FAILURE_TOPIC],
    });
    const { tags, ...inputs } = program.named(BUDGET, "clickstream-budget");
    assert.deepEqual(inputs, {
      name: "clickstream-test",
      budgetType: "COST",
      timeUnit: "MONTHLY",
      limitAmount: "250",
      limitUnit: "USD",
      metrics: "UnblendedCost",
      filterExpression: {
        ands: [
          { tags: { key: "Project", values: ["clickstream"] } },
          { tags: { key: "Stack", values: ["test"] } },
        ],
      },
      notifications: [notification("ACTUAL", 80), notification("FORECASTED", 100)],
    });
    // It filters by what is on the resources.
    const { Project, Stack } = tags as Record<string, string>;
    assert.deepEqual([Project, Stack], ["clickstream", "test"]);
  });

  it("allows the budget to publish for this account only, with a key that allows it, without any alarm", async () => {
    const program = await evaluate({ monthlyBudgetUsd: "1", alarms: "false" });
    const { policy } = program.named("aws:sns/topicPolicy:TopicPolicy", "PipelineFailure");
    const { Statement } = JSON.parse(String(policy));
    assert.deepEqual(
      Statement.map(({ Sid }: { Sid: string }) => Sid),
      ["AccountAdministersTheTopic", "BudgetOfThisStack"],
    );
    assert.deepEqual(Statement[1], {
      Sid: "BudgetOfThisStack",
      Effect: "Allow",
      Principal: { Service: "budgets.amazonaws.com" },
      Action: "sns:Publish",
      Resource: FAILURE_TOPIC,
      Condition: {
        StringEquals: { "aws:SourceAccount": "123456789012" },
        ArnLike: { "aws:SourceArn": "arn:aws:budgets::123456789012:*" },
      },
    });
    const { kmsMasterKeyId } = program.named("aws:sns/topic:Topic", "PipelineFailure");
    assert.equal(kmsMasterKeyId, "arn:aws:kms/key:Key:clickstream-key");
  });

  it("is not made where the sum is 0", async () => {
    assert.deepEqual((await evaluate()).of(BUDGET), []);
  });
});
