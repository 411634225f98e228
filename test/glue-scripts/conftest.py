"""One Spark session for all tests of the Glue job, and a lake in a folder for each test."""

import importlib
import os
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
FOLDERS = [str(PROJECT / "glue-scripts"), str(Path(__file__).resolve().parent)]
sys.path[:0] = FOLDERS
sys.path.append(str(PROJECT))
# The project's Java, whatever the machine's JAVA_HOME is.
os.environ["JAVA_HOME"] = str(importlib.import_module("emulator.core.java").java_home(17))
# Spark's Python workers import the same modules, by the same Python.
os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["PYTHONPATH"] = os.pathsep.join([*FOLDERS, *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    from pyspark.sql import SparkSession

    from clickstream.settings import configure

    folder = tmp_path_factory.mktemp("spark")
    session = (
        # A failed task is tried again, as on a cluster.
        SparkSession.Builder()
        .master("local[2, 3]")
        .appName("glue-scripts")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.local.dir", str(folder / "local"))
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        # A zone with daylight saving time, to find times that depend on the session's zone.
        .config("spark.sql.session.timeZone", "America/New_York")
        # The tests have few rows, so compiling each plan would take longer than running it.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -Duser.timezone=America/New_York")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    configure(session, 0, 128)
    session.conf.set("spark.sql.shuffle.partitions", "2")
    yield session
    session.stop()


@pytest.fixture
def lake(tmp_path, spark):
    from lake import Lake

    return Lake(tmp_path, spark)


@pytest.fixture(scope="module")
def new_lake(spark, tmp_path_factory):
    """Makes lakes whose state a module can save and restore."""
    from lake import Lake

    return lambda: Lake(tmp_path_factory.mktemp("lake"), spark)
