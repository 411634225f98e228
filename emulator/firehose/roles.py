"""The roles that Firehose assumes for a delivery stream: for S3, for the Lambda, and for the source stream."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ministack.core.responses import request_scope

from ..core.clients import connect
from ..core.context import Context
from ..iam import permissions
from .errors import invalid

if TYPE_CHECKING:
    from botocore.client import BaseClient

SERVICE = "firehose.amazonaws.com"
SESSION = "AWSFirehose"
S3_SESSION = "AWSFirehoseToS3"
# A role's session lasts an hour on AWS. A changed trust policy has an effect after that.
SESSION_SECONDS = 3600


def assume(role_arn: str, stream_arn: str, session_name: str = SESSION) -> permissions.Session | None:
    """Raises NotAssumable. AWS gives the account's number as external id."""
    account = stream_arn.split(":")[4]
    return permissions.assume(role_arn, SERVICE, session_name, stream_arn, {"sts:externalid": account})


def check(role_arn: str, stream_arn: str) -> None:
    """Raises Refused if Firehose cannot assume the role."""
    try:
        assume(role_arn, stream_arn)
    except permissions.NotAssumable as problem:
        raise invalid(
            f"Firehose is unable to assume role {role_arn}. Please check the role provided. ({problem})"
        ) from None


@contextlib.contextmanager
def acting(role_arn: str, stream_arn: str) -> Iterator[None]:
    """What this thread does in this process is done with the role. Raises NotAssumable."""
    parts = stream_arn.split(":")
    with request_scope(parts[4], parts[3]), permissions.acting_as(assume(role_arn, stream_arn)):
        yield


class S3Clients:
    """S3 clients by role. S3 is called over HTTP, so that permissions, notifications and the log of requests are those
    of any client."""

    def __init__(self, context: Context, stream_arn: str) -> None:
        self._context, self._stream_arn = context, stream_arn
        self._clients: dict[str, tuple[BaseClient, float]] = {}
        self._lock = threading.Lock()

    def get(self, role_arn: str) -> BaseClient:
        """Raises NotAssumable."""
        with self._lock:
            client, since = self._clients.get(role_arn, (None, 0.0))
            if client is None or time.monotonic() > since + SESSION_SECONDS:
                session = assume(role_arn, self._stream_arn, S3_SESSION)
                client = connect(self._context, "s3", permissions.credentials(session))
                self._clients[role_arn] = (client, time.monotonic())
            return client
