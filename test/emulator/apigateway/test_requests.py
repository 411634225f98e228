"""Requests to an HTTP API on the running emulator: addresses, routes, the event of payload format 2.0, limits.

Expectations are from the API Gateway developer guide: "Create AWS Lambda proxy integrations for HTTP APIs", "Create
routes for HTTP APIs", "Quotas for configuring and running an HTTP API". The types of a text body are not documented;
they were seen on AWS (MiniStack's pull request 766).
"""

from __future__ import annotations

import base64
import re
import time
from datetime import datetime, timezone

import pytest
from emulator_stack import Stack
from http_api import ACCOUNT, ECHO, Api

ROUTES = (
    "GET /pets/dog/1",
    "GET /pets/dog/{id}",
    "ANY /pets/dog/{id}",
    "GET /pets/{proxy+}",
    "ANY /{proxy+}",
    "POST /v1/{call}",
)


@pytest.fixture(scope="module")
def echo(stack: Stack) -> str:
    return stack.node_function(ECHO)


@pytest.fixture(scope="module")
def api(stack: Stack, echo: str) -> Api:
    return Api(stack, echo, *ROUTES, stage={"StageVariables": {"colour": "blue"}})


@pytest.fixture(scope="module")
def catch_all(stack: Stack, echo: str) -> Api:
    """With the route $default, and a second stage."""
    made = Api(stack, echo, "$default")
    made.client.create_stage(ApiId=made.id, StageName="beta", AutoDeploy=True)
    return made


# ---- the event ----------------------------------------------------------------------------------------------------


def test_the_event_has_the_documented_members(api, stack):
    before = int(time.time() * 1000)
    event = api.event(
        "POST",
        "/v1/events?parameter1=value1&parameter1=value2&parameter2=a%20b",
        "Hello",
        [
            ("Header1", "value1"),
            ("Header2", "value1"),
            ("header2", "value2"),
            ("Cookie", "cookie1=a; cookie2=b"),
            ("User-Agent", "agent"),
            ("Content-Type", "text/plain"),
        ],
    )
    context, headers = event.pop("requestContext"), event.pop("headers")
    assert event == {
        "version": "2.0",
        "routeKey": "POST /v1/{call}",
        "rawPath": "/v1/events",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=a%20b",
        "cookies": ["cookie1=a", "cookie2=b"],
        "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "a b"},
        "pathParameters": {"call": "events"},
        "stageVariables": {"colour": "blue"},
        "body": "Hello",
        "isBase64Encoded": False,
    }
    moment, epoch, request_id = context.pop("time"), context.pop("timeEpoch"), context.pop("requestId")
    assert context == {
        "accountId": ACCOUNT,
        "apiId": api.id,
        "domainName": f"{api.id}.execute-api.127.0.0.1",
        "domainPrefix": api.id,
        "http": {
            "method": "POST",
            "path": "/v1/events",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "agent",
        },
        "routeKey": "POST /v1/{call}",
        "stage": "$default",
    }
    assert before <= epoch <= int(time.time() * 1000)
    arrived = datetime.fromtimestamp(epoch // 1000, timezone.utc)
    assert moment == arrived.strftime("%d/%b/%Y:%H:%M:%S +0000")
    assert re.fullmatch(r"[\w+/]{15}=", request_id)
    trace = headers.pop("x-amzn-trace-id")
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", trace)
    port = stack.endpoint.rsplit(":", 1)[-1]
    assert headers == {
        "accept-encoding": "identity",
        "content-length": "5",
        "content-type": "text/plain",
        "header1": "value1",
        "header2": "value1,value2",
        "host": f"127.0.0.1:{port}",
        "user-agent": "agent",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-port": port,
        "x-forwarded-proto": "http",
    }


def test_what_a_request_lacks_is_left_out(catch_all):
    event = catch_all.event("GET", "/")
    assert set(event) == {
        "version",
        "routeKey",
        "rawPath",
        "rawQueryString",
        "headers",
        "requestContext",
        "isBase64Encoded",
    }
    assert (event["rawPath"], event["rawQueryString"], event["routeKey"]) == ("/", "", "$default")
    assert event["requestContext"]["http"]["userAgent"] == ""
    assert event["headers"]["content-length"] == "0"


def test_the_request_id_is_that_of_the_answer(api):
    answer = api.call("GET", "/pets/dog/1")
    assert answer["apigw-requestid"] == answer.json()["requestContext"]["requestId"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain;charset=UTF-8", "Text/HTML", "application/xml", "application/javascript"],
)
def test_the_body_of_a_text_type_is_text(api, content_type):
    event = api.event("POST", "/v1/e", "ä ö 🦆".encode(), {"Content-Type": content_type})
    assert (event["body"], event["isBase64Encoded"]) == ("ä ö 🦆", False)


@pytest.mark.parametrize(
    "content_type",
    [None, "application/octet-stream", "application/x-www-form-urlencoded", "image/gif", "application/x-ndjson"],
)
def test_any_other_body_is_base64(api, content_type):
    sent = bytes(range(256))
    event = api.event("POST", "/v1/e", sent, {"Content-Type": content_type} if content_type else {})
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == sent


def test_escapes_in_the_path_are_decoded_and_in_the_query_kept(catch_all):
    event = catch_all.event("GET", "/a%20b/%C3%BC/100%2525?q=%C3%BC+x&empty=&flag")
    assert event["rawPath"] == "/a b/ü/100%2525"
    assert event["rawQueryString"] == "q=%C3%BC+x&empty=&flag"
    assert event["queryStringParameters"] == {"q": "ü x", "empty": "", "flag": ""}


# ---- the caller's address -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forwarded", "source", "seen"),
    [
        # The last entry is the address that is connected to API Gateway, as AWS appends it.
        ("203.0.113.7", "203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7", "198.51.100.1, 203.0.113.7"),
        ("2001:db8::1", "2001:db8::1", "2001:db8::1"),
        # What is no address was sent by a caller on this machine.
        ("unknown", "127.0.0.1", "unknown, 127.0.0.1"),
        ("203.0.113.7, unknown", "127.0.0.1", "203.0.113.7, unknown, 127.0.0.1"),
    ],
)
def test_the_source_address_is_the_last_forwarded_one(api, forwarded, source, seen):
    event = api.event("GET", "/pets/dog/1", headers={"X-Forwarded-For": forwarded})
    assert event["requestContext"]["http"]["sourceIp"] == source
    assert event["headers"]["x-forwarded-for"] == seen


# ---- addresses, stages and routes ---------------------------------------------------------------------------------


def test_a_stage_other_than_default_is_in_the_path(catch_all):
    event = catch_all.event("GET", "/beta/items")
    assert event["requestContext"]["stage"] == "beta"
    assert (event["rawPath"], event["requestContext"]["http"]["path"]) == ("/beta/items", "/beta/items")


@pytest.mark.parametrize("stage", ["/$default", "/%24default"])
def test_the_default_stage_may_be_named(catch_all, stage):
    event = catch_all.event("GET", f"{stage}/items")
    assert (event["requestContext"]["stage"], event["rawPath"]) == ("$default", "/items")


def test_an_api_has_its_host_name_too(catch_all):
    host = f"{catch_all.id}.execute-api.127.0.0.1:1234"
    connection = catch_all.connect()
    connection.request("GET", "/items", headers={"Host": host})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    assert answer.status == 200
    assert f'"domainName":"{catch_all.id}.execute-api.127.0.0.1"' in body
    assert '"rawPath":"/items"' in body


@pytest.mark.parametrize(
    ("request_line", "key", "variables"),
    [
        # The examples of "Create routes for HTTP APIs".
        ("GET /pets/dog/1", "GET /pets/dog/1", None),
        ("GET /pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET /pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("POST /test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
        # A method is more specific than ANY, and a full match more than a greedy one.
        ("POST /pets/dog/1", "ANY /pets/dog/{id}", {"id": "1"}),
        ("PUT /pets/dog/7", "ANY /pets/dog/{id}", {"id": "7"}),
        ("GET /pets/dog/1/", "GET /pets/{proxy+}", {"proxy": "dog/1/"}),
        ("POST /v1/a%20b", "POST /v1/{call}", {"call": "a b"}),
        ("POST //v1/events", "POST /v1/{call}", {"call": "events"}),
    ],
)
def test_the_most_specific_route_is_selected(api, request_line, key, variables):
    event = api.event(*request_line.split(" "))
    assert (event["routeKey"], event.get("pathParameters")) == (key, variables)


@pytest.mark.parametrize("path", ["/health/", "/health/x", "/Health", "/v1/", "/v1/a/b", "/", "/other"])
def test_no_route_is_404(stack, echo, path):
    made = Api(stack, echo, "GET /health", "GET /v1/{call}")
    answer = made.call("GET", path)
    assert (answer.status, answer.body, answer["content-type"]) == (
        404,
        b'{"message":"Not Found"}',
        "application/json",
    )
    assert made.call("POST", "/health").status == 404


def test_no_stage_is_404(stack, echo):
    made = Api(stack, echo, "$default", stage={"StageName": "beta"})
    assert made.call("GET", "/beta").status == 200
    assert made.call("GET", "/gamma").status == 404


# ---- limits -------------------------------------------------------------------------------------------------------


def test_a_body_over_10_mb_is_413(api):
    headers = {"Content-Type": "text/plain"}
    answer = api.call("POST", "/v1/e", b"x" * (10 * 1024 * 1024 + 1), headers)
    assert (answer.status, answer.body) == (413, b'{"message":"Request Entity Too Large"}')


def test_an_event_over_lambdas_6_mb_is_413(api):
    answer = api.call("POST", "/v1/e", b"x" * (6 * 1024 * 1024 + 100), {"Content-Type": "text/plain"})
    assert (answer.status, answer.body) == (413, b'{"message":"Request Entity Too Large"}')


def test_a_body_of_256_kb_arrives_whole(api):
    event = api.event("POST", "/v1/e", b"x" * 262_144, {"Content-Type": "text/plain"})
    assert event["body"] == "x" * 262_144


def test_headers_over_10_240_bytes_are_refused(api):
    assert api.call("GET", "/pets/dog/1", headers={"X-Long": "x" * 10_000}).status == 200
    answer = api.call("GET", "/pets/dog/1", headers={"X-Long": "x" * 10_240})
    assert (answer.status, answer.json()) == (431, {"message": "Request Header Fields Too Large"})
