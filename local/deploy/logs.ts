// Log groups, their streams, and the metrics that are counted in them.
import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  DeleteLogStreamCommand,
  DeleteMetricFilterCommand,
  PutMetricFilterCommand,
  PutRetentionPolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import type * as aws from "@pulumi/aws";
import { handler } from "./resource";

const logGroup = handler<aws.cloudwatch.LogGroupArgs>({
  honours: ["name", "namePrefix", "tags"],
  ineffective: {
    retentionInDays: "stored; a local run ends before anything is old enough",
    kmsKeyId: "logs are stored unencrypted in the emulator's memory",
  },
  naming: { maximumLength: 512 },
  async create(inputs, { clients, region, accountId, physicalName }) {
    const logGroupName = physicalName(inputs.name, inputs.namePrefix);
    await clients.logs.send(
      new CreateLogGroupCommand({ logGroupName, kmsKeyId: inputs.kmsKeyId, tags: inputs.tags }),
    );
    const { retentionInDays } = inputs;
    if (retentionInDays)
      await clients.logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays }));
    const arn = `arn:aws:logs:${region}:${accountId}:log-group:${logGroupName}`;
    return { id: logGroupName, outputs: { name: logGroupName, arn } };
  },
  async remove({ id }, { clients }) {
    await clients.logs.send(new DeleteLogGroupCommand({ logGroupName: id }));
  },
});

const logStream = handler<aws.cloudwatch.LogStreamArgs>({
  honours: ["name", "logGroupName"],
  naming: { maximumLength: 512 },
  async create({ name, logGroupName }, { clients, region, accountId, physicalName }) {
    const logStreamName = physicalName(name);
    await clients.logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
    const arn = `arn:aws:logs:${region}:${accountId}:log-group:${logGroupName}:log-stream:${logStreamName}`;
    return { id: logStreamName, outputs: { name: logStreamName, arn } };
  },
  async remove({ id, inputs: { logGroupName } }, { clients }) {
    await clients.logs.send(new DeleteLogStreamCommand({ logGroupName, logStreamName: id }));
  },
});

const metricFilter = handler<aws.cloudwatch.LogMetricFilterArgs>({
  honours: ["name", "logGroupName"],
  ineffective: {
    pattern: "stored; the local stack counts no log lines",
    metricTransformation: "the local stack has no metrics",
  },
  naming: { maximumLength: 512 },
  async create(inputs, { clients, physicalName }) {
    const filterName = physicalName(inputs.name);
    const metric = inputs.metricTransformation;
    await clients.logs.send(
      new PutMetricFilterCommand({
        filterName,
        logGroupName: inputs.logGroupName,
        filterPattern: inputs.pattern,
        metricTransformations: [
          {
            metricNamespace: metric.namespace,
            metricName: metric.name,
            metricValue: metric.value,
            dimensions: metric.dimensions,
          },
        ],
      }),
    );
    return { id: filterName, outputs: { name: filterName } };
  },
  async remove({ id, inputs }, { clients }) {
    await clients.logs.send(
      new DeleteMetricFilterCommand({ filterName: id, logGroupName: inputs.logGroupName }),
    );
  },
});

export const logsHandlers = {
  "aws:cloudwatch/logGroup:LogGroup": logGroup,
  "aws:cloudwatch/logStream:LogStream": logStream,
  "aws:cloudwatch/logMetricFilter:LogMetricFilter": metricFilter,
};
