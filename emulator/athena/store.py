"""The emulated S3 for Athena, with the caller's permissions: list a prefix, write a result."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlparse

from ministack.services import s3

from ..iam import permissions
from .errors import AthenaFailure


@dataclass(frozen=True)
class S3Object:
    """One current object (no delete marker, no older version)."""

    bucket: str
    key: str
    size: int

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def split_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/some/key` -> (bucket, some/key)."""
    parsed = urlparse(uri)
    if parsed.scheme not in ("s3", "s3a", "s3n") or not parsed.netloc:
        raise AthenaFailure("HIVE_FILESYSTEM_ERROR", f"'{uri}' is not an S3 location")
    return parsed.netloc, uri.split("://", 1)[1].partition("/")[2]


def folder(uri: str) -> tuple[str, str]:
    """A location as bucket and folder prefix: `events` never means `events2/...`."""
    bucket, key = split_uri(uri)
    return bucket, key.rstrip("/") + "/" if key.strip("/") else ""


def list_objects(bucket: str, prefix: str) -> Iterator[S3Object]:
    """The objects under a prefix in key order."""
    return lister()(bucket, prefix)


def lister() -> Callable[[str, str], Iterator[S3Object]]:
    """Lists prefixes of one snapshot: each bucket is sorted once, however many prefixes are listed."""
    sorted_buckets: dict[str, tuple[dict, list[str]]] = {}

    def under(bucket: str, prefix: str) -> Iterator[S3Object]:
        permissions.require("s3:ListBucket", f"arn:aws:s3:::{bucket}", keys={"s3:prefix": prefix})
        if bucket not in sorted_buckets:
            sorted_buckets[bucket] = _sorted(bucket)
        records, keys = sorted_buckets[bucket]
        for index in range(bisect_left(keys, prefix), len(keys)):
            key = keys[index]
            if not key.startswith(prefix):
                break
            record = records[key]
            yield S3Object(bucket, key, int(record.get("size", 0)))

    return under


def _sorted(bucket: str) -> tuple[dict, list[str]]:
    stored = s3._buckets.get(bucket)
    if stored is None:
        raise AthenaFailure("HIVE_FILESYSTEM_ERROR", f"The bucket {bucket} does not exist (NoSuchBucket)")
    records = dict(stored["objects"])
    return records, sorted(records)


def bucket_exists(bucket: str) -> bool:
    permissions.require("s3:GetBucketLocation", f"arn:aws:s3:::{bucket}")
    return s3._buckets.get(bucket) is not None


def require_object(bucket: str, key: str, action: str = "GetObject") -> None:
    permissions.require(f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}")


def hidden(relative_key: str) -> bool:
    """Hive and Trino ignore names that start with `_` or `.`: _SUCCESS, _temporary/, .spark-staging-1/."""
    return any(part.startswith(("_", ".")) for part in relative_key.split("/"))


def put(bucket: str, key: str, body: bytes, content_type: str) -> None:
    require_object(bucket, key, "PutObject")
    headers = {"content-type": content_type, "content-length": str(len(body))}
    status, _, answer = s3._put_object(bucket, key, body, headers)
    if status >= 300:
        raise AthenaFailure("HIVE_WRITER_CLOSE_ERROR", f"Writing s3://{bucket}/{key} failed: {answer!r}")
