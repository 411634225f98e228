"""API Gateway's permission to invoke the function, with IAM in force.

Expectations are from the Lambda developer guide ("Granting permissions to AWS services") and the API Gateway
developer guide ("Troubleshooting issues with HTTP API Lambda integrations").
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from emulator_stack import Stack, start_stack, unique, zipped
from http_api import ACCOUNT, REGION, RETURNS, Api

TEXT = {"Content-Type": "text/plain"}
DENIED = (
    "The IAM role configured on the integration or API Gateway doesn't have permissions to call the integration. "
    "Check the permissions and try again."
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = start_stack(tmp_path_factory.mktemp("enforcing"), {"AUTH": "true"})
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def function(stack: Stack) -> str:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = stack.client("iam").create_role(
        RoleName=unique("role"), AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )
    name = unique("function")
    stack.client("lambda").create_function(
        FunctionName=name,
        Runtime="nodejs24.x",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": zipped({"index.js": RETURNS})},
    )
    return name


@pytest.fixture
def api(stack: Stack, function: str) -> Api:
    group = unique("access")
    stack.client("logs").create_log_group(logGroupName=group)
    settings = {
        "DestinationArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}",
        "Format": "$context.requestId $context.integrationErrorMessage",
    }
    return Api(stack, function, "POST /v1/{call}", "$default", stage={"AccessLogSettings": settings})


def permit(stack: Stack, function: str, source_arn: str, principal: str = "apigateway.amazonaws.com") -> str:
    statement = unique("statement")
    stack.client("lambda").add_permission(
        FunctionName=function,
        StatementId=statement,
        Action="lambda:InvokeFunction",
        Principal=principal,
        SourceArn=source_arn,
    )
    return statement


def source(api: Api, rest: str) -> str:
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/{rest}"


def test_without_the_permission_the_function_is_not_invoked(stack, api):
    answer = api.call("POST", "/v1/events", '"ran"', TEXT)
    assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}')
    settings = api.client.get_stage(ApiId=api.id, StageName="$default")["AccessLogSettings"]
    group = settings["DestinationArn"].rsplit(":", 1)[-1]
    [entry] = stack.client("logs").filter_log_events(logGroupName=group)["events"]
    assert entry["message"] == f"{answer['apigw-requestid']} {DENIED}"


@pytest.mark.parametrize("rest", ["*/*", "*/*/v1/{call}", "$default/POST/v1/*", "*/POST/v1/{call}"])
def test_the_permission_of_the_route_lets_it_be_invoked(stack, function, api, rest):
    statement = permit(stack, function, source(api, rest))
    assert api.call("POST", "/v1/events", '"ran"', TEXT).body == b"ran"
    stack.client("lambda").remove_permission(FunctionName=function, StatementId=statement)
    assert api.call("POST", "/v1/events", '"ran"', TEXT).status == 500


def test_the_permission_of_another_api_stage_route_or_service_does_not(stack, function, api):
    permit(stack, function, f"arn:aws:execute-api:{REGION}:{ACCOUNT}:other/*/*")
    permit(stack, function, source(api, "beta/*"))
    permit(stack, function, source(api, "*/GET/v1/{call}"))
    permit(stack, function, source(api, "*/*"), principal="events.amazonaws.com")
    assert api.call("POST", "/v1/events", '"ran"', TEXT).status == 500


def test_the_default_route_has_its_own_source_arn(stack, function, api):
    permit(stack, function, source(api, "*/$default"))
    assert api.call("POST", "/anything", '"ran"', TEXT).body == b"ran"
    assert api.call("POST", "/v1/events", '"ran"', TEXT).status == 500
