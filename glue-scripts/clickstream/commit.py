"""Commits a run: writes the list of processed objects, the summary, and the report. The report is the commit."""

import gzip
import json
from collections import Counter
from datetime import datetime, timezone

from clickstream.attempts import check_not_given_up, forget_attempt, give_up, is_committed, leaves_note
from clickstream.log import iso
from clickstream.progress import AlreadyCommitted, Position, Work
from clickstream.run import Outcome, Run

# Limits of the summary. Step Functions passes at most 256 KiB between states, including escaped quotes.
SUMMARY_DATES = 5000

SUMMARY_DATE_ENDS = 10

SUMMARY_REASONS = 20

SUMMARY_NAME_LENGTH = 100

SUMMARY_FIELDS = (
    "version", "execution", "job_run_id", "started_at", "finished_at", "seconds", "outcome", "processed_at", "raw",
    "curated", "written", "recovered", "duplicates", "redelivered", "quarantined", "unreadable_lines",
    "given_up_batches", "files", "curated_bytes", "reprocess",
)  # fmt: skip


def prepare_commit(run: Run, work: Work, report: dict) -> None:
    """Writes the list of processed objects and the summary. They are only valid once the report exists."""
    options = run.options
    taken = [] if options.reprocess else [one.uri for one in work.raw + work.quarantine]
    if taken:
        body = gzip.compress(json.dumps(taken).encode(), mtime=0)
        run.store.put(f"{options.runs_path}taken/{options.execution}.json.gz", body)
    if leaves_note(run, work):
        check_not_given_up(run)
    run.store.put(f"{options.runs_path}summaries/{options.execution}.json", json.dumps(summarise(report)).encode())


def commit(run: Run, work: Work, report: dict) -> None:
    """Writes the report, which is the commit.

    If the response of S3 is lost, the rows stay, because S3 may have stored the report. The next run checks, and
    removes the rows if there is no report.
    """
    is_put = run.store.put_if_absent(run.report_uri, json.dumps(report, indent=2).encode())
    # After a lost response the PUT is retried, and then finds the report of this same attempt.
    if not is_put and not is_committed(run, report):
        give_up(run, work)
        raise AlreadyCommitted(
            f"Execution {run.options.execution} has already been committed by another run of the job. This run "
            "changed no committed rows. Start a new execution to process what has arrived since."
        )
    if leaves_note(run, work):
        forget_attempt(run)


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
        "curated_bytes": sum(file.bytes for file in outcome.files),
        "reprocess": dict(zip(("from", "to"), options.reprocess, strict=True)) if options.reprocess else None,
        "retired": {"at": iso(finished), "locations": outcome.retired},
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
