"""Replaces AWS Glue's Python library in local runs, with the few calls that a plain Spark script needs.

This is our own code, because AWS licenses its library only for use on AWS services.
"""

from typing import NoReturn


def _missing(module: str, name: str) -> AttributeError:
    return AttributeError(
        f"{module}.{name} is not part of the local stand-in for Glue's library, which has only "
        "getResolvedOptions, GlueContext.spark_session and Job.init/commit. "
        "Use plain Spark instead: it runs on Glue as well."
    )


def __getattr__(name: str) -> NoReturn:
    raise _missing(__name__, name)
