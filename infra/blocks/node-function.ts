// A Lambda function of this project: its bundle, its role, and a log group that is deleted with the stack.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { bundleLambda } from "./bundle";
import type { CustomerKey } from "./encryption";
import { logGroup } from "./log-group";
import { allow, type Statement } from "./permissions";
import { ServiceRole } from "./service-role";
import { mayTraceFunction } from "./tracing";

export interface NodeFunctionArgs {
  /** Folder under `lambdas/`; also what the function is called. */
  lambda: string;
  description: string;
  environment: Record<string, pulumi.Input<string>>;
  permissions: Statement[];
  memoryMb: number;
  timeoutSeconds: number;
  /** Concurrent executions that Lambda reserves for the function and limits it to; -1: none. Left out, it is not managed. */
  reservedConcurrency?: number;
  /** Whether Lambda logs the start and the end of each call. Its metrics tell the same. @default true */
  logsCalls?: boolean;
  logRetentionDays: number;
  /** Whether X-Ray gets traces of its calls. */
  tracing: boolean;
  key?: CustomerKey;
}

export class NodeFunction extends pulumi.ComponentResource {
  readonly functionName: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  readonly logGroupName: pulumi.Output<string>;

  constructor(name: string, args: NodeFunctionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:NodeFunction", name, {}, opts);
    const logs = logGroup(
      name,
      { path: args.lambda, retentionDays: args.logRetentionDays, key: args.key },
      { parent: this },
    );
    const role = new ServiceRole(
      `${name}-role`,
      {
        service: "lambda.amazonaws.com",
        description: args.description,
        permissions: [
          allow("logs:CreateLogStream", "logs:PutLogEvents").on(pulumi.interpolate`${logs.arn}:*`),
          ...mayTraceFunction(args.tracing),
          ...args.permissions,
        ],
      },
      { parent: this },
    );
    const lambda = new aws.lambda.Function(
      name,
      {
        description: args.description,
        runtime: "nodejs24.x",
        architectures: ["arm64"],
        handler: "index.handler",
        code: bundleLambda(args.lambda),
        role: role.arn,
        memorySize: args.memoryMb,
        timeout: args.timeoutSeconds,
        ...(args.reservedConcurrency !== undefined && {
          reservedConcurrentExecutions: args.reservedConcurrency,
        }),
        environment: { variables: args.environment },
        // Always set: if it is left out, the provider keeps the function's present value.
        tracingConfig: { mode: args.tracing ? "Active" : "PassThrough" },
        loggingConfig: {
          logFormat: "JSON",
          logGroup: logs.name,
          ...(args.logsCalls === false && { systemLogLevel: "WARN" }),
        },
      },
      // The role's policy too, or the first calls would run without their permissions.
      { parent: this, dependsOn: role },
    );
    this.functionName = lambda.name;
    this.arn = lambda.arn;
    this.logGroupName = logs.name;
    this.registerOutputs({ functionName: this.functionName, arn: this.arn });
  }
}
