"""SDK clients with the rights of a function's execution role, for what Lambda itself sends in its name.

They call the public API, so with AUTH=true a missing permission fails as on AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core import lambda_runtime

from ..core.clients import connect
from ..core.context import Context

if TYPE_CHECKING:
    from botocore.client import BaseClient

PATCHES = [("ministack.core.lambda_runtime", "execution_credentials")]


def client(context: Context, service: str, function: dict[str, Any]) -> BaseClient:
    """A client that acts as the role of this function's configuration, without retries."""
    return connect(context, service, lambda_runtime.execution_credentials(function))


def queue_url(context: Context, queue_arn: str) -> str:
    """Lambda knows a queue's address without asking for it, which would need a permission of its own."""
    account, name = queue_arn.split(":")[4:6]
    return f"{context.endpoint}/{account}/{name}"
