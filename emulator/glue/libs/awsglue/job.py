"""Job.init and Job.commit. They mark the start and end of a job for bookmarks, which only exist on Glue."""

from __future__ import annotations

from typing import NoReturn

from awsglue import _missing
from awsglue.context import GlueContext


class Job:
    def __init__(self, glue_context: GlueContext) -> None:
        self._glue_context = glue_context

    def init(self, job_name: str, args: dict[str, str] | None = None) -> None:
        self._job_name = job_name

    def commit(self) -> None:
        if not hasattr(self, "_job_name"):
            raise RuntimeError("Job.commit() before Job.init()")

    def __getattr__(self, name: str) -> NoReturn:
        raise _missing("awsglue.job.Job", name)


def __getattr__(name: str) -> NoReturn:
    raise _missing(__name__, name)
