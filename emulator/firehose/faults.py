"""Faults that a test asks for, with CLICKSTREAM_FIREHOSE_FAULTS: what AWS does now and then, done each time.

Firehose promises to deliver at least once: https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
"""

from __future__ import annotations

import os
from dataclasses import dataclass

VARIABLE = "CLICKSTREAM_FIREHOSE_FAULTS"


@dataclass(frozen=True)
class Faults:
    """`object_twice`: each object is delivered a second time under another name. `invocation_twice`: the answer of each
    first invocation is lost, so the Lambda gets the same records again."""

    object_twice: bool = False
    invocation_twice: bool = False


def asked_for() -> Faults:
    names = {name.replace("-", "_"): True for name in os.environ.get(VARIABLE, "").split(",") if name}
    unknown = names.keys() - Faults.__dataclass_fields__.keys()
    if unknown:
        known = ", ".join(name.replace("_", "-") for name in Faults.__dataclass_fields__)
        raise ValueError(f"{VARIABLE} can have {known}, separated by commas, got {', '.join(sorted(unknown))}")
    return Faults(**names)
