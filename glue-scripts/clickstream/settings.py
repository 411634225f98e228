"""Spark's settings: every one that the rows or the files depend on, so that no cluster default decides."""

from pyspark.sql import SparkSession

from clickstream.files import BATCH_ROWS

OPTIMIZER = "org.apache.spark.sql.catalyst.optimizer"

ADAPTIVE = "org.apache.spark.sql.execution.adaptive"


def configure(spark: SparkSession, raw_bytes: int, target_file_mb: int) -> None:
    """Every setting that the rows or the files depend on, so that no cluster default decides."""
    # 8 partitions hold some 100 MB of gzipped raw; above that as many as keep a task's share at that size.
    shuffle_partitions = max(8, raw_bytes // 12_000_000)
    for key, value in {
        "spark.sql.session.timeZone": "UTC",
        # A value that cannot be cast must become null, and its line quarantined, instead of ending the run.
        "spark.sql.ansi.enabled": "false",
        "spark.sql.shuffle.partitions": str(shuffle_partitions),
        "spark.sql.adaptive.enabled": "true",
        # Without these rules a stage that turns out empty is cut out of the plan, and what it observed with it.
        "spark.sql.optimizer.excludedRules": f"{OPTIMIZER}.PropagateEmptyRelation",
        "spark.sql.adaptive.optimizer.excludedRules": f"{ADAPTIVE}.AQEPropagateEmptyRelation",
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": f"{target_file_mb}m",
        # Few rows of many dates are many files: they are work for more than one task.
        "spark.sql.adaptive.coalescePartitions.minPartitionSize": "64k",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
        "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
        "spark.sql.legacy.timeParserPolicy": "CORRECTED",
        # Spark lists the files of the table by a task for each date; thousands of dates would be as many tasks.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "32",
        "spark.sql.files.ignoreCorruptFiles": "false",
        "spark.sql.files.ignoreMissingFiles": "false",
        "spark.sql.caseSensitive": "true",
        # A name twice in a map makes its file unreadable in Athena; a JSON parser takes the last one.
        "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    }.items():
        spark.conf.set(key, value)
