// Budgets.
import { CreateBudgetCommand, DeleteBudgetCommand, type Metric } from "@aws-sdk/client-budgets";
import type * as aws from "@pulumi/aws";
import { handler } from "./resource";
import { tagList } from "./tags";

const NOTHING_IS_SPENT = "stored; the local stack costs nothing, so no notification is sent";

const budget = handler<aws.budgets.BudgetArgs>({
  honours: ["name", "tags"],
  ineffective: {
    budgetType: NOTHING_IS_SPENT,
    timeUnit: NOTHING_IS_SPENT,
    limitAmount: NOTHING_IS_SPENT,
    limitUnit: NOTHING_IS_SPENT,
    metrics: NOTHING_IS_SPENT,
    filterExpression: NOTHING_IS_SPENT,
    notifications: NOTHING_IS_SPENT,
  },
  naming: { maximumLength: 100 },
  async create(inputs, { clients, accountId, physicalName }) {
    const BudgetName = physicalName(inputs.name);
    await clients.budgets.send(
      new CreateBudgetCommand({
        AccountId: accountId,
        ResourceTags: tagList(inputs.tags),
        Budget: {
          BudgetName,
          BudgetType: inputs.budgetType as "COST",
          TimeUnit: inputs.timeUnit as "MONTHLY",
          BudgetLimit: { Amount: inputs.limitAmount, Unit: inputs.limitUnit },
          Metrics: inputs.metrics === undefined ? undefined : [inputs.metrics as Metric],
          FilterExpression: inputs.filterExpression && {
            And: inputs.filterExpression.ands?.map(({ tags }) => ({
              Tags: tags && { Key: tags.key, Values: tags.values },
            })),
          },
        },
        NotificationsWithSubscribers: inputs.notifications?.map((notification) => ({
          Notification: {
            NotificationType: notification.notificationType as "ACTUAL",
            ComparisonOperator: notification.comparisonOperator as "GREATER_THAN",
            Threshold: notification.threshold,
            ThresholdType: notification.thresholdType as "PERCENTAGE",
          },
          Subscribers: notification.subscriberSnsTopicArns?.map((Address) => ({
            SubscriptionType: "SNS",
            Address,
          })),
        })),
      }),
    );
    const arn = `arn:aws:budgets::${accountId}:budget/${BudgetName}`;
    return { id: `${accountId}:${BudgetName}`, outputs: { name: BudgetName, accountId, arn } };
  },
  async remove({ outputs }, { clients, accountId }) {
    await clients.budgets.send(
      new DeleteBudgetCommand({ AccountId: accountId, BudgetName: String(outputs.name) }),
    );
  },
});

export const budgetHandlers = { "aws:budgets/budget:Budget": budget };
