"""A delivery stream and its state, and the table of all of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import firehose

from .destinations import Destination, plain
from .errors import Refused

PATCHES = [("ministack.services.firehose", "_streams")]

DIRECT_PUT, FROM_KINESIS = "DirectPut", "KinesisStreamAsSource"
DESTINATION_ID = "destinationId-000000000001"
# AWS takes up to a minute for either. A client that does not wait fails here too.
CREATING_SECONDS = 0.3
DELETING_SECONDS = 3.0


@dataclass
class DeliveryStream:
    name: str
    arn: str
    kind: str
    destination: Destination
    source: dict[str, Any] | None = None
    tags: dict[str, str] = field(default_factory=dict)
    encryption: dict[str, Any] = field(default_factory=lambda: {"Status": "DISABLED"})
    encryption_calls: list[float] = field(default_factory=list)
    version: int = 1
    created: float = field(default_factory=lambda: round(time.time(), 3))
    updated: float | None = None
    deleted: float | None = None

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def status(self) -> str:
        if self.deleted is not None:
            return "DELETING"
        return "CREATING" if time.time() < self.created + CREATING_SECONDS else "ACTIVE"

    @property
    def is_gone(self) -> bool:
        return self.deleted is not None and time.time() >= self.deleted + DELETING_SECONDS

    @property
    def is_encrypted(self) -> bool:
        return self.encryption["Status"] == "ENABLED"

    def description(self) -> dict[str, Any]:
        described = {
            "DeliveryStreamName": self.name,
            "DeliveryStreamARN": self.arn,
            "DeliveryStreamStatus": self.status,
            "DeliveryStreamType": self.kind,
            "VersionId": str(self.version),
            "CreateTimestamp": self.created,
            "Destinations": [
                {
                    "DestinationId": DESTINATION_ID,
                    "S3DestinationDescription": plain(self.destination),
                    "ExtendedS3DestinationDescription": self.destination,
                }
            ],
            "HasMoreDestinations": False,
        }
        if self.updated is not None:
            described["LastUpdateTimestamp"] = self.updated
        if self.source is not None:
            described["Source"] = {"KinesisStreamSourceDescription": self.source}
        else:
            described["DeliveryStreamEncryptionConfiguration"] = self.encryption
        return described


def table() -> AccountRegionScopedDict:
    """The delivery streams of the request's account and Region by name. It is MiniStack's, whose reset clears it."""
    return firehose._streams


def find(name: str) -> DeliveryStream:
    """Raises Refused."""
    stream = table().get(name)
    if stream is not None and stream.is_gone:
        table().pop(name, None)
        stream = None
    if stream is None:
        raise Refused("ResourceNotFoundException", f"Firehose {name} under account {get_account_id()} not found.")
    return stream


def arn_of(name: str) -> str:
    return f"arn:aws:firehose:{get_region()}:{get_account_id()}:deliverystream/{name}"
