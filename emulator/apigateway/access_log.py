"""Access logs of a stage: one line for each request in the log group of accessLogSettings.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any

from ministack.services import cloudwatch_logs

PATCHES = [
    ("ministack.services.cloudwatch_logs", name)
    for name in ("_append_log_events", "_create_log_stream", "_fanout_to_subscription_filters", "_log_groups")
]

_VARIABLE = re.compile(r"\$context\.\w+(?:\.\w+)*")
# The identifier that a format must have, so that a line can be found for a request.
REQUIRED = ("$context.requestId", "$context.extendedRequestId")

logger = logging.getLogger("emulator.apigateway")


def group_of(arn: str) -> str | None:
    """The log group's name, or None if it is no log group's ARN."""
    parts = arn.split(":", 6)
    if len(parts) < 7 or parts[2] != "logs" or parts[5] != "log-group":
        return None
    return parts[6].removesuffix(":*")


def problem(settings: dict[str, Any]) -> str | None:
    """Why AWS refuses these settings, or None."""
    group = group_of(str(settings.get("destinationArn", "")))
    if group is None:
        return "accessLogSettings.destinationArn must be the ARN of a log group"
    if group not in cloudwatch_logs._log_groups:
        return f"The log group {group} of accessLogSettings does not exist"
    log_format = settings.get("format")
    if not log_format:
        return "accessLogSettings.format must be set"
    if not any(name in _VARIABLE.findall(log_format) for name in REQUIRED):
        return f"Access Log format must contain {' or '.join(REQUIRED)}"
    if "\n" in log_format.rstrip("\n"):
        return "Access Log format must be single line, new line character is allowed only at end of the format"
    return None


def line(log_format: str, variables: dict[str, Any]) -> str:
    """The format with its variables replaced. What is unknown, or absent in this request, is a hyphen."""

    def value(found: re.Match[str]) -> str:
        known = variables.get(found.group().removeprefix("$context."))
        return "-" if known is None or known == "" else str(known)

    return _VARIABLE.sub(value, log_format.rstrip("\n"))


class AccessLogs:
    """Writes the lines. Each run of the emulator has a log stream of its own for each stage."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)

    def write(self, api_id: str, stage: dict[str, Any], variables: dict[str, Any]) -> None:
        settings = stage.get("accessLogSettings")
        if not settings:
            return
        name = group_of(settings["destinationArn"]) or ""
        group = cloudwatch_logs._log_groups.get(name)
        if group is None:
            logger.error("no access log of %s: the log group %s was deleted", api_id, name)
            return
        stream = f"{api_id}/{stage['stageName']}/{self._run}"
        if stream not in group["streams"]:
            cloudwatch_logs._create_log_stream({"logGroupName": name, "logStreamName": stream})
        now = int(time.time() * 1000)
        entry = {"timestamp": now, "message": line(settings["format"], variables)}
        cloudwatch_logs._append_log_events(group["streams"][stream], [{**entry, "ingestionTime": now}])
        cloudwatch_logs._fanout_to_subscription_filters(name, stream, [entry])
