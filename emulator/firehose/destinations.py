"""The S3 destination of a delivery stream: defaults, updates, and what AWS or the local stack refuses.

A destination is kept in the form of ExtendedS3DestinationDescription.
https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from . import processors
from .errors import invalid, unsupported
from .prefixes import EXTENSIONS, check_prefixes, time_zone

Destination = dict[str, Any]

EXTENDED, PLAIN = "ExtendedS3Destination", "S3Destination"
# A backup has a longer shortest interval than a destination, which may have 0.
SHORTEST_BACKUP_SECONDS = 60
# The members of S3DestinationConfiguration, which the backup has too.
PLAIN_MEMBERS = (
    "RoleARN",
    "BucketARN",
    "Prefix",
    "ErrorOutputPrefix",
    "BufferingHints",
    "CompressionFormat",
    "EncryptionConfiguration",
    "CloudWatchLoggingOptions",
)
# Merged member by member. Every other one is replaced.
_MERGED = ("BufferingHints", "CloudWatchLoggingOptions")
_UNSUPPORTED = ("DataFormatConversionConfiguration", "DynamicPartitioningConfiguration")


def created(request: dict[str, Any]) -> Destination:
    """The destination of a CreateDeliveryStream request."""
    kind, configuration = _only_destination(request, "Configuration")
    backup = configuration.pop("S3BackupConfiguration", None)
    return _merged(_defaults(), {**configuration, "S3BackupUpdate": backup}, kind)


def updated(destination: Destination, request: dict[str, Any]) -> Destination:
    """The destination after an UpdateDestination request."""
    kind, update = _only_destination(request, "Update")
    return _merged(destination, update, kind)


def plain(destination: Destination) -> Destination:
    """The same as S3DestinationDescription. AWS describes a destination in both forms."""
    return {name: destination[name] for name in PLAIN_MEMBERS if name in destination}


def _only_destination(request: dict[str, Any], suffix: str) -> tuple[str, Destination]:
    given = {
        name.removesuffix(suffix): value
        for name, value in request.items()
        if name.endswith(f"Destination{suffix}") and value is not None
    }
    if len(given) != 1:
        raise invalid("Exactly one destination configuration is supported for a Firehose")
    kind, configuration = next(iter(given.items()))
    if kind not in (EXTENDED, PLAIN):
        raise unsupported(f"{kind}{suffix}", f"Give {EXTENDED}{suffix}: it delivers to S3 only.")
    return kind, {name: copy.deepcopy(value) for name, value in configuration.items() if value is not None}


def _defaults() -> Destination:
    return {
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
        "S3BackupMode": "Disabled",
    }


def _merged(before: Destination, update: Destination, kind: str) -> Destination:
    after = copy.deepcopy(before)
    backup = update.pop("S3BackupUpdate", None)
    processing = update.pop("ProcessingConfiguration", None)
    if before.get("S3BackupMode") == "Enabled" and update.get("S3BackupMode") == "Disabled":
        raise invalid("Disabling S3 backup is not currently supported.")
    for name, value in update.items():
        _refuse_unsupported(name, value)
        _check_given(name, value)
        after[name] = {**after[name], **value} if name in _MERGED else value
    if processing is not None:
        after["ProcessingConfiguration"] = processors.checked(processing, after["RoleARN"])
    if backup is not None:
        after["S3BackupDescription"] = _backup(after.get("S3BackupDescription"), backup)
    _check(after)
    if after["S3BackupMode"] == "Enabled" and kind == EXTENDED and "S3BackupDescription" not in after:
        raise invalid("S3BackupConfiguration is required when S3BackupMode is Enabled")
    return after


def _refuse_unsupported(name: str, value: Any) -> None:
    # Turned off, they have no effect on AWS either.
    if name in _UNSUPPORTED and value.get("Enabled") is not False:
        raise unsupported(name, "Leave it out, or set Enabled to false.")


def _check_given(name: str, value: Any) -> None:
    if name == "BufferingHints" and len(value) == 1:
        raise invalid("BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither")


def _backup(before: Destination | None, update: Destination) -> Destination:
    base = before or {name: value for name, value in _defaults().items() if name in PLAIN_MEMBERS}
    backup = {**base, **{name: value for name, value in update.items() if value is not None}}
    _check_given("BufferingHints", update.get("BufferingHints") or {})
    hints = {**base["BufferingHints"], **(update.get("BufferingHints") or {})}
    if hints["IntervalInSeconds"] < SHORTEST_BACKUP_SECONDS:
        raise invalid(
            f"BufferingHints.IntervalInSeconds of an S3 backup must be from {SHORTEST_BACKUP_SECONDS} to 900, "
            f"got {hints['IntervalInSeconds']}"
        )
    backup["BufferingHints"] = hints
    _check(backup)
    return backup


def _check(destination: Destination) -> None:
    for check in _CHECKS:
        check(destination)


def _check_compression(destination: Destination) -> None:
    compression = destination["CompressionFormat"]
    if compression not in EXTENSIONS:
        raise unsupported(f"CompressionFormat {compression}", f"Use one of {', '.join(EXTENSIONS)}.")


def _check_encryption(destination: Destination) -> None:
    if len(destination["EncryptionConfiguration"]) != 1:
        raise invalid("EncryptionConfiguration must have one of NoEncryptionConfig and KMSEncryptionConfig")


def _check_logging(destination: Destination) -> None:
    options = destination["CloudWatchLoggingOptions"]
    if options.get("Enabled") and not (options.get("LogGroupName") and options.get("LogStreamName")):
        raise invalid("CloudWatchLoggingOptions must have LogGroupName and LogStreamName when logging is enabled")


def _check_time_zone(destination: Destination) -> None:
    time_zone(destination.get("CustomTimeZone") or "")


_CHECKS: tuple[Callable[[Destination], None], ...] = (
    _check_compression,
    _check_encryption,
    _check_logging,
    _check_time_zone,
    check_prefixes,
)
