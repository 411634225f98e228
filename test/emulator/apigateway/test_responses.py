"""What a function's response becomes, what its failures become, and how long and how parallel requests are.

Expectations are from the API Gateway developer guide ("Lambda function response for format 2.0", "Quotas for
configuring and running an HTTP API") and the Lambda developer guide ("Configuring reserved concurrency").
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from emulator_stack import Stack, wait_for
from http_api import RETURNS, Api

TEXT = {"Content-Type": "text/plain"}
FAILED = (500, b'{"message":"Internal Server Error"}')


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return Api(stack, stack.node_function(RETURNS, timeout_seconds=2), "ANY /")


def returning(api: Api, expression: str):
    return api.call("POST", "/", expression, TEXT)


@pytest.mark.parametrize(
    ("expression", "body"),
    [
        ('"Hello from Lambda!"', "Hello from Lambda!"),
        ('({ message: "Hello from Lambda!" })', '{"message":"Hello from Lambda!"}'),
        ("[1, null, 'ü']", '[1,null,"ü"]'),
        ("7", "7"),
        ("undefined", "null"),
        ('({ body: "x", headers: { a: "b" } })', '{"body":"x","headers":{"a":"b"}}'),
    ],
)
def test_a_response_without_a_status_code_is_the_body(api, expression, body):
    answer = returning(api, expression)
    assert (answer.status, answer["content-type"], answer.body.decode()) == (200, "application/json", body)


def test_a_structured_response_is_sent_as_it_says(api):
    answer = returning(
        api,
        """({ statusCode: 202, headers: { "Content-Type": "image/gif", "X-Number": 7, "X-Flag": true },
        cookies: ["cookie1=a; Path=/", "cookie2=b"], isBase64Encoded: true, body: "AP/+" })""",
    )
    assert (answer.status, answer.body) == (202, b"\x00\xff\xfe")
    assert (answer["content-type"], answer["x-number"], answer["x-flag"]) == ("image/gif", "7", "true")
    assert answer.all("set-cookie") == ["cookie1=a; Path=/", "cookie2=b"]
    assert answer["content-length"] == "3"


def test_a_structured_response_without_a_type_is_plain_text(api):
    answer = returning(api, '({ statusCode: 404, body: "ä ö" })')
    assert (answer.status, answer["content-type"], answer.body.decode()) == (404, "text/plain; charset=utf-8", "ä ö")


def test_a_response_may_have_no_body(api):
    answer = returning(api, "({ statusCode: 204 })")
    assert (answer.status, answer.body, answer["content-length"]) == (204, b"", None)


def test_head_has_the_headers_only(api):
    answer = api.call("HEAD", "/", '({ statusCode: 200, body: "four" })', TEXT)
    assert (answer.status, answer["content-length"], answer.body) == (200, "4", b"")


@pytest.mark.parametrize(
    "expression",
    [
        '({ statusCode: "no" })',
        "({ statusCode: 99 })",
        "({ statusCode: 200, body: { a: 1 } })",
        '({ statusCode: 200, body: "%", isBase64Encoded: true })',
        '({ statusCode: 200, headers: ["a"] })',
        '({ statusCode: 200, headers: { a: ["b"] } })',
        '({ statusCode: 200, headers: { a: "b\\r\\nc: d" } })',
        '({ statusCode: 200, cookies: "a=b" })',
        '(() => { throw new Error("secret detail") })()',
        '({ statusCode: 200, body: "x".repeat(6 * 1024 * 1024 + 100) })',
        '"x".repeat(6 * 1024 * 1024 + 100)',
        "process.exit(1)",
    ],
)
def test_a_response_of_another_form_and_an_error_are_500(api, expression):
    answer = returning(api, expression)
    assert (answer.status, answer.body) == FAILED
    assert answer["content-type"] == "application/json"


def test_the_time_out_of_the_function_is_500(api):
    began = time.monotonic()
    answer = returning(api, "new Promise((done) => setTimeout(done, 20000))")
    assert (answer.status, answer.body) == FAILED
    assert 1.9 < time.monotonic() - began < 6


def test_the_time_out_of_the_integration_is_503_and_the_function_runs_on(stack, tmp_path):
    marker = tmp_path / "done"
    function = stack.node_function(RETURNS, MARKER=str(marker))
    made = Api(stack, function)
    made.route("POST /", made.integrate(made.function_arn, TimeoutInMillis=700))
    write = 'require("node:fs").writeFileSync(process.env.MARKER, "x")'
    answer = returning(made, f"new Promise((done) => setTimeout(done, 1500)).then(() => {write})")
    assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')
    assert not marker.exists()
    wait_for("the function's end", marker.exists)


def test_a_function_that_does_not_exist_is_500(stack):
    answer = returning(Api(stack, "nothing", "POST /"), "1")
    assert (answer.status, answer.body) == FAILED


# ---- concurrency --------------------------------------------------------------------------------------------------


# Says that it runs, and waits until the other file is there.
HELD = """new Promise((done) => {
  const fs = require("node:fs");
  fs.writeFileSync("STARTED", "");
  const timer = setInterval(() => {
    if (fs.existsSync("RELEASED")) { clearInterval(timer); done("held"); }
  }, 20);
})"""


def test_over_the_reserved_concurrency_invocations_are_throttled(stack, tmp_path):
    function = stack.node_function(RETURNS, timeout_seconds=60)
    made, lambda_ = Api(stack, function, "POST /"), stack.client("lambda")
    assert returning(made, "1").status == 200
    lambda_.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=1)
    started, released = tmp_path / "started", tmp_path / "released"
    with ThreadPoolExecutor(1) as pool:
        held = HELD.replace("STARTED", str(started)).replace("RELEASED", str(released))
        first = pool.submit(returning, made, held)
        wait_for("the first invocation", started.exists)
        answer = returning(made, "1")
        assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')
        with pytest.raises(ClientError) as refused:
            lambda_.invoke(FunctionName=function, Payload=b'{"body": "1"}')
        released.touch()
        assert first.result().body == b"held"
    error = refused.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("TooManyRequestsException", 429)
    assert error["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert returning(made, "1").status == 200
    lambda_.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    assert returning(made, "1").status == 503
    lambda_.delete_function_concurrency(FunctionName=function)
    assert returning(made, "1").status == 200


def test_requests_are_served_in_parallel_and_block_no_other_service(stack, api):
    sts = stack.client("sts")

    def at_once(milliseconds: int) -> list[bool]:
        """Send 6 requests that take so long; returns which of them were answered before another service answered."""
        wait = f"new Promise((done) => setTimeout(() => done('done'), {milliseconds}))"
        with ThreadPoolExecutor(6) as pool:
            waiting = [pool.submit(returning, api, wait) for _ in range(6)]
            time.sleep(0.2)
            sts.get_caller_identity()
            early = [one.done() for one in waiting]
            assert [one.result().body for one in waiting] == [b"done"] * 6
        return early

    at_once(200)  # starts the workers
    began = time.monotonic()
    assert at_once(1500) == [False] * 6
    assert time.monotonic() - began < 2 * 1.5


def test_a_warm_request_takes_few_milliseconds_on_a_kept_connection(api):
    connection, times = api.connect(), []
    for _ in range(40):
        began = time.monotonic()
        assert api.send(connection, "POST", "/", '"x"', TEXT).status == 200
        times.append((time.monotonic() - began) * 1000)
    connection.close()
    # MiniStack's wait for a log that does not come takes 50 ms.
    assert statistics.median(times) < 40, sorted(times)
