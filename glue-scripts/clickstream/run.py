"""One attempt of an execution, and its outcome. Both are immutable: each step returns its result."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pyspark.sql import SparkSession

from clickstream.arguments import Options
from clickstream.files import WrittenFile
from clickstream.settings import configure
from clickstream.storage import Catalog, Store, StoredObject


@dataclass(frozen=True)
class Run:
    """An attempt: its options, its clients for AWS and Spark, and its start time."""

    options: Options
    store: Store
    catalog: Catalog
    open_spark: Callable[[], SparkSession]
    started: datetime

    @property
    def processed_at(self) -> str:
        return self.started.strftime("%Y-%m-%d %H:%M:%S.") + f"{self.started.microsecond // 1000:03d}"

    @property
    def stamp(self) -> str:
        """The unique name of this attempt, so that two attempts of an execution do not write to the same files."""
        name = re.sub(r"[^A-Za-z0-9-]", "-", self.options.execution)
        return f"{name}-{self.started:%Y%m%dT%H%M%S}{self.started.microsecond // 1000:03d}"

    @property
    def note_uri(self) -> str:
        return f"{self.options.runs_path}attempts/{self.stamp}.json"

    def start_spark(self, objects: list[StoredObject]) -> SparkSession:
        """Starts Spark with settings for this much raw data. Only runs with something to read start it."""
        spark = self.open_spark()
        configure(spark, sum(one.size for one in objects), self.options.target_file_mb)
        return spark


@dataclass(frozen=True)
class Outcome:
    """The result of a run."""

    lines: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)
    files: list[WrittenFile] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
