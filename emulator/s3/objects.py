"""S3 for the engines of this process, with the rights of the caller: list a folder, write an object."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlparse

from ministack.services import s3

from ..core import request_log
from ..iam import permissions
from .listing import sorted_objects

PATCHES = [("ministack.services.s3", name) for name in ("_buckets", "_put_object")]

# How many keys S3 lists in one page.
PAGE_KEYS = 1000


class StorageError(Exception):
    """A location is none, or S3 did not take an object. The message names it."""


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
        raise StorageError(f"'{uri}' is not an S3 location")
    return parsed.netloc, uri.split("://", 1)[1].partition("/")[2]


def folder(uri: str) -> tuple[str, str]:
    """A location as bucket and folder prefix: `events` never means `events2/...`."""
    bucket, key = split_uri(uri)
    return bucket, key.rstrip("/") + "/" if key.strip("/") else ""


def list_objects(bucket: str, prefix: str) -> Iterator[S3Object]:
    """The objects under a prefix in key order."""
    permissions.require("s3:ListBucket", f"arn:aws:s3:::{bucket}", keys={"s3:prefix": prefix})
    stored = s3._buckets.get(bucket)
    if stored is None:
        raise StorageError(f"The bucket {bucket} does not exist (NoSuchBucket)")
    found = sorted_objects(stored["objects"]).under(prefix)
    pages = max(1, math.ceil(len(found) / PAGE_KEYS))
    arn = f"arn:aws:s3:::{bucket}"
    request_log.add_of_athena("s3:ListBucket", arn, pages=pages, operation="ListObjectsV2", prefix=prefix)
    for key, record in found:
        yield S3Object(bucket, key, int(record.get("size", 0)))


def bucket_exists(bucket: str) -> bool:
    permissions.require("s3:GetBucketLocation", f"arn:aws:s3:::{bucket}")
    return s3._buckets.get(bucket) is not None


def require_object(bucket: str, key: str, action: str = "GetObject") -> None:
    permissions.require(f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}")


def require_write(location: str, name: str, action: str = "PutObject") -> None:
    """Check the right to write, or to delete, an object of this name in a folder."""
    bucket, prefix = folder(location)
    require_object(bucket, f"{prefix}{name}", action)


def hidden(relative_key: str) -> bool:
    """Hive and Trino ignore names that start with `_` or `.`: _SUCCESS, _temporary/, .spark-staging-1/."""
    return any(part.startswith(("_", ".")) for part in relative_key.split("/"))


def put(bucket: str, key: str, body: bytes, content_type: str) -> None:
    require_object(bucket, key, "PutObject")
    headers = {"content-type": content_type, "content-length": str(len(body))}
    status, _, answer = s3._put_object(bucket, key, body, headers)
    arn = f"arn:aws:s3:::{bucket}/{key}"
    request_log.add(request_log.ATHENA, "s3:PutObject", arn, status=status, bytes_in=len(body))
    if status >= 300:
        raise StorageError(f"Writing s3://{bucket}/{key} failed: {answer!r}")
