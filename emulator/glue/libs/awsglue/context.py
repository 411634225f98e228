"""GlueContext for plain Spark scripts. It only provides the Spark session."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from awsglue import _missing

if TYPE_CHECKING:
    # Imported when first used: a script that only reads its arguments does not wait for pyspark.
    from pyspark import SparkContext
    from pyspark.sql import SparkSession


class GlueContext:
    def __init__(self, sparkContext: SparkContext, **options: object) -> None:
        if options:
            raise TypeError(f"the local GlueContext takes no options, got {', '.join(sorted(options))}")
        self._spark_context = sparkContext

    @property
    def spark_session(self) -> SparkSession:
        from pyspark.sql import SparkSession

        return SparkSession.Builder().getOrCreate()

    def __getattr__(self, name: str) -> NoReturn:
        raise _missing("awsglue.context.GlueContext", name)


def __getattr__(name: str) -> NoReturn:
    raise _missing(__name__, name)
