"""Adapts S3 to Spark's client over plain HTTP: removes the encryption headers.

Hadoop's S3 client renames by copying, and repeats the encryption headers of HEAD in the copy request. Its AWS SDK then
refuses to send a key over plain HTTP. Without the headers, the copy uses the bucket's default: the same key, with the
same permission checks.
"""

from __future__ import annotations

from ministack.services import s3

from ..core.context import Context

PATCHES = [("ministack.services.s3", "_head_object")]

ENCRYPTION = "x-amz-server-side-encryption"


def install(_context: Context) -> None:
    head = s3._head_object

    def head_for_hadoop(
        bucket_name: str, key: str, headers: dict | None = None, query_params: dict | None = None
    ) -> tuple:
        status, answered, body = head(bucket_name, key, headers, query_params)
        if "Hadoop" in (headers or {}).get("user-agent", ""):
            answered = {name: value for name, value in answered.items() if not name.lower().startswith(ENCRYPTION)}
        return status, answered, body

    s3._head_object = head_for_hadoop
