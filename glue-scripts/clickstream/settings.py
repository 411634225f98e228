"""Sets all Spark settings that affect the rows or the files, so that they do not depend on cluster defaults."""

from pyspark.sql import SparkSession

from clickstream.files import BATCH_ROWS

OPTIMIZER = "org.apache.spark.sql.catalyst.optimizer"

ADAPTIVE = "org.apache.spark.sql.execution.adaptive"


def configure(spark: SparkSession, raw_bytes: int, target_file_mb: int) -> None:
    """Sets all Spark settings that affect the rows or the files."""
    # 8 partitions are enough for about 100 MB of gzipped raw data. Above that, the size per task stays the same.
    shuffle_partitions = max(8, raw_bytes // 12_000_000)
    for key, value in {
        "spark.sql.session.timeZone": "UTC",
        # A value that cannot be cast must become null, so that its line is quarantined and the run does not fail.
        "spark.sql.ansi.enabled": "false",
        "spark.sql.shuffle.partitions": str(shuffle_partitions),
        "spark.sql.adaptive.enabled": "true",
        # These rules remove empty stages from the plan, together with their observed counts.
        "spark.sql.optimizer.excludedRules": f"{OPTIMIZER}.PropagateEmptyRelation",
        "spark.sql.adaptive.optimizer.excludedRules": f"{ADAPTIVE}.AQEPropagateEmptyRelation",
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": f"{target_file_mb}m",
        # A few rows with many dates make many files, so more than one task should write them.
        "spark.sql.adaptive.coalescePartitions.minPartitionSize": "64k",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
        "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
        "spark.sql.legacy.timeParserPolicy": "CORRECTED",
        # Spark lists the files of the table with one task per date. This limits the tasks for thousands of dates.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "32",
        "spark.sql.files.ignoreCorruptFiles": "false",
        "spark.sql.files.ignoreMissingFiles": "false",
        "spark.sql.caseSensitive": "true",
        # Athena cannot read files with duplicate map keys. As in JSON parsers, the last value wins.
        "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    }.items():
        spark.conf.set(key, value)
