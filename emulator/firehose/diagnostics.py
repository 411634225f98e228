"""Errors of a delivery stream in its log stream (CloudWatchLoggingOptions).

https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html
"""

from __future__ import annotations

import json
import time

from ministack.services import cloudwatch_logs

from ..core import request_log
from ..core.context import Context
from ..iam import permissions
from . import roles
from .destinations import Destination
from .streams import DeliveryStream

PATCHES = [("ministack.services.cloudwatch_logs", name) for name in ("_log_groups", "_put_log_events")]

ACTION = "logs:PutLogEvents"


class Diagnostics:
    def __init__(self, context: Context, stream: DeliveryStream) -> None:
        self._context, self._stream = context, stream
        self._warned: set[str] = set()

    def report(self, destination: Destination, code: str, message: str, processor: str = "") -> None:
        """Write the error to the log stream, if logging is on. The first of a kind is also on the console."""
        self.warn_once(code, f"delivery stream {self._stream.name}: {code}: {message}")
        options = destination["CloudWatchLoggingOptions"]
        if not options.get("Enabled"):
            return
        entry = {
            "deliveryStreamARN": self._stream.arn,
            "destination": destination["BucketARN"],
            "deliveryStreamVersionId": self._stream.version,
            "message": message,
            "errorCode": code,
            **({"processor": processor} if processor else {}),
        }
        try:
            self._write(destination["RoleARN"], options["LogGroupName"], options["LogStreamName"], json.dumps(entry))
        except (permissions.Denied, permissions.NotAssumable, LookupError) as problem:
            self.warn_once(f"log {code}", f"delivery stream {self._stream.name} cannot write to its log: {problem}")

    def warn_once(self, kind: str, message: str) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            self._context.warn(message)

    def _write(self, role_arn: str, group: str, log_stream: str, line: str) -> None:
        resource = (
            f"arn:aws:logs:{self._stream.region}:{self._stream.account}:log-group:{group}:log-stream:{log_stream}"
        )
        with roles.acting(role_arn, self._stream.arn):
            permissions.require(ACTION, resource)
            # AWS does not make them either.
            if log_stream not in (cloudwatch_logs._log_groups.get(group) or {"streams": {}})["streams"]:
                raise LookupError(f"the log stream {log_stream} of the log group {group} does not exist")
            request_log.add(permissions.caller(), ACTION, resource, bytes_in=len(line))
            event = {"timestamp": int(time.time() * 1000), "message": line}
            cloudwatch_logs._put_log_events({"logGroupName": group, "logStreamName": log_stream, "logEvents": [event]})
