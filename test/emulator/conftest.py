"""The fixture `stack`: the real emulator, started once a session on a temporary state folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from emulator_stack import Stack, start_stack, unique, wait_for, zipped

__all__ = ["Stack", "start_stack", "unique", "wait_for", "zipped"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = start_stack(tmp_path_factory.mktemp("emulator"))
    try:
        yield running
    finally:
        running.stop()
