// What the program declares for the collector: its API, its function's rights, its secret and its log. Construction, not behaviour.
import assert from "node:assert/strict";
import { ROUTES } from "../../../lambdas/collector/routes";
import { evaluate, type Program } from "../program";

const API = "aws:apigatewayv2/api:Api";
const FUNCTION = "aws:lambda/function:Function";
const SECRET = "aws:secretsmanager/secret:Secret";
const NAME = "clickstream-collector";
const SITE = '["https://www.example.com"]';
const KEY = "a-key-of-enough-letters";

const collector = (config: Record<string, string> = {}) =>
  evaluate({ collector: "true", collectorOrigins: SITE, ...config });

function permissionsOf(program: Program): [action: string, resource: string][] {
  const { policy } = program.named("aws:iam/rolePolicy:RolePolicy", `${NAME}-role`);
  const { Statement } = JSON.parse(String(policy)) as {
    Statement: { Action: string[]; Resource: string[] }[];
  };
  return Statement.flatMap(({ Action, Resource }) =>
    Action.flatMap((action) => Resource.map((resource): [string, string] => [action, resource])),
  );
}

const environmentOf = (program: Program) =>
  (program.named(FUNCTION, NAME).environment as { variables: Record<string, string> }).variables;

describe("infra/collect/collector", () => {
  it("is not there by default, and its outputs are empty", async () => {
    const program = await evaluate();
    assert.deepEqual(
      program.resources.filter(({ name, type }) => /collector/.test(name) || /apigateway/.test(type)),
      [],
    );
    const { collectorUrl, collectorFunction, collectorScriptIntegrity } = program.outputs;
    assert.deepEqual([collectorUrl, collectorFunction, collectorScriptIntegrity], ["", "", ""]);
  });

  it("puts out the address without a slash at the end, the function, and the script's integrity", async () => {
    const { collectorUrl, collectorFunction, collectorScriptIntegrity } = (await collector()).outputs;
    assert.equal(collectorUrl, `https://${NAME}-id.execute-api.eu-west-1.amazonaws.com`);
    assert.equal(collectorFunction, `${NAME}-id`);
    assert.match(String(collectorScriptIntegrity), /^sha384-[A-Za-z0-9+/]{64}$/);
  });

  it("lets just the named sites send with credentials, and has API Gateway answer preflights for a day", async () => {
    assert.deepEqual((await collector()).named(API, NAME).corsConfiguration, {
      allowOrigins: ["https://www.example.com"],
      allowCredentials: true,
      allowHeaders: ["authorization", "content-type", "sp-anonymous", "x-retry-count"],
      allowMethods: ["GET", "POST"],
      exposeHeaders: ["retry-after"],
      maxAge: 86_400,
    });
  });

  it("names every site by scheme, as API Gateway takes no * with credentials", async () => {
    const { corsConfiguration } = (await collector({ collectorOrigins: '["*"]' })).named(API, NAME);
    const { allowOrigins } = corsConfiguration as { allowOrigins: string[] };
    assert.deepEqual(allowOrigins, ["https://*", "http://*"]);
  });

  it("has a route for each of the function's, all to one integration, and no default route", async () => {
    const program = await collector();
    const routes = program.of("aws:apigatewayv2/route:Route").map(({ inputs }) => inputs);
    assert.deepEqual(routes.map(({ routeKey }) => routeKey).sort(), [...ROUTES].sort());
    assert.deepEqual([...new Set(routes.map(({ target }) => target))], [`integrations/${NAME}-id`]);
    const integration = program.named("aws:apigatewayv2/integration:Integration", NAME);
    assert.deepEqual(
      [integration.integrationType, integration.payloadFormatVersion, integration.integrationUri],
      ["AWS_PROXY", "2.0", `arn:aws:lambda/function:Function:${NAME}`],
    );
  });

  it("limits the requests of the default stage, which deploys by itself", async () => {
    const program = await collector({ collectorRequestsPerSecond: "7", collectorBurst: "9" });
    const stage = program.named("aws:apigatewayv2/stage:Stage", NAME);
    assert.deepEqual(
      [stage.name, stage.autoDeploy, stage.defaultRouteSettings],
      ["$default", true, { throttlingRateLimit: 7, throttlingBurstLimit: 9 }],
    );
  });

  it("logs a line of JSON for each request, with nothing that says who sent it", async () => {
    const program = await collector();
    const { accessLogSettings } = program.named("aws:apigatewayv2/stage:Stage", NAME);
    const { format, destinationArn } = accessLogSettings as { format: string; destinationArn: string };
    assert.equal(destinationArn, `arn:aws:cloudwatch/logGroup:LogGroup:${NAME}-access-log`);
    const variables = Object.values(JSON.parse(format) as Record<string, string>);
    assert.deepEqual(variables, [
      "clickstream-test",
      ...["$context.requestId", "$context.requestTimeEpoch", "$context.routeKey", "$context.status"],
      ...["$context.responseLatency", "$context.integrationLatency", "$context.integrationStatus"],
      ...["$context.error.responseType", "$context.integrationErrorMessage"],
    ]);
    const log = program.named("aws:cloudwatch/logGroup:LogGroup", `${NAME}-access-log`);
    assert.equal(log.name, "/aws/vendedlogs/apigateway/clickstream-test/collector");
    assert.equal(log.retentionInDays, 30);
  });

  it("counts throttled requests in the log if something shows the count", async () => {
    const FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter";
    const { pattern, metricTransformation } = (await collector()).named(FILTER, `${NAME}-throttled`);
    assert.equal(pattern, '{ $.status = "429" }');
    assert.deepEqual(metricTransformation, {
      namespace: "Clickstream",
      name: "RequestsThrottled",
      value: "1",
      dimensions: { Stack: "$.stack" },
    });
    assert.deepEqual((await collector({ alarms: "false", dashboard: "false" })).of(FILTER), []);
  });

  it("lets just this API call the function", async () => {
    const { action, principal, sourceArn } = (await collector()).named(
      "aws:lambda/permission:Permission",
      NAME,
    );
    assert.deepEqual(
      [action, principal, sourceArn],
      [
        "lambda:InvokeFunction",
        "apigateway.amazonaws.com",
        `arn:aws:execute-api:eu-west-1:123456789012:${NAME}-id/*`,
      ],
    );
  });

  it("may write to the stream and its log, and nothing else", async () => {
    assert.deepEqual(permissionsOf(await collector()), [
      ["logs:CreateLogStream", `arn:aws:cloudwatch/logGroup:LogGroup:${NAME}-log:*`],
      ["logs:PutLogEvents", `arn:aws:cloudwatch/logGroup:LogGroup:${NAME}-log:*`],
      ["kinesis:PutRecords", "arn:aws:kinesis/stream:Stream:clickstream-stream"],
    ]);
  });

  it("may read its own secret, and use the stack's key for it and for the stream", async () => {
    const program = await collector({
      collectorWriteKey: KEY,
      customerKey: "true",
      privacy: '{"user_id":"hash"}',
      privacyHashKey: "a key of enough letters",
    });
    const own = `arn:aws:secretsmanager/secretVersion:SecretVersion:${NAME}-write-key`;
    const key = "arn:aws:kms/key:Key:clickstream-key";
    assert.deepEqual(permissionsOf(program).slice(3), [
      ["secretsmanager:GetSecretValue", own],
      ["kms:GenerateDataKey", key],
      ["kms:Decrypt", key],
    ]);
    assert.deepEqual(permissionsOf(await collector({ customerKey: "true" })).slice(3), [
      ["kms:GenerateDataKey", key],
    ]);
  });

  it("keeps the write key in a secret, encrypted in the state, and out of everything else", async () => {
    const program = await collector({ collectorWriteKey: KEY });
    assert.equal(
      environmentOf(program).WRITE_KEY_SECRET_ARN,
      `arn:aws:secretsmanager/secretVersion:SecretVersion:${NAME}-write-key`,
    );
    const { secretString } = program.named(
      "aws:secretsmanager/secretVersion:SecretVersion",
      `${NAME}-write-key`,
    );
    // Pulumi's mark of a secret, which the engine encrypts.
    assert.deepEqual(secretString, {
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      value: KEY,
    });
    const others = program.resources.filter(({ type }) => !type.endsWith(":SecretVersion"));
    assert.ok(!JSON.stringify([others, program.outputs]).includes(KEY));
    assert.equal(environmentOf(await collector()).WRITE_KEY_SECRET_ARN, "");
  });

  it("deletes the write key at once and unprotected, as the configuration has it, but not the hash key", async () => {
    const program = await collector({
      collectorWriteKey: KEY,
      privacy: '{"user_id":"hash"}',
      privacyHashKey: "a key of enough letters",
    });
    assert.equal(program.named(SECRET, `${NAME}-write-key`).recoveryWindowInDays, 0);
    assert.equal(program.named(SECRET, "clickstream-privacy-hash-key").recoveryWindowInDays, 30);
    assert.deepEqual(program.protectedOf(SECRET), ["clickstream-privacy-hash-key"]);
  });

  it("tells the function the effective privacy rules and what it respects", async () => {
    const { STREAM_NAME, ...rules } = environmentOf(await collector());
    assert.equal(STREAM_NAME, "clickstream-stream-id");
    assert.deepEqual(rules, {
      IP_RULE: "mask",
      USER_AGENT_RULE: "drop",
      WRITE_KEY_SECRET_ARN: "",
      RESPECT_GPC: "true",
      RESPECT_DNT: "false",
    });
    const other = environmentOf(
      await collector({
        privacy: '{"ip":"drop","user_agent":"keep"}',
        collectorRespectGpc: "false",
        collectorRespectDnt: "true",
      }),
    );
    assert.deepEqual(
      [other.IP_RULE, other.USER_AGENT_RULE, other.RESPECT_GPC, other.RESPECT_DNT],
      ["drop", "keep", "false", "true"],
    );
  });

  it("reserves concurrency where it is configured, and says so where it is not", async () => {
    const reserved = async (config: Record<string, string>) =>
      (await collector(config)).named(FUNCTION, NAME).reservedConcurrentExecutions;
    assert.equal(await reserved({ collectorConcurrency: "50" }), 50);
    assert.equal(await reserved({}), -1);
  });

  it("logs no start and end of calls, and no other function's logging changes", async () => {
    const program = await collector();
    const levels = program
      .of(FUNCTION)
      .map(({ name, inputs }) => [
        name,
        (inputs.loggingConfig as { systemLogLevel?: string }).systemLogLevel,
      ]);
    assert.deepEqual(
      levels.filter(([, level]) => level !== undefined),
      [[NAME, "WARN"]],
    );
  });
});
