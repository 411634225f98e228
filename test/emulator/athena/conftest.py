"""The fixture `lake`: a database, a bucket and a workgroup of one test on the running emulator."""

from __future__ import annotations

import pytest
from athena_lake import Lake, make_lake
from emulator_stack import Stack


@pytest.fixture
def lake(stack: Stack) -> Lake:
    return make_lake(stack)
