"""One attempt of one execution, and what came of it. Nothing in them changes: what a step finds, it returns."""

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
    """An attempt's options, its access to AWS and Spark, and its clock."""

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
        """Names this attempt: a second one of the same execution must not write where the first one did."""
        name = re.sub(r"[^A-Za-z0-9-]", "-", self.options.execution)
        return f"{name}-{self.started:%Y%m%dT%H%M%S}{self.started.microsecond // 1000:03d}"

    @property
    def report_uri(self) -> str:
        return f"{self.options.runs_path}{self.options.execution}.json"

    @property
    def note_uri(self) -> str:
        return f"{self.options.runs_path}attempts/{self.stamp}.json"

    def start_spark(self, objects: list[StoredObject]) -> SparkSession:
        """Spark with the settings for this much raw. Only a run that has something to read waits for it."""
        spark = self.open_spark()
        configure(spark, sum(one.size for one in objects), self.options.target_file_mb)
        return spark


@dataclass(frozen=True)
class Outcome:
    """What a run did."""

    lines: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)
    files: list[WrittenFile] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
