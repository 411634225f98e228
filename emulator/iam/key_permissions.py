"""The KMS keys and actions that an action needs. Services use the key with the permissions of their caller."""

from __future__ import annotations

from ministack.core.responses import get_account_id, get_region
from ministack.services import kinesis, s3, sns, sqs

PATCHES = [
    ("ministack.services.kinesis", "_streams"),
    ("ministack.services.s3", "_bucket_default_sse_headers"),
    ("ministack.services.sns", "_topics"),
    ("ministack.services.sqs", "_queue_by_arn"),
]

DECRYPT, DATA_KEY = "kms:Decrypt", "kms:GenerateDataKey"
KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"

# From AWS's documentation of each service. Completing a multipart upload also decrypts its parts. Here it is a
# PutObject as well, so only what every PutObject needs is checked.
NEEDS = {
    "s3:GetObject": (DECRYPT,),
    "s3:GetObjectVersion": (DECRYPT,),
    "s3:PutObject": (DATA_KEY,),
    "kinesis:GetRecords": (DECRYPT,),
    "kinesis:PutRecord": (DATA_KEY,),
    "kinesis:PutRecords": (DATA_KEY,),
    "sns:Publish": (DECRYPT, DATA_KEY),
    "sqs:ReceiveMessage": (DECRYPT,),
    "sqs:SendMessage": (DECRYPT, DATA_KEY),
}


def uses(action: str, resource: str) -> list[tuple[str, str]]:
    """The KMS actions and key ARNs that the action on this resource needs. AWS's own keys need no permission."""
    if action not in NEEDS:
        return []
    key = {"s3": _bucket_key, "kinesis": _stream_key, "sns": _topic_key, "sqs": _queue_key}[action.split(":")[0]](
        resource
    )
    if not key or "alias/aws/" in key:
        return []
    return [(needed, _arn(key)) for needed in NEEDS[action]]


def _bucket_key(arn: str) -> str | None:
    return s3._bucket_default_sse_headers(arn.split(":")[5].partition("/")[0]).get(KEY_HEADER)


def _stream_key(arn: str) -> str | None:
    parts = arn.split(":")
    stream = kinesis._streams.get_scoped(parts[4], parts[3], parts[5].partition("/")[2]) or {}
    return stream.get("KeyId")


def _topic_key(arn: str) -> str | None:
    return (sns._topics.get(arn) or {}).get("attributes", {}).get("KmsMasterKeyId")


def _queue_key(arn: str) -> str | None:
    return (sqs._queue_by_arn(arn) or {}).get("attributes", {}).get("KmsMasterKeyId")


def _arn(key: str) -> str:
    if key.startswith("arn:"):
        return key
    return f"arn:aws:kms:{get_region()}:{get_account_id()}:key/{key}"
