"""Prefixes of object names: the expressions in them, what AWS accepts, and the name of an object.

https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html and
https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
"""

from __future__ import annotations

import re
import secrets
import string
import uuid
from datetime import datetime, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import Refused, invalid
from .timestamps import BadPattern, format_time

PROCESSING_FAILED = "processing-failed"

DEFAULT_TIME = "!{timestamp:yyyy/MM/dd/HH/}"
ERROR_TYPE = "!{firehose:error-output-type}"
MAX_EVALUATED = 512
RANDOM_LENGTH = 11
EXTENSIONS = {"UNCOMPRESSED": "", "GZIP": ".gz"}

_EXPRESSION = re.compile(r"!\{([^:}]*):?([^}]*)\}")
# The widest values of most patterns.
_LATE = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


def check_prefixes(destination: dict[str, Any]) -> None:
    """Raises Refused for prefixes that AWS does not take."""
    prefix, error_prefix = destination.get("Prefix") or "", destination.get("ErrorOutputPrefix") or ""
    if ERROR_TYPE in prefix:
        raise _unmet(f"Prefix cannot contain {ERROR_TYPE}")
    if "!{" in prefix and not error_prefix:
        raise _unmet("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions")
    if "!{" in error_prefix and ERROR_TYPE not in error_prefix:
        raise _unmet(f"ErrorOutputPrefix with expressions must contain {ERROR_TYPE}")
    for name, given in (("Prefix", prefix), ("ErrorOutputPrefix", error_prefix)):
        if len(_evaluate(name, given, _LATE, PROCESSING_FAILED)) > MAX_EVALUATED:
            raise _unmet(f"{name} must have at most {MAX_EVALUATED} characters when it is evaluated")


def _unmet(constraint: str) -> Refused:
    return invalid(f"The supplied prefix(es) do not satisfy the following constraint: {constraint}")


def time_zone(name: str) -> tzinfo:
    """UTC, or the zone of a name with a slash: AWS refuses names such as EST. Raises Refused."""
    if name in ("", "UTC"):
        return timezone.utc
    try:
        if "/" in name and not name.startswith("/"):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise invalid(f"CustomTimeZone must be UTC or the name of an IANA time zone such as Asia/Tokyo, got {name}")


def object_name(destination: dict[str, Any], stream: str, version: int, oldest: float, error_type: str = "") -> str:
    """The key of an object whose oldest record arrived at `oldest`. `error_type` says that it holds failed records."""
    moment = datetime.fromtimestamp(int(oldest), time_zone(destination.get("CustomTimeZone") or ""))
    prefix = _evaluate("Prefix", _template(destination, error_type), moment, error_type)
    return f"{prefix}{stream}-{version}-{moment:%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}{_extension(destination)}"


def _template(destination: dict[str, Any], error_type: str) -> str:
    prefix, error_prefix = destination.get("Prefix") or "", destination.get("ErrorOutputPrefix") or ""
    if not error_type:
        return prefix if "!{timestamp:" in prefix else prefix + DEFAULT_TIME
    if "!{" in error_prefix:
        return error_prefix
    return f"{error_prefix or prefix}{ERROR_TYPE}/{DEFAULT_TIME}"


def _extension(destination: dict[str, Any]) -> str:
    return destination.get("FileExtension") or EXTENSIONS[destination["CompressionFormat"]]


def _evaluate(name: str, template: str, moment: datetime, error_type: str) -> str:
    def value(found: re.Match[str]) -> str:
        namespace, argument = found.groups()
        if namespace == "timestamp" and argument:
            try:
                return format_time(argument, moment)
            except BadPattern as problem:
                raise invalid(f"{name}: {found.group()} is not a valid expression: {problem}") from None
        if (namespace, argument) == ("firehose", "random-string"):
            return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(RANDOM_LENGTH))
        if found.group() == ERROR_TYPE:
            return error_type
        if namespace in ("partitionKeyFromQuery", "partitionKeyFromLambda"):
            raise invalid(
                f"{name}: {found.group()} needs dynamic partitioning, which the local stack does not support."
            )
        raise invalid(f"{name}: {found.group()} is not a valid expression")

    evaluated = _EXPRESSION.sub(value, template)
    if "!{" in evaluated:
        raise invalid(f"{name}: !{{ must begin an expression !{{namespace:value}}")
    return evaluated
