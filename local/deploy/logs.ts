// Log groups.
import {
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
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

export const logsHandlers = { "aws:cloudwatch/logGroup:LogGroup": logGroup };
