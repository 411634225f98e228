// State machines, and schedules in their groups.
import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  DeleteScheduleGroupCommand,
  type FlexibleTimeWindowMode,
} from "@aws-sdk/client-scheduler";
import {
  CreateStateMachineCommand,
  DeleteStateMachineCommand,
  type LogLevel,
  type StateMachineType,
} from "@aws-sdk/client-sfn";
import type * as aws from "@pulumi/aws";
import { handler } from "./resource";
import { tagList } from "./tags";

const stateMachine = handler<aws.sfn.StateMachineArgs>({
  honours: ["name", "namePrefix", "definition", "type", "roleArn", "tags"],
  ineffective: {
    tracingConfiguration: "the local stack has no X-Ray",
    loggingConfiguration: "stored, without effect: see GetExecutionHistory and the run's emulator.log",
  },
  naming: { maximumLength: 80 },
  async create(inputs, { clients, physicalName }) {
    const name = physicalName(inputs.name, inputs.namePrefix);
    const logging = inputs.loggingConfiguration;
    const logGroupArn = logging?.logDestination;
    const { stateMachineArn = "" } = await clients.sfn.send(
      new CreateStateMachineCommand({
        name,
        definition: inputs.definition,
        roleArn: inputs.roleArn,
        type: inputs.type as StateMachineType | undefined,
        tags: tagList(inputs.tags).map(({ Key, Value }) => ({ key: Key, value: Value })),
        loggingConfiguration: logging && {
          level: logging.level as LogLevel,
          includeExecutionData: logging.includeExecutionData,
          destinations: logGroupArn ? [{ cloudWatchLogsLogGroup: { logGroupArn } }] : [],
        },
      }),
    );
    return { id: stateMachineArn, outputs: { name, arn: stateMachineArn } };
  },
  async remove({ id }, { clients }) {
    await clients.sfn.send(new DeleteStateMachineCommand({ stateMachineArn: id }));
  },
});

const scheduleGroup = handler<aws.scheduler.ScheduleGroupArgs>({
  honours: ["name", "namePrefix", "tags"],
  naming: { maximumLength: 64 },
  async create(inputs, { clients, physicalName }) {
    const Name = physicalName(inputs.name, inputs.namePrefix);
    const { ScheduleGroupArn } = await clients.scheduler.send(
      new CreateScheduleGroupCommand({ Name, Tags: tagList(inputs.tags) }),
    );
    return { id: Name, outputs: { name: Name, arn: ScheduleGroupArn } };
  },
  async remove({ id }, { clients }) {
    await clients.scheduler.send(new DeleteScheduleGroupCommand({ Name: id }));
  },
});

const schedule = handler<aws.scheduler.ScheduleArgs>({
  honours: [
    ...["name", "namePrefix", "description", "scheduleExpression", "scheduleExpressionTimezone", "state"],
    ...["groupName", "target.arn", "target.roleArn", "target.input", "flexibleTimeWindow.mode"],
  ],
  ineffective: {
    "target.retryPolicy": "stored; the local stack does not run schedules",
  },
  naming: { maximumLength: 64 },
  async create(inputs, { clients, physicalName }) {
    const Name = physicalName(inputs.name, inputs.namePrefix);
    const { target, flexibleTimeWindow } = inputs;
    const { ScheduleArn } = await clients.scheduler.send(
      new CreateScheduleCommand({
        Name,
        GroupName: inputs.groupName,
        Description: inputs.description,
        ScheduleExpression: inputs.scheduleExpression,
        ScheduleExpressionTimezone: inputs.scheduleExpressionTimezone,
        State: (inputs.state ?? "ENABLED") as "ENABLED",
        FlexibleTimeWindow: { Mode: flexibleTimeWindow.mode as FlexibleTimeWindowMode },
        Target: {
          Arn: target.arn,
          RoleArn: target.roleArn,
          Input: target.input,
          RetryPolicy: target.retryPolicy && {
            MaximumEventAgeInSeconds: target.retryPolicy.maximumEventAgeInSeconds,
            MaximumRetryAttempts: target.retryPolicy.maximumRetryAttempts,
          },
        },
      }),
    );
    return { id: `${inputs.groupName ?? "default"}/${Name}`, outputs: { name: Name, arn: ScheduleArn } };
  },
  async remove({ outputs, inputs }, { clients }) {
    const Name = String(outputs.name);
    await clients.scheduler.send(new DeleteScheduleCommand({ Name, GroupName: inputs.groupName }));
  },
});

export const stepFunctionsHandlers = {
  "aws:sfn/stateMachine:StateMachine": stateMachine,
  "aws:scheduler/scheduleGroup:ScheduleGroup": scheduleGroup,
  "aws:scheduler/schedule:Schedule": schedule,
};
