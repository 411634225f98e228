"""The entry point of the Glue job: reads the arguments, opens AWS and Spark, and runs the package `clickstream`.

Runs on AWS Glue 5.1 (Spark 3.5, Python 3.11), and unchanged on any Spark 3.5. All settings are passed as arguments.
The package is a zip file (`--extra-py-files`) for this process and for Spark's Python workers.
"""

import sys
from datetime import datetime, timezone

from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import SparkSession

from clickstream.arguments import ARGUMENTS, read_options
from clickstream.aws import GlueCatalog, S3Store
from clickstream.job import execute
from clickstream.log import LOG_CONTEXT, say
from clickstream.run import Run


def main() -> None:
    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    LOG_CONTEXT["execution"] = arguments["execution"]
    try:
        options = read_options(arguments, job_run_id())
        catalog = GlueCatalog(arguments["database"], arguments["table"])
        report = execute(Run(options, S3Store(), catalog, open_spark, datetime.now(timezone.utc)))
    except Exception as error:
        # Glue logs the error as a traceback of many lines, without the execution.
        say("the run failed", level="ERROR", error=type(error).__name__, detail=str(error))
        raise
    say("the run is committed", report=report)


def job_run_id() -> str | None:
    return sys.argv[sys.argv.index("--JOB_RUN_ID") + 1] if "--JOB_RUN_ID" in sys.argv else None


def open_spark() -> SparkSession:
    """Starts Spark. Only runs with something to read call it."""
    return GlueContext(SparkContext.getOrCreate()).spark_session


if __name__ == "__main__":
    main()
