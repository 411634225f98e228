// Budget: AWS sends a mail when the stack, found by its tags, costs a given sum a month.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { budgetName } from "../blocks/names";

export interface BudgetArgs {
  /** 0 for no budget. */
  monthlyBudgetUsd: number;
  failureTopicArn: pulumi.Input<string>;
}

export class Budget extends pulumi.ComponentResource {
  constructor(name: string, args: BudgetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Budget", name, {}, opts);
    if (args.monthlyBudgetUsd > 0) this.createBudget(name, args);
    this.registerOutputs({});
  }

  private createBudget(name: string, args: BudgetArgs): void {
    const notification = (notificationType: string, threshold: number) => ({
      comparisonOperator: "GREATER_THAN",
      notificationType,
      threshold,
      thresholdType: "PERCENTAGE",
      subscriberSnsTopicArns: [args.failureTopicArn],
    });
    new aws.budgets.Budget(
      `${name}-budget`,
      {
        name: budgetName(),
        budgetType: "COST",
        timeUnit: "MONTHLY",
        limitAmount: String(args.monthlyBudgetUsd),
        limitUnit: "USD",
        metrics: "UnblendedCost",
        filterExpression: {
          ands: [
            { tags: { key: "Project", values: [pulumi.getProject()] } },
            { tags: { key: "Stack", values: [pulumi.getStack()] } },
          ],
        },
        notifications: [notification("ACTUAL", 80), notification("FORECASTED", 100)],
      },
      { parent: this },
    );
  }
}
