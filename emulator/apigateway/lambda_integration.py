"""Invokes the Lambda of an integration: its permission, its concurrency, its limits and its time-out."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

from ministack import app
from ministack.core.concurrency import run_reentrant
from ministack.services import apigateway, lambda_svc

from ..core import request_log
from ..iam import permissions

PATCHES = [
    ("ministack.core.concurrency", "run_reentrant"),
    ("ministack.services.apigateway", "_extract_lambda_ref_from_integration_uri"),
    ("ministack.services.lambda_svc", "_emit_lambda_metrics"),
    ("ministack.services.lambda_svc", "_execute_function_with_config_scope"),
    ("ministack.services.lambda_svc", "_execution_record_for_config"),
    ("ministack.services.lambda_svc", "_get_func_record_for_ref_in_scope"),
]

SERVICE = "apigateway.amazonaws.com"
ACTION = "lambda:InvokeFunction"
# What Lambda takes and gives in a synchronous invocation.
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024 + 100
DEFAULT_TIMEOUT_MILLIS = 30_000

# The texts of $context.integrationErrorMessage.
FUNCTION_ERROR = "The Lambda function returned the following error: {}. Check your Lambda function code and try again."
TOO_LARGE = f"Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES} bytes)."
NO_PERMISSION = (
    "The IAM role configured on the integration or API Gateway doesn't have permissions to call the integration. "
    "Check the permissions and try again."
)


@dataclass
class Outcome:
    """How an invocation ended. `status` is Lambda's answer to API Gateway."""

    status: int
    payload: Any = None
    problem: str = ""
    latency_ms: int = 0


class TimedOut(Exception):
    """The function did not answer within the integration's time-out. It runs on, as on AWS."""


# asyncio keeps no reference to a task.
_running: set[asyncio.Task[dict[str, Any]]] = set()


async def invoke(
    integration: dict[str, Any], event: dict[str, Any], source_arn: str, account_id: str, region: str
) -> Outcome:
    """Invoke the function once. Raises TimedOut."""
    reference = apigateway._extract_lambda_ref_from_integration_uri(integration["integrationUri"])
    function, config, _ = lambda_svc._get_func_record_for_ref_in_scope(reference, account_id=account_id, region=region)
    if function is None or config is None:
        return Outcome(404, problem=f"Function not found: {reference}")
    if not _is_permitted(function, reference, source_arn):
        return Outcome(403, problem=NO_PERMISSION)
    if _is_too_large(event):
        return Outcome(413, problem=f"Request must be smaller than {MAX_PAYLOAD_BYTES} bytes")
    record = lambda_svc._execution_record_for_config(function, config)
    return await _run(record, config, event, integration.get("timeoutInMillis") or DEFAULT_TIMEOUT_MILLIS)


async def _run(record: dict[str, Any], config: dict[str, Any], event: dict[str, Any], timeout_ms: int) -> Outcome:
    began = time.monotonic()
    task = asyncio.ensure_future(
        run_reentrant(lambda_svc._execute_function_with_config_scope, record, event, thread_name="apigateway-invoke")
    )
    _running.add(task)
    task.add_done_callback(lambda done: _finished(done, config, began, len(event.get("body", ""))))
    done, _ = await asyncio.wait({task}, timeout=timeout_ms / 1000)
    if not done:
        raise TimedOut
    result, latency = task.result(), int((time.monotonic() - began) * 1000)
    body = result.get("body")
    if result.get("throttle"):
        return Outcome(429, problem=str(body["message"]), latency_ms=latency)
    if result.get("error"):
        return Outcome(200, problem=FUNCTION_ERROR.format(body.get("errorMessage")), latency_ms=latency)
    return Outcome(200, payload=body, problem=TOO_LARGE if _is_too_large(body) else "", latency_ms=latency)


def _finished(task: asyncio.Task[dict[str, Any]], config: dict[str, Any], began: float, bytes_in: int) -> None:
    """Counts the invocation when it has ended, which may be after the client has its answer."""
    _running.discard(task)
    if task.cancelled() or task.exception():
        return
    result = task.result()
    throttled = bool(result.get("throttle"))
    if not throttled:  # the executor counts throttled ones itself
        lambda_svc._emit_lambda_metrics(
            config["FunctionName"],
            duration_ms=(time.monotonic() - began) * 1000,
            error=bool(result.get("error")),
            throttle=False,
        )
    request_log.add(
        SERVICE,
        ACTION,
        config["FunctionArn"],
        operation="Invoke",
        status=429 if throttled else 200,
        bytes_in=bytes_in,
    )


def _is_too_large(payload: Any) -> bool:
    """Whether Lambda refuses the payload. Most are far from the limit and need not be written out to see that: in
    JSON a character takes 6 bytes at most."""
    if isinstance(payload, dict) and len(str(payload.get("body") or "")) * 6 < MAX_PAYLOAD_BYTES // 2:
        return False
    return len(json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")) > MAX_PAYLOAD_BYTES


def _is_permitted(function: dict[str, Any], reference: str, source_arn: str) -> bool:
    """Whether the function's resource policy lets API Gateway invoke it for this route."""
    if not app.AUTH:
        return True
    return permissions.allows_service(function["policy"], SERVICE, ACTION, reference, source_arn)
