"""The files that the tasks write: each row once, even if tasks are repeated, and readable like Spark's files."""

import io
import itertools
import weakref
from collections import Counter
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from clickstream.files import Placement, by_file, parquet_file, split, write_parquet, write_sorted
from clickstream.storage import Uploads
from directory_store import DirectoryUploads, FailingOnce, FailingUploads
from lake import Lake, event

UPLOADS = DirectoryUploads()

THREE_DAYS = "date_add(DATE '2026-03-01', CAST(id % 3 AS int)) AS event_date"


@pytest.fixture
def lake(new_lake) -> Lake:
    return new_lake()


@pytest.fixture
def rows(spark):
    """Thirty rows of three dates, from several tasks as in a large run."""
    return spark.sql(f"SELECT id, CAST(id AS string) AS event_id, {THREE_DAYS} FROM range(0, 30, 1, 4)")


def write(rows, base: str, uploads: Uploads = UPLOADS, stamp: str = "try") -> list:
    return write_parquet(rows, Placement(base), stamp, uploads)


def ids_by_file(lake) -> dict[str, list[int]]:
    files = [lake.store.path(one.uri) for one in lake.store.list_objects(lake.uri("events/"))]
    return {f"{file.parent.name}/{file.name}": sorted(pq.ParquetFile(file).read()["id"].to_pylist()) for file in files}


def test_each_date_has_one_file_named_after_the_attempt_and_all_files_are_returned(lake, rows):
    written = write(rows, lake.uri("events/"))
    days = {f"2026-03-0{day + 1}": list(range(day, 30, 3)) for day in range(3)}
    assert {file.event_date: file.rows for file in written} == {day: 10 for day in days}
    found = {one.uri: one.size for one in lake.store.list_objects(lake.uri("events/"))}
    assert {file.uri: file.bytes for file in written} == found
    assert {name.split("/")[0]: ids for name, ids in ids_by_file(lake).items()} == {
        f"event_date={day}": ids for day, ids in days.items()
    }
    assert all(uri.rsplit("/", 1)[1].startswith("part-try-0") for uri in found)


def test_each_date_goes_to_its_own_location_in_one_pass(lake, rows, spark):
    elsewhere = {day: lake.uri(f"rebuilt/{day[-1]}/event_date={day}/") for day in ("2026-03-02", "2026-03-03")}
    tracker = spark.sparkContext.statusTracker()
    spark.sparkContext.setJobGroup("one pass", "")
    written = write_parquet(rows, Placement(lake.uri("events/"), elsewhere), "try", UPLOADS)
    places = {file.event_date: file.uri.rsplit("/", 1)[0] + "/" for file in written}
    assert places == {"2026-03-01": lake.uri("events/event_date=2026-03-01/")} | elsewhere
    assert {file.uri: file.bytes for file in written} == {
        one.uri: one.size for prefix in ("events/", "rebuilt/") for one in lake.store.list_objects(lake.uri(prefix))
    }
    # The adaptive shuffle is one job, and the write is another one.
    assert len(tracker.getJobIdsForGroup("one pass")) <= 2
    spark.sparkContext.setJobGroup("", "")


def test_the_column_part_decides_the_file_and_its_number(lake, rows):
    parts = rows.withColumn("_part", F.col("id") % 2)
    parts = parts.repartition(1).sortWithinPartitions("event_date", "_part")
    write_sorted(parts, Placement(lake.uri("events/")), "merged-try", UPLOADS)
    assert ids_by_file(lake) == {
        f"event_date=2026-03-0{day + 1}/merged-try-0000{part}.parquet": [
            id for id in range(30) if id % 3 == day and id % 2 == part
        ]
        for day in range(3)
        for part in range(2)
    }


def test_the_same_rows_in_another_order_give_the_same_files(lake, rows):
    write(rows, lake.uri("events/"))
    first = ids_by_file(lake)
    write(rows.orderBy(F.rand(7)), lake.uri("events/"))
    assert ids_by_file(lake) == first


def test_a_task_that_fails_after_its_first_file_is_repeated_and_writes_each_row_once(lake, rows, tmp_path):
    uploads = FailingOnce(str(tmp_path / "failed"))
    written = write(rows.coalesce(1), lake.uri("events/"), uploads)
    assert (tmp_path / "failed").exists()
    assert Counter(id for ids in ids_by_file(lake).values() for id in ids) == Counter(range(30))
    assert sum(file.rows for file in written) == 30
    assert {file.uri for file in written} == {one.uri for one in lake.store.list_objects(lake.uri("events/"))}


def test_a_write_whose_tasks_keep_failing_fails_and_ends_all_tasks(lake, rows, spark):
    with pytest.raises(Exception, match="no upload for 2026-03-02"):
        write(rows, lake.uri("events/"), FailingUploads("2026-03-02"))
    executors = spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos()
    assert sum(one.numRunningTasks() for one in executors) == 0


def test_a_run_whose_write_fails_leaves_no_file(lake, monkeypatch):
    lake.put_raw(event("a"), event("b", event_time="2026-03-14T10:00:00.000Z"))
    monkeypatch.setattr(lake.store, "uploads", lambda: FailingUploads("2026-03-14"))
    with pytest.raises(Exception, match="no upload for 2026-03-14"):
        lake.run("failed")
    assert lake.files() == []
    monkeypatch.undo()
    assert lake.run("failed")["written"] == 2
    assert set(lake.rows()) == {"a", "b"}
    assert not lake.store.exists(lake.uri("runs/attempts/"))


def test_few_rows_of_many_dates_are_written_by_several_tasks(lake, spark):
    """Two thousand rows would fit into one task, which would write its files one after the other."""
    dates = "date_add(DATE '2020-01-01', CAST(id % 200 AS int)) AS event_date"
    rows = spark.sql(f"SELECT id, sha2(CAST(id AS string), 512) AS text, {dates} FROM range(2000)")
    partitions = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "8")
    try:
        files = [file.uri.rsplit("/", 1) for file in write(rows, lake.uri("events/"))]
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", partitions)
    assert len({name for _, name in files}) == 2
    # Each date still has only one file.
    assert len(files) == len({folder for folder, _ in files}) == 200


TABLE = """
  SELECT 'a' AS event_id, TIMESTAMP '1999-12-31 23:59:59.123456' AS event_time, 12.5D AS product_price, 3 AS quantity,
    map('k', 'v', 'none', CAST(NULL AS string)) AS properties, 'ä€𐍈' AS city, DATE '1999-12-31' AS event_date
  UNION ALL SELECT 'b', TIMESTAMP '2026-03-15 09:30:00', NULL, NULL, NULL, NULL, DATE '2026-03-15'
  UNION ALL SELECT 'c', TIMESTAMP '2026-03-15 09:30:00.001', -0.0D, -2147483648, map(), '', DATE '2026-03-15'
"""


def test_a_file_reads_the_same_as_one_written_by_spark(lake, spark):
    """In Spark and in DuckDB. A table can have both kinds of files: Spark wrote them in earlier versions of the job."""
    rows = spark.sql(TABLE)
    own, sparks, both = (lake.uri(f"{name}/") for name in ("own", "sparks", "both"))
    write(rows, own)
    write(rows, both)
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    try:
        for place in (sparks, both):
            rows.write.mode("append").option("compression", "zstd").partitionBy("event_date").parquet(place)
    finally:
        spark.conf.unset("spark.sql.parquet.outputTimestampType")
    assert read_by_spark(spark, own) == read_by_spark(spark, sparks)
    assert read_by_duckdb(lake.path("own")) == read_by_duckdb(lake.path("sparks"))
    schema, found = read_by_spark(spark, both)
    assert schema == read_by_spark(spark, own)[0]
    assert Counter(row["event_id"] for row in found) == {"a": 2, "b": 2, "c": 2}


def read_by_spark(spark, place: str) -> tuple:
    table = spark.read.parquet(place)
    return table.schema, [row.asDict() for row in table.orderBy("event_id").collect()]


def read_by_duckdb(folder) -> tuple:
    query = (
        f"SELECT *, epoch_us(event_time) FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true) ORDER BY 1"
    )
    with duckdb.connect() as connection:
        found = connection.sql(query)
        return found.columns, found.types, found.fetchall()


def test_the_file_has_parquet_types_only(lake, spark):
    [old, _] = write(spark.sql(TABLE), lake.uri("events/"))
    metadata = pq.read_metadata(lake.store.path(old.uri))
    types = {
        (column := metadata.schema.column(number)).path: (column.physical_type, str(column.logical_type))
        for number in range(metadata.num_columns)
    }
    utc_micros = "Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, is_from_converted_type=false, "
    assert types.pop("event_time") == ("INT64", f"{utc_micros}force_set_converted_type=false)")
    assert types == {
        "event_id": ("BYTE_ARRAY", "String"),
        "product_price": ("DOUBLE", "None"),
        "quantity": ("INT32", "None"),
        "properties.key_value.key": ("BYTE_ARRAY", "String"),
        "properties.key_value.value": ("BYTE_ARRAY", "String"),
        "city": ("BYTE_ARRAY", "String"),
    }
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def batches(*days: int) -> list[pa.RecordBatch]:
    """Batches of two rows with these days in March, each row with its number."""
    numbers = itertools.count()
    return [
        pa.RecordBatch.from_pydict(
            {"number": [next(numbers) for _ in pair], "event_date": [date(2026, 3, day) for day in pair]}
        )
        for pair in zip(days[::2], days[1::2], strict=True)
    ]


def test_batches_are_cut_where_the_date_changes():
    pieces = [(day.day, piece.to_pydict()) for day, piece in split(batches(1, 1, 1, 2, 3, 3), "event_date")]
    assert pieces == [(1, {"number": [0, 1]}), (1, {"number": [2]}), (2, {"number": [3]}), (3, {"number": [4, 5]})]
    assert list(split([], "event_date")) == []


def test_a_large_file_has_several_row_groups_and_is_kept_on_disk(monkeypatch):
    pieces = [piece for _, piece in by_file(batches(1, 1, 1, 1, 1, 1), 0)]
    monkeypatch.setattr("clickstream.files.ROW_GROUP_BYTES", 32)
    monkeypatch.setattr("clickstream.files.MOST_IN_MEMORY", 100)
    body, rows = parquet_file(iter(pieces))
    assert rows == 6
    assert body.name is not None  # only a file on disk has a name
    body.seek(0)
    file = pq.ParquetFile(io.BytesIO(body.read()))
    assert file.metadata.num_row_groups == 2
    assert file.read().to_pydict() == {"number": [0, 1, 2, 3, 4, 5]}


def test_a_row_group_is_released_before_the_next_one_is_read(monkeypatch):
    monkeypatch.setattr("clickstream.files.ROW_GROUP_BYTES", 1)
    written: list[weakref.ref] = []
    kept: list[int] = []

    class Writer(pq.ParquetWriter):
        def write_table(self, table, row_group_size=None):
            super().write_table(table, row_group_size)
            written.append(weakref.ref(table))

    def pieces():
        for _, piece in by_file(batches(1, 1, 1, 1, 1, 1), 0):
            kept.append(sum(one() is not None for one in written))
            yield piece

    monkeypatch.setattr("clickstream.files.pq.ParquetWriter", Writer)
    parquet_file(pieces())
    assert len(written) > 1
    assert set(kept) == {0}
