// Collector: the HTTP API that browsers, apps and servers send events to, and the Lambda that writes them to the stream.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { CollectorEnv } from "../../lambdas/collector/env";
import { ROUTES } from "../../lambdas/collector/routes";
import { DAY_SECONDS } from "../../lambdas/shared/durations";
import { METRICS_NAMESPACE, STACK_DIMENSION } from "../../lambdas/shared/metrics";
import type { PrivacyRule } from "../../schema/contract";
import { bundleTracker } from "../../tracker/bundle";
import { type CustomerKey, mayUse } from "../blocks/encryption";
import type { EnvironmentOf } from "../blocks/environment";
import { logGroup } from "../blocks/log-group";
import { qualifiedName } from "../blocks/names";
import { NodeFunction } from "../blocks/node-function";
import { allow } from "../blocks/permissions";
import { EVERY_ORIGIN } from "../config/checks";
import { keyUseOf, maySendTo, type Target, targetEnvironment, targetInWords } from "./target";

export interface CollectorArgs {
  /** Where it sends the events. */
  target: Target;
  /** The sites whose pages may send events; `*` alone is every site. */
  collectorOrigins: string[];
  /** Every request must have it. Without one, everybody may send events. */
  collectorWriteKey?: pulumi.Input<string>;
  collectorRequestsPerSecond: number;
  collectorBurst: number;
  /** Concurrent executions that are reserved; 0: none. */
  collectorConcurrency: number;
  collectorRespectGpc: boolean;
  collectorRespectDnt: boolean;
  /** The rules of all fields; `ip` and `user_agent` are masked or dropped before they reach the stream. */
  privacy: Record<string, PrivacyRule>;
  /** Whether throttled requests are counted. CloudWatch bills the count as a custom metric. */
  countRequests: boolean;
  logRetentionDays: number;
  tracing: boolean;
  key?: CustomerKey;
}

/** The default stage has no name in the address. */
const STAGE = "$default";

/** API Gateway gives up on an integration after 30 seconds, and Lambda must end first to answer itself. */
const TIMEOUT_SECONDS = 25;

/** No limit of its own. It is always set: if it is left out, the provider keeps the function's present value. */
const UNRESERVED = -1;

/** What a metric filter counts in the access log: API Gateway has no metric for throttled requests of an HTTP API. */
export const THROTTLED_METRIC = "RequestsThrottled";

/** Headers that trackers send: Segment's write key and retry count, and Snowplow's mode without ids. */
const ALLOWED_HEADERS = ["authorization", "content-type", "sp-anonymous", "x-retry-count"];

export class Collector extends pulumi.ComponentResource {
  readonly function: NodeFunction;
  readonly apiId: pulumi.Output<string>;
  /** What trackers use as their endpoint, without a slash at the end. */
  readonly url: pulumi.Output<string>;
  /** The attribute `integrity` of a script element that loads the tracker from the collector. */
  readonly scriptIntegrity = bundleTracker().integrity;

  constructor(name: string, args: CollectorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Collector", name, {}, opts);
    const secretArn = this.createWriteKey(name, args);
    this.function = this.createFunction(name, args, secretArn);
    const api = this.createApi(name, args);
    const routes = this.createRoutes(name, api);
    const accessLog = this.createAccessLog(name, args);
    this.createStage(name, args, api, routes, accessLog);
    this.allowInvocation(name, api);
    this.apiId = api.id;
    this.url = api.apiEndpoint;
    this.registerOutputs({ url: this.url });
  }

  private createWriteKey(name: string, args: CollectorArgs): pulumi.Output<string> | undefined {
    if (args.collectorWriteKey === undefined) return undefined;
    const secret = new aws.secretsmanager.Secret(
      `${name}-collector-write-key`,
      {
        description: "Write key of the collector",
        // The configuration has it, too, so it can always be made again.
        recoveryWindowInDays: 0,
        // AWS's own key is set explicitly: if it is left out, the provider keeps the secret's present key.
        kmsKeyId: args.key?.arn ?? "alias/aws/secretsmanager",
      },
      { parent: this },
    );
    const version = new aws.secretsmanager.SecretVersion(
      `${name}-collector-write-key`,
      { secretId: secret.id, secretString: args.collectorWriteKey },
      { parent: this },
    );
    return version.arn;
  }

  private createFunction(
    name: string,
    args: CollectorArgs,
    secretArn: pulumi.Output<string> | undefined,
  ): NodeFunction {
    return new NodeFunction(
      `${name}-collector`,
      {
        lambda: "collector",
        description: `Writes the events that the HTTP API receives to ${targetInWords(args.target)}`,
        environment: {
          ...targetEnvironment(args.target),
          IP_RULE: args.privacy.ip ?? "keep",
          USER_AGENT_RULE: args.privacy.user_agent ?? "keep",
          WRITE_KEY_SECRET_ARN: secretArn ?? "",
          RESPECT_GPC: String(args.collectorRespectGpc),
          RESPECT_DNT: String(args.collectorRespectDnt),
        } satisfies EnvironmentOf<CollectorEnv>,
        permissions: [
          maySendTo(args.target),
          ...(secretArn ? [allow("secretsmanager:GetSecretValue").on(secretArn)] : []),
          ...mayUse(args.key, ...keyUseOf(args.target), ...(secretArn ? (["kms:Decrypt"] as const) : [])),
        ],
        // CPU comes with memory: a request waits for it.
        memoryMb: 512,
        timeoutSeconds: TIMEOUT_SECONDS,
        // A call is a request, which has a line in the access log.
        logsCalls: false,
        reservedConcurrency: args.collectorConcurrency || UNRESERVED,
        logRetentionDays: args.logRetentionDays,
        tracing: args.tracing,
        key: args.key,
      },
      { parent: this },
    );
  }

  private createApi(name: string, args: CollectorArgs): aws.apigatewayv2.Api {
    return new aws.apigatewayv2.Api(
      `${name}-collector`,
      {
        description: `Collects events for the stack ${qualifiedName()}`,
        protocolType: "HTTP",
        corsConfiguration: {
          allowOrigins: allowedOrigins(args.collectorOrigins),
          // navigator.sendBeacon and Snowplow's tracker always send credentials.
          allowCredentials: true,
          allowHeaders: ALLOWED_HEADERS,
          allowMethods: ["GET", "POST"],
          // Otherwise a page's script cannot read when to try again.
          exposeHeaders: ["retry-after"],
          maxAge: DAY_SECONDS,
        },
      },
      { parent: this },
    );
  }

  private createRoutes(name: string, api: aws.apigatewayv2.Api): aws.apigatewayv2.Route[] {
    const integration = new aws.apigatewayv2.Integration(
      `${name}-collector`,
      {
        apiId: api.id,
        integrationType: "AWS_PROXY",
        integrationUri: this.function.arn,
        integrationMethod: "POST",
        payloadFormatVersion: "2.0",
        timeoutMilliseconds: 30_000,
      },
      { parent: this },
    );
    return ROUTES.map(
      (route) =>
        new aws.apigatewayv2.Route(
          `${name}-collector-${slug(route)}`,
          { apiId: api.id, routeKey: route, target: pulumi.interpolate`integrations/${integration.id}` },
          { parent: this },
        ),
    );
  }

  /** Vended logs: with this beginning, all groups share one entry of the account's log resource policy. */
  private createAccessLog(name: string, args: CollectorArgs): aws.cloudwatch.LogGroup {
    const log = logGroup(
      `${name}-collector-access`,
      {
        root: "/aws/vendedlogs/apigateway",
        path: "collector",
        retentionDays: args.logRetentionDays,
        key: args.key,
      },
      { parent: this },
    );
    if (args.countRequests) {
      new aws.cloudwatch.LogMetricFilter(
        `${name}-collector-throttled`,
        {
          logGroupName: log.name,
          pattern: '{ $.status = "429" }',
          metricTransformation: {
            namespace: METRICS_NAMESPACE,
            name: THROTTLED_METRIC,
            value: "1",
            dimensions: { [STACK_DIMENSION]: "$.stack" },
          },
        },
        { parent: this },
      );
    }
    return log;
  }

  private createStage(
    name: string,
    args: CollectorArgs,
    api: aws.apigatewayv2.Api,
    routes: aws.apigatewayv2.Route[],
    accessLog: aws.cloudwatch.LogGroup,
  ): void {
    new aws.apigatewayv2.Stage(
      `${name}-collector`,
      {
        apiId: api.id,
        name: STAGE,
        autoDeploy: true,
        defaultRouteSettings: {
          throttlingRateLimit: args.collectorRequestsPerSecond,
          throttlingBurstLimit: args.collectorBurst,
        },
        accessLogSettings: { destinationArn: accessLog.arn, format: accessLogFormat() },
      },
      // After the routes, so that they are deployed at once and not one by one.
      { parent: this, dependsOn: routes },
    );
  }

  /** Only this API, by all of its routes. */
  private allowInvocation(name: string, api: aws.apigatewayv2.Api): void {
    new aws.lambda.Permission(
      `${name}-collector`,
      {
        action: "lambda:InvokeFunction",
        function: this.function.functionName,
        principal: "apigateway.amazonaws.com",
        sourceArn: pulumi.interpolate`${api.executionArn}/*`,
      },
      { parent: this },
    );
  }
}

/** `POST /v1/{call}` as `post-v1-call`. */
function slug(route: string): string {
  return route
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/-$/, "");
}

/** API Gateway refuses a plain `*` together with credentials. With these two it answers with the caller's origin. */
function allowedOrigins(origins: string[]): string[] {
  return origins.includes(EVERY_ORIGIN) ? ["https://*", "http://*"] : origins;
}

/**
 * A line of JSON for each request, without personal data: no address, no user agent, no path (it can hold the write key)
 * and no query. The route is the pattern, such as `GET /v1/projects/{writeKey}/settings`.
 */
function accessLogFormat(): string {
  return JSON.stringify({
    stack: qualifiedName(),
    requestId: "$context.requestId",
    time: "$context.requestTimeEpoch",
    route: "$context.routeKey",
    status: "$context.status",
    milliseconds: "$context.responseLatency",
    collectorMilliseconds: "$context.integrationLatency",
    collectorStatus: "$context.integrationStatus",
    error: "$context.error.responseType",
    collectorError: "$context.integrationErrorMessage",
  });
}
