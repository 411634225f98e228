"""An AWS client of this emulator's own endpoint, for a part that calls another service as any client does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .context import Context

if TYPE_CHECKING:
    from botocore.client import BaseClient


def connect(context: Context, service: str, credentials: dict[str, str]) -> BaseClient:
    """A client with these environment variables of credentials. It makes one attempt: the caller decides on more."""
    # Imported when first needed: most runs need none.
    import boto3
    from botocore.config import Config

    return boto3.Session().client(
        service,
        endpoint_url=context.endpoint,
        region_name=context.region,
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=credentials.get("AWS_SESSION_TOKEN") or None,
        config=Config(proxies={}, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
