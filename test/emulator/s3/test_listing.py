"""How a bucket is listed: the answers are S3's, and a page costs what it returns. In this process, without a server."""

from __future__ import annotations

import random
import sys
import threading
from pathlib import Path

import pytest
from emulator_stack import Stack

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from emulator.core.patches import check_patches
from emulator.iam import permissions
from emulator.s3 import listing, objects
from emulator.s3.listing import Objects
from ministack.services import s3

# MiniStack's own function: what it answers must not change.
original = s3._collect_list_entries

KEYS = ["a", "b/1", "b/2", "b/c/3", "b0", "c//x", "c/y", "d", "é/1", "\U0001f600"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("", "", 1000, ""), (KEYS, [], False, "\U0001f600")),
        (("b/", "", 1000, ""), (["b/1", "b/2", "b/c/3"], [], False, "b/c/3")),
        (("b", "/", 1000, ""), (["b0"], ["b/"], False, "b0")),
        (("b/", "/", 1000, ""), (["b/1", "b/2"], ["b/c/"], False, "b/c/")),
        (("", "/", 3, ""), (["a", "b0"], ["b/"], True, "b0")),
        (("", "/", 3, "b0"), (["d"], ["c/", "é/"], True, "é/")),
        (("", "/", 1000, "b/"), (["b0", "d", "\U0001f600"], ["c/", "é/"], False, "\U0001f600")),
        (("", "/", 1000, "b/1"), (["b0", "d", "\U0001f600"], ["c/", "é/"], False, "\U0001f600")),
        (("b/", "", 1, "b/1"), (["b/2"], [], True, "b/2")),
        (("b/", "", 1000, "a"), (["b/1", "b/2", "b/c/3"], [], False, "b/c/3")),
        (("b/", "", 1000, "b0"), ([], [], False, "")),
        (("x", "/", 1000, ""), ([], [], False, "")),
        (("", "", 0, ""), ([], [], True, "")),
        (("", "b/", 1000, ""), (["a", "b0", "c//x", "c/y", "d", "é/1", "\U0001f600"], ["b/"], False, "\U0001f600")),
    ],
)
def test_a_page_has_the_rows_after_the_last_one(asked: tuple, expected: tuple) -> None:
    assert Objects({key: {} for key in reversed(KEYS)}).page(*asked) == expected


def test_each_page_is_the_one_that_ministack_makes() -> None:
    random_of = random.Random(12)
    for _ in range(2000):
        keys = {"".join(random_of.choices("ab/", k=random_of.randint(1, 6))) for _ in range(random_of.randint(0, 12))}
        texts = ["", "", "a", "/", "b/", "ab", "a/b", "/a", "b//", "ba/"]
        asked = (random_of.choice(texts), random_of.choice(["", "/", "ab"]), random_of.randint(0, 5))
        asked = (*asked, random_of.choice(texts))
        stored = {key: {} for key in keys}
        assert Objects(stored).page(*asked) == original(stored, *asked), (keys, asked)


def test_follows_every_way_in_which_objects_come_and_go() -> None:
    found = Objects({"b": {}})
    found["c"], found["a"] = {}, {}
    found["a"] = {"size": 1}
    assert found.under("") == [("a", {"size": 1}), ("b", {}), ("c", {})]
    assert (found.pop("b"), found.pop("b", None)) == ({}, None)
    found.update({"d": {}})
    found.setdefault("aa", {})
    del found["c"]
    assert [key for key, _ in found.under("")] == ["a", "aa", "d"]
    assert [key for key, _ in found.under("a")] == ["a", "aa"]
    found.clear()
    assert found.under("") == []


def test_keys_stay_in_order_while_threads_write() -> None:
    found = Objects({})

    def work(number: int) -> None:
        for index in range(300):
            found[f"{index % 50:02d}/{number}"] = {}
            found.pop(f"{(index * 7) % 50:02d}/{number}", None)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [key for key, _ in found.under("")] == sorted(found)


class Counted(str):
    """A key that counts how often it is looked at."""

    looks = 0

    def startswith(self, *arguments) -> bool:
        Counted.looks += 1
        return super().startswith(*arguments)


def test_a_page_costs_what_it_returns() -> None:
    days = 4000
    found = Objects({Counted(f"events/day={day:04d}/{file}"): {} for day in range(days) for file in range(6)})
    Counted.looks = 0
    assert len(found.page("events/day=1234/", "", 1000, "")[0]) == 6
    assert len(found.page("events/", "", 10, "events/day=3999/2")[0]) == 3
    assert len(found.page("events/", "/", 5, "")[1]) == 5
    assert Counted.looks < 150


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> dict:
    days = [f"2000-01-{day:02d}" for day in range(1, 31)]
    stored = {f"events/event_date={day}/a.parquet": {"size": 1} for day in reversed(days)}
    monkeypatch.setattr(s3, "_buckets", {"b": {"objects": stored}})
    monkeypatch.setattr(permissions, "require", lambda *_, **__: None)
    return stored


def test_an_engine_lists_what_begins_with_the_prefix_in_the_order_of_the_keys(bucket: dict) -> None:
    bucket |= {"events/event_date=2000-01-010/x": {"size": 1}, "event": {"size": 1}, "events0": {"size": 1}}
    assert [item.key for item in objects.list_objects("b", "events/event_date=2000-01-01")] == [
        "events/event_date=2000-01-01/a.parquet",
        "events/event_date=2000-01-010/x",
    ]
    assert len(list(objects.list_objects("b", ""))) == 33
    assert list(objects.list_objects("b", "events/event_date=2001")) == []
    with pytest.raises(objects.StorageError, match="The bucket none does not exist"):
        list(objects.list_objects("none", ""))


def test_ministack_has_what_is_replaced() -> None:
    check_patches(listing.PATCHES)


def test_a_client_pages_through_a_bucket(stack: Stack) -> None:
    client, name = stack.client("s3"), stack.bucket("listed")
    for key in ["x/2", "x/1", "a", "x/y/3", "z"]:
        client.put_object(Bucket=name, Key=key, Body=b"1")
    client.delete_object(Bucket=name, Key="a")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=name, PaginationConfig={"PageSize": 2})
    assert [[item["Key"] for item in page["Contents"]] for page in pages] == [["x/1", "x/2"], ["x/y/3", "z"]]
    folder = client.list_objects_v2(Bucket=name, Prefix="x/", Delimiter="/", StartAfter="x/1")
    assert [item["Key"] for item in folder["Contents"]] == ["x/2"]
    assert [item["Prefix"] for item in folder["CommonPrefixes"]] == ["x/y/"]
    older = client.list_objects(Bucket=name, Marker="x/2", MaxKeys=1)
    assert ([item["Key"] for item in older["Contents"]], older["IsTruncated"]) == (["x/y/3"], True)
