"""Iceberg tables on the running Athena: Athena's statements about them, by AWS's manual."""

from __future__ import annotations

import io
import re
import time

import pyarrow.parquet
import pytest
from athena_lake import Lake
from botocore.exceptions import ClientError

CREATE = """CREATE TABLE {name} (id bigint, name string COMMENT 'who', at timestamp, price decimal(10,2),
  tags array<string>)
  {partitions} LOCATION 's3://{bucket}/{name}/' TBLPROPERTIES ('table_type' = 'ICEBERG'{more})"""


def create(lake: Lake, name: str = "t", partitions: str = "", **properties: str) -> None:
    more = "".join(f", '{key}' = '{value}'" for key, value in properties.items())
    lake.run(CREATE.format(name=name, bucket=lake.bucket, partitions=partitions, more=more))


def insert(lake: Lake, *ids: int, name: str = "t") -> None:
    values = ", ".join(
        f"({i}, 'n{i}', TIMESTAMP '2026-11-2{i} 10:00:00.000', DECIMAL '{i}.50', ARRAY['x', NULL])" for i in ids
    )
    lake.run(f"INSERT INTO {name} VALUES {values}")


def snapshots(lake: Lake, name: str = "t") -> list[str]:
    found = lake.rows(f'SELECT snapshot_id FROM "{name}$snapshots" ORDER BY committed_at')
    return [str(row[0]) for row in found]


def data_files(lake: Lake, name: str = "t") -> list[str]:
    return [key for key in lake.keys(f"{name}/data/") if key.endswith(".parquet")]


@pytest.fixture
def table(lake: Lake) -> Lake:
    """Table t with the ids 1 and 2 in one snapshot each."""
    create(lake)
    insert(lake, 1)
    insert(lake, 2)
    return lake


def test_a_table_is_created_filled_and_read(lake: Lake) -> None:
    create(lake)
    raw = lake.stack.client("glue").get_table(DatabaseName=lake.database, Name="t")["Table"]
    assert raw["Parameters"]["table_type"].upper() == "ICEBERG"
    assert raw["Parameters"]["metadata_location"].startswith(f"s3://{lake.bucket}/t/metadata/")
    execution = lake.run("INSERT INTO t (id, name) VALUES (1, 'a'), (2, NULL)")
    assert execution["SubstatementType"] == "INSERT"
    answer = lake.stack.client("athena").get_query_results(QueryExecutionId=execution["QueryExecutionId"])
    assert answer["UpdateCount"] == 2
    insert(lake, 3)
    assert lake.rows("SELECT * FROM t ORDER BY id") == [
        ["1", "a", None, None, None],
        ["2", None, None, None, None],
        ["3", "n3", "2026-11-23 10:00:00.000000", "3.50", "[x, null]"],
    ]


@pytest.mark.parametrize(
    ("partitions", "folders"),
    [
        ("day(at)", {"at_day=2026-11-21", "at_day=2026-11-22"}),
        ("month(at)", {"at_month=2026-11"}),
        ("year(at)", {"at_year=2026"}),
        ("hour(at)", {"at_hour=2026-11-21-10", "at_hour=2026-11-22-10"}),
        ("truncate(1, name)", {"name_trunc=n"}),
        ("name", {"name=n1", "name=n2"}),
        ("`name`, day(`at`)", {"name=n1/at_day=2026-11-21", "name=n2/at_day=2026-11-22"}),
    ],
)
def test_rows_are_partitioned_by_columns_and_transforms(lake: Lake, partitions: str, folders: set[str]) -> None:
    create(lake, partitions=f"PARTITIONED BY ({partitions})")
    insert(lake, 1, 2)
    assert {key.removeprefix("t/data/").rpartition("/")[0] for key in data_files(lake)} == folders
    assert lake.rows("SELECT id FROM t WHERE at >= TIMESTAMP '2026-11-22 00:00:00'") == [["2"]]


def test_buckets_hold_all_rows_and_a_condition_reads_one_bucket_only(lake: Lake) -> None:
    create(lake, partitions="PARTITIONED BY (bucket(4, id))")
    insert(lake, 1, 2, 3, 4)
    assert all(re.fullmatch(r"t/data/id_bucket=[0-3]/[^/]+", key) for key in data_files(lake))
    assert lake.rows("SELECT count(*) FROM t") == [["4"]]
    whole = lake.run("SELECT * FROM t")["Statistics"]["DataScannedInBytes"]
    assert 0 < lake.run("SELECT * FROM t WHERE id = 1")["Statistics"]["DataScannedInBytes"] < whole


def test_merge_update_and_delete_change_rows(table: Lake) -> None:
    execution = table.run("""MERGE INTO t USING (VALUES (2, 'two'), (3, 'three'), (1, NULL)) AS s(id, name)
      ON t.id = s.id
      WHEN MATCHED AND s.name IS NULL THEN DELETE
      WHEN MATCHED THEN UPDATE SET name = s.name
      WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, s.name)""")
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "MERGE")
    assert table.rows("SELECT id, name FROM t ORDER BY id") == [["2", "two"], ["3", "three"]]
    assert table.run("UPDATE t SET name = upper(name), price = 1 WHERE id = 3")["SubstatementType"] == "UPDATE"
    assert table.rows("SELECT name, price FROM t WHERE id = 3") == [["THREE", "1.00"]]
    assert table.run("DELETE FROM t WHERE id = 2")["SubstatementType"] == "DELETE"
    assert table.rows("SELECT id FROM t") == [["3"]]


def test_changes_take_parameters_in_order(table: Lake) -> None:
    table.run("UPDATE t SET name = ? WHERE id = ?", ExecutionParameters=["'new'", "1"])
    table.run("DELETE FROM t WHERE id = ?", ExecutionParameters=["2"])
    assert table.rows("SELECT id, name FROM t") == [["1", "new"]]


def test_earlier_versions_are_read_by_number_and_by_time(table: Lake) -> None:
    first_of_all, first, second = ([""] * 3 + snapshots(table))[-3:]
    assert table.rows(f"SELECT id FROM t FOR VERSION AS OF {first}") == [["1"]]
    assert table.rows(f"SELECT id FROM t FOR VERSION AS OF {second} ORDER BY id") == [["1"], ["2"]]
    if first_of_all:
        assert table.rows(f"SELECT id FROM t FOR VERSION AS OF {first_of_all}") == []
    ((moment,),) = table.rows(f'SELECT committed_at FROM "t$snapshots" WHERE snapshot_id = {first}')
    assert table.rows(f"SELECT id FROM t FOR TIMESTAMP AS OF TIMESTAMP '{moment}'") == [["1"]]
    assert table.rows("SELECT id FROM t FOR TIMESTAMP AS OF (current_timestamp - INTERVAL '0.001' SECOND)")
    assert table.reason("SELECT * FROM t FOR TIMESTAMP AS OF (current_timestamp + INTERVAL '1' DAY)").startswith(
        "INVALID_ARGUMENTS: line 1:"
    )
    reason = table.reason("SELECT * FROM t FOR TIMESTAMP AS OF TIMESTAMP '2020-01-01 00:00:00 UTC'")
    assert "No version history table" in reason


def test_metadata_tables_describe_snapshots_files_and_history(table: Lake) -> None:
    operations = table.rows('SELECT operation FROM "t$snapshots" ORDER BY committed_at')
    assert operations[-2:] == [["append"], ["append"]]
    assert table.rows('SELECT count(*), sum(record_count) FROM "t$files"') == [["2", "2"]]
    assert table.rows('SELECT is_current_ancestor FROM "t$history"')[-2:] == [["true"], ["true"]]
    assert table.rows(f'SELECT count(*) FROM {table.database}."t$manifests"') == [["2"]]
    assert table.rows('SELECT type, count(*) > 0 FROM "t$refs" GROUP BY type') == [["BRANCH", "true"]]
    create(table, "parts", "PARTITIONED BY (day(at))")
    insert(table, 1, 2, name="parts")
    assert table.rows('SELECT partition, record_count FROM "parts$partitions" ORDER BY partition') == [
        ["{at_day=2026-11-21}", "1"],
        ["{at_day=2026-11-22}", "1"],
    ]


def test_hidden_columns_name_file_and_time(table: Lake) -> None:
    rows = table.rows('SELECT id, "$path" FROM t ORDER BY id')
    assert [str(path).removeprefix(f"s3://{table.bucket}/") in data_files(table) for _, path in rows] == [True, True]


def test_create_table_as_makes_an_iceberg_table(lake: Lake) -> None:
    lake.run(f"""CREATE TABLE copied WITH (table_type = 'ICEBERG', is_external = false, format = 'PARQUET',
      location = 's3://{lake.bucket}/copied/', partitioning = ARRAY['month(at)', 'bucket(id, 4)'],
      vacuum_max_snapshot_age_seconds = 60) AS SELECT 7 AS id, TIMESTAMP '2026-11-21 00:00:00.000000' AS at""")
    assert lake.rows("SELECT * FROM copied") == [["7", "2026-11-21 00:00:00.000000"]]
    (key,) = data_files(lake, "copied")
    assert re.fullmatch(r"copied/data/at_month=2026-11/id_bucket=\d/[^/]+", key)
    assert lake.rows("""SELECT value FROM "copied$properties" WHERE key = 'vacuum_max_snapshot_age_seconds'""") == [
        ["60"]
    ]
    lake.run("DELETE FROM copied WHERE id = 7")
    assert lake.rows("SELECT count(*) FROM copied") == [["0"]]
    reason = lake.reason("CREATE TABLE x WITH (table_type = 'ICEBERG', is_external = false) AS SELECT 1 AS n")
    assert "location" in reason
    reason = lake.reason("CREATE TABLE x WITH (table_type = 'ICEBERG', location = 's3://x/') AS SELECT 1 AS n")
    assert "is_external = false" in reason


def codecs(lake: Lake, name: str = "t") -> set[str]:
    """The compressions of the table's Parquet files, as pyarrow reads them."""
    bodies = [lake.get(f"s3://{lake.bucket}/{key}") for key in data_files(lake, name)]
    files = [pyarrow.parquet.ParquetFile(io.BytesIO(body)) for body in bodies]
    return {one.metadata.row_group(0).column(0).compression for one in files}


def test_files_have_the_compression_of_the_table(lake: Lake) -> None:
    create(lake)
    insert(lake, 1)
    assert codecs(lake) == {"ZSTD"}
    create(lake, "s", write_compression="snappy")
    insert(lake, 1, 2, name="s")
    lake.run("UPDATE s SET name = 'x' WHERE id = 1")
    lake.run("OPTIMIZE s REWRITE DATA USING BIN_PACK")
    assert codecs(lake, "s") == {"SNAPPY"}
    lake.run(f"""CREATE TABLE g WITH (table_type = 'ICEBERG', is_external = false, write_compression = 'GZIP',
      location = 's3://{lake.bucket}/g/') AS SELECT 1 AS id""")
    lake.run("INSERT INTO g VALUES 2")
    assert codecs(lake, "g") == {"GZIP"}
    assert "Allowed are NONE, SNAPPY" in lake.reason("ALTER TABLE t SET TBLPROPERTIES ('write_compression' = 'lzo')")


def test_optimize_packs_small_files_and_where_limits_it(lake: Lake) -> None:
    create(lake, partitions="PARTITIONED BY (name)")
    for _ in range(2):
        insert(lake, 1, 2)
    count = 'SELECT partition.name, file_count FROM "t$partitions" ORDER BY 1'
    assert lake.rows(count) == [["n1", "2"], ["n2", "2"]]
    assert lake.run("OPTIMIZE t REWRITE DATA USING BIN_PACK WHERE name = 'n1'")["SubstatementType"] == "OPTIMIZE"
    assert lake.rows(count) == [["n1", "1"], ["n2", "2"]]
    lake.run(f"OPTIMIZE {lake.database}.t REWRITE DATA USING BIN_PACK;")
    assert lake.rows(count) == [["n1", "1"], ["n2", "1"]]
    assert lake.rows("SELECT count(*), count(DISTINCT id) FROM t") == [["4", "2"]]


def test_vacuum_expires_old_snapshots_and_removes_their_files(lake: Lake) -> None:
    create(lake, vacuum_max_snapshot_age_seconds="1", vacuum_min_snapshots_to_keep="1")
    insert(lake, 1)
    insert(lake, 2)
    lake.run("OPTIMIZE t REWRITE DATA USING BIN_PACK")
    assert len(data_files(lake)) == 3
    time.sleep(1.5)
    assert lake.run("VACUUM t")["SubstatementType"] == "VACUUM"
    assert len(snapshots(lake)) == 1
    assert len(data_files(lake)) == 1
    assert lake.rows("SELECT id FROM t ORDER BY id") == [["1"], ["2"]]


def test_vacuum_keeps_the_snapshots_of_five_days_by_default(table: Lake) -> None:
    before = snapshots(table)
    table.run("VACUUM t")
    assert snapshots(table) == before


def test_vacuum_keeps_as_many_snapshots_as_the_property_says(lake: Lake) -> None:
    create(lake, vacuum_max_snapshot_age_seconds="1", vacuum_min_snapshots_to_keep="3")
    for number in range(1, 6):
        insert(lake, number)
    kept = snapshots(lake)[-3:]
    time.sleep(1.5)
    lake.run("VACUUM t")
    assert snapshots(lake) == kept
    assert lake.rows(f"SELECT count(*) FROM t FOR VERSION AS OF {kept[0]}") == [["3"]]


def test_columns_are_added_renamed_widened_and_dropped(table: Lake) -> None:
    table.run("ALTER TABLE t ADD COLUMNS (country string COMMENT 'ISO code', n int)")
    assert table.rows("SELECT id, country, n FROM t ORDER BY id") == [["1", None, None], ["2", None, None]]
    table.run("ALTER TABLE t CHANGE COLUMN n number bigint")
    table.run("INSERT INTO t (id, number) VALUES (9, 3000000000)")
    assert table.rows("SELECT number FROM t WHERE id = 9") == [["3000000000"]]
    table.run("ALTER TABLE t CHANGE name label string")
    assert table.rows("SELECT label FROM t WHERE id = 1") == [["n1"]]
    table.run("ALTER TABLE t DROP COLUMN country")
    columns = [str(row[0]).strip() for row in table.rows("SHOW COLUMNS IN t")]
    assert columns == ["id", "label", "at", "price", "tags", "number"]
    assert "FAILED" in table.reason("ALTER TABLE t ADD COLUMNS (label string)")
    assert table.reason("ALTER TABLE t DROP COLUMN nope")


def test_properties_are_set_and_unknown_ones_refused(table: Lake) -> None:
    table.run("ALTER TABLE t SET TBLPROPERTIES ('format' = 'orc', 'vacuum_max_snapshot_age_seconds' = '77')")
    insert(table, 3)
    assert any(key.endswith(".orc") for key in table.keys("t/data/"))
    values = table.rows("""SELECT value FROM "t$properties" WHERE key = 'vacuum_max_snapshot_age_seconds'""")
    assert values == [["77"]]
    assert "Unsupported table property key: nonsense" in table.reason(
        "ALTER TABLE t SET TBLPROPERTIES ('nonsense' = '1')"
    )


def test_a_wrong_create_table_is_refused_with_the_reason(lake: Lake) -> None:
    with pytest.raises(ClientError, match="No location was specified"):
        lake.start("CREATE TABLE t (id int) TBLPROPERTIES ('table_type' = 'ICEBERG')")
    place = f"LOCATION 's3://{lake.bucket}/t/'"
    assert "nonsense" in lake.reason(
        f"CREATE TABLE t (id int) {place} TBLPROPERTIES ('table_type' = 'ICEBERG', 'nonsense' = '1')"
    )
    assert lake.reason(
        f"CREATE TABLE t (id int) PARTITIONED BY (decade(id)) {place} TBLPROPERTIES ('table_type' = 'ICEBERG')"
    )
    assert lake.rows("SHOW TABLES") == []


def test_describe_and_show_create_table_print_it(lake: Lake) -> None:
    create(lake, partitions="PARTITIONED BY (day(at), bucket(4, id))", write_compression="snappy")
    assert [["" if text is None else text for text in row] for row in lake.rows("DESCRIBE t")] == [
        ["# Table schema:", "", ""],
        ["# col_name", "data_type", "comment"],
        ["id", "bigint", ""],
        ["name", "string", "who"],
        ["at", "timestamp", ""],
        ["price", "decimal(10, 2)", ""],
        ["tags", "array<string>", ""],
        ["", "", ""],
        ["# Partition spec:", "", ""],
        ["# field_name", "field_transform", "column_name"],
        ["at_day", "day", "at"],
        ["id_bucket", "bucket[4]", "id"],
    ]
    shown = "\n".join(str(row[0]) for row in lake.rows("SHOW CREATE TABLE t"))
    assert shown.startswith("CREATE TABLE ")
    assert "PARTITIONED BY (day(`at`), bucket(4, `id`))" in " ".join(shown.split())
    assert "'table_type'='iceberg'" in shown and "'write_compression'='snappy'" in shown
    # Its output makes the same table again, as on AWS.
    lake.run("DROP TABLE t")
    lake.run(shown)
    insert(lake, 1)
    assert all("at_day=2026-11-21/id_bucket=" in key for key in data_files(lake))
    assert ["t"] in lake.rows("SHOW TABLES")
    assert ["at"] in [[str(row[0]).strip()] for row in lake.rows("SHOW COLUMNS IN t")]


def test_drop_table_removes_the_files(table: Lake) -> None:
    assert table.keys("t/")
    table.run("DROP TABLE t")
    assert table.keys("t/") == []
    assert table.rows("SHOW TABLES") == []
    assert table.run("DROP TABLE IF EXISTS t")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE h SET n = 1",
        "DELETE FROM h",
        "DELETE FROM h WHERE day = '1'",
        "MERGE INTO h USING (VALUES 1) s(x) ON h.n = s.x WHEN MATCHED THEN DELETE",
    ],
)
def test_rows_of_a_hive_table_cannot_be_changed(lake: Lake, sql: str) -> None:
    lake.run(f"""CREATE TABLE h WITH (external_location = 's3://{lake.bucket}/h/', partitioned_by = ARRAY['day'])
      AS SELECT 1 AS n, '1' AS day""")
    reason = lake.reason(sql)
    assert reason.startswith("NOT_SUPPORTED: "), reason
    assert "Modifying Hive table rows is only supported for transactional tables" in reason
    assert lake.rows("SELECT * FROM h") == [["1", "1"]]


@pytest.mark.parametrize("sql", ["OPTIMIZE h REWRITE DATA USING BIN_PACK", "VACUUM h"])
def test_a_hive_table_is_not_maintained(lake: Lake, sql: str) -> None:
    lake.run(f"CREATE EXTERNAL TABLE h (n int) LOCATION 's3://{lake.bucket}/h/'")
    assert "is not an Iceberg table" in lake.reason(sql)
    assert "TABLE_NOT_FOUND" in lake.reason(sql.replace(" h", " nope", 1))


def test_a_view_over_an_iceberg_table_is_read(table: Lake) -> None:
    table.run("CREATE VIEW v AS SELECT id * 10 AS ten FROM t")
    assert table.rows("SELECT ten FROM v ORDER BY 1") == [["10"], ["20"]]


def test_an_iceberg_table_is_joined_with_a_hive_table(table: Lake) -> None:
    table.run(f"""CREATE TABLE h WITH (external_location = 's3://{table.bucket}/h/') AS
      SELECT 'new' AS label, 2 AS id""")
    assert table.rows("SELECT t.id, label FROM t JOIN h ON t.id = h.id") == [["2", "new"]]
    table.run("UPDATE t SET name = (SELECT max(label) FROM h) WHERE id IN (SELECT id FROM h)")
    assert table.rows("SELECT name FROM t ORDER BY id") == [["n1"], ["new"]]
