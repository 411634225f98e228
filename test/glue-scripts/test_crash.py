"""A run that is killed between any two steps, and the one after it: the same rows, every line counted once."""

import json
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from clickstream.attempts import GivenUp
from clickstream.commit import prepare_commit
from clickstream.files import write_parquet
from clickstream.progress import AlreadyCommitted, Work
from clickstream.run import Outcome, Run
from lake import Crash, Lake, event

LATER = "2026-03-15T10:00:00.000Z"
STEPS = [
    "put runs/attempts/", "write events/", "put quarantine/", "put runs/taken/", "put runs/summaries/",
    "put runs/killed.json",
]  # fmt: skip


class Steps:
    """Watches what a run changes in the world, in order, and kills it before or after one of these steps."""

    def __init__(self, lake: Lake, patch: pytest.MonkeyPatch, die_before: str = "", die_after: str = ""):
        self.seen: list[str] = []
        self.lake, self.before, self.after = lake, die_before, die_after
        writing = self.watched(write_parquet, "write", lambda rows, base, *_: base)
        for module in ("append", "reprocess"):
            patch.setattr(f"clickstream.{module}.write_parquet", writing)
        for method in ("put", "put_if_absent"):
            patch.setattr(lake.store, method, self.watched(getattr(lake.store, method), "put", lambda uri, body: uri))
        patch.setattr(lake.catalog, "switch", self.watched(lake.catalog.switch, "switch", lambda places: ""))

    def watched(self, real: Callable, verb: str, target: Callable) -> Callable:
        def step(*arguments: Any) -> object:
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
    assert not lake.store.exists(lake.uri("runs/attempts/"))
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
    assert not lake.store.exists(lake.uri("runs/attempts/"))
    assert lake.run("afterwards")["outcome"] == "nothing_new"


def test_killed_before_it_wrote_a_run_leaves_what_was_there(prepared, lake):
    for step in STEPS[:2]:
        kill(lake, die_before=step)
        assert set(lake.rows()) == {"a", "b"}
    # This time under another name, as a person would start it.
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=0)


def test_killed_amid_its_files_the_next_run_removes_what_it_wrote(prepared, lake):
    for missing in ("2026-03-13", "2026-03-15"):
        before = set(lake.files())
        kill(lake, die_after="write events/")
        # As it is when the job dies after the first of its two files was put.
        [unwritten] = [file for file in set(lake.files()) - before if f"event_date={missing}" in file]
        lake.store.delete([f"file://{unwritten}"])
    assert_ends_as_undisturbed(prepared, lake.run("killed"), recovered=0)


def test_killed_at_each_step_after_its_rows_were_written_it_ends_the_same(prepared, lake):
    for step in STEPS[2:]:
        kill(lake, die_before=step)
        # The rows are there, and the run is not on record.
        assert set(lake.rows()) == {"a", "b", "c", "late"}
        assert not lake.store.exists(lake.uri("runs/killed.json"))
    assert_ends_as_undisturbed(prepared, lake.run("killed"), recovered=0)


def twice(lake: Lake, before: set[str]) -> None:
    """Leaves the rows of a new file twice, as two tasks that wrote the same rows would."""
    [written, *_] = sorted(set(lake.files()) - before)
    shutil.copy(written, re.sub(r"-\d{5}\.parquet$", "-00077.parquet", written))


def test_rows_that_a_dead_attempt_left_twice_are_there_once_after_the_next_run(prepared, lake):
    before = set(lake.files())
    kill(lake, die_after="write events/")
    twice(lake, before)
    with pytest.raises(AssertionError, match="stands twice"):
        lake.rows()
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=0)


def test_a_run_that_finds_its_rows_twice_removes_them_before_it_fails(prepared, lake, monkeypatch):
    before = lake.files()

    def published_twice(*arguments: Any) -> list:
        written = write_parquet(*arguments)
        twice(lake, set(before))
        return [written[0], *written]

    monkeypatch.setattr("clickstream.append.write_parquet", published_twice)
    with pytest.raises(RuntimeError, match="2 new events, but 3 rows in the files of this run"):
        lake.run("killed")
    assert lake.files() == before
    monkeypatch.undo()
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=0)


def test_a_file_that_comes_after_a_failed_run_has_removed_its_own_is_removed_by_the_next(prepared, lake, monkeypatch):
    written: list[str] = []

    def failing(run: Run, work: Work, outcome: Outcome, given_up: int) -> dict:
        written.extend(file.uri for file in outcome.files)
        late.append(lake.store.get(written[0]))
        raise ConnectionError("no report")

    late: list[bytes] = []
    monkeypatch.setattr("clickstream.job.make_report", failing)
    with pytest.raises(ConnectionError):
        lake.run("killed")
    monkeypatch.undo()
    assert not any(lake.store.exists(uri) for uri in written)
    # A task on a machine that Spark has lost goes on by itself.
    lake.store.put(written[0], late[0])
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=0)


def test_an_attempt_of_an_earlier_version_of_the_job_keeps_its_rows(prepared, lake):
    """Its files cannot be known by their names. They hold each row once, and what is missing is written."""
    kill(lake, die_before="put runs/killed.json")
    [note] = lake.store.list_objects(lake.uri("runs/attempts/"))
    old = {name: value for name, value in json.loads(lake.store.get(note.uri)).items() if name != "stamp"}
    lake.store.put(note.uri, json.dumps(old).encode())
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=2)


def test_what_a_failed_run_could_not_remove_the_next_one_removes(prepared, lake, monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError("no deletion")

    monkeypatch.setattr("clickstream.append.load_unreadable", refused)
    monkeypatch.setattr(lake.store, "delete", refused)
    with pytest.raises(PermissionError):
        lake.run("killed")
    monkeypatch.undo()
    assert lake.store.exists(lake.uri("runs/attempts/"))
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=0)


def test_only_the_dates_that_the_dead_attempt_took_are_looked_at(prepared, lake, monkeypatch):
    kill(lake, die_after="write events/")
    listed: list[str] = []
    list_objects = lake.store.list_objects
    monkeypatch.setattr(
        lake.store, "list_objects", lambda *given, **how: listed.append(given[0]) or list_objects(*given, **how)
    )
    lake.run("another")
    dates = {prefix.split("event_date=")[1] for prefix in listed if "event_date=" in prefix}
    # Of the 14th nothing had arrived.
    assert dates == {"2026-03-13/", "2026-03-15/"}


def test_rows_that_raw_could_not_give_again_stay(prepared, lake):
    kill(lake, die_after="write events/")
    [gone] = [one.uri for one in lake.store.list_objects(lake.uri("raw/")) if "-200-" in one.uri]
    lake.store.delete([gone])
    # The first of the two events comes again from its producer.
    lake.put_raw(event("c"), first=300, time="2026-03-15T11:00:00.000Z")
    report = lake.run("another")
    assert set(lake.rows()) == {"a", "b", "c", "late"}
    assert (report["written"], report["duplicates"]) == (0, 1)
    assert not lake.store.exists(lake.uri("runs/attempts/"))


def test_an_attempt_without_its_note_is_recovered(prepared, lake):
    kill(lake, die_before="put runs/killed.json")
    lake.store.clear(lake.uri("runs/attempts/"))
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=2)


@pytest.mark.parametrize("is_note_there", [True, False])
def test_an_attempt_that_another_run_gave_up_does_not_commit(prepared, lake, monkeypatch, is_note_there):
    def overtaken(run: Run, work: Work, report: dict) -> None:
        monkeypatch.undo()
        lake.other = lake.run("another")
        if is_note_there:
            # The other one marks the note first, and removes it when it has removed the files.
            lake.store.put(run.note_uri, b'{"given_up": true}')
        prepare_commit(run, work, report)

    monkeypatch.setattr("clickstream.job.prepare_commit", overtaken)
    with pytest.raises(GivenUp, match="treated this one of execution killed as dead"):
        lake.run("killed")
    assert not lake.store.exists(lake.uri("runs/killed.json"))
    assert_ends_as_undisturbed(prepared, lake.other, recovered=0)


def test_a_report_whose_arrival_is_not_known_keeps_its_rows(prepared, lake, monkeypatch):
    _, _, undisturbed = prepared
    put = lake.store.put_if_absent

    def unanswered(uri: str, body: bytes) -> bool:
        put(uri, body)
        raise TimeoutError("no answer")

    monkeypatch.setattr(lake.store, "put_if_absent", unanswered)
    with pytest.raises(TimeoutError):
        lake.run("killed")
    monkeypatch.undo()
    assert lake.contents() == undisturbed
    assert lake.run("afterwards")["outcome"] == "nothing_new"
    assert lake.contents() == undisturbed
    assert not lake.store.exists(lake.uri("runs/attempts/"))


def test_a_report_that_was_put_twice_by_the_same_attempt_is_its_own(prepared, lake, monkeypatch):
    _, expected, undisturbed = prepared
    put = lake.store.put_if_absent
    monkeypatch.setattr(lake.store, "put_if_absent", lambda uri, body: put(uri, body) and put(uri, body))
    assert lake.run("killed")["curated"] == expected["curated"]
    assert lake.contents() == undisturbed


def test_a_reprocess_first_removes_what_a_dead_attempt_left(prepared, lake):
    before = set(lake.files())
    kill(lake, die_after="write events/")
    twice(lake, before)
    lake.run("rebuild", reprocess=("2026-03-13", "2026-03-15"))
    assert set(lake.rows()) == {"a", "b"}
    report = lake.run("another")
    assert (report["written"], report["recovered"], set(lake.rows())) == (2, 0, {"a", "b", "c", "late"})


def test_killed_after_its_report_a_run_has_happened(prepared, lake):
    _, _, undisturbed = prepared
    kill(lake, die_after="put runs/killed.json")
    with pytest.raises(AlreadyCommitted, match="Execution killed has already been committed"):
        lake.run("killed")
    assert lake.run("afterwards")["outcome"] == "nothing_new"
    assert lake.contents() == undisturbed


def test_what_came_after_the_crash_is_counted_beside_what_is_taken_again(lake):
    kill(lake, die_before="put runs/taken/")
    lake.put_raw(event("new"), event("c"), first=300, time="2026-03-15T11:00:00.000Z")
    report = lake.run("another")
    found = {name: report[name] for name in ("curated", "written", "recovered", "duplicates", "quarantined")}
    assert found == {"curated": 3, "written": 3, "recovered": 0, "duplicates": 3, "quarantined": 2}
    assert report["raw"]["lines"] == 7
    assert set(lake.rows()) == {"a", "b", "c", "late", "new"}
