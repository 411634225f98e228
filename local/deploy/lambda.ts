// Functions and their event source mappings.
import {
  type Architecture,
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  DeleteEventSourceMappingCommand,
  DeleteFunctionCommand,
  type EventSourcePosition,
  type FunctionResponseType,
  type LogFormat,
  type Runtime,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import type * as aws from "@pulumi/aws";
import { archiveBytes } from "./assets";
import { handler } from "./resource";

const lambdaFunction = handler<aws.lambda.FunctionArgs>({
  honours: ["name", "runtime", "handler", "code", "timeout", "environment", "description", "role", "tags"],
  ineffective: {
    architectures: "functions run on this machine's CPU",
    loggingConfig: "function logs go to the run's emulator.log",
    tracingConfig: "the local stack has no X-Ray",
    memorySize: "passed to the function, not enforced",
  },
  naming: { maximumLength: 64 },
  async create(inputs, { clients: { lambda }, root, physicalName }) {
    const FunctionName = physicalName(inputs.name);
    const logging = inputs.loggingConfig;
    const { FunctionArn } = await lambda.send(
      new CreateFunctionCommand({
        FunctionName,
        Runtime: inputs.runtime as Runtime,
        Handler: inputs.handler,
        Role: inputs.role,
        Description: inputs.description,
        MemorySize: inputs.memorySize,
        Timeout: inputs.timeout,
        Architectures: inputs.architectures as Architecture[],
        Environment: inputs.environment && { Variables: inputs.environment.variables },
        LoggingConfig: logging && { LogFormat: logging.logFormat as LogFormat, LogGroup: logging.logGroup },
        Tags: inputs.tags,
        Code: { ZipFile: await archiveBytes(inputs.code, root) },
      }),
    );
    await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 60, minDelay: 0.05 }, { FunctionName });
    const arn = FunctionArn;
    return {
      id: FunctionName,
      outputs: { name: FunctionName, arn, qualifiedArn: `${arn}:$LATEST`, version: "$LATEST" },
    };
  },
  async remove({ id }, { clients }) {
    await clients.lambda.send(new DeleteFunctionCommand({ FunctionName: id }));
  },
});

const eventSourceMapping = handler<aws.lambda.EventSourceMappingArgs>({
  honours: [
    ...[
      "eventSourceArn",
      "functionName",
      "startingPosition",
      "enabled",
      "batchSize",
      "functionResponseTypes",
    ],
    ...["maximumBatchingWindowInSeconds", "bisectBatchOnFunctionError", "maximumRetryAttempts"],
    ...["maximumRecordAgeInSeconds", "destinationConfig", "parallelizationFactor", "tags"],
  ],
  ineffective: { metricsConfig: "the local stack has no metrics" },
  async create(inputs, { clients }) {
    const onFailure = inputs.destinationConfig?.onFailure?.destinationArn;
    const { UUID, FunctionArn, EventSourceMappingArn } = await clients.lambda.send(
      new CreateEventSourceMappingCommand({
        EventSourceArn: inputs.eventSourceArn,
        FunctionName: inputs.functionName,
        StartingPosition: inputs.startingPosition as EventSourcePosition,
        Enabled: inputs.enabled ?? true,
        BatchSize: inputs.batchSize,
        MaximumBatchingWindowInSeconds: inputs.maximumBatchingWindowInSeconds,
        FunctionResponseTypes: inputs.functionResponseTypes as FunctionResponseType[],
        BisectBatchOnFunctionError: inputs.bisectBatchOnFunctionError,
        MaximumRetryAttempts: inputs.maximumRetryAttempts,
        MaximumRecordAgeInSeconds: inputs.maximumRecordAgeInSeconds,
        ParallelizationFactor: inputs.parallelizationFactor,
        Tags: inputs.tags,
        DestinationConfig: onFailure ? { OnFailure: { Destination: onFailure } } : undefined,
      }),
    );
    return { id: UUID ?? "", outputs: { uuid: UUID, functionArn: FunctionArn, arn: EventSourceMappingArn } };
  },
  async remove({ id }, { clients }) {
    await clients.lambda.send(new DeleteEventSourceMappingCommand({ UUID: id }));
  },
});

export const lambdaHandlers = {
  "aws:lambda/function:Function": lambdaFunction,
  "aws:lambda/eventSourceMapping:EventSourceMapping": eventSourceMapping,
};
