"""Asynchronous invocations with AWS's queue, retries, maximum age, dead-letter queue and destinations.

Replaces MiniStack's, which starts a process for each event, retries within seconds, counts nothing and sends records
in a form of its own without asking for permission. CLICKSTREAM_LAMBDA_MINUTE_SECONDS (default 60) is how long a minute
of a retry's wait or of an event's age takes, for tests.
"""

from __future__ import annotations

import contextvars
import functools
import json
import logging
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch, lambda_svc

from ..core import request_log
from ..core.context import Context
from . import destinations, invoke_settings
from .destinations import Outcome
from .event_queue import PARALLEL, EventQueue, QueuedEvent

PATCHES = [
    *invoke_settings.PATCHES,
    *(
        ("ministack.services.lambda_svc", name)
        for name in (
            "_acquire_execution_slot",
            "_emit_lambda_metrics",
            "_event_invoke_config",
            "_execute_function_dispatch",
            "_execution_record_for_config",
            "_functions",
            "_get_func_record_for_qualifier",
            "_func_arn",
            "_inbound_invoke_depth",
            "_invoke",
            "_invoke_depth",
            "_qp_first",
            "_recursive_loop_drop",
            "_release_execution_slot",
            "_reserved_concurrency",
            "_throttle_response",
            "invoke_async_with_retry",
        )
    ),
    ("ministack.services.cloudwatch", "record_metric"),
]

MINUTE_VARIABLE = "CLICKSTREAM_LAMBDA_MINUTE_SECONDS"
# AWS documents one minute before the second attempt and two minutes before the third.
RETRY_MINUTES = (1, 2)
# After a throttle: from one second, doubled each time, to five minutes.
LONGEST_BACKOFF_SECONDS = 300
# The quota for asynchronous invocations.
MAX_EVENT_BYTES = 1024 * 1024
NO_CONCURRENCY = "The function's reserved concurrency is 0, so that Lambda does not run it."
TYPE_HEADER = "x-amz-invocation-type"

logger = logging.getLogger("lambda-events")

Invoke = Callable[..., Awaitable[tuple]]


def install(context: Context) -> None:
    invocations = AsynchronousInvocations(context)
    lambda_svc._invoke = invocations.accepting(lambda_svc._invoke)
    lambda_svc.invoke_async_with_retry = invocations.accept_record
    invoke_settings.install()
    context.on_shutdown("asynchronous invocations", invocations.stop)
    invocations.queue.start()


class AsynchronousInvocations:
    def __init__(self, context: Context) -> None:
        self._context = context
        # How long AWS's minute takes here.
        self._minute = float(os.environ.get(MINUTE_VARIABLE, "60"))
        self.queue = EventQueue(self._attempt, _parallel)

    def stop(self) -> None:
        if left := self.queue.stop():
            self._context.warn(f"{left} events of asynchronous invocations were still waiting and end with this run")

    # ---- accepting

    def accepting(self, invoke: Invoke) -> Invoke:
        """Invoke with InvocationType Event: answers 202 when the event is in the queue."""

        @functools.wraps(invoke)
        async def invoked(
            name: str,
            event: Any,
            headers: Mapping[str, str],
            path_qualifier: str | None = None,
            query_params: dict | None = None,
        ) -> tuple:
            if _header(headers, TYPE_HEADER) != "Event":
                return await invoke(name, event, headers, path_qualifier, query_params)
            dry = {
                **{key: value for key, value in headers.items() if key.lower() != TYPE_HEADER},
                TYPE_HEADER: "DryRun",
            }
            checked = await invoke(name, event, dry, path_qualifier, query_params)
            if checked[0] != 204:
                return checked
            refusal = _refusal(name, event, headers)
            if refusal is not None:
                return refusal
            qualifier = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier")
            arn = lambda_svc._func_arn(name) + (f":{qualifier}" if qualifier else "")
            self.accept(arn, event)
            return 202, checked[1], b""

        return invoked

    def accept_record(self, function: dict[str, Any], event: Any) -> None:
        """For MiniStack's own services: S3 events and what else invokes a function asynchronously."""
        self.accept((function.get("config") or function)["FunctionArn"], event)

    def accept(self, function_arn: str, event: Any) -> None:
        self.queue.add(
            QueuedEvent(
                function_arn=function_arn,
                request_id=str(uuid.uuid4()),
                event=event,
                accepted=time.time(),
                context=contextvars.copy_context(),
            )
        )
        _count("AsyncEventsReceived", function_arn)

    # ---- attempts

    def _attempt(self, queued: QueuedEvent) -> float | None:
        """Invoke the function once. Returns when to try again."""
        account, region = _scope(queued.function_arn)
        with responses.request_scope(account, region):
            function, config = _resolve(queued.function_arn)
            if function is None or config is None:
                logger.warning("an event of %s is dropped: the function was deleted", queued.function_arn)
                return None
            settings = _settings(queued.function_arn)
            if time.time() >= self._expires(queued, settings):
                self._report(self._discarded(queued, config, destinations.TOO_OLD), settings)
                return None
            if lambda_svc._reserved_concurrency(_base(queued.function_arn), config) == 0:
                queued.last = lambda_svc._throttle_response("FunctionInvocationLimit", NO_CONCURRENCY)
                self._report(self._discarded(queued, config, destinations.RETRIES_EXHAUSTED), settings)
                return None
            queued.last = self._execute(queued, function, config)
            return self._after(queued, config, settings)

    def _execute(self, queued: QueuedEvent, function: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
        """As MiniStack's _execute_function, with the request id that the event keeps through its attempts."""
        record = lambda_svc._execution_record_for_config(function, {**config, "FunctionArn": queued.function_arn})
        # Reserved concurrency is a setting of the function, shared by its versions.
        record["concurrency"] = _base(queued.function_arn).get("concurrency")
        began = time.time()
        slot, limit = lambda_svc._acquire_execution_slot(record, config)
        if slot is None:
            result = lambda_svc._throttle_response("ConcurrentInvocationLimitExceeded", f"Rate exceeded: {limit}")
        else:
            queued.invocations += 1
            try:
                result = lambda_svc._execute_function_dispatch(record, config, queued.event, queued.request_id, began)
            finally:
                lambda_svc._release_execution_slot(slot)
        throttled = bool(result.get("throttle"))
        failed = bool(result.get("error")) and not throttled
        lambda_svc._emit_lambda_metrics(config["FunctionName"], (time.time() - began) * 1000, failed, throttled)
        request_log.add(
            request_log.LAMBDA,
            "lambda:InvokeFunction",
            queued.function_arn,
            operation="Invoke",
            status=429 if throttled else 200,
        )
        return result

    def _after(self, queued: QueuedEvent, config: dict[str, Any], settings: dict[str, Any]) -> float | None:
        if queued.last.get("throttle"):
            wait = min(2.0**queued.throttles, LONGEST_BACKOFF_SECONDS) / 60
            queued.throttles += 1
        elif not queued.last.get("error"):
            self._report(self._outcome(queued, config, destinations.SUCCESS), settings)
            return None
        elif queued.retries >= settings["MaximumRetryAttempts"]:
            self._report(self._discarded(queued, config, destinations.RETRIES_EXHAUSTED), settings)
            return None
        else:
            logger.warning("%s failed on %s: %s", queued.function_arn, queued.request_id, queued.last.get("body"))
            wait = RETRY_MINUTES[queued.retries]
            queued.retries += 1
        # An event that is too old by then is given up as soon as it is.
        return min(time.time() + wait * self._minute, self._expires(queued, settings))

    def _expires(self, queued: QueuedEvent, settings: dict[str, Any]) -> float:
        return queued.accepted + settings["MaximumEventAgeInSeconds"] / 60 * self._minute

    # ---- the end

    def _discarded(self, queued: QueuedEvent, config: dict[str, Any], condition: str) -> Outcome:
        _count("AsyncEventsDropped", queued.function_arn)
        outcome = self._outcome(queued, config, condition)
        logger.warning(
            "%s gave up an event (%s): %s", queued.function_arn, condition, destinations.error_message(outcome)
        )
        return outcome

    def _outcome(self, queued: QueuedEvent, config: dict[str, Any], condition: str) -> Outcome:
        last, arn = queued.last, queued.function_arn
        throttled = bool(last.get("throttle"))
        ran = bool(queued.invocations) and not throttled
        return Outcome(
            condition=condition,
            function=config,
            function_arn=arn if arn.count(":") > 6 else f"{arn}:$LATEST",
            request_id=queued.request_id,
            event=queued.event,
            invocations=queued.invocations,
            response=last.get("body") if ran else None,
            function_error=(last.get("function_error") or "Unhandled") if ran and last.get("error") else "",
            status=429 if throttled else 200,
            message=last["body"]["message"] if throttled else "",
        )

    def _report(self, outcome: Outcome, settings: dict[str, Any]) -> None:
        """To the dead-letter queue and to the destination, each for itself. What they do not take is lost, as on
        AWS."""
        side = "OnFailure" if outcome.failed else "OnSuccess"
        destination = (settings["DestinationConfig"].get(side) or {}).get("Destination")
        dead_letters = (outcome.function.get("DeadLetterConfig") or {}).get("TargetArn") if outcome.failed else None
        for target, send, metric in (
            (dead_letters, destinations.send_to_dead_letters, "DeadLetterErrors"),
            (destination, destinations.send, "DestinationDeliveryFailures"),
        ):
            if not target:
                continue
            try:
                send(self._context, target, outcome)
            except Exception as problem:
                _count(metric, outcome.function_arn)
                self._context.warn(
                    f"{target} did not take the record of {outcome.function_arn} ({outcome.condition}, request "
                    f"{outcome.request_id}), and Lambda does not send it again: {problem}"
                )


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _refusal(name: str, event: Any, headers: Mapping[str, str]) -> tuple | None:
    """Too large, or the end of a loop of functions that invoke each other."""
    if len(json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")) > MAX_EVENT_BYTES:
        return responses.error_response_json(
            "RequestTooLargeException",
            f"Request must be smaller than {MAX_EVENT_BYTES} bytes for the InvokeFunction operation",
            413,
        )
    depth = lambda_svc._inbound_invoke_depth(dict(headers)) + 1
    dropped = lambda_svc._recursive_loop_drop(name, lambda_svc._functions[name], depth)
    if dropped is None:
        lambda_svc._invoke_depth.set(depth)
    return dropped


def _scope(function_arn: str) -> tuple[str, str]:
    parts = function_arn.split(":")
    return parts[4], parts[3]


def _resolve(function_arn: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The function as it is now: a retry runs the code that was deployed in between."""
    parts = function_arn.split(":")
    return lambda_svc._get_func_record_for_qualifier(parts[6], parts[7] if len(parts) > 7 else None)


def _base(function_arn: str) -> dict[str, Any]:
    """The function without its version. Empty if it was deleted."""
    return lambda_svc._functions.get(function_arn.split(":")[6]) or {}


def _settings(function_arn: str) -> dict[str, Any]:
    parts = function_arn.split(":")
    qualifier = parts[7] if len(parts) > 7 and parts[7] != "$LATEST" else None
    given = lambda_svc._event_invoke_config(_base(function_arn), qualifier)
    return {**invoke_settings.DEFAULTS, **(given or {})}


def _parallel(function_arn: str) -> int:
    """How many events of a function may run: no more than its reserved concurrency, which would only throttle them."""
    with responses.request_scope(*_scope(function_arn)):
        function = _base(function_arn)
        reserved = lambda_svc._reserved_concurrency(function, function.get("config") or {})
    return PARALLEL if reserved is None else max(1, min(PARALLEL, reserved))


def _count(metric: str, function_arn: str) -> None:
    cloudwatch.record_metric("AWS/Lambda", metric, 1, "Count", {"FunctionName": function_arn.split(":")[6]})
