"""A run is killed between any two steps. After the next run, the rows are the same and every line is counted once."""

import json
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from clickstream.attempts import Overtaken
from clickstream.commit import prepare_commit
from clickstream.files import write_parquet
from clickstream.progress import AlreadyCommitted, Work
from clickstream.run import Outcome, Run
from lake import Crash, Lake, event

LATER = "2026-03-15T10:00:00.000Z"
STEPS = [
    "put runs/attempts/", "write events/", "put quarantine/", "put runs/taken/", "put runs/summaries/",
    "put runs/attempts/ again", "swap runs/head.json", "put runs/killed.json",
]  # fmt: skip
COMMIT = "swap runs/head.json"


class Steps:
    """Records the changes of a run in order, and kills the run before or after one of them."""

    def __init__(self, lake: Lake, patch: pytest.MonkeyPatch, die_before: str = "", die_after: str = ""):
        self.seen: list[str] = []
        self.lake, self.before, self.after = lake, die_before, die_after
        writing = self.watched(write_parquet, "write", lambda rows, placement, *_: placement.base)
        for module in ("append", "reprocess"):
            patch.setattr(f"clickstream.{module}.write_parquet", writing)
        for method in ("put", "swap"):
            patch.setattr(lake.store, method, self.watched(getattr(lake.store, method), method, lambda uri, *_: uri))
        patch.setattr(lake.catalog, "switch", self.watched(lake.catalog.switch, "switch", lambda places: ""))

    def watched(self, real: Callable, verb: str, target: Callable) -> Callable:
        def step(*arguments: Any) -> object:
            path = target(*arguments).removeprefix(self.lake.uri(""))
            name = f"{verb} {self.folder(path)}".strip()
            name += " again" * (name in self.seen)
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
        """The folder's name is enough, except for the head and the reports."""
        if path.count("/") == 1 and path.startswith("runs/"):
            return path
        parts = path.split("/")
        return "/".join(parts[:2] if path.startswith("runs/") else parts[:1]) + "/" if path else ""


@pytest.fixture(scope="module")
def prepared(new_lake) -> tuple[Lake, dict, dict]:
    """A lake with new events, and the result of an undisturbed run."""
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


def test_a_run_killed_before_its_first_write_changes_nothing(prepared, lake):
    for step in STEPS[:2]:
        kill(lake, die_before=step)
        assert set(lake.rows()) == {"a", "b"}
    # The second run has another name, like an execution that a person starts.
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=0)


def test_the_next_run_removes_files_of_a_run_killed_while_it_wrote(prepared, lake):
    for missing in ("2026-03-13", "2026-03-15"):
        before = set(lake.files())
        kill(lake, die_after="write events/")
        # The state after a job that ended after the first of its two files.
        [unwritten] = [file for file in set(lake.files()) - before if f"event_date={missing}" in file]
        lake.store.delete([f"file://{unwritten}"])
    assert_ends_as_undisturbed(prepared, lake.run("killed"), recovered=0)


def test_a_run_killed_at_any_step_after_its_rows_leads_to_the_same_result(prepared, lake):
    for step in STEPS[2 : STEPS.index(COMMIT) + 1]:
        kill(lake, die_before=step)
        # The rows exist, but the run is not committed.
        assert set(lake.rows()) == {"a", "b", "c", "late"}
        assert not lake.store.exists(lake.uri("runs/killed.json"))
    assert_ends_as_undisturbed(prepared, lake.run("killed"), recovered=0)


def twice(lake: Lake, before: set[str]) -> None:
    """Writes the rows of a new file twice, like two tasks with the same rows."""
    [written, *_] = sorted(set(lake.files()) - before)
    shutil.copy(written, re.sub(r"-\d{5}\.parquet$", "-00077.parquet", written))


def test_double_rows_of_a_dead_attempt_exist_once_after_the_next_run(prepared, lake):
    before = set(lake.files())
    kill(lake, die_after="write events/")
    twice(lake, before)
    with pytest.raises(AssertionError, match="occurs twice"):
        lake.rows()
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=0)


def test_a_run_with_double_rows_removes_them_before_it_fails(prepared, lake, monkeypatch):
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


def test_the_next_run_removes_a_file_uploaded_after_a_failed_run_removed_its_files(prepared, lake, monkeypatch):
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
    # A task on a machine that Spark has lost continues.
    lake.store.put(written[0], late[0])
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=0)


def test_an_attempt_of_an_earlier_version_of_the_job_keeps_its_rows(prepared, lake):
    """Its files cannot be recognised by name. They have each row once, and the next run writes the missing rows."""
    kill(lake, die_before=COMMIT)
    [note] = lake.store.list_objects(lake.uri("runs/attempts/"))
    old = {name: value for name, value in json.loads(lake.store.get(note.uri)).items() if name != "stamp"}
    lake.store.put(note.uri, json.dumps(old).encode())
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=2)


def test_the_next_run_removes_what_a_failed_run_could_not_remove(prepared, lake, monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError("no deletion")

    monkeypatch.setattr("clickstream.append.load_unreadable", refused)
    monkeypatch.setattr(lake.store, "delete", refused)
    with pytest.raises(PermissionError):
        lake.run("killed")
    monkeypatch.undo()
    assert lake.store.exists(lake.uri("runs/attempts/"))
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=0)


def test_only_the_dates_of_the_dead_attempt_are_listed(prepared, lake, monkeypatch):
    kill(lake, die_after="write events/")
    listed: list[str] = []
    list_objects = lake.store.list_objects
    monkeypatch.setattr(
        lake.store, "list_objects", lambda *given, **how: listed.append(given[0]) or list_objects(*given, **how)
    )
    lake.run("another")
    dates = {prefix.split("event_date=")[1] for prefix in listed if "event_date=" in prefix}
    # No event of the 14th had arrived.
    assert dates == {"2026-03-13/", "2026-03-15/"}


def test_rows_whose_raw_objects_no_longer_exist_stay(prepared, lake):
    kill(lake, die_after="write events/")
    [gone] = [one.uri for one in lake.store.list_objects(lake.uri("raw/")) if "-200-" in one.uri]
    lake.store.delete([gone])
    # The producer resends the first of the two events.
    lake.put_raw(event("c"), first=300, time="2026-03-15T11:00:00.000Z")
    report = lake.run("another")
    assert set(lake.rows()) == {"a", "b", "c", "late"}
    assert (report["written"], report["duplicates"]) == (0, 1)
    assert not lake.store.exists(lake.uri("runs/attempts/"))


def test_an_attempt_without_its_note_is_recovered(prepared, lake):
    kill(lake, die_before=COMMIT)
    lake.store.clear(lake.uri("runs/attempts/"))
    assert_ends_as_undisturbed(prepared, lake.run("another"), recovered=2)


def test_an_attempt_that_another_run_overtook_does_not_commit(prepared, lake, monkeypatch):
    def overtaken(run: Run, work: Work, report: dict) -> None:
        monkeypatch.undo()
        lake.other = lake.run("another")
        prepare_commit(run, work, report)

    monkeypatch.setattr("clickstream.job.prepare_commit", overtaken)
    with pytest.raises(Overtaken, match="at the same time as this run of execution killed"):
        lake.run("killed")
    assert not lake.store.exists(lake.uri("runs/killed.json"))
    assert_ends_as_undisturbed(prepared, lake.other, recovered=0)


def test_rows_stay_if_it_is_unknown_whether_the_head_was_stored(prepared, lake, monkeypatch):
    _, _, undisturbed = prepared
    swap = lake.store.swap

    def unanswered(uri: str, body: bytes, tag: str | None) -> str:
        swap(uri, body, tag)
        raise TimeoutError("no answer")

    monkeypatch.setattr(lake.store, "swap", unanswered)
    with pytest.raises(TimeoutError):
        lake.run("killed")
    monkeypatch.undo()
    assert lake.contents() == undisturbed
    assert lake.run("afterwards")["outcome"] == "nothing_new"
    assert lake.contents() == undisturbed
    assert json.loads(lake.store.get(lake.uri("runs/killed.json")))["curated"] == 2
    assert not lake.store.exists(lake.uri("runs/attempts/"))


def test_a_head_put_twice_by_the_same_attempt_is_accepted(prepared, lake, monkeypatch):
    _, expected, undisturbed = prepared
    swap = lake.store.swap
    # The client retries after a lost response, and S3 refuses the second PUT.
    monkeypatch.setattr(lake.store, "swap", lambda *given: swap(*given) and swap(*given))
    assert lake.run("killed")["curated"] == expected["curated"]
    assert lake.contents() == undisturbed


def test_a_reprocess_run_first_removes_the_files_of_a_dead_attempt(prepared, lake):
    before = set(lake.files())
    kill(lake, die_after="write events/")
    twice(lake, before)
    lake.run("rebuild", reprocess=("2026-03-13", "2026-03-15"))
    assert set(lake.rows()) == {"a", "b"}
    report = lake.run("another")
    assert (report["written"], report["recovered"], set(lake.rows())) == (2, 0, {"a", "b", "c", "late"})


@pytest.mark.parametrize("step", STEPS[STEPS.index(COMMIT) :])
def test_a_run_killed_after_its_commit_is_committed_and_the_next_run_publishes_its_report(prepared, lake, step):
    _, expected, undisturbed = prepared
    kill(lake, die_after=step)
    with pytest.raises(AlreadyCommitted, match="Execution killed has already been committed"):
        lake.run("killed")
    assert lake.run("afterwards")["outcome"] == "nothing_new"
    assert lake.contents() == undisturbed
    report = json.loads(lake.store.get(lake.uri("runs/killed.json")))
    assert (report["curated"], report["quarantined"]) == (expected["curated"], expected["quarantined"])
    assert sorted(report["written_files"]) == sorted(f"file://{file}" for file in lake.files() if "killed" in file)
    assert not lake.store.exists(lake.uri("runs/attempts/"))


def test_new_events_after_a_crash_are_counted_with_the_reprocessed_ones(lake):
    kill(lake, die_before="put runs/taken/")
    lake.put_raw(event("new"), event("c"), first=300, time="2026-03-15T11:00:00.000Z")
    report = lake.run("another")
    found = {name: report[name] for name in ("curated", "written", "recovered", "duplicates", "quarantined")}
    assert found == {"curated": 3, "written": 3, "recovered": 0, "duplicates": 3, "quarantined": 2}
    assert report["raw"]["lines"] == 7
    assert set(lake.rows()) == {"a", "b", "c", "late", "new"}
