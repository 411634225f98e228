"""ProcessingConfiguration: what AWS accepts, its defaults, and the settings of the Lambda processor.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_ProcessorParameter.html. The order in which AWS describes
the parameters, and that AppendDelimiterToRecord keeps none, was seen on AWS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .errors import invalid, unsupported

MOST_PROCESSORS = 5
DELIMITER = "AppendDelimiterToRecord"
MEBIBYTE = 1024 * 1024

# Parameter: (lowest, highest, default).
RANGES = {
    "NumberOfRetries": (0, 300, "3"),
    "BufferSizeInMBs": (0.2, 3, "1"),
    "BufferIntervalInSeconds": (0, 900, "60"),
}
_FUNCTION = re.compile(r"arn:[^:]+:lambda:[^:]+:\d{12}:function:[\w-]+(:[\w$-]+)?")
_ROLE = re.compile(r"arn:[^:]+:iam::\d{12}:role/.+")


@dataclass(frozen=True)
class LambdaProcessor:
    function_arn: str
    role_arn: str
    retries: int
    buffer_bytes: int
    buffer_seconds: int


def checked(configuration: dict[str, Any], role_arn: str) -> dict[str, Any]:
    """The configuration as AWS describes it, with defaults. Raises Refused."""
    enabled = bool(configuration.get("Enabled"))
    processors = configuration.get("Processors") or []
    if enabled and not 1 <= len(processors) <= MOST_PROCESSORS:
        raise invalid(
            f"A maximum of {MOST_PROCESSORS} and a minimum of 1 processor needs to be supplied when processing is "
            "enabled."
        )
    if sum(processor["Type"] == "Lambda" for processor in processors) > 1:
        raise invalid("Cannot have more than 1 Lambda processor")
    return {"Enabled": enabled, "Processors": [_processor(processor, role_arn) for processor in processors]}


def _processor(processor: dict[str, Any], role_arn: str) -> dict[str, Any]:
    if processor["Type"] == DELIMITER:
        return {"Type": DELIMITER, "Parameters": []}
    if processor["Type"] != "Lambda":
        raise unsupported(
            f"The processor {processor['Type']}", f"Leave it out: the local stack has Lambda and {DELIMITER}."
        )
    given = {entry["ParameterName"]: entry["ParameterValue"] for entry in processor.get("Parameters") or []}
    values = {
        "LambdaArn": given.pop("LambdaArn", ""),
        "NumberOfRetries": given.pop("NumberOfRetries", RANGES["NumberOfRetries"][2]),
        "RoleArn": given.pop("RoleArn", role_arn),
        **{name: given.pop(name, RANGES[name][2]) for name in ("BufferSizeInMBs", "BufferIntervalInSeconds")},
    }
    if given:
        raise invalid(f"The Lambda processor does not take the parameter {', '.join(sorted(given))}")
    _check(values)
    return {
        "Type": "Lambda",
        "Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in values.items()],
    }


def _check(values: dict[str, str]) -> None:
    for name, pattern in (("LambdaArn", _FUNCTION), ("RoleArn", _ROLE)):
        if not pattern.fullmatch(values[name]):
            raise invalid(f"The parameter {name} of the Lambda processor must be an ARN, got {values[name] or 'none'}")
    for name, (lowest, highest, _) in RANGES.items():
        value = _number(values[name])
        if value is None or not lowest <= value <= highest or (name != "BufferSizeInMBs" and value != int(value)):
            kind = "a number" if name == "BufferSizeInMBs" else "a whole number"
            raise invalid(
                f"The parameter {name} of the Lambda processor must be {kind} from {lowest} to {highest}, "
                f"got {values[name]}"
            )


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def lambda_processor(destination: dict[str, Any]) -> LambdaProcessor | None:
    """The Lambda that transforms the records, or None."""
    for processor in _enabled(destination):
        if processor["Type"] == "Lambda":
            values = {entry["ParameterName"]: entry["ParameterValue"] for entry in processor["Parameters"]}
            return LambdaProcessor(
                function_arn=values["LambdaArn"],
                role_arn=values["RoleArn"],
                retries=int(float(values["NumberOfRetries"])),
                buffer_bytes=int(float(values["BufferSizeInMBs"]) * MEBIBYTE),
                buffer_seconds=int(float(values["BufferIntervalInSeconds"])),
            )
    return None


def has_delimiter(destination: dict[str, Any]) -> bool:
    """Whether a new line goes between the records of an object."""
    return any(processor["Type"] == DELIMITER for processor in _enabled(destination))


def _enabled(destination: dict[str, Any]) -> list[dict[str, Any]]:
    configuration = destination.get("ProcessingConfiguration") or {}
    return configuration["Processors"] if configuration.get("Enabled") else []
