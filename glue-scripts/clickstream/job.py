"""Runs the job: processes new events, or rebuilds the requested dates. The swap of the head object commits it.

The job can be stopped at any point and run again, because:
  - It only appends rows, and only those of events that are not in the table yet.
  - An attempt writes a note before it writes files. The next run removes the files of attempts without a commit.
    Then it processes the same events again.
  - A conditional PUT of the head object commits the run. It fails if another run has replaced the head.
  - A reprocess run and a compaction write to a new location, then change the location of the partitions.
MaxConcurrentRuns is 1, so that only one run is active. If it is raised by hand, only one of two runs commits.
"""

from clickstream.append import append_new
from clickstream.arrived_files import remove_arrived
from clickstream.attempts import appends, clear_dead_attempts, give_up
from clickstream.commit import commit, make_report, prepare_commit, report_compaction
from clickstream.compact import compact_due, finish_switch
from clickstream.log import LOG_CONTEXT, say
from clickstream.progress import extract_work
from clickstream.reprocess import rebuild
from clickstream.retire import remove_retired
from clickstream.run import Run

# Batches that Lambda gave up are counted up to this number. A higher number would only mean one large outage.
MOST_GIVEN_UP = 10_000


def execute(run: Run) -> dict:
    """Does one run and returns its report."""
    LOG_CONTEXT["execution"] = run.options.execution
    if run.options.job_run_id:
        LOG_CONTEXT["job_run_id"] = run.options.job_run_id
    work = extract_work(run.store, run.options, run.started)
    given_up = run.store.count(run.options.given_up_path, MOST_GIVEN_UP)
    if given_up:
        say(f"{given_up:,} batches that the ingest gave up are under {run.options.given_up_path}", level="WARN")
    work = finish_switch(run, work)
    remove_retired(run)
    remove_arrived(run, work.head)
    work = clear_dead_attempts(run, work)
    try:
        dates = run.options.reprocess
        outcome = rebuild(run, work, dates) if dates else append_new(run, work)
        report = make_report(run, work, outcome, given_up)
        prepare_commit(run, work, report)
    except Exception:
        give_up(run, work)
        raise
    head = commit(run, work, report, outcome)
    # Without new rows, no date has gained files since the last run.
    return report_compaction(run, report, compact_due(run, head, work.withdrawn)) if appends(run, work) else report
