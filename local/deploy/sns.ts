// Topics and subscriptions.
import {
  CreateTopicCommand,
  DeleteTopicCommand,
  SetTopicAttributesCommand,
  SubscribeCommand,
  UnsubscribeCommand,
} from "@aws-sdk/client-sns";
import type * as aws from "@pulumi/aws";
import { handler, parseJson } from "./resource";
import { tagList } from "./tags";

const topic = handler<aws.sns.TopicArgs>({
  honours: ["name", "namePrefix", "displayName", "tags"],
  ineffective: { kmsMasterKeyId: "messages are stored unencrypted in the local mailbox" },
  naming: { maximumLength: 256 },
  async create(inputs, { clients, physicalName }) {
    const Name = physicalName(inputs.name, inputs.namePrefix);
    const attributes: Record<string, string> = {};
    if (inputs.displayName !== undefined) attributes.DisplayName = inputs.displayName;
    if (inputs.kmsMasterKeyId !== undefined) attributes.KmsMasterKeyId = inputs.kmsMasterKeyId;
    const { TopicArn } = await clients.sns.send(
      new CreateTopicCommand({ Name, Attributes: attributes, Tags: tagList(inputs.tags) }),
    );
    return { id: TopicArn ?? "", outputs: { name: Name, arn: TopicArn } };
  },
  async remove({ id }, { clients }) {
    await clients.sns.send(new DeleteTopicCommand({ TopicArn: id }));
  },
});

const PENDING = "pending confirmation";

const subscription = handler<aws.sns.TopicSubscriptionArgs>({
  honours: ["topic", "protocol", "endpoint"],
  async create(inputs, { clients }) {
    const { SubscriptionArn = PENDING } = await clients.sns.send(
      new SubscribeCommand({
        TopicArn: String(inputs.topic),
        Protocol: inputs.protocol,
        Endpoint: inputs.endpoint,
        ReturnSubscriptionArn: true,
      }),
    );
    return { id: SubscriptionArn, outputs: { arn: SubscriptionArn, pendingConfirmation: true } };
  },
  async remove({ id }, { clients }) {
    if (id !== PENDING) await clients.sns.send(new UnsubscribeCommand({ SubscriptionArn: id }));
  },
});

const topicPolicy = handler<aws.sns.TopicPolicyArgs>({
  honours: ["arn"],
  ineffective: { policy: "stored, not enforced: every program on this machine may publish" },
  async create(inputs, { clients }) {
    const AttributeValue = String(inputs.policy);
    parseJson(AttributeValue, "policy");
    await clients.sns.send(
      new SetTopicAttributesCommand({ TopicArn: inputs.arn, AttributeName: "Policy", AttributeValue }),
    );
    return { id: inputs.arn, outputs: {} };
  },
});

export const snsHandlers = {
  "aws:sns/topic:Topic": topic,
  "aws:sns/topicPolicy:TopicPolicy": topicPolicy,
  "aws:sns/topicSubscription:TopicSubscription": subscription,
};
