"""A run that is killed between any two steps, and the one after it: the same rows, every line counted once."""

from collections.abc import Callable

import clickstream_etl as etl
import pytest
from folder_lake import Crash, Lake, event

LATER = "2026-03-15T10:00:00.000Z"
STEPS = ["write events/", "put quarantine/", "put runs/taken/", "put runs/killed.json"]


class Steps:
    """Watches what a run changes in the world, in order, and kills it before or after one of these steps."""

    def __init__(self, lake: Lake, patch: pytest.MonkeyPatch, die_before: str = "", die_after: str = ""):
        self.seen: list[str] = []
        self.lake, self.before, self.after = lake, die_before, die_after
        patch.setattr(etl, "write_parquet", self.watched(etl.write_parquet, "write", lambda rows, base, mode: base))
        for method in ("put", "put_if_absent"):
            patch.setattr(lake.store, method, self.watched(getattr(lake.store, method), "put", lambda uri, body: uri))
        patch.setattr(lake.catalog, "switch", self.watched(lake.catalog.switch, "switch", lambda places: ""))

    def watched(self, real: Callable, verb: str, target: Callable) -> Callable:
        def step(*arguments: object) -> object:
            path = target(*arguments).removeprefix(self.lake.uri(""))
            # The name of the folder is enough, but of the report itself.
            name = f"{verb} {path if path.startswith('runs/k') else self.folder(path)}".strip()
            if name == self.before:
                raise Crash(name)
            result = real(*arguments)
            self.seen.append(name)
            if name == self.after:
                raise Crash(name)
            return result

        return step

    @staticmethod
    def folder(path: str) -> str:
        parts = path.split("/")
        return "/".join(parts[:2] if path.startswith("runs/") else parts[:1]) + "/" if path else ""


@pytest.fixture(scope="module")
def prepared(new_lake) -> tuple[Lake, dict, dict]:
    """A lake with work to do, and what a run that nothing disturbs makes of it."""
    lake = new_lake()
    lake.put_raw(event("a"), event("b", event_time="2026-03-14T10:00:00.000Z"), first=100)
    lake.register(lake.run("first"))
    lake.put_raw(
        event("c"), event("late", event_time="2026-03-13T10:00:00.000Z"), event("c"), event("a"), "{cut",
        first=200, time=LATER,
    )  # fmt: skip
    lake.put_quarantine("not_json", first=205, time=LATER)
    lake.save()
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(lake, patch)
        report = lake.run("killed")
    assert steps.seen == STEPS
    undisturbed = lake.contents()
    assert set(undisturbed) == {"a", "b", "c", "late"}
    lake.quarantine = lake.quarantined()
    return lake, report, undisturbed


@pytest.fixture
def lake(prepared) -> Lake:
    prepared[0].restore()
    return prepared[0]


def kill(lake: Lake, **at: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        Steps(lake, patch, **at)
        with pytest.raises(Crash):
            lake.run("killed")


def assert_ends_as_undisturbed(prepared: tuple, report: dict, recovered: int) -> None:
    lake, expected, undisturbed = prepared
    assert lake.contents() == undisturbed
    assert lake.quarantined() == lake.quarantine
    same = ("curated", "duplicates", "redelivered", "quarantined", "quarantine_reasons", "partitions")
    assert {name: report[name] for name in same} == {name: expected[name] for name in same}
    assert (expected["curated"], expected["duplicates"], expected["quarantined"]) == (2, 2, 2)
    assert (report["written"], report["recovered"]) == (2 - recovered, recovered)
    assert lake.run("afterwards")["outcome"] == "nothing_new"


def test_killed_before_it_wrote_a_run_leaves_what_was_there(prepared, lake):
    kill(lake, die_before="write events/")
    assert set(lake.rows()) == {"a", "b"}
    # This time under another name, as a person would start it.
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=0)


def test_killed_amid_its_files_a_run_finds_what_it_wrote_and_clears_the_rest(prepared, lake):
    kill(lake, die_after="write events/")
    # As Spark leaves it when it dies while it moves its files: one is there, the other half written.
    lake.store.clear(lake.uri("events/event_date=2026-03-13/"))
    half = lake.uri("events/_temporary/0/_temporary/attempt_1/event_date=2026-03-13/part-0.parquet")
    staging = lake.uri("events/.spark-staging-7/event_date=2026-03-13/part-0.parquet")
    for uri in (half, staging):
        lake.store.put(uri, b"half a file")
    report = lake.run("killed")
    assert not lake.store.exists(half)
    assert not lake.store.exists(staging)
    assert_ends_as_undisturbed(prepared, report, recovered=1)


def test_killed_at_each_step_after_its_rows_were_written_it_ends_the_same(prepared, lake):
    for step in STEPS[1:]:
        kill(lake, die_before=step)
        # The rows are there, and the run is not on record.
        assert set(lake.rows()) == {"a", "b", "c", "late"}
        assert not lake.store.exists(lake.uri("runs/killed.json"))
    assert_ends_as_undisturbed(prepared, lake.run("killed"), recovered=2)


def test_killed_after_its_report_a_run_has_happened(prepared, lake):
    _, _, undisturbed = prepared
    kill(lake, die_after="put runs/killed.json")
    with pytest.raises(etl.AlreadyCommitted, match="Execution killed has already been committed"):
        lake.run("killed")
    assert lake.run("afterwards")["outcome"] == "nothing_new"
    assert lake.contents() == undisturbed


def test_what_came_after_the_crash_is_counted_beside_what_is_recovered(lake):
    kill(lake, die_before="put runs/taken/")
    lake.put_raw(event("new"), event("c"), first=300, time="2026-03-15T11:00:00.000Z")
    report = lake.run("another")
    found = {name: report[name] for name in ("curated", "written", "recovered", "duplicates", "quarantined")}
    assert found == {"curated": 3, "written": 1, "recovered": 2, "duplicates": 3, "quarantined": 2}
    assert report["raw"]["lines"] == 7
    assert set(lake.rows()) == {"a", "b", "c", "late", "new"}
