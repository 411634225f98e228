// HTTP APIs with their integrations, routes and stages.
import {
  CreateApiCommand,
  CreateIntegrationCommand,
  CreateRouteCommand,
  CreateStageCommand,
  DeleteApiCommand,
  DeleteIntegrationCommand,
  DeleteRouteCommand,
  DeleteStageCommand,
} from "@aws-sdk/client-apigatewayv2";
import type * as aws from "@pulumi/aws";
import { handler } from "./resource";

/** The stage that has no name in the address. */
const DEFAULT_STAGE = "$default";

const api = handler<aws.apigatewayv2.ApiArgs>({
  honours: ["name", "description", "protocolType", "corsConfiguration", "tags"],
  naming: { maximumLength: 128 },
  async create(inputs, { clients, region, accountId, physicalName }) {
    if (inputs.protocolType !== "HTTP") {
      throw new Error(
        `protocolType must be HTTP, got ${inputs.protocolType}: the local stack has no other APIs`,
      );
    }
    const Name = physicalName(inputs.name);
    const cors = inputs.corsConfiguration;
    const { ApiId = "", ApiEndpoint } = await clients.apigateway.send(
      new CreateApiCommand({
        Name,
        Description: inputs.description,
        ProtocolType: "HTTP",
        Tags: inputs.tags,
        CorsConfiguration: cors && {
          AllowCredentials: cors.allowCredentials,
          AllowHeaders: cors.allowHeaders,
          AllowMethods: cors.allowMethods,
          AllowOrigins: cors.allowOrigins,
          ExposeHeaders: cors.exposeHeaders,
          MaxAge: cors.maxAge,
        },
      }),
    );
    return {
      id: ApiId,
      outputs: {
        name: Name,
        arn: `arn:aws:apigateway:${region}::/apis/${ApiId}`,
        apiEndpoint: ApiEndpoint,
        executionArn: `arn:aws:execute-api:${region}:${accountId}:${ApiId}`,
      },
    };
  },
  async remove({ id }, { clients }) {
    await clients.apigateway.send(new DeleteApiCommand({ ApiId: id }));
  },
});

const integration = handler<aws.apigatewayv2.IntegrationArgs>({
  honours: [
    ...["apiId", "description", "integrationType", "integrationUri", "integrationMethod"],
    ...["payloadFormatVersion", "timeoutMilliseconds"],
  ],
  async create(inputs, { clients }) {
    if (inputs.integrationType !== "AWS_PROXY") {
      throw new Error(
        `integrationType must be AWS_PROXY with a function's ARN, got ${inputs.integrationType}: the local stack has no other integrations`,
      );
    }
    const { IntegrationId } = await clients.apigateway.send(
      new CreateIntegrationCommand({
        ApiId: inputs.apiId,
        Description: inputs.description,
        IntegrationType: "AWS_PROXY",
        IntegrationUri: inputs.integrationUri,
        IntegrationMethod: inputs.integrationMethod,
        PayloadFormatVersion: inputs.payloadFormatVersion,
        TimeoutInMillis: inputs.timeoutMilliseconds,
      }),
    );
    return { id: IntegrationId ?? "", outputs: {} };
  },
  async remove({ id, inputs }, { clients }) {
    await clients.apigateway.send(new DeleteIntegrationCommand({ ApiId: inputs.apiId, IntegrationId: id }));
  },
});

const route = handler<aws.apigatewayv2.RouteArgs>({
  honours: ["apiId", "routeKey", "target"],
  async create(inputs, { clients }) {
    const { RouteId } = await clients.apigateway.send(
      new CreateRouteCommand({ ApiId: inputs.apiId, RouteKey: inputs.routeKey, Target: inputs.target }),
    );
    return { id: RouteId ?? "", outputs: {} };
  },
  async remove({ id, inputs }, { clients }) {
    await clients.apigateway.send(new DeleteRouteCommand({ ApiId: inputs.apiId, RouteId: id }));
  },
});

const stage = handler<aws.apigatewayv2.StageArgs>({
  honours: [
    ...["apiId", "name", "description", "tags", "accessLogSettings"],
    ...["defaultRouteSettings.throttlingBurstLimit", "defaultRouteSettings.throttlingRateLimit"],
  ],
  ineffective: {
    autoDeploy: "every change of an API is served at once",
  },
  async create(inputs, { clients, region, accountId }) {
    const { apiId, name = "", defaultRouteSettings: limits, accessLogSettings: log } = inputs;
    // The API's address is that of this stage, here and on AWS.
    if (name !== DEFAULT_STAGE) {
      throw new Error(`name must be ${DEFAULT_STAGE}, got ${name}: the local stack serves no other stage`);
    }
    await clients.apigateway.send(
      new CreateStageCommand({
        ApiId: apiId,
        StageName: name,
        Description: inputs.description,
        AutoDeploy: inputs.autoDeploy,
        Tags: inputs.tags,
        DefaultRouteSettings: limits && {
          ThrottlingBurstLimit: limits.throttlingBurstLimit,
          ThrottlingRateLimit: limits.throttlingRateLimit,
        },
        AccessLogSettings: log && { DestinationArn: log.destinationArn, Format: log.format },
      }),
    );
    return {
      id: name,
      outputs: {
        arn: `arn:aws:apigateway:${region}::/apis/${apiId}/stages/${name}`,
        executionArn: `arn:aws:execute-api:${region}:${accountId}:${apiId}/${name}`,
      },
    };
  },
  async remove({ id, inputs }, { clients }) {
    await clients.apigateway.send(new DeleteStageCommand({ ApiId: inputs.apiId, StageName: id }));
  },
});

export const apiGatewayHandlers = {
  "aws:apigatewayv2/api:Api": api,
  "aws:apigatewayv2/integration:Integration": integration,
  "aws:apigatewayv2/route:Route": route,
  "aws:apigatewayv2/stage:Stage": stage,
};
