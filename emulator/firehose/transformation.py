"""Invokes the transformation Lambda with a batch of records, and again if it fails.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html and
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from ministack.services import lambda_svc

from ..core import request_log
from ..iam import permissions
from . import answers, metrics, roles
from .answers import Failure, Transformed
from .processors import LambdaProcessor
from .records import Record
from .streams import DeliveryStream

PATCHES = [
    ("ministack.services.lambda_svc", name)
    for name in (
        "_emit_lambda_metrics",
        "_execute_function_with_config_scope",
        "_execution_record_for_config",
        "_get_func_record_for_ref_in_scope",
    )
]

ACTION = "lambda:InvokeFunction"
# Lambda's limit for the payload of a synchronous invocation, and for its answer.
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
# Firehose waits so long for an invocation.
LONGEST_INVOCATION_SECONDS = 300
FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 10.0

ASSUME_ROLE_DENIED = Failure(
    "Lambda.AssumeRoleAccessDenied",
    "Access was denied. Ensure that the trust policy for the provided IAM role allows Firehose to assume the role.",
)
INVOKE_DENIED = Failure(
    "Lambda.InvokeAccessDenied",
    "Access was denied. Ensure that the access policy allows access to the Lambda function.",
)
NOT_FOUND = Failure(
    "Lambda.ResourceNotFound", "The specified Lambda function does not exist. Use a different function that does exist."
)
THROTTLED = Failure(
    "Lambda.InvokeLimitExceeded",
    "The Lambda invocation limit has been exceeded. Increase the number of concurrent invocations of the function.",
)
TIMED_OUT = Failure(
    "Lambda.FunctionRequestTimedOut", "The Lambda function did not return before Firehose stopped waiting for it."
)


@dataclass(frozen=True)
class Attempts:
    """What became of a batch, after how many invocations. None: the stream was stopped."""

    result: Transformed | None
    made: int


class Transformation:
    def __init__(self, stream: DeliveryStream, stopped: threading.Event, invoke_twice: bool = False) -> None:
        self._stream, self._stopped, self._invoke_twice = stream, stopped, invoke_twice

    def run(self, processor: LambdaProcessor, records: list[Record]) -> Attempts:
        """Transform a batch. Every record that is not ok after the last attempt has a failure."""
        if self._invoke_twice:
            # As after an answer that was lost on its way.
            self._invoke(processor, records)
        made = 0
        while not self._stopped.is_set():
            made += 1
            result = self._invoke(processor, records)
            if self._stopped.is_set():
                break
            if isinstance(result, Transformed):
                return Attempts(result, made)
            if made > processor.retries:
                return Attempts(answers.all_failed(records, result), made)
            self._stopped.wait(min(FIRST_BACKOFF_SECONDS * 2 ** min(made - 1, 10), LONGEST_BACKOFF_SECONDS))
        return Attempts(None, made)

    def _invoke(self, processor: LambdaProcessor, records: list[Record]) -> Transformed | Failure:
        began = time.monotonic()
        answer = self._call(processor, answers.event(self._stream, records))
        result = answer if isinstance(answer, Failure) else answers.read(records, answer.get("body"))
        metrics.record(
            self._stream.name,
            ExecuteProcessing_Duration=(time.monotonic() - began) * 1000,
            ExecuteProcessing_Success=0 if isinstance(result, Failure) else 1,
        )
        return result

    def _call(self, processor: LambdaProcessor, event: dict[str, Any]) -> dict[str, Any] | Failure:
        """The function's result, or why there is none."""
        try:
            with roles.acting(processor.role_arn, self._stream.arn):
                permissions.require(ACTION, processor.function_arn)
                function, config, _ = lambda_svc._get_func_record_for_ref_in_scope(
                    processor.function_arn, account_id=self._stream.account, region=self._stream.region
                )
                if function is None or config is None:
                    return NOT_FOUND
                result = self._wait(lambda_svc._execution_record_for_config(function, config), config, event)
        except permissions.NotAssumable:
            return ASSUME_ROLE_DENIED
        except permissions.Denied:
            return INVOKE_DENIED
        return result if isinstance(result, Failure) else _checked(result)

    def _wait(self, record: dict[str, Any], config: dict[str, Any], event: dict[str, Any]) -> dict[str, Any] | Failure:
        """The function runs on after Firehose has stopped waiting, as on AWS."""
        began, found = time.monotonic(), []
        # Called here, since a thread does not inherit the role.
        caller = permissions.caller()
        size = sum(len(entry["data"]) for entry in event["records"])

        def run() -> None:
            result = lambda_svc._execute_function_with_config_scope(record, event)
            throttled = bool(result.get("throttle"))
            if not throttled:  # the executor counts throttled ones itself
                duration = (time.monotonic() - began) * 1000
                lambda_svc._emit_lambda_metrics(config["FunctionName"], duration, bool(result.get("error")), False)
            request_log.add(
                caller,
                ACTION,
                config["FunctionArn"],
                operation="Invoke",
                status=429 if throttled else 200,
                bytes_in=size,
            )
            found.append(result)

        thread = threading.Thread(target=run, daemon=True, name=f"firehose-invoke-{self._stream.name}")
        thread.start()
        thread.join(LONGEST_INVOCATION_SECONDS)
        if found:
            return found[0]
        return TIMED_OUT if thread.is_alive() else answers.FUNCTION_ERROR


def _checked(result: dict[str, Any]) -> dict[str, Any] | Failure:
    if result.get("throttle"):
        return THROTTLED
    if result.get("error"):  # an exception, the function's own time-out or a dead worker
        return answers.FUNCTION_ERROR
    if len(json.dumps(result.get("body"), ensure_ascii=False).encode("utf-8", "replace")) > MAX_PAYLOAD_BYTES:
        return answers.FUNCTION_ERROR
    return result
