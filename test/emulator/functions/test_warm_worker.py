"""Invocations of a warm Node.js function on the running emulator: their time, and their log."""

from __future__ import annotations

import statistics
import time

from emulator_stack import Stack

# Writes what the event names, in the ways in which a function can.
FUNCTION = """
exports.handler = async (event) => {
  for (const line of event.lines ?? []) console.log(line);
  if (event.partial) process.stdout.write(event.partial);
  if (event.error) console.error(event.error);
  return "done";
};
"""


def messages(stack: Stack, function: str) -> list[str]:
    """What the function wrote, without the lines of the platform."""
    paginator = stack.client("logs").get_paginator("filter_log_events")
    pages = paginator.paginate(logGroupName=f"/aws/lambda/{function}")
    found = [entry["message"] for page in pages for entry in page["events"]]
    return [entry for entry in found if not entry.startswith(("START", "END", "REPORT"))]


def test_a_function_that_logs_nothing_is_not_waited_for(stack):
    """Compared with one that logs, in turns, as a busy machine slows both."""
    silent, logging = stack.node_function(FUNCTION), stack.node_function(FUNCTION)
    lambda_ = stack.client("lambda")

    def milliseconds(function: str, payload: bytes) -> float:
        began = time.monotonic()
        assert lambda_.invoke(FunctionName=function, Payload=payload)["Payload"].read() == b'"done"'
        return (time.monotonic() - began) * 1000

    pairs = [(milliseconds(silent, b"{}"), milliseconds(logging, b'{"lines": ["a line"]}')) for _ in range(31)]
    longer = sorted(one - other for one, other in pairs)
    # MiniStack's wait for a log that does not come takes 50 ms.
    assert statistics.median(longer) < 25, longer
    assert messages(stack, silent) == []


def test_the_log_of_an_invocation_is_complete(stack):
    function, lambda_ = stack.node_function(FUNCTION), stack.client("lambda")
    lines = ",".join(f'"line {number}"' for number in range(2000))
    lambda_.invoke(FunctionName=function, Payload=f'{{"lines": [{lines}]}}'.encode())
    lambda_.invoke(FunctionName=function, Payload=b'{"error": "an error", "partial": "no line feed"}')
    lambda_.invoke(FunctionName=function, Payload=b'{"lines": ["last"]}')
    text = messages(stack, function)
    assert text[:2000] == [f"line {number}" for number in range(2000)]
    assert "".join(text[2000:]) == "".join(["no line feed", "an error", "last"])


def test_a_function_reaches_the_emulator_by_aws_host_names(stack):
    """Through https.request with a URL, an address and options, as SDKs and plain code call it."""
    function = stack.node_function(
        """const https = require("node:https");
        const address = "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15";
        const ask = (...args) => new Promise((done, failed) =>
          https.get(...args, (answer) => done(answer.resume().statusCode)).on("error", failed));
        exports.handler = async () => [await ask(address), await ask(new URL(address)), await ask({
          hostname: "sts.us-east-1.amazonaws.com", path: "/?Action=GetCallerIdentity&Version=2011-06-15" })];"""
    )
    answer = stack.client("lambda").invoke(FunctionName=function)
    assert answer["Payload"].read() == b"[200, 200, 200]"
