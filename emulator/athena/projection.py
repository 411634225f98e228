"""Partition projection: the partitions that a table's properties define, without catalog entries.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone

from .catalog import Column
from .errors import AthenaFailure

_MOST = 1_000_000
_UNITS = {
    "YEARS": "years",
    "MONTHS": "months",
    "WEEKS": "weeks",
    "DAYS": "days",
    "HOURS": "hours",
    "MINUTES": "minutes",
    "SECONDS": "seconds",
}
_JAVA_TO_STRPTIME = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def values_of(key: Column, properties: dict, wanted: set[str] | None) -> list[str]:
    """Every value that the projection of one partition column defines."""
    prefix = f"projection.{key.name}."
    own = {name[len(prefix) :]: value for name, value in properties.items() if name.startswith(prefix)}
    kind = own.get("type", "").lower()
    if kind == "enum":
        return [value.strip() for value in _needed(own, "values", key).split(",")]
    if kind == "integer":
        return _integers(own, key)
    if kind == "date":
        return _dates(own, key)
    if kind == "injected":
        return _injected(key, wanted)
    raise AthenaFailure(
        "INVALID_TABLE_PROPERTY",
        "Table is configured for partition projection, but the following partition columns are missing "
        f"projection configuration: [{key.name}] (projection.{key.name}.type is '{kind}')",
    )


def check_size(choices: list[list[str]]) -> None:
    count = math.prod(len(values) for values in choices)
    if count > _MOST:
        message = f"The projection names {count} partitions; the local Athena projects at most {_MOST}"
        raise AthenaFailure("NOT_SUPPORTED", message)


def fill(template: str, values: dict[str, str]) -> str:
    def value(match: re.Match) -> str:
        name = match.group(1).lower()
        if name not in values:
            message = f"storage.location.template names ${{{name}}}, which is no partition column"
            raise AthenaFailure("INVALID_TABLE_PROPERTY", message)
        return values[name]

    return re.sub(r"\$\{([^}]+)\}", value, template)


def _needed(own: dict, name: str, key: Column) -> str:
    if name not in own:
        raise AthenaFailure("INVALID_TABLE_PROPERTY", f"projection.{key.name}.{name} is missing")
    return own[name]


def _integers(own: dict, key: Column) -> list[str]:
    try:
        low, high = (int(part) for part in _needed(own, "range", key).split(","))
        step, digits = int(own.get("interval", 1)), int(own.get("digits", 0))
    except ValueError as error:
        raise AthenaFailure("INVALID_TABLE_PROPERTY", f"projection.{key.name}: {error}") from error
    if (high - low) // step > _MOST:
        raise AthenaFailure("NOT_SUPPORTED", f"projection.{key.name} names more than {_MOST} values")
    return [str(number).zfill(digits) for number in range(low, high + 1, step)]


def _injected(key: Column, wanted: set[str] | None) -> list[str]:
    if not wanted:
        raise AthenaFailure(
            "CONSTRAINT_VIOLATION",
            f"For the injected projected partition column {key.name}, the WHERE clause must contain only "
            "static equality conditions, and at least one such condition must be present.",
        )
    return sorted(wanted)


def _dates(own: dict, key: Column) -> list[str]:
    pattern = strptime_pattern(_needed(own, "format", key), key)
    bounds = _needed(own, "range", key).split(",")
    if len(bounds) != 2:
        raise AthenaFailure("INVALID_TABLE_PROPERTY", f"projection.{key.name}.range needs two dates")
    start, end = (_moment(bound.strip(), pattern, key) for bound in bounds)
    unit = own.get("interval.unit", _finest(pattern)).upper()
    if unit not in _UNITS:
        raise AthenaFailure("INVALID_TABLE_PROPERTY", f"projection.{key.name}.interval.unit is '{unit}'")
    step, values, moment, count = int(own.get("interval", 1)), [], start, 0
    while moment <= end and count <= _MOST:
        values.append(moment.strftime(pattern))
        count += 1
        moment = _plus(start, count * step, unit)
    return list(dict.fromkeys(values))


def strptime_pattern(java: str, key: Column) -> str:
    """A Java DateTimeFormatter pattern as one of strptime."""
    parts = []
    for literal, run, other in re.findall(r"'((?:[^']|'')*)'|((?:y|M|d|H|m|s)+)|(.)", java):
        if run:
            for letters in re.findall(r"((\w)\2*)", run):
                if letters[0] not in _JAVA_TO_STRPTIME:
                    message = f"'{letters[0]}' in projection.{key.name}.format"
                    raise AthenaFailure("NOT_SUPPORTED", f"{message} is not supported by the local Athena")
                parts.append(_JAVA_TO_STRPTIME[letters[0]])
        elif other and other.isalpha():
            message = f"'{other}' in projection.{key.name}.format is not supported by the local Athena"
            raise AthenaFailure("NOT_SUPPORTED", message)
        else:
            parts.append((literal or other).replace("%", "%%"))
    return "".join(parts)


def _finest(pattern: str) -> str:
    for mark, unit in (
        ("%S", "SECONDS"),
        ("%M", "MINUTES"),
        ("%H", "HOURS"),
        ("%d", "DAYS"),
        ("%m", "MONTHS"),
    ):
        if mark in pattern:
            return unit
    return "YEARS"


def _moment(bound: str, pattern: str, key: Column) -> datetime:
    relative = re.fullmatch(r"NOW\s*(?:([+-])\s*(\d+)\s*([A-Z]+))?", bound.upper())
    if not relative:
        try:
            return datetime.strptime(bound, pattern)
        except ValueError as error:
            raise AthenaFailure("INVALID_TABLE_PROPERTY", f"projection.{key.name}.range: {error}") from error
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    sign, amount, unit = relative.groups()
    if not sign:
        return now
    unit = unit if unit.endswith("S") else unit + "S"
    if unit not in _UNITS:
        raise AthenaFailure("INVALID_TABLE_PROPERTY", f"projection.{key.name}.range has the unit {unit}")
    return _plus(now, int(amount) * (1 if sign == "+" else -1), unit)


def _plus(moment: datetime, amount: int, unit: str) -> datetime:
    if unit not in ("YEARS", "MONTHS"):
        return moment + timedelta(**{_UNITS[unit]: amount})
    months = moment.year * 12 + moment.month - 1 + amount * (12 if unit == "YEARS" else 1)
    first = moment.replace(year=months // 12, month=months % 12 + 1, day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return first.replace(day=min(moment.day, (following - timedelta(days=1)).day))
