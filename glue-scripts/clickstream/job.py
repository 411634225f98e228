"""Runs the job: takes what is new, or rebuilds the dates asked for; ends with the report, which is the commit.

What makes it safe to kill at any point, and to run again:
  - rows are only ever appended, and only those whose event_id is not curated yet;
  - an attempt leaves a note before it writes; files of one that never came to its report are removed before the next
    run takes the same events again;
  - what a run took is on record only from its last step on: one PUT of its report that fails if the report exists;
  - what must replace rows (reprocess) is written elsewhere, then the partitions are pointed at it.
One run at a time: the job's MaxConcurrentRuns of 1 sees to that.
"""

from clickstream.append import append_new
from clickstream.attempts import GivenUp, clear_dead_attempts, forget_attempt, give_up
from clickstream.commit import commit, make_report, prepare_commit
from clickstream.log import LOG_CONTEXT, say
from clickstream.progress import extract_work
from clickstream.reprocess import rebuild, remove_retired
from clickstream.run import Run

# Of the batches that Lambda gave up, no more are counted: more than that is one fault, not so many.
MOST_GIVEN_UP = 10_000


def execute(run: Run) -> dict:
    """One run; answers its report."""
    LOG_CONTEXT["execution"] = run.options.execution
    if run.options.job_run_id:
        LOG_CONTEXT["job_run_id"] = run.options.job_run_id
    work = extract_work(run.store, run.options)
    given_up = run.store.count(run.options.given_up_path, MOST_GIVEN_UP)
    if given_up:
        say(f"{given_up:,} batches that the ingest gave up are under {run.options.given_up_path}", level="WARN")
    remove_retired(run)
    clear_dead_attempts(run, work)
    try:
        dates = run.options.reprocess
        outcome = rebuild(run, work, dates) if dates else append_new(run, work)
        report = make_report(run, work, outcome, given_up)
        prepare_commit(run, work, report)
    except GivenUp:
        # The events are the other run's: there is nothing for a later one to look at.
        give_up(run, work)
        forget_attempt(run)
        raise
    except Exception:
        give_up(run, work)
        raise
    commit(run, work, report)
    return report
