"""Commits a run: writes the list of processed objects and the summary, replaces the head, and publishes the report."""

import gzip
import json
from collections import Counter
from datetime import datetime, timezone

from clickstream.attempts import Overtaken, forget_attempt, leave_overtaken, note_report, publish_report
from clickstream.compacted import Compacted
from clickstream.compaction_plan import data_files, files_of
from clickstream.files import WrittenFile
from clickstream.head import DateFiles, Head, Position, TakenList, keep_recent, swap_head
from clickstream.log import iso, say
from clickstream.progress import Work
from clickstream.run import Outcome, Run
from clickstream.storage import list_each

# Limits of the summary. Step Functions passes at most 256 KiB between states, including escaped quotes.
SUMMARY_DATES = 5000

SUMMARY_DATE_ENDS = 10

SUMMARY_REASONS = 20

SUMMARY_NAME_LENGTH = 100

SUMMARY_FIELDS = (
    "version", "execution", "job_run_id", "started_at", "finished_at", "seconds", "outcome", "processed_at", "raw",
    "curated", "written", "recovered", "duplicates", "redelivered", "quarantined", "unreadable_lines",
    "given_up_batches", "files", "curated_bytes", "reprocess", "compaction",
)  # fmt: skip


def prepare_commit(run: Run, work: Work, report: dict) -> None:
    """Writes the list of processed objects, the summary and the note. They only count once the head names this run."""
    if takes_objects(run, work):
        taken = [one.uri for one in work.raw + work.quarantine]
        run.store.put(taken_uri(run), gzip.compress(json.dumps(taken).encode(), mtime=0))
    put_summary(run, report)
    note_report(run, work, report)


def commit(run: Run, work: Work, report: dict, outcome: Outcome) -> Head:
    """Replaces the head, which is the commit, and then publishes the report. Returns the new head.

    If the response of S3 is lost, the rows stay, because S3 may have replaced the head. The next run checks, and
    removes the rows if it has not.
    """
    after = next_head(run, work, outcome, datetime.now(timezone.utc))
    committed = swap_head(run.store, run.options, work.head, after)
    if committed is None:
        leave_overtaken(run, work)
        raise Overtaken(run)
    try:
        publish_report(run, report)
    except Exception as error:
        say("could not write the report; the next run writes it", level="WARN", error=type(error).__name__)
        return committed
    forget_attempt(run)
    return committed


def report_compaction(run: Run, report: dict, compacted: Compacted) -> dict:
    """Adds the compaction, which comes after the commit, to the report and to its summary."""
    if compacted == Compacted():
        return report
    retired = report["retired"] | {"locations": report["retired"]["locations"] + compacted.retired}
    report = report | {"compaction": compacted.to_json(), "retired": retired}
    run.store.put(run.options.report_uri, json.dumps(report, indent=2).encode())
    put_summary(run, report)
    return report


def put_summary(run: Run, report: dict) -> None:
    uri = f"{run.options.runs_path}summaries/{run.options.execution}.json"
    run.store.put(uri, json.dumps(summarise(report)).encode())


def takes_objects(run: Run, work: Work) -> bool:
    return bool(work.raw or work.quarantine) and not run.options.reprocess


def taken_uri(run: Run) -> str:
    return f"{run.options.runs_path}taken/{run.stamp}.json.gz"


def next_head(run: Run, work: Work, outcome: Outcome, now: datetime) -> Head:
    """The head after this run, without what no later run can need."""
    before, options = work.head, run.options
    dates = dict(before.dates)
    found = {} if options.reprocess else unknown_dates(run, before, outcome.files)
    for day, (files, size) in (files_by_date(outcome.files) | found).items():
        old = None if options.reprocess else dates.get(day)
        dates[day] = DateFiles(now, files + (old.files if old else 0), size + (old.bytes if old else 0))
    head = Head(
        execution=options.execution,
        stamp=run.stamp,
        committed_at=now,
        position=next_position(run, work),
        retention_hours=options.retention_hours,
        taken=[*before.taken, TakenList(now, taken_uri(run))] if takes_objects(run, work) else before.taken,
        dates=dates,
    )
    return keep_recent(head, options)


def unknown_dates(run: Run, before: Head, files: list[WrittenFile]) -> dict[str, tuple[int, int]]:
    """Lists the dates that got files and that the head does not name, because no run wrote to them for a while."""
    if before.position is None:
        return {}
    locations = {file.event_date: file.uri.rsplit("/", 1)[0] + "/" for file in files}
    unknown = {day: location for day, location in locations.items() if day not in before.dates}
    listed = list_each(run.store, unknown.values())
    return {
        day: files_of(data_files(location, objects))
        for (day, location), objects in zip(unknown.items(), listed, strict=True)
    }


def files_by_date(files: list[WrittenFile]) -> dict[str, tuple[int, int]]:
    """The number and the bytes of the written files of each date."""
    found: dict[str, tuple[int, int]] = {}
    for file in files:
        count, size = found.get(file.event_date, (0, 0))
        found[file.event_date] = (count + 1, size + file.bytes)
    return found


def make_report(run: Run, work: Work, outcome: Outcome, given_up: int) -> dict:
    """Makes the full report of a run. The next run continues from it."""
    options, fates, reasons = run.options, outcome.fates, Counter(outcome.reasons)
    read = work.taken_raw if options.reprocess else work.raw
    is_idle = not options.reprocess and not work.raw and not work.quarantine
    finished = datetime.now(timezone.utc)
    return {
        "version": 1,
        "execution": options.execution,
        "job_run_id": options.job_run_id,
        "started_at": iso(run.started),
        "finished_at": iso(finished),
        "seconds": round((finished - run.started).total_seconds(), 3),
        "outcome": "nothing_new" if is_idle else "processed",
        "processed_at": run.processed_at,
        "raw": {"objects": len(read), "bytes": sum(one.size for one in read), "lines": outcome.lines},
        "curated": fates.get("new", 0) + fates.get("recovered", 0),
        "written": fates.get("new", 0),
        "recovered": fates.get("recovered", 0),
        "duplicates": fates.get("duplicate", 0),
        "redelivered": fates.get("redelivered", 0),
        "quarantined": sum(reasons.values()),
        "quarantine_reasons": dict(sorted(reasons.items())),
        "unreadable_lines": reasons["unreadable_raw_line"],
        "given_up_batches": given_up,
        "partitions": outcome.dates,
        "files": len(outcome.files),
        "written_files": [file.uri for file in outcome.files],
        "curated_bytes": sum(file.bytes for file in outcome.files),
        "reprocess": dict(zip(("from", "to"), options.reprocess, strict=True)) if options.reprocess else None,
        "retired": {"at": iso(finished), "locations": outcome.retired},
        "compaction": Compacted().to_json(),
        "position": next_position(run, work).to_json(),
    }


def summarise(report: dict) -> dict:
    """Returns the parts of a report that the state machine and its mails need. At most 100 KB for any run."""
    days, reasons = report["partitions"], report["quarantine_reasons"]
    most = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:SUMMARY_REASONS]
    named: Counter = Counter()
    for reason, lines in most:
        named[reason[:SUMMARY_NAME_LENGTH]] += lines
    return {name: report[name] for name in SUMMARY_FIELDS} | {
        "quarantine_reasons": dict(named),
        "quarantine_reasons_left_out": {
            "reasons": len(reasons) - len(most),
            "lines": sum(reasons.values()) - sum(named.values()),
        },
        "dates": {"count": len(days), "first": days[0] if days else None, "last": days[-1] if days else None},
        "partitions": days if len(days) <= SUMMARY_DATES else days[:SUMMARY_DATE_ENDS] + days[-SUMMARY_DATE_ENDS:],
        "retired": {"at": report["retired"]["at"], "count": len(report["retired"]["locations"])},
    }


def next_position(run: Run, work: Work) -> Position:
    """The position where the next run starts. A reprocess run takes no new objects, so it keeps the position."""
    before = work.position
    if run.options.reprocess:
        assert before is not None  # `rebuild` refuses to run before the first commit
        return Position(before.listed_at, before.processed_at, [*before.rebuilds, run.processed_at])
    return Position(work.listed_at, run.processed_at, [])
