"""Marks the tests that start Spark or the emulator by their fixtures, so that the others can run without."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        # Every fixture that starts one is called spark, stack or …_stack. Fixtures that use it also list it.
        if any(name == "spark" or name.split("_")[-1] == "stack" for name in fixtures):
            item.add_marker("starts_something")
