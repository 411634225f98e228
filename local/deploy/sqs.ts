// Queues and their policies.
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  type QueueAttributeName,
  SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import type * as aws from "@pulumi/aws";
import { handler, parseJson } from "./resource";

const UNENCRYPTED = "stored; messages are kept unencrypted in the emulator's memory";

const queue = handler<aws.sqs.QueueArgs>({
  honours: [
    ...["name", "namePrefix", "tags", "policy", "redrivePolicy", "redriveAllowPolicy", "maxMessageSize"],
    ...["delaySeconds", "messageRetentionSeconds", "receiveWaitTimeSeconds", "visibilityTimeoutSeconds"],
    ...["fifoQueue", "contentBasedDeduplication", "deduplicationScope"],
  ],
  ineffective: {
    fifoThroughputLimit: "the local stack has no throughput limits",
    kmsDataKeyReusePeriodSeconds: UNENCRYPTED,
    kmsMasterKeyId: UNENCRYPTED,
    sqsManagedSseEnabled: UNENCRYPTED,
  },
  naming: { maximumLength: 80 },
  async create(inputs, { clients, physicalName }) {
    const given = physicalName(inputs.name, inputs.namePrefix);
    const QueueName = inputs.fifoQueue && !given.endsWith(".fifo") ? `${given}.fifo` : given;
    const { QueueUrl = "" } = await clients.sqs.send(
      new CreateQueueCommand({
        QueueName,
        tags: inputs.tags,
        Attributes: present({
          ContentBasedDeduplication: inputs.contentBasedDeduplication,
          DeduplicationScope: inputs.deduplicationScope,
          DelaySeconds: inputs.delaySeconds,
          // SQS knows true only.
          FifoQueue: inputs.fifoQueue || undefined,
          FifoThroughputLimit: inputs.fifoThroughputLimit,
          KmsDataKeyReusePeriodSeconds: inputs.kmsDataKeyReusePeriodSeconds,
          KmsMasterKeyId: inputs.kmsMasterKeyId,
          MaximumMessageSize: inputs.maxMessageSize,
          MessageRetentionPeriod: inputs.messageRetentionSeconds,
          Policy: inputs.policy,
          ReceiveMessageWaitTimeSeconds: inputs.receiveWaitTimeSeconds,
          RedriveAllowPolicy: inputs.redriveAllowPolicy,
          RedrivePolicy: inputs.redrivePolicy,
          SqsManagedSseEnabled: inputs.sqsManagedSseEnabled,
          VisibilityTimeout: inputs.visibilityTimeoutSeconds,
        }),
      }),
    );
    const { Attributes } = await clients.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
    );
    return { id: QueueUrl, outputs: { name: QueueName, url: QueueUrl, arn: Attributes?.QueueArn } };
  },
  async remove({ id }, { clients }) {
    await clients.sqs.send(new DeleteQueueCommand({ QueueUrl: id }));
  },
});

const queuePolicy = handler<aws.sqs.QueuePolicyArgs>({
  honours: ["queueUrl", "policy"],
  async create(inputs, { clients }) {
    const Policy = typeof inputs.policy === "string" ? inputs.policy : JSON.stringify(inputs.policy);
    parseJson(Policy, "policy");
    await clients.sqs.send(
      new SetQueueAttributesCommand({ QueueUrl: inputs.queueUrl, Attributes: { Policy } }),
    );
    return { id: inputs.queueUrl, outputs: {} };
  },
  async remove({ id }, { clients }) {
    await clients.sqs.send(new SetQueueAttributesCommand({ QueueUrl: id, Attributes: { Policy: "" } }));
  },
});

/** The given attributes as text, as SQS takes them. */
function present(
  attributes: Partial<Record<QueueAttributeName, string | number | boolean | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)]),
  );
}

export const sqsHandlers = {
  "aws:sqs/queue:Queue": queue,
  "aws:sqs/queuePolicy:QueuePolicy": queuePolicy,
};
