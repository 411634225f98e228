// Encryption: the stack's own KMS key, if it is configured, with its policy and the permissions of its users.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { arnOf, currentAccount } from "./account";
import { qualifiedName } from "./names";
import { allow, type Condition, type Statement } from "./permissions";

/** A customer managed key. A stage without one uses AWS's own keys. */
export interface CustomerKey {
  arn: pulumi.Output<string>;
}

export interface EncryptionArgs {
  /** What the key is for: all that the stack keeps, just the topics that other services publish to, or no key. */
  covers: "everything" | "topics" | "nothing";
  /** If false, a key that data depends on is protected, and its deletion can be undone for a month. */
  allowDataLoss: boolean;
}

export class Encryption extends pulumi.ComponentResource {
  /** For what holds data. */
  readonly dataKey?: CustomerKey;
  /** For the topics. */
  readonly topicKey?: CustomerKey;

  constructor(name: string, args: EncryptionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Encryption", name, {}, opts);
    if (args.covers !== "nothing") this.topicKey = this.createKey(name, args);
    if (args.covers === "everything") this.dataKey = this.topicKey;
    this.registerOutputs({ keyArn: this.topicKey?.arn });
  }

  private createKey(name: string, args: EncryptionArgs): CustomerKey {
    const key = new aws.kms.Key(
      `${name}-key`,
      {
        description: `Encrypts ${args.covers} of the stack ${qualifiedName()}`,
        enableKeyRotation: true,
        deletionWindowInDays: args.allowDataLoss ? 7 : 30,
        policy: keyPolicy(),
      },
      { parent: this, protect: args.covers === "everything" && !args.allowDataLoss },
    );
    new aws.kms.Alias(
      `${name}-key`,
      { name: `alias/${qualifiedName()}`, targetKeyId: key.keyId },
      { parent: this },
    );
    return { arn: key.arn };
  }
}

/** The statements that let a role use the key, none without an action. AWS's own keys need none. */
export function mayUse(
  key: CustomerKey | undefined,
  ...actions: ("kms:Decrypt" | "kms:GenerateDataKey")[]
): Statement[] {
  return key && actions.length > 0 ? [allow(...actions).on(key.arn)] : [];
}

/**
 * Who may use the key, in addition to the stack's roles, whose own policies allow it. In a key policy "*" is this key.
 * Services act without a role on log groups and when they publish to a topic.
 */
function keyPolicy(): pulumi.Output<string> {
  const { accountId, partition, region, dnsSuffix } = currentAccount();
  const ownAccount = { StringEquals: { "aws:SourceAccount": accountId } };
  const publish = ["kms:Decrypt", "kms:GenerateDataKey*"];
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        // AWS's default statement: without it neither administrators nor the roles' policies have any effect.
        Sid: "AccountAdministersTheKey",
        Effect: "Allow",
        Principal: { AWS: pulumi.interpolate`arn:${partition}:iam::${accountId}:root` },
        Action: "kms:*",
        Resource: "*",
      },
      forService(
        "LogGroupsOfThisStack",
        pulumi.interpolate`logs.${region}.${dnsSuffix}`,
        ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        {
          ArnLike: {
            "kms:EncryptionContext:aws:logs:arn": arnOf("logs", `log-group:*/${qualifiedName()}/*`),
          },
        },
      ),
      // Vended logs: this service delivers the state machine's log to its group and uses the key for it.
      forService(
        "LogDeliveryOfTheStateMachine",
        "delivery.logs.amazonaws.com",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        {
          StringEquals: { "kms:EncryptionContext:SourceArn": arnOf("logs", "*") },
        },
      ),
      forService("AlarmsPublishToTopics", "cloudwatch.amazonaws.com", publish, ownAccount),
      forService("BudgetsPublishToTopics", "budgets.amazonaws.com", publish, ownAccount),
    ],
  });
}

function forService(sid: string, service: pulumi.Input<string>, actions: string[], condition: Condition) {
  return {
    Sid: sid,
    Effect: "Allow",
    Principal: { Service: service },
    Action: actions,
    Resource: "*",
    Condition: condition,
  };
}
