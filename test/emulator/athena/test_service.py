"""Athena on the running emulator, through boto3, against AWS's documented behaviour."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import duckdb
import pytest
from athena_lake import Lake
from botocore.exceptions import ClientError

EVENTS = """CREATE EXTERNAL TABLE {name} (event_id string, n int, at timestamp, properties map<string,string>,
  tags array<string>, place struct<country:string,city:string>, price decimal(10,2), ratio double, ok boolean)
  PARTITIONED BY (event_date date) STORED AS PARQUET LOCATION 's3://{bucket}/{name}/'"""
ROWS = """SELECT 'e' || i AS event_id, i::INT AS n, TIMESTAMP '2026-11-21 09:00:00' AS at,
  MAP {{'a': '1', 'b': '2'}} AS properties, ['x', NULL] AS tags, {{'country': 'NZ', 'city': NULL::VARCHAR}} AS place,
  1.50::DECIMAL(10,2) AS price, 0.1::DOUBLE AS ratio, i = 0 AS ok FROM range({count}) t(i)"""


def put_rows(lake: Lake, folder: Path, key: str, count: int) -> int:
    """Write a Parquet object of `count` events; returns its size."""
    path = folder / "rows.parquet"
    duckdb.execute(f"COPY ({ROWS.format(count=count)}) TO '{path}' (FORMAT parquet)")
    lake.put(key, path.read_bytes())
    return path.stat().st_size


@pytest.fixture
def events(lake: Lake, tmp_path: Path) -> Lake:
    """Table events: day 20 with 2 rows registered, day 21 with 3 rows lying there unregistered."""
    lake.run(EVENTS.format(name="events", bucket=lake.bucket))
    put_rows(lake, tmp_path, "events/event_date=2026-11-20/a.parquet", 2)
    put_rows(lake, tmp_path, "events/event_date=2026-11-21/a.parquet", 3)
    lake.run("ALTER TABLE events ADD PARTITION (event_date = '2026-11-20')")
    return lake


def test_reads_only_registered_partitions_until_msck_registers_the_rest(events: Lake) -> None:
    assert events.rows("SELECT count(*) FROM events") == [["2"]]
    assert events.rows("MSCK REPAIR TABLE events") == [
        ["Partitions not in metastore:\tevents:event_date=2026-11-21"],
        ["Repair: Added partition to metastore events:event_date=2026-11-21"],
    ]
    assert events.rows("SELECT event_date, count(*) FROM events GROUP BY 1 ORDER BY 1") == [
        ["2026-11-20", "2"],
        ["2026-11-21", "3"],
    ]
    assert events.rows("MSCK REPAIR TABLE events") == []


def test_reads_hundreds_of_files_of_more_than_one_schema(events: Lake, tmp_path: Path) -> None:
    put_rows(events, tmp_path, "events/event_date=2026-11-22/0.parquet", 3)
    small = (tmp_path / "rows.parquet").read_bytes()
    other = tmp_path / "other.parquet"
    duckdb.execute(f"COPY (SELECT 'other' AS event_id, 40::TINYINT AS n) TO '{other}' (FORMAT parquet)")
    for number in range(1, 520):
        events.put(f"events/event_date=2026-11-22/{number}.parquet", other.read_bytes() if number % 10 == 0 else small)
    events.run("MSCK REPAIR TABLE events")
    sql = "SELECT count(*), sum(n), count(price) FROM events WHERE event_date = DATE '2026-11-22'"
    # 520 files: 51 with one row of n = 40, 469 with three rows of n = 0, 1, 2.
    assert events.rows(sql) == [["1458", str(51 * 40 + 469 * 3), "1407"]]
    events.put("events/event_date=2026-11-22/torn.parquet", b"no Parquet")
    assert "HIVE_BAD_DATA" in events.reason(sql)


def test_a_partition_lies_where_its_location_says_and_has_the_value_that_the_catalog_says(
    events: Lake, tmp_path: Path
) -> None:
    put_rows(events, tmp_path, "elsewhere/event_date=1999-01-01/a.parquet", 5)
    location = f"s3://{events.bucket}/elsewhere/"
    events.run(f"ALTER TABLE events ADD IF NOT EXISTS PARTITION (event_date='2026-11-25') LOCATION '{location}'")
    assert events.rows("SELECT event_date, count(*) FROM events WHERE event_date > DATE '2026-11-20' GROUP BY 1") == [
        ["2026-11-25", "5"]
    ]
    assert events.rows("SHOW PARTITIONS events") == [["event_date=2026-11-20"], ["event_date=2026-11-25"]]
    events.run("ALTER TABLE events DROP PARTITION (event_date='2026-11-25')")
    assert events.rows("SELECT count(*) FROM events") == [["2"]]


@pytest.mark.parametrize("name", ["_temporary/0/a", ".spark-staging-1/event_date=2026-11-20/a", "_SUCCESS", ".a.crc"])
def test_does_not_read_what_spark_leaves_behind(events: Lake, tmp_path: Path, name: str) -> None:
    put_rows(events, tmp_path, f"events/event_date=2026-11-20/{name}", 7)
    put_rows(events, tmp_path, f"events/{name}", 7)
    assert events.rows("SELECT count(*) FROM events") == [["2"]]
    events.run("MSCK REPAIR TABLE events")
    assert len(events.rows("SHOW PARTITIONS events")) == 2


def test_a_deleted_object_is_no_longer_read(events: Lake) -> None:
    s3 = events.stack.client("s3")
    s3.put_bucket_versioning(Bucket=events.bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.delete_object(Bucket=events.bucket, Key="events/event_date=2026-11-20/a.parquet")
    assert events.rows("SELECT count(*) FROM events") == [["0"]]


def test_prints_values_as_athena_does(events: Lake) -> None:
    sql = """SELECT event_id, n, at, properties, tags, place, price, ratio, ok, event_date, 1e10,
      CAST(NULL AS int) FROM events WHERE n = 0"""
    query_id = events.start(sql)
    location = events.finished(query_id)["ResultConfiguration"]["OutputLocation"]
    expected = [
        "e0",
        "0",
        "2026-11-21 09:00:00.000",
        "{a=1, b=2}",
        "[x, null]",
        "{country=NZ, city=null}",
        "1.50",
    ]
    expected += ["0.1", "true", "2026-11-20", "1.0E10"]
    answer = events.stack.client("athena").get_query_results(QueryExecutionId=query_id)
    assert answer["ResultSet"]["Rows"][1]["Data"] == [*({"VarCharValue": v} for v in expected), {}]
    types = [column["Type"] for column in answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
    assert types == [
        "varchar",
        "integer",
        "timestamp",
        "map",
        "array",
        "row",
        "decimal",
        "double",
        "boolean",
        "date",
        "double",
        "integer",
    ]
    assert location == f"s3://{events.bucket}/results/{query_id}.csv"
    header, line = events.get(location).decode().splitlines()
    assert header.endswith('"event_date","_col10","_col11"')
    assert line == ",".join(f'"{value}"' for value in expected) + ","
    assert events.get(location + ".metadata")


def test_pages_through_results_with_the_header_as_first_row(lake: Lake) -> None:
    query_id = lake.run("SELECT x FROM UNNEST(sequence(1, 5)) AS t(x) ORDER BY x")["QueryExecutionId"]
    paginator = lake.stack.client("athena").get_paginator("get_query_results")
    pages = list(paginator.paginate(QueryExecutionId=query_id, PaginationConfig={"PageSize": 2}))
    rows = [[row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]] for page in pages]
    assert rows == [["x", "1"], ["2", "3"], ["4", "5"]]
    with pytest.raises(ClientError, match="MaxResults"):
        lake.stack.client("athena").get_query_results(QueryExecutionId=query_id, MaxResults=1001)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT nope FROM events", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"),
        ("SELECT * FROM nope", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{db}.nope' does not exist"),
        ("SELECT * FROM no_db.t", "SCHEMA_NOT_FOUND: "),
        ("SELECT nofunction(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'nofunction' not registered"),
        (
            "SELECT 1 FROM events WHERE event_date = '2026-11-20'",
            "TYPE_MISMATCH: line 1:39: Cannot apply operator: date = varchar(10)",
        ),
        ("SELECT 1 / (n - n) FROM events", "DIVISION_BY_ZERO: Division by zero"),
        ("SELECT properties['zz'] FROM events", "INVALID_FUNCTION_ARGUMENT: Key not present in map: zz"),
        (
            "CREATE EXTERNAL TABLE x (a strin) LOCATION 's3://x/'",
            "HIVE_INVALID_METADATA: 'strin' is not a Hive type",
        ),
        ("DROP TABLE nope", "FAILED: SemanticException [Error 10001]: Table not found {db}.nope"),
    ],
)
def test_a_wrong_statement_is_failed_with_a_reason(events: Lake, sql: str, reason: str) -> None:
    status = events.finished(events.start(sql))["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith(reason.format(db=events.database))
    assert status["AthenaError"]["ErrorMessage"] == status["StateChangeReason"]


@pytest.mark.parametrize(
    "sql", ["SELEC 1", "SELECT 1 FROM", "SELECT 'a", "CREATE TABLE t (a int)", "SELECT 1; SELECT 2"]
)
def test_what_is_no_statement_is_refused_at_the_start(lake: Lake, sql: str) -> None:
    with pytest.raises(ClientError) as refused:
        lake.start(sql)
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    assert refused.value.response["AthenaErrorCode"] == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        'SELECT * FROM "/etc/passwd"',
        "SELECT read_text('/etc/passwd')",
        "SELECT getenv('PATH')",
    ],
)
def test_a_query_cannot_reach_the_machine(lake: Lake, sql: str) -> None:
    try:
        reason = lake.reason(sql)
    except ClientError as refused:
        reason = str(refused)
    assert "mismatched input" in reason or "does not exist" in reason or "not registered" in reason


def test_binds_execution_parameters_in_order(events: Lake) -> None:
    sql = "SELECT event_id, ? FROM events WHERE n >= ? AND event_date = ?"
    rows = events.rows(sql, ExecutionParameters=["'it''s'", "1", "DATE '2026-11-20'"])
    assert rows == [["e1", "it's"]]
    assert "expected 3 but found 0" in events.reason(sql)


def test_prepared_statements_are_executed_with_values(events: Lake) -> None:
    events.run("PREPARE one FROM SELECT event_id FROM events WHERE n = ?")
    assert events.rows("EXECUTE one USING 1") == [["e1"]]


def test_counts_the_bytes_of_the_columns_and_partitions_read(events: Lake) -> None:
    events.run("MSCK REPAIR TABLE events")
    whole = events.run("SELECT * FROM events")["Statistics"]["DataScannedInBytes"]
    one_day = events.run("SELECT * FROM events WHERE event_date = DATE '2026-11-20'")["Statistics"]
    one_column = events.run("SELECT n FROM events")["Statistics"]["DataScannedInBytes"]
    assert 0 < one_day["DataScannedInBytes"] < whole
    assert 0 < one_column < whole


def test_a_query_over_the_workgroups_limit_is_cancelled(lake: Lake) -> None:
    lake.put("big/a.csv", "x\n" * 6_000_000)
    lake.run(f"CREATE EXTERNAL TABLE big (a string) LOCATION 's3://{lake.bucket}/big/'")
    updates = {"BytesScannedCutoffPerQuery": 10_000_000}
    lake.stack.client("athena").update_work_group(WorkGroup=lake.workgroup, ConfigurationUpdates=updates)
    assert "Bytes scanned limit was exceeded" in lake.reason("SELECT count(*) FROM big", "CANCELLED")


def test_stop_interrupts_a_running_query(lake: Lake) -> None:
    query_id = lake.start(
        "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x), UNNEST(sequence(1, 10000)) b(y), "
        "UNNEST(sequence(1, 10000)) c(z) WHERE (x * y) % 7 = z"
    )
    time.sleep(0.5)
    lake.stack.client("athena").stop_query_execution(QueryExecutionId=query_id)
    began = time.monotonic()
    status = lake.finished(query_id)["Status"]
    assert status["State"] == "CANCELLED", status
    assert time.monotonic() - began < 5


def test_a_workgroup_must_exist_and_be_enabled(lake: Lake) -> None:
    athena = lake.stack.client("athena")
    with pytest.raises(ClientError, match="is not found"):
        athena.start_query_execution(QueryString="SELECT 1", WorkGroup="nowhere")
    athena.update_work_group(WorkGroup=lake.workgroup, State="DISABLED")
    with pytest.raises(ClientError, match="is disabled"):
        lake.start("SELECT 1")


def test_the_same_client_token_is_the_same_query(lake: Lake) -> None:
    token = "t" * 32
    assert lake.start("SELECT 1", ClientRequestToken=token) == lake.start("SELECT 1", ClientRequestToken=token)
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        lake.start("SELECT 2", ClientRequestToken=token)


def test_reads_json_lines_gzipped_and_nested_with_keys_in_any_case(lake: Lake) -> None:
    lines = [
        {"Reason": "not_json", "payload": '{"a', "position": 3, "arrival_time": "2026-11-21 09:00:01.123"},
        {"reason": "empty_record", "payload": None, "position": 0, "extra": {"x": [1]}},
    ]
    body = gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())
    lake.put("quarantine/year=2026/month=11/a.jsonl.gz", body)
    lake.run(f"""CREATE EXTERNAL TABLE quarantine (reason string, payload string, position int,
      arrival_time timestamp, extra string) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
      LOCATION 's3://{lake.bucket}/quarantine/'""")
    assert lake.rows("SELECT * FROM quarantine ORDER BY position") == [
        ["empty_record", None, "0", None, '{"x":[1]}'],
        ["not_json", '{"a', "3", "2026-11-21 09:00:01.123", None],
    ]
    lake.put("quarantine/b.jsonl", "{broken\n")
    assert lake.reason("SELECT * FROM quarantine").startswith("HIVE_CURSOR_ERROR: Failed to read file at s3://")


def test_reads_delimited_text_and_quoted_csv(lake: Lake) -> None:
    lake.put("tsv/a.tsv", "1\ta\n\\N\tb\nx\n")
    lake.run(f"""CREATE EXTERNAL TABLE tsv (n int, s string) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t'
      LOCATION 's3://{lake.bucket}/tsv/'""")
    assert lake.rows("SELECT * FROM tsv ORDER BY s") == [["1", "a"], [None, "b"], [None, None]]
    lake.put("csv/a.csv", 'name,n\n"Smith, J","1"\n')
    lake.run(f"""CREATE EXTERNAL TABLE csv (name string, n int)
      ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' 
      WITH SERDEPROPERTIES ('separatorChar' = ',')
      LOCATION 's3://{lake.bucket}/csv/' TBLPROPERTIES ('skip.header.line.count'='1')""")
    assert lake.rows("SELECT * FROM csv") == [["Smith, J", "1"]]


def test_parquet_columns_go_by_name_and_a_wrong_type_is_bad_data(lake: Lake, tmp_path: Path) -> None:
    put_rows(lake, tmp_path, "p/a.parquet", 1)
    location = f"STORED AS PARQUET LOCATION 's3://{lake.bucket}/p/'"
    lake.run(f"CREATE EXTERNAL TABLE p (later string, n bigint) {location}")
    assert lake.rows("SELECT * FROM p") == [[None, "0"]]
    lake.run(f"CREATE EXTERNAL TABLE wrong (n boolean) {location}")
    assert "Unsupported Trino column type (boolean) for Parquet column ([n] optional int32 n" in lake.reason(
        "SELECT * FROM wrong"
    )


def test_views_are_kept_as_presto_views_and_expand(events: Lake) -> None:
    events.run("CREATE VIEW big AS SELECT event_id, n * 2 AS twice FROM events WHERE n > 0")
    assert events.rows("SELECT twice, v.event_id FROM big v") == [["2", "e1"]]
    assert "already exists" in events.reason("CREATE VIEW big AS SELECT 1 AS one")
    events.run("CREATE OR REPLACE VIEW big AS SELECT 1 AS one")
    assert events.rows("SELECT * FROM big") == [["1"]]
    raw = events.stack.client("glue").get_table(DatabaseName=events.database, Name="big")["Table"]
    assert raw["ViewOriginalText"].startswith("/* Presto View: ")
    events.run("DROP VIEW big")


def test_ctas_and_insert_write_parquet_and_register_partitions(events: Lake) -> None:
    location = f"s3://{events.bucket}/copy/"
    events.run(f"""CREATE TABLE copy WITH (format = 'PARQUET', external_location = '{location}',
      partitioned_by = ARRAY['day']) AS SELECT event_id, n, event_date AS day FROM events""")
    assert events.rows("SHOW PARTITIONS copy") == [["day=2026-11-20"]]
    events.run("INSERT INTO copy VALUES ('new', 9, DATE '2026-12-01')")
    assert events.rows("SELECT * FROM copy ORDER BY event_id") == [
        ["e0", "0", "2026-11-20"],
        ["e1", "1", "2026-11-20"],
        ["new", "9", "2026-12-01"],
    ]
    assert "HIVE_PATH_ALREADY_EXISTS" in events.reason(
        f"CREATE TABLE other WITH (external_location = '{location}') AS SELECT 1 AS one"
    )


def test_partition_projection_names_the_partitions(lake: Lake, tmp_path: Path) -> None:
    put_rows(lake, tmp_path, "log/2026/11/20/a.parquet", 2)
    put_rows(lake, tmp_path, "log/2026/11/30/a.parquet", 4)
    lake.run(f"""CREATE EXTERNAL TABLE log (n int) PARTITIONED BY (day string) STORED AS PARQUET
      LOCATION 's3://{lake.bucket}/log/' TBLPROPERTIES ('projection.enabled'='true',
      'projection.day.type'='date',
      'projection.day.format'='yyyy/MM/dd', 'projection.day.range'='2026/11/01,2026/11/25',
      'storage.location.template'='s3://{lake.bucket}/log/${{day}}')""")
    assert lake.rows("SELECT day, count(*) FROM log GROUP BY day") == [["2026/11/20", "2"]]


def test_show_and_describe_list_the_catalog(events: Lake) -> None:
    assert events.rows("SHOW TABLES") == [["events"]]
    assert [(row[0] or "").strip() for row in events.rows("SHOW COLUMNS IN events")][-1] == "event_date"
    assert events.rows("DESCRIBE events")[1][:2] == [f"{'n':<20}", f"{'int':<20}"]
    shown = events.rows("SHOW CREATE TABLE events")
    assert shown[0] == ["CREATE EXTERNAL TABLE `events`("]
    assert ["PARTITIONED BY ( "] in shown
    assert events.rows("SELECT column_name FROM information_schema.columns WHERE extra_info = 'partition key'") != []
    assert events.rows('SELECT * FROM "events$partitions"') == [["2026-11-20"]]


def test_a_table_is_found_by_each_of_its_names(events: Lake) -> None:
    for name in ("events", f"{events.database}.events", f'"{events.database}"."events"'):
        assert events.rows(f"SELECT count(*) FROM {name}") == [["2"]]
    assert events.rows(f"SELECT count(*) FROM AwsDataCatalog.{events.database}.EVENTS") == [["2"]]


def test_an_empty_table_has_no_rows_but_types(lake: Lake) -> None:
    lake.run(EVENTS.format(name="empty", bucket=lake.bucket))
    query_id = lake.run("SELECT event_id, at, event_date FROM empty")["QueryExecutionId"]
    answer = lake.stack.client("athena").get_query_results(QueryExecutionId=query_id)["ResultSet"]
    assert [c["Type"] for c in answer["ResultSetMetadata"]["ColumnInfo"]] == ["varchar", "timestamp", "date"]
    assert len(answer["Rows"]) == 1
