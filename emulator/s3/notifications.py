"""Event notifications of buckets: the check of a configuration, and the announcement to functions, queues and topics.

Replaces of MiniStack's: settings that it stores though AWS refuses them, a function without permission that it
invokes, and a thread for each event, which announces them in any order. Here one thread announces them in the order of
the changes. With CLICKSTREAM_S3_FAULTS=event-twice, each event is announced again half a second later, so after events
that followed: S3 promises each event at least once, and no order.
"""

from __future__ import annotations

import contextvars
import copy
import itertools
import json
import logging
import os
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from ministack import app
from ministack.services import lambda_svc, s3

from ..core import request_log
from ..core.context import Context
from ..iam import permissions

PATCHES = [
    *(
        ("ministack.services.s3", name)
        for name in (
            "_bucket_notifications",
            "_bucket_owner_account",
            "_deliver_event_to_lambda",
            "_deliver_event_to_sns",
            "_deliver_event_to_sqs",
            "_error",
            "_fire_s3_event",
            "_fire_s3_event_async",
            "_next_event_sequencer",
            "_put_bucket_notification",
            "fromstring",
        )
    ),
    ("ministack.services.lambda_svc", "_get_func_record_for_ref"),
    ("ministack.services.lambda_svc", "invoke_async_with_retry"),
]

FAULTS_VARIABLE = "CLICKSTREAM_S3_FAULTS"
TWICE = "event-twice"
SECOND_AFTER_SECONDS = 0.5

SERVICE = "s3.amazonaws.com"
INVOKE = "lambda:InvokeFunction"

# What the local stack announces. AWS has more: for tags, access control lists, replication, tiering and lifecycle.
CREATED = ("Put", "Post", "Copy", "CompleteMultipartUpload")
REMOVED = ("Delete", "DeleteMarkerCreated")
EVENTS = {
    **{f"s3:ObjectCreated:{name}": {f"s3:ObjectCreated:{name}"} for name in CREATED},
    **{f"s3:ObjectRemoved:{name}": {f"s3:ObjectRemoved:{name}"} for name in REMOVED},
    "s3:ObjectCreated:*": {f"s3:ObjectCreated:{name}" for name in CREATED},
    "s3:ObjectRemoved:*": {f"s3:ObjectRemoved:{name}" for name in REMOVED},
}

# Element of a configuration: the elements that can name its destination. SDKs write the older names.
TARGETS = {
    "QueueConfiguration": ("Queue",),
    "TopicConfiguration": ("Topic",),
    "CloudFunctionConfiguration": ("CloudFunction", "LambdaFunctionArn"),
    "LambdaFunctionConfiguration": ("LambdaFunctionArn", "CloudFunction"),
}
MAX_FILTER_BYTES = 1024

logger = logging.getLogger("s3-events")


class Refused(ValueError):
    """A configuration that AWS refuses, or that the local stack cannot honour."""

    def __init__(self, message: str, code: str = "InvalidArgument", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


@dataclass(frozen=True)
class Rule:
    """One configuration of a bucket: these events of keys with this prefix and suffix go to this destination."""

    identifier: str
    kind: str
    arn: str
    events: frozenset[str]
    prefix: str
    suffix: str

    def overlaps(self, other: Rule) -> bool:
        """Whether a key can match both rules for the same event."""
        return (
            bool(self.events & other.events)
            and _one_begins(self.prefix, other.prefix)
            and _one_begins(self.suffix[::-1], other.suffix[::-1])
        )


def install(_context: Context) -> None:
    faults = os.environ.get(FAULTS_VARIABLE, "")
    if faults not in ("", TWICE):
        raise ValueError(f"{FAULTS_VARIABLE} can be {TWICE}, got {faults}")
    announcer = Announcer(twice=faults == TWICE)
    s3._put_bucket_notification = _checked(s3._put_bucket_notification)
    s3._fire_s3_event_async = announcer.fire
    s3._deliver_event_to_lambda = _invoke
    for name in ("_deliver_event_to_lambda", "_deliver_event_to_sqs", "_deliver_event_to_sns"):
        setattr(s3, name, announcer.delivering(getattr(s3, name)))
    announcer.start()


# ---- the configuration ----


def _checked(put: Callable[..., tuple]) -> Callable[..., tuple]:
    def put_notification(name: str, body: bytes, headers: dict | None = None) -> tuple:
        if name not in s3._buckets:
            return put(name, body, headers)
        try:
            rules = read_rules(body)
            _check_overlaps(rules)
            if _header(headers, "x-amz-skip-destination-validation") != "true":
                _check_functions(name, rules)
        except Refused as problem:
            return s3._error(problem.code, str(problem), problem.status)
        return put(name, body, headers)

    return put_notification


def read_rules(body: bytes) -> list[Rule]:
    """The rules of a NotificationConfiguration. Raises Refused for anything that MiniStack would leave out."""
    try:
        root = s3.fromstring(body)
    except (ParseError, ValueError):  # a ValueError is a forbidden entity
        raise Refused(
            "The XML you provided was not well-formed or did not validate against our published schema",
            code="MalformedXML",
        ) from None
    rules = [_read_rule(element) for element in root if _tag(element) != "EventBridgeConfiguration"]
    twice = [name for name, count in Counter(rule.identifier for rule in rules).items() if name and count > 1]
    if twice:
        raise Refused(f"Same ID used for multiple configurations. IDs must be unique: {', '.join(twice)}")
    return rules


def _read_rule(element: Element) -> Rule:
    kind = _tag(element)
    if kind not in TARGETS:
        raise Refused(f"The notification configuration has the element {kind}, which S3 does not know.", "MalformedXML")
    arn = next(filter(None, (_text(element, name) for name in TARGETS[kind])), "")
    if not arn:
        raise Refused(f"A {kind} names no destination.", code="MalformedXML")
    if arn.endswith(".fifo"):
        raise Refused(f"Unable to validate the following destination configurations: {arn} (FIFO is not supported)")
    named = [child.text or "" for child in element if _tag(child) == "Event"]
    if not named:
        raise Refused(f"The {kind} for {arn} names no event.", code="MalformedXML")
    for event in named:
        if event not in EVENTS:
            raise Refused(
                f"The event '{event}' is not supported for notifications by the local stack. It supports: "
                f"{', '.join(EVENTS)}."
            )
    prefix, suffix = _read_filter(element)
    events = frozenset(itertools.chain.from_iterable(EVENTS[event] for event in named))
    return Rule(_text(element, "Id"), kind, arn, events, prefix, suffix)


def _read_filter(element: Element) -> tuple[str, str]:
    found: dict[str, str] = {}
    for rule in (rule for rule in element.iter() if _tag(rule) == "FilterRule"):
        name, value = _text(rule, "Name").lower(), _text(rule, "Value")
        if name not in ("prefix", "suffix"):
            raise Refused(f"filter rule name must be either prefix or suffix, got '{_text(rule, 'Name')}'")
        if name in found:
            raise Refused(f"Cannot specify more than one {name} rule in a filter.")
        if len(value.encode()) > MAX_FILTER_BYTES:
            raise Refused(f"Size of filter rule value cannot exceed {MAX_FILTER_BYTES} bytes in UTF-8 representation")
        found[name] = value
    return found.get("prefix", ""), found.get("suffix", "")


def _check_overlaps(rules: list[Rule]) -> None:
    for one, other in itertools.combinations(rules, 2):
        if not one.overlaps(other):
            continue
        if one.prefix or one.suffix or other.prefix or other.suffix:
            raise Refused(
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes "
                "are overlapping for the same event type."
            )
        raise Refused("Configurations overlap. Configurations on the same bucket cannot share a common event type.")


def _check_functions(bucket: str, rules: Iterable[Rule]) -> None:
    """S3 asks Lambda whether it may invoke the function. MiniStack checks queues and topics."""
    refused = [rule.arn for rule in rules if "Function" in rule.kind and _problem_with(rule.arn, bucket)]
    if refused:
        raise Refused(f"Unable to validate the following destination configurations: {', '.join(refused)}")


def _problem_with(function_arn: str, bucket: str) -> str | None:
    """Why S3 cannot invoke the function for this bucket."""
    if not function_arn.startswith("arn:"):
        return f"{function_arn} is not an ARN"
    function, config, _ = lambda_svc._get_func_record_for_ref(function_arn)
    if function is None or config is None:
        return f"the function {function_arn} does not exist"
    if not app.AUTH:
        return None
    # A bucket's ARN has no account.
    owner = {"aws:sourceaccount": s3._bucket_owner_account(bucket) or ""}
    source = f"arn:aws:s3:::{bucket}"
    allowed = permissions.allows_service(function["policy"], SERVICE, INVOKE, function_arn, source, keys=owner)
    return None if allowed else f"the policy of {function_arn} does not let {SERVICE} invoke it for {bucket}"


def _one_begins(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element, name: str) -> str:
    return next((child.text or "" for child in element if _tag(child) == name), "")


def _header(headers: dict | None, name: str) -> str:
    return str((headers or {}).get(name, "")).lower()


# ---- the announcement ----

Deliver = Callable[..., None]


class Announcer(threading.Thread):
    """Announces changes in their order, after the request that made them."""

    def __init__(self, *, twice: bool) -> None:
        super().__init__(daemon=True, name="s3-events")
        self._twice = twice
        self._changes: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def fire(
        self,
        bucket: str,
        key: str,
        event: str,
        size: int = 0,
        etag: str = "",
        deletion_type: str | None = None,
        **more: Any,
    ) -> None:
        """As MiniStack's _fire_s3_event_async."""
        if bucket not in s3._bucket_notifications:
            return
        more["sequencer"] = s3._next_event_sequencer(event)
        context = contextvars.copy_context()
        self._changes.put(lambda: context.run(s3._fire_s3_event, bucket, key, event, size, etag, deletion_type, **more))

    def run(self) -> None:
        while True:
            announce = self._changes.get()
            try:
                announce()
            except Exception:
                logger.exception("an event could not be announced")

    def delivering(self, deliver: Deliver) -> Deliver:
        """Deliver an event to one destination, as often as the settings say."""

        def delivered(arn: str, payload: dict[str, Any], *where: Any, **named: Any) -> None:
            event = _as_aws(payload)
            deliver(arn, event, *where, **named)
            if self._twice:
                context = contextvars.copy_context()
                again = threading.Timer(
                    SECOND_AFTER_SECONDS, context.run, (deliver, arn, copy.deepcopy(event), *where), named
                )
                again.daemon = True
                again.start()

        return delivered


def _as_aws(payload: dict[str, Any]) -> dict[str, Any]:
    """The event as AWS writes it: a removed object has neither size nor ETag."""
    event = copy.deepcopy(payload)
    for record in event.get("Records", []):
        if record["eventName"].startswith("ObjectRemoved:"):
            for name in ("size", "eTag"):
                record["s3"]["object"].pop(name, None)
    return event


def _invoke(function_arn: str, event: dict[str, Any], _region: str) -> None:
    """Asynchronously, as S3 does. The permission may have been removed since the bucket's configuration was checked."""
    bucket = event["Records"][0]["s3"]["bucket"]["name"]
    problem = _problem_with(function_arn, bucket)
    request_log.add(
        SERVICE,
        INVOKE,
        function_arn,
        operation="Invoke",
        status=403 if problem else 202,
        bytes_in=len(json.dumps(event)),
    )
    if problem:
        logger.error("an event of the bucket %s is lost: %s", bucket, problem)
        return
    lambda_svc.invoke_async_with_retry({"FunctionArn": function_arn}, event)
