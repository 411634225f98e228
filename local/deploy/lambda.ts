// Functions, their event source mappings, and who may call them.
import {
  AddPermissionCommand,
  type Architecture,
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  DeleteEventSourceMappingCommand,
  DeleteFunctionCommand,
  DeleteFunctionEventInvokeConfigCommand,
  type EventSourcePosition,
  type FunctionResponseType,
  type FunctionUrlAuthType,
  type LogFormat,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  RemovePermissionCommand,
  type Runtime,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import type * as aws from "@pulumi/aws";
import { archiveBytes } from "./assets";
import { handler } from "./resource";

/** How the provider says that a function has no concurrency of its own. */
const UNRESERVED = -1;

const lambdaFunction = handler<aws.lambda.FunctionArgs>({
  honours: [
    ...["name", "runtime", "handler", "code", "timeout", "environment", "description", "role", "tags"],
    ...["reservedConcurrentExecutions", "deadLetterConfig"],
  ],
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
    const deadLetters = inputs.deadLetterConfig;
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
        DeadLetterConfig: deadLetters && { TargetArn: deadLetters.targetArn },
        LoggingConfig: logging && { LogFormat: logging.logFormat as LogFormat, LogGroup: logging.logGroup },
        Tags: inputs.tags,
        Code: { ZipFile: await archiveBytes(inputs.code, root) },
      }),
    );
    await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 60, minDelay: 0.05 }, { FunctionName });
    const reserved = inputs.reservedConcurrentExecutions ?? UNRESERVED;
    if (reserved !== UNRESERVED) {
      await lambda.send(
        new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: reserved }),
      );
    }
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

const permission = handler<aws.lambda.PermissionArgs>({
  honours: [
    ...["action", "function", "principal", "sourceArn", "sourceAccount", "statementId", "statementIdPrefix"],
    ...["qualifier", "principalOrgId", "eventSourceToken", "functionUrlAuthType", "invokedViaFunctionUrl"],
  ],
  naming: { maximumLength: 100 },
  async create(inputs, { clients, physicalName }) {
    const StatementId = physicalName(inputs.statementId, inputs.statementIdPrefix);
    await clients.lambda.send(
      new AddPermissionCommand({
        FunctionName: String(inputs.function),
        StatementId,
        Action: inputs.action,
        Principal: inputs.principal,
        SourceArn: inputs.sourceArn,
        SourceAccount: inputs.sourceAccount,
        Qualifier: inputs.qualifier,
        PrincipalOrgID: inputs.principalOrgId,
        EventSourceToken: inputs.eventSourceToken,
        FunctionUrlAuthType: inputs.functionUrlAuthType as FunctionUrlAuthType,
        InvokedViaFunctionUrl: inputs.invokedViaFunctionUrl,
      }),
    );
    return { id: StatementId, outputs: { statementId: StatementId } };
  },
  async remove({ id, inputs }, { clients }) {
    await clients.lambda.send(
      new RemovePermissionCommand({
        FunctionName: String(inputs.function),
        StatementId: id,
        Qualifier: inputs.qualifier,
      }),
    );
  },
});

const eventInvokeConfig = handler<aws.lambda.FunctionEventInvokeConfigArgs>({
  honours: [
    ...["functionName", "qualifier", "maximumEventAgeInSeconds", "maximumRetryAttempts", "destinationConfig"],
  ],
  async create(inputs, { clients }) {
    const { onFailure, onSuccess } = inputs.destinationConfig ?? {};
    await clients.lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: inputs.functionName,
        Qualifier: inputs.qualifier,
        MaximumEventAgeInSeconds: inputs.maximumEventAgeInSeconds,
        MaximumRetryAttempts: inputs.maximumRetryAttempts,
        DestinationConfig: {
          OnFailure: { Destination: onFailure?.destination },
          OnSuccess: { Destination: onSuccess?.destination },
        },
      }),
    );
    const { functionName, qualifier } = inputs;
    return { id: qualifier ? `${functionName}:${qualifier}` : functionName, outputs: {} };
  },
  async remove({ inputs }, { clients }) {
    await clients.lambda.send(
      new DeleteFunctionEventInvokeConfigCommand({
        FunctionName: inputs.functionName,
        Qualifier: inputs.qualifier,
      }),
    );
  },
});

export const lambdaHandlers = {
  "aws:lambda/function:Function": lambdaFunction,
  "aws:lambda/eventSourceMapping:EventSourceMapping": eventSourceMapping,
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": eventInvokeConfig,
  "aws:lambda/permission:Permission": permission,
};
