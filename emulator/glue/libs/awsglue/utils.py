"""getResolvedOptions as on Glue: reads named job arguments from argv."""

from __future__ import annotations

import argparse
from typing import NoReturn

from awsglue import _missing

RESERVED = ("JOB_NAME", "JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION", "TempDir")


class GlueArgumentError(Exception):
    """A job argument is missing or cannot be read."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise GlueArgumentError(message)


def getResolvedOptions(args: list[str], options: list[str]) -> dict[str, str]:
    """Returns the values of `options`, and of Glue's own arguments if present, by name.

    All of `options` are required, abbreviations are accepted and dashes become underscores, as on Glue.
    """
    parser = _Parser(prog=args[0] if args else "job", add_help=False)
    for name in options:
        parser.add_argument(f"--{name}", required=True)
    for name in RESERVED:
        if name not in options:
            parser.add_argument(f"--{name}", default=argparse.SUPPRESS)
    parsed, _others = parser.parse_known_args(args[1:])
    return vars(parsed)


def __getattr__(name: str) -> NoReturn:
    raise _missing(__name__, name)
