"""GlueContext as far as plain Spark goes: it hands out the Spark session."""

from __future__ import annotations

from awsglue import _missing


class GlueContext:
    def __init__(self, sparkContext, **options):
        if options:
            raise TypeError(f"the local GlueContext takes no options, got {', '.join(sorted(options))}")
        self._spark_context = sparkContext

    @property
    def spark_session(self):
        from pyspark.sql import SparkSession

        return SparkSession.Builder().getOrCreate()

    def __getattr__(self, name: str):
        raise _missing("awsglue.context.GlueContext", name)


def __getattr__(name: str):
    raise _missing(__name__, name)
