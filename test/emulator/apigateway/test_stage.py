"""CORS, throttling, access logs and metrics of an HTTP API, and what the API's configuration may say.

Expectations are from the API Gateway developer guide: "Configure CORS for HTTP APIs", "Throttle requests to your HTTP
APIs", "Customize HTTP API access logs", "Monitor CloudWatch metrics for HTTP APIs".
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError
from emulator_stack import Stack, unique
from http_api import ACCOUNT, REGION, RETURNS, Api

SHOP = "https://shop.example"
TEXT = {"Content-Type": "text/plain"}


@pytest.fixture(scope="module")
def function(stack: Stack) -> str:
    return stack.node_function(RETURNS)


# ---- CORS ---------------------------------------------------------------------------------------------------------

CORS = {
    "AllowOrigins": [SHOP, "http://localhost:3000"],
    "AllowCredentials": True,
    "AllowHeaders": ["authorization", "content-type"],
    "AllowMethods": ["GET", "POST"],
    "MaxAge": 86400,
}
OWN = """({ statusCode: 200, body: "ok", headers: { "Access-Control-Allow-Origin": "https://other.example",
"access-control-expose-headers": "x", vary: "Origin" } })"""


@pytest.fixture(scope="module")
def shared(stack: Stack, function: str) -> Api:
    return Api(stack, function, "POST /events", "GET /", CorsConfiguration=CORS)


def preflight(api: Api, origin: str | None, path: str = "/events", method: str | None = "POST"):
    headers = {"Origin": origin} if origin else {}
    if method:
        headers["Access-Control-Request-Method"] = method
    return api.call("OPTIONS", path, headers=headers)


@pytest.mark.parametrize("origin", [SHOP, "http://localhost:3000"])
def test_the_api_itself_answers_a_preflight(shared, origin):
    answer = preflight(shared, origin)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.cors() == {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-allow-headers": "authorization,content-type",
        "access-control-allow-methods": "GET,POST",
        "access-control-max-age": "86400",
    }


@pytest.mark.parametrize(
    ("origin", "method"),
    [("https://other.example", "POST"), (f"{SHOP}.evil.example", "POST"), (None, "POST"), (SHOP, None)],
)
def test_a_preflight_of_another_origin_has_no_headers(shared, origin, method):
    answer = preflight(shared, origin, method=method)
    assert (answer.status, answer.cors()) == (204, {})


def test_only_what_is_configured_is_in_the_headers(stack, function):
    made = Api(stack, function, "POST /events", CorsConfiguration={"AllowOrigins": ["*"]})
    assert preflight(made, SHOP).cors() == {"access-control-allow-origin": "*"}
    more = {"AllowOrigins": ["*"], "ExposeHeaders": ["ETag"], "MaxAge": 0}
    made.client.update_api(ApiId=made.id, CorsConfiguration=more)
    assert preflight(made, SHOP).cors() == {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "etag",
        "access-control-max-age": "0",
    }


@pytest.mark.parametrize(
    ("allowed", "origin", "answered"),
    [
        (["https://*"], SHOP, SHOP),
        (["https://*"], "http://shop.example", None),
        (["http://*", "https://*"], "http://localhost:8080", "http://localhost:8080"),
        (["*"], SHOP, "*"),
    ],
)
def test_origins_can_be_allowed_by_their_scheme(stack, function, allowed, origin, answered):
    cors = {"AllowOrigins": allowed, "AllowMethods": ["GET"], "AllowCredentials": "*" not in allowed}
    made = Api(stack, function, "POST /", CorsConfiguration=cors)
    assert preflight(made, origin).cors().get("access-control-allow-origin") == answered
    assert made.call("POST", "/", "1", {**TEXT, "Origin": origin})["access-control-allow-origin"] == answered


def test_the_api_replaces_the_headers_of_the_integration(shared):
    answer = shared.call("POST", "/events", OWN, {**TEXT, "Origin": SHOP})
    assert answer.cors() == {"access-control-allow-origin": SHOP, "access-control-allow-credentials": "true"}
    assert answer.body == b"ok"
    for headers in (TEXT, {**TEXT, "Origin": "https://other.example"}):
        assert shared.call("POST", "/events", OWN, headers).cors() == {}


def test_errors_of_the_api_have_no_cors_headers(shared):
    answer = shared.call("POST", "/nothing", headers={"Origin": SHOP})
    assert (answer.status, answer.cors()) == (404, {})


def test_without_a_configuration_cors_is_the_integrations(stack, function):
    made = Api(stack, function, "ANY /")
    assert made.call("POST", "/", OWN, {**TEXT, "Origin": SHOP}).cors() == {
        "access-control-allow-origin": "https://other.example",
        "access-control-expose-headers": "x",
    }
    assert made.call("OPTIONS", "/", '"from the function"', TEXT).body == b"from the function"
    assert made.call("OPTIONS", "/other", headers={"Origin": SHOP}).status == 404


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        (
            {"AllowOrigins": ["*"], "AllowCredentials": True},
            "allow-credentials is not supported if 'allow-origin' is *",
        ),
        ({"AllowOrigins": ["shop.example"]}, "Invalid format for origin shop.example"),
        ({"AllowOrigins": ["https://shop.example/path"]}, "Invalid format for origin"),
        ({"AllowOrigins": ["https://*.example"]}, "Invalid format for origin"),
        ({"AllowMethods": ["FETCH"]}, "Invalid method in allowMethods: FETCH"),
        ({"MaxAge": 86401}, "maxAge must be between -1 and 86400"),
    ],
)
def test_a_configuration_that_aws_refuses_is_refused(stack, function, shared, configuration, message):
    with pytest.raises(ClientError, match="BadRequestException") as created:
        Api(stack, function, CorsConfiguration=configuration)
    assert message in str(created.value)
    with pytest.raises(ClientError, match="BadRequestException"):
        shared.client.update_api(ApiId=shared.id, CorsConfiguration=configuration)
    assert shared.client.get_api(ApiId=shared.id)["CorsConfiguration"]["AllowOrigins"] == CORS["AllowOrigins"]


# ---- throttling ---------------------------------------------------------------------------------------------------


def statuses(api: Api, count: int, path: str = "/") -> list[int]:
    return [api.call("POST", path, "1", TEXT).status for _ in range(count)]


def test_a_stage_throttles_each_route_with_a_token_bucket(stack, function):
    settings = {"ThrottlingBurstLimit": 3, "ThrottlingRateLimit": 1.0}
    made = Api(stack, function, "POST /", "POST /other", stage={"DefaultRouteSettings": settings})
    stack.client("lambda").invoke(FunctionName=function, Payload=b'{"body": "1"}')  # no cold start meanwhile
    assert statuses(made, 5) == [200, 200, 200, 429, 429]
    answer = made.call("POST", "/", "1", TEXT)
    assert (answer.status, answer.body) == (429, b'{"message":"Too Many Requests"}')
    assert statuses(made, 1, "/other") == [200]
    time.sleep(1.1)
    assert statuses(made, 2) == [200, 429]


def test_the_settings_of_a_route_replace_those_of_the_stage(stack, function):
    made = Api(stack, function, "POST /", "POST /other")
    made.client.update_stage(
        ApiId=made.id,
        StageName="$default",
        DefaultRouteSettings={"ThrottlingBurstLimit": 0, "ThrottlingRateLimit": 0.0},
        RouteSettings={"POST /other": {"ThrottlingBurstLimit": 2, "ThrottlingRateLimit": 0.1}},
    )
    assert statuses(made, 1) == [429]
    assert statuses(made, 3, "/other") == [200, 200, 429]
    made.client.delete_route_settings(ApiId=made.id, StageName="$default", RouteKey="POST /other")
    assert statuses(made, 1, "/other") == [429]


# ---- access logs and metrics --------------------------------------------------------------------------------------

FORMAT = {
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "agent": "$context.identity.userAgent",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "route": "$context.routeKey",
    "path": "$context.path",
    "status": "$context.status",
    "protocol": "$context.protocol",
    "length": "$context.responseLength",
    "stage": "$context.stage",
    "api": "$context.apiId",
    "integration": "$context.integration.status",
    "lambda": "$context.integration.integrationStatus",
    "latency": "$context.integrationLatency",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
    "unknown": "$context.nothing.of.the.kind",
    "claim": "$context.authorizer.claims.sub",
}


def logged(stack: Stack, group: str) -> list[dict]:
    found = stack.client("logs").filter_log_events(logGroupName=group)["events"]
    return [json.loads(entry["message"]) for entry in found]


def test_each_request_is_a_line_of_the_access_log(stack, function):
    group = f"/aws/vendedlogs/{unique('access')}"
    stack.client("logs").create_log_group(logGroupName=group)
    settings = {
        "DestinationArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}",
        "Format": json.dumps(FORMAT),
    }
    made = Api(stack, function, "POST /events", stage={"AccessLogSettings": settings})
    headers = {**TEXT, "X-Forwarded-For": "203.0.113.7", "User-Agent": "a browser"}
    answer = made.call("POST", "/events?email=a@b.example", '({ statusCode: 201, body: "four" })', headers)
    made.call("GET", "/nothing")
    made.call("POST", "/events", "(() => { throw new Error('no') })()", TEXT)
    first, second, third = logged(stack, group)
    assert 0 <= int(first.pop("latency")) < 5000
    datetime.strptime(first.pop("time"), "%d/%b/%Y:%H:%M:%S %z")
    assert first == {
        "requestId": answer["apigw-requestid"],
        "ip": "203.0.113.7",
        "agent": "a browser",
        "method": "POST",
        "route": "POST /events",
        "path": "/events",
        "status": "201",
        "protocol": "HTTP/1.1",
        "length": "4",
        "stage": "$default",
        "api": made.id,
        "integration": "201",
        "lambda": "200",
        "error": "-",
        "integrationError": "-",
        "unknown": "-",
        "claim": "-",
    }
    assert [second[name] for name in ("status", "route", "error", "latency", "agent")] == [
        "404",
        "-",
        "Not Found",
        "-",
        "-",
    ]
    assert (third["status"], third["error"], third["integration"]) == ("500", "Internal Server Error", "-")
    assert third["integrationError"] == (
        "The Lambda function returned the following error: no. Check your Lambda function code and try again."
    )
    made.client.delete_access_log_settings(ApiId=made.id, StageName="$default")
    made.call("GET", "/nothing")
    assert len(logged(stack, group)) == 3
    assert made.client.get_stage(ApiId=made.id, StageName="$default")["StageName"] == "$default"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DestinationArn": "arn:aws:s3:::bucket", "Format": "$context.requestId"}, "the ARN of a log group"),
        (
            {"DestinationArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:none", "Format": "$context.requestId"},
            "does not exist",
        ),
    ],
)
def test_access_log_settings_that_aws_refuses_are_refused(shared, settings, message):
    with pytest.raises(ClientError, match="BadRequestException") as refused:
        shared.client.update_stage(ApiId=shared.id, StageName="$default", AccessLogSettings=settings)
    assert message in str(refused.value)


@pytest.mark.parametrize("log_format", ["$context.status", "$context.requestId\n$context.status"])
def test_a_log_format_must_have_the_request_id_in_one_line(stack, shared, log_format):
    group = unique("group")
    stack.client("logs").create_log_group(logGroupName=group)
    settings = {"DestinationArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}", "Format": log_format}
    with pytest.raises(ClientError, match="Access Log format must"):
        shared.client.update_stage(ApiId=shared.id, StageName="$default", AccessLogSettings=settings)


def test_requests_are_counted_in_cloudwatch(stack, function):
    made = Api(stack, function, "POST /", stage={"DefaultRouteSettings": {"DetailedMetricsEnabled": True}})
    assert statuses(made, 3) == [200] * 3
    made.call("GET", "/nothing")
    made.call("POST", "/", "(() => { throw new Error('no') })()", TEXT)
    now = datetime.now(timezone.utc)

    def total(metric: str, *dimensions: tuple[str, str]) -> float:
        found = stack.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/ApiGateway",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in (("ApiId", made.id), *dimensions)],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=600,
            Statistics=["Sum", "SampleCount"],
        )["Datapoints"]
        return sum(point["Sum"] if metric in ("Count", "4xx", "5xx") else point["SampleCount"] for point in found)

    assert [total(metric) for metric in ("Count", "4xx", "5xx", "Latency", "IntegrationLatency")] == [5, 1, 1, 5, 4]
    assert total("Count", ("Stage", "$default")) == 5
    assert total("Count", ("Stage", "$default"), ("Method", "POST"), ("Resource", "/")) == 4


def test_requests_and_invocations_are_in_the_log_of_requests(stack, function):
    made = Api(stack, function, "POST /events/{key}")
    made.call("POST", "/events/secret", "1", TEXT)
    made.call("GET", "/events")
    lines = [json.loads(line) for line in (stack.state_dir / "requests.jsonl").read_text().splitlines()]
    calls = [line for line in lines if f":{made.id}/" in line["resource"]]
    resource = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{made.id}/$default"
    assert [(call["principal"], call["action"], call["resource"], call["status"]) for call in calls] == [
        ("anonymous", "execute-api:Invoke", f"{resource}/POST/events/{{key}}", 200),
        ("anonymous", "execute-api:Invoke", f"{resource}/GET/events", 404),
    ]
    invoked = [line for line in lines if line["principal"] == "apigateway.amazonaws.com"]
    assert (invoked[-1]["operation"], invoked[-1]["resource"]) == ("Invoke", made.function_arn)


# ---- what may be created ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action"},
        {"DisableExecuteApiEndpoint": True},
        {"Target": "arn:aws:lambda:us-east-1:000000000000:function:f"},
    ],
)
def test_an_api_that_the_local_stack_does_not_have_is_refused(stack, settings):
    with pytest.raises(ClientError, match="The local stack"):
        stack.client("apigatewayv2").create_api(**{"Name": "x", "ProtocolType": "HTTP", **settings})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "GET"}, "Lambda integrations"),
        ({"IntegrationSubtype": "Kinesis-PutRecord"}, "Kinesis-PutRecord"),
        ({"PayloadFormatVersion": "1.0"}, "payloadFormatVersion 2.0 only"),
        ({"TimeoutInMillis": 30_001}, "Timeout should be between 50 ms and 30000 ms"),
        ({"ConnectionType": "VPC_LINK", "ConnectionId": "x"}, "does not support connection"),
        ({"CredentialsArn": "arn:aws:iam::000000000000:role/x"}, "does not support credentialsArn"),
        ({"RequestParameters": {"overwrite:path": "/x"}}, "does not support requestParameters"),
    ],
)
def test_an_integration_that_the_local_stack_does_not_have_is_refused(shared, settings, message):
    with pytest.raises(ClientError, match="BadRequestException") as refused:
        shared.integrate(shared.function_arn, **settings)
    assert message in str(refused.value)
    with pytest.raises(ClientError, match="BadRequestException"):
        shared.client.update_integration(ApiId=shared.id, IntegrationId=shared.integration, **settings)


def test_an_integration_takes_the_invoke_arn_of_a_function(shared):
    path = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{shared.function_arn}/invocations"
    shared.route("POST /by-invoke-arn", shared.integrate(path))
    assert shared.call("POST", "/by-invoke-arn", '"ok"', TEXT).body == b"ok"
    with pytest.raises(ClientError, match="Invalid integrationUri"):
        shared.integrate("https://example.com")


def test_an_integration_in_use_is_not_deleted(shared):
    with pytest.raises(ClientError, match="is using this Integration"):
        shared.client.delete_integration(ApiId=shared.id, IntegrationId=shared.integration)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"RouteKey": "POST /events"}, "already exists"),
        ({"RouteKey": "events"}, "route key is not formatted properly"),
        ({"RouteKey": "FETCH /events"}, "route key is not formatted properly"),
        ({"RouteKey": "GET /{proxy+}/x"}, "route key is not formatted properly"),
        ({"RouteKey": "GET /x{id}"}, "route key is not formatted properly"),
        ({"RouteKey": "GET /x", "Target": "integrations/nothing"}, "Invalid target"),
        ({"RouteKey": "GET /x", "AuthorizationType": "AWS_IAM"}, "does not support authorizationType"),
        ({"RouteKey": "GET /x", "ApiKeyRequired": True}, "does not support apiKeyRequired"),
    ],
)
def test_a_route_that_cannot_be_served_is_refused(shared, settings, message):
    with pytest.raises(ClientError) as refused:
        shared.client.create_route(ApiId=shared.id, **settings)
    assert message in str(refused.value)


def test_what_the_local_stack_does_not_have_at_all_is_refused(shared):
    issuer = {"Issuer": "https://issuer.example", "Audience": ["a"]}
    calls = [
        lambda: shared.client.create_deployment(ApiId=shared.id),
        lambda: shared.client.create_stage(ApiId=shared.id, StageName="manual"),
        lambda: shared.client.create_authorizer(
            ApiId=shared.id,
            AuthorizerType="JWT",
            IdentitySource=["$request.header.Authorization"],
            Name="x",
            JwtConfiguration=issuer,
        ),
        lambda: shared.client.create_domain_name(DomainName="api.example.com"),
        lambda: shared.client.update_stage(
            ApiId=shared.id, StageName="$default", DefaultRouteSettings={"LoggingLevel": "INFO"}
        ),
    ]
    for call in calls:
        with pytest.raises(ClientError, match=r"The local stack|not supported on protocolType HTTP"):
            call()


def test_an_api_tells_an_address_that_works(stack, function):
    made = Api(stack, function, "POST /")
    assert made.endpoint == f"{stack.endpoint}/_aws/execute-api/{made.id}"
    assert made.client.get_api(ApiId=made.id)["ApiEndpoint"] == made.endpoint
    made.client.delete_api(ApiId=made.id)
    assert made.call("POST", "/", "1", TEXT).status == 404
