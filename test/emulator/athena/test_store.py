"""How Athena finds the files of many partitions: in this process, on a bucket that counts the passes over it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from emulator.athena import store
from emulator.iam import permissions
from ministack.services import s3


class Counted(dict):
    """The objects of a bucket, and how often all of them were gone through."""

    passes = 0

    def __iter__(self) -> Iterator[str]:
        self.passes += 1
        return super().__iter__()

    def keys(self):
        self.passes += 1
        return super().keys()

    def items(self):
        self.passes += 1
        return super().items()


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Counted:
    days = [f"2000-01-{day:02d}" for day in range(1, 31)]
    found = Counted({f"events/event_date={day}/a.parquet": {"size": 1} for day in reversed(days)})
    monkeypatch.setattr(s3, "_buckets", {"b": {"objects": found}})
    monkeypatch.setattr(permissions, "require", lambda *_, **__: None)
    return found


def test_goes_through_a_bucket_once_however_many_partitions_are_listed(objects: Counted) -> None:
    list_objects = store.lister()
    for day in range(1, 31):
        prefix = f"events/event_date=2000-01-{day:02d}/"
        assert [item.key for item in list_objects("b", prefix)] == [f"{prefix}a.parquet"]
    assert objects.passes == 1


def test_lists_what_begins_with_the_prefix_in_the_order_of_the_keys(objects: Counted) -> None:
    objects |= {"events/event_date=2000-01-010/x": {"size": 1}, "event": {"size": 1}, "events0": {"size": 1}}
    assert [item.key for item in store.list_objects("b", "events/event_date=2000-01-01")] == [
        "events/event_date=2000-01-01/a.parquet",
        "events/event_date=2000-01-010/x",
    ]
    assert len(list(store.list_objects("b", ""))) == 33
    assert list(store.list_objects("b", "events/event_date=2001")) == []
