"""Server-side encryption of a delivery stream with direct PUT: its key is checked, and what is put says that it is on.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_StartDeliveryStreamEncryption.html. The records are in
this process's memory, unencrypted.
"""

from __future__ import annotations

import time
from typing import Any

from ministack.services import kms

from .errors import Refused, invalid
from .streams import DIRECT_PUT, DeliveryStream

PATCHES = [("ministack.services.kms", "_resolve_key")]

OWNED, CUSTOMER = "AWS_OWNED_CMK", "CUSTOMER_MANAGED_CMK"
CALLS_A_DAY = 25


def start(stream: DeliveryStream, given: dict[str, Any] | None) -> None:
    _count(stream)
    stream.encryption = enabled(given or {"KeyType": OWNED})


def stop(stream: DeliveryStream) -> None:
    _count(stream)
    stream.encryption = {"Status": "DISABLED"}


def enabled(given: dict[str, Any]) -> dict[str, Any]:
    """The encryption as AWS describes it. Raises Refused for a key that cannot be used."""
    key_arn = given.get("KeyARN")
    if given["KeyType"] == OWNED:
        if key_arn:
            raise invalid(f"KeyARN must not be given with the KeyType {OWNED}")
        return {"Status": "ENABLED", "KeyType": OWNED}
    if not key_arn:
        raise invalid(f"KeyARN must be given with the KeyType {CUSTOMER}")
    _require_usable(key_arn)
    return {"Status": "ENABLED", "KeyType": CUSTOMER, "KeyARN": key_arn}


def require_usable_key(stream: DeliveryStream) -> None:
    """Raises Refused if the stream's own key was disabled or deleted."""
    if stream.is_encrypted and stream.encryption["KeyType"] == CUSTOMER:
        _require_usable(stream.encryption["KeyARN"])


def _require_usable(key_arn: str) -> None:
    key = kms._resolve_key(key_arn)
    if not key or key.get("KeyState") != "Enabled":
        state = key.get("KeyState") if key else "missing"
        raise Refused("InvalidKMSResourceException", f"The KMS key {key_arn} cannot be used: it is {state}")


def _count(stream: DeliveryStream) -> None:
    if stream.kind != DIRECT_PUT:
        raise invalid(f"Server-side encryption is only for a {DIRECT_PUT} delivery stream: encrypt the source stream")
    if stream.status != "ACTIVE":
        raise Refused("ResourceInUseException", f"Firehose {stream.name} is in the state {stream.status}")
    yesterday = time.time() - 24 * 3600
    stream.encryption_calls[:] = [moment for moment in stream.encryption_calls if moment > yesterday]
    if len(stream.encryption_calls) >= CALLS_A_DAY:
        raise Refused(
            "LimitExceededException",
            f"The encryption of Firehose {stream.name} can be changed {CALLS_A_DAY} times in 24 hours",
        )
    stream.encryption_calls.append(time.time())
