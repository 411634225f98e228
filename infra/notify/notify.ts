// Notify: a topic for successes, a topic for failures, and the subscribed addresses.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { arnOf, currentAccount } from "../blocks/account";
import type { CustomerKey } from "../blocks/encryption";
import { qualifiedName } from "../blocks/names";

export interface NotifyArgs {
  successEmails: string[];
  failureEmails: string[];
  /** Needed if other services than the state machine publish: the policy of AWS's own key does not allow them. */
  topicKey?: CustomerKey;
  /** Whether alarms publish to the failure topic. */
  alarms: boolean;
  /** If this is more than 0, a budget publishes to the failure topic, too. */
  monthlyBudgetUsd: number;
}

/** The actions that SNS's own default policy allows the account. */
const OWNER_ACTIONS = [
  "sns:GetTopicAttributes",
  "sns:SetTopicAttributes",
  "sns:AddPermission",
  "sns:RemovePermission",
  "sns:DeleteTopic",
  "sns:Subscribe",
  "sns:ListSubscriptionsByTopic",
  "sns:Publish",
];

export class Notify extends pulumi.ComponentResource {
  readonly successTopicArn: pulumi.Output<string>;
  readonly failureTopicArn: pulumi.Output<string>;
  /** Who hears of the pipeline, and how to add somebody. */
  readonly subscribeCommand: pulumi.Output<string>;

  constructor(name: string, args: NotifyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Notify", name, {}, opts);
    this.successTopicArn = this.createTopic("PipelineSuccess", args.successEmails, args.topicKey);
    this.failureTopicArn = this.letPublish(
      "PipelineFailure",
      this.createTopic("PipelineFailure", args.failureEmails, args.topicKey),
      args,
    );
    this.subscribeCommand = this.describeSubscriptions(args);
    this.registerOutputs({ successTopicArn: this.successTopicArn, failureTopicArn: this.failureTopicArn });
  }

  private createTopic(
    topicName: string,
    emails: string[],
    key: CustomerKey | undefined,
  ): pulumi.Output<string> {
    const topic = new aws.sns.Topic(
      topicName,
      { kmsMasterKeyId: key?.arn ?? "alias/aws/sns" },
      { parent: this },
    );
    for (const email of emails) {
      new aws.sns.TopicSubscription(
        `${topicName}-${email}`,
        { topic: topic.arn, protocol: "email", endpoint: email },
        { parent: topic },
      );
    }
    return topic.arn;
  }

  /**
   * A topic's policy replaces its default policy, so it repeats the default's statements. The returned ARN is known once
   * the policy exists, so an alarm that uses it can publish from the start.
   */
  private letPublish(
    topicName: string,
    topicArn: pulumi.Output<string>,
    args: NotifyArgs,
  ): pulumi.Output<string> {
    if (publishers(args).length === 0) return topicArn;
    const { accountId, partition } = currentAccount();
    const account = pulumi.interpolate`arn:${partition}:iam::${accountId}:root`;
    const policy = new aws.sns.TopicPolicy(
      topicName,
      {
        arn: topicArn,
        policy: pulumi.jsonStringify({
          Version: "2012-10-17",
          Statement: [
            {
              Sid: "AccountAdministersTheTopic",
              Effect: "Allow",
              Principal: { AWS: account },
              Action: OWNER_ACTIONS,
              Resource: topicArn,
            },
            ...publishers(args).map(({ sid, service, source }) => ({
              Sid: sid,
              Effect: "Allow",
              Principal: { Service: service },
              Action: "sns:Publish",
              Resource: topicArn,
              Condition: {
                StringEquals: { "aws:SourceAccount": accountId },
                ArnLike: { "aws:SourceArn": source },
              },
            })),
          ],
        }),
      },
      { parent: this },
    );
    return policy.arn;
  }

  private describeSubscriptions({ successEmails, failureEmails }: NotifyArgs): pulumi.Output<string> {
    const { region } = currentAccount();
    const command = (arn: pulumi.Output<string>) =>
      pulumi.interpolate`aws sns subscribe --region ${region} --topic-arn ${arn} --protocol email --notification-endpoint you@example.com`;
    const project = pulumi.getProject();
    const who =
      successEmails.length + failureEmails.length === 0
        ? "Nobody gets the pipeline's mails yet."
        : `Mails go to ${[...new Set([...successEmails, ...failureEmails])].join(", ")}, once the link in AWS's confirmation mail was followed.`;
    return pulumi.interpolate`${who}
To add an address to the configuration: pulumi config set --path '${project}:successEmails[${successEmails.length}]' you@example.com && pulumi config set --path '${project}:failureEmails[${failureEmails.length}]' you@example.com && pulumi up
Or at once, outside the stack's configuration: ${command(this.successTopicArn)} ; ${command(this.failureTopicArn)}
Then follow the link in the confirmation mail that AWS sends, within two days.`;
  }
}

/** The services that publish without a role of the stack, each limited to the stack's resources. */
function publishers({ alarms, monthlyBudgetUsd }: NotifyArgs) {
  const { accountId, partition } = currentAccount();
  const alarmSource = {
    sid: "AlarmsOfThisStack",
    service: "cloudwatch.amazonaws.com",
    source: arnOf("cloudwatch", `alarm:${qualifiedName()}-*`),
  };
  const budgetSource = {
    sid: "BudgetOfThisStack",
    service: "budgets.amazonaws.com",
    // Budgets have no region.
    source: pulumi.interpolate`arn:${partition}:budgets::${accountId}:*`,
  };
  return [...(alarms ? [alarmSource] : []), ...(monthlyBudgetUsd > 0 ? [budgetSource] : [])];
}
