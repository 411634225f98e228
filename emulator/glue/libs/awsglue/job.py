"""Job.init and Job.commit. They mark a job's begin and end for bookmarks, which only Glue itself has."""

from __future__ import annotations

from awsglue import _missing


class Job:
    def __init__(self, glue_context):
        self._glue_context = glue_context

    def init(self, job_name, args=None):
        self._job_name = job_name

    def commit(self):
        if not hasattr(self, "_job_name"):
            raise RuntimeError("Job.commit() before Job.init()")

    def __getattr__(self, name: str):
        raise _missing("awsglue.job.Job", name)


def __getattr__(name: str):
    raise _missing(__name__, name)
