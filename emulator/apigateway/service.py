"""Replaces MiniStack's HTTP APIs: what it stores is checked first, and requests to an API are served here.

MiniStack takes 127.0.0.1 for every caller, does not throttle, write access logs, or check the function's permission,
and answers CORS and errors in other forms than AWS.
"""

from __future__ import annotations

from ..core.context import Context
from . import control, gateway

PATCHES = [*control.PATCHES, *gateway.PATCHES]


def install(context: Context) -> None:
    control.install(context.endpoint)
    gateway.install(context)
