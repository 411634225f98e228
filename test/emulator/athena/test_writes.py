"""CREATE TABLE AS, INSERT, UNLOAD, views and prepared statements on the running Athena, and where errors are."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pyarrow.orc
import pyarrow.parquet
import pytest
from athena_lake import Lake, make_lake
from botocore.exceptions import ClientError
from emulator_stack import Stack

ROWS = """SELECT * FROM (VALUES (1, 'a', DECIMAL '1.50', DATE '2026-11-20'),
  (2, NULL, DECIMAL '2.50', DATE '2026-11-20'), (3, 'c', NULL, DATE '2026-11-21')) AS t(n, s, price, day)"""
EXPECTED = [
    ["1", "a", "1.50", "2026-11-20"],
    ["2", None, "2.50", "2026-11-20"],
    ["3", "c", None, "2026-11-21"],
]
MAGIC = {"PARQUET": b"PAR1", "ORC": b"ORC", "AVRO": b"Obj\x01"}


def files(lake: Lake, prefix: str) -> list[tuple[str, bytes]]:
    return [(key, lake.get(f"s3://{lake.bucket}/{key}")) for key in lake.keys(prefix)]


def codec(body: bytes) -> str:
    """What pyarrow reads in the footer of a Parquet or ORC file."""
    if body.startswith(b"ORC"):
        return pyarrow.orc.ORCFile(io.BytesIO(body)).compression
    return pyarrow.parquet.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(0).compression


# ---- CREATE TABLE AS ----


@pytest.mark.parametrize("form", ["PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE"])
def test_a_table_is_created_in_each_format_and_read_again(lake: Lake, form: str) -> None:
    execution = lake.run(f"""CREATE TABLE made WITH (format = '{form}', external_location = 's3://{lake.bucket}/made/')
      AS {ROWS}""")
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DDL", "CREATE_TABLE_AS_SELECT")
    assert lake.rows("SELECT * FROM made ORDER BY n") == EXPECTED
    assert files(lake, "made/")
    for _, body in files(lake, "made/"):
        assert body.startswith(MAGIC.get(form, b"\x1f\x8b"))  # JSON and text are gzip


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("format = 'PARQUET'", "GZIP"),
        ("format = 'PARQUET', write_compression = 'SNAPPY'", "SNAPPY"),
        ("format = 'PARQUET', parquet_compression = 'zstd'", "ZSTD"),
        ("write_compression = 'NONE'", "UNCOMPRESSED"),
        ("format = 'ORC', orc_compression = 'SNAPPY'", "SNAPPY"),
        ("format = 'ORC', write_compression = 'ZSTD'", "ZSTD"),
        ("format = 'ORC', write_compression = 'LZ4'", "LZ4"),
        ("format = 'ORC', write_compression = 'NONE'", "UNCOMPRESSED"),
        ("format = 'ORC'", "ZLIB"),
    ],
)
def test_files_have_the_compression_that_was_asked_for(lake: Lake, properties: str, expected: str) -> None:
    lake.run(f"CREATE TABLE made WITH ({properties}, external_location = 's3://{lake.bucket}/made/') AS {ROWS}")
    assert {codec(body) for _, body in files(lake, "made/")} == {expected}


def test_text_is_written_with_the_delimiter_and_compression_asked_for(lake: Lake) -> None:
    lake.run(f"""CREATE TABLE made WITH (format = 'TEXTFILE', field_delimiter = ',', write_compression = 'NONE',
      external_location = 's3://{lake.bucket}/made/') AS SELECT 1 AS n, 'x' AS s, CAST(NULL AS varchar) AS z""")
    ((_, body),) = files(lake, "made/")
    assert body == b"1,x,\\N\n"
    lake.run(f"""CREATE TABLE json WITH (format = 'JSON', write_compression = 'NONE',
      external_location = 's3://{lake.bucket}/json/') AS SELECT 1 AS n, ARRAY['x', NULL] AS l""")
    ((_, body),) = files(lake, "json/")
    assert json.loads(body) == {"n": 1, "l": ["x", None]}


def test_rows_are_partitioned_and_bucketed(lake: Lake) -> None:
    lake.run(f"""CREATE TABLE made WITH (partitioned_by = ARRAY['s', 'day'], bucketed_by = ARRAY['n'], bucket_count = 2,
      external_location = 's3://{lake.bucket}/made') AS SELECT n, coalesce(s, 'none') AS s, day FROM ({ROWS})""")
    assert lake.rows("SHOW PARTITIONS made") == [
        ["s=a/day=2026-11-20"],
        ["s=c/day=2026-11-21"],
        ["s=none/day=2026-11-20"],
    ]
    assert len(lake.keys("made/s=a/day=2026-11-20/")) in (1, 2)
    raw = lake.stack.client("glue").get_table(DatabaseName=lake.database, Name="made")["Table"]["StorageDescriptor"]
    assert (raw["BucketColumns"], raw["NumberOfBuckets"]) == (["n"], 2)
    assert lake.rows("SELECT n FROM made WHERE day = DATE '2026-11-20' ORDER BY n") == [["1"], ["2"]]
    assert lake.rows("""SELECT n FROM made WHERE n = 3""") == [["3"]]


def test_without_a_location_the_table_is_below_the_results(lake: Lake) -> None:
    execution = lake.run(f"CREATE TABLE made AS {ROWS}")
    keys = lake.keys(f"results/tables/{execution['QueryExecutionId']}/")
    assert keys
    manifest = lake.get(execution["Statistics"]["DataManifestLocation"]).decode()
    assert manifest.splitlines() == [f"s3://{lake.bucket}/{key}" for key in keys]
    assert lake.rows("SELECT count(*) FROM made") == [["3"]]
    raw = lake.stack.client("glue").get_table(DatabaseName=lake.database, Name="made")["Table"]
    assert raw["TableType"] == "EXTERNAL_TABLE"
    lake.run("DROP TABLE made")
    assert lake.keys(f"results/tables/{execution['QueryExecutionId']}/") == keys


def test_if_not_exists_keeps_the_table(lake: Lake) -> None:
    lake.run("CREATE TABLE made AS SELECT 1 AS n")
    lake.run("CREATE TABLE IF NOT EXISTS made AS SELECT 2 AS n")
    assert lake.rows("SELECT n FROM made") == [["1"]]
    assert lake.reason("CREATE TABLE made AS SELECT 2 AS n").startswith("TABLE_ALREADY_EXISTS: ")


def test_an_empty_result_makes_an_empty_table(lake: Lake) -> None:
    lake.run(f"CREATE TABLE made WITH (format = 'ORC') AS SELECT * FROM ({ROWS}) WHERE n > 9")
    assert lake.rows("SELECT count(*) FROM made") == [["0"]]
    assert lake.rows("SHOW COLUMNS IN made")


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ("nonsense = 'x'", "CREATE TABLE AS has no property nonsense. Allowed are "),
        ("format = 'XML'", "XML"),
        ("write_compression = 'BROTLI'", "Compression BROTLI is not one of NONE, SNAPPY, GZIP, ZSTD, LZ4"),
        ("compression_level = 3", "CREATE TABLE AS has no property compression_level"),
        ("is_external = false", "A table of type HIVE needs is_external = true"),
        ("table_type = 'HUDI'", "table_type is HUDI. Allowed are HIVE, ICEBERG"),
        ("partitioned_by = ARRAY['nope']", "nope"),
        ("partitioned_by = ARRAY['n']", "Partition keys must be the last columns"),
    ],
)
def test_a_wrong_property_is_named(lake: Lake, properties: str, message: str) -> None:
    assert message in lake.reason(f"CREATE TABLE made WITH ({properties}) AS {ROWS}")
    assert lake.rows("SHOW TABLES") == []


def test_a_place_with_files_is_refused(lake: Lake) -> None:
    lake.put("full/a", "x")
    for sql in (
        f"CREATE TABLE made WITH (external_location = 's3://{lake.bucket}/full/') AS SELECT 1 AS n",
        f"UNLOAD (SELECT 1 AS n) TO 's3://{lake.bucket}/full' WITH (format = 'ORC')",
    ):
        assert lake.reason(sql).startswith("HIVE_PATH_ALREADY_EXISTS: ")
    assert lake.keys("full/") == ["full/a"]


# ---- INSERT ----


def test_rows_go_into_partitions_that_exist_and_into_new_ones(lake: Lake) -> None:
    lake.run(f"""CREATE TABLE made WITH (partitioned_by = ARRAY['day'], external_location = 's3://{lake.bucket}/made/')
      AS {ROWS}""")
    before = set(lake.keys("made/"))
    execution = lake.run("INSERT INTO made VALUES (4, 'd', 4.50, DATE '2026-11-21'), (5, 'e', 5, DATE '2026-12-01')")
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "INSERT")
    assert before < set(lake.keys("made/"))
    assert lake.rows("SHOW PARTITIONS made") == [["day=2026-11-20"], ["day=2026-11-21"], ["day=2026-12-01"]]
    assert lake.rows("SELECT n, price FROM made WHERE day > DATE '2026-11-20' ORDER BY n") == [
        ["3", None],
        ["4", "4.50"],
        ["5", "5.00"],
    ]


def test_rows_go_into_json_and_text_tables(lake: Lake) -> None:
    lake.run(f"""CREATE EXTERNAL TABLE j (n int, tags array<string>) ROW FORMAT SERDE
      'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://{lake.bucket}/j/'""")
    lake.run(f"""CREATE EXTERNAL TABLE t (n int, s string) PARTITIONED BY (day string)
      ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' LOCATION 's3://{lake.bucket}/t/'""")
    lake.run("INSERT INTO j SELECT 1, ARRAY['x', 'y']")
    lake.run("INSERT INTO j (n) VALUES (2)")
    assert lake.rows("SELECT * FROM j ORDER BY n") == [["1", "[x, y]"], ["2", None]]
    lake.run("INSERT INTO t VALUES (1, 'a', 'monday'), (2, NULL, 'monday')")
    assert lake.rows("SELECT * FROM t ORDER BY n") == [["1", "a", "monday"], ["2", None, "monday"]]
    ((key, body),) = files(lake, "t/")
    assert key.startswith("t/day=monday/")
    assert (gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body) == b"1|a\n2|\\N\n"


def test_a_wrong_insert_is_refused(lake: Lake) -> None:
    lake.run("CREATE TABLE made AS SELECT 1 AS n")
    assert lake.reason("INSERT INTO made VALUES ('x')").startswith("TYPE_MISMATCH: line 1:1: ")
    assert lake.reason("INSERT INTO made VALUES (1, 2)").startswith("TYPE_MISMATCH: line 1:1: ")
    assert lake.reason("INSERT INTO nope VALUES (1)").startswith("TABLE_NOT_FOUND: line 1:1: ")
    assert lake.reason("INSERT INTO made (z) VALUES (1)").startswith("COLUMN_NOT_FOUND: line 1:1: ")


# ---- UNLOAD ----


@pytest.mark.parametrize("form", ["PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE"])
def test_a_result_is_unloaded_in_each_format_with_a_manifest(lake: Lake, form: str) -> None:
    execution = lake.run(f"UNLOAD ({ROWS}) TO 's3://{lake.bucket}/out/' WITH (format = '{form}')")
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DML", "UNLOAD")
    written = lake.keys("out/")
    manifest = lake.get(f"s3://{lake.bucket}/results/{execution['QueryExecutionId']}-manifest.csv").decode()
    assert manifest.splitlines() == [f"s3://{lake.bucket}/{key}" for key in written]
    assert execution["Statistics"]["DataManifestLocation"] == (
        f"s3://{lake.bucket}/results/{execution['QueryExecutionId']}-manifest.csv"
    )
    stored = {"PARQUET": "PARQUET", "ORC": "ORC", "AVRO": "AVRO"}.get(form, "TEXTFILE")
    columns = "n int, s string, price decimal(10,2), day date"
    rows = {"JSON": "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"}.get(form, f"STORED AS {stored}")
    lake.run(f"CREATE EXTERNAL TABLE back ({columns}) {rows} LOCATION 's3://{lake.bucket}/out/'")
    assert lake.rows("SELECT * FROM back ORDER BY n") == EXPECTED
    assert lake.rows("SHOW TABLES") == [["back"]]


def test_an_unload_has_the_compression_partitions_and_delimiter_asked_for(lake: Lake) -> None:
    lake.run(f"""UNLOAD ({ROWS}) TO 's3://{lake.bucket}/out' WITH (format = 'PARQUET', compression = 'SNAPPY',
      partitioned_by = ARRAY['day'])""")
    found = files(lake, "out/")
    assert {key.split("/")[1] for key, _ in found} == {"day=2026-11-20", "day=2026-11-21"}
    assert {codec(body) for _, body in found} == {"SNAPPY"}
    lake.run(f"""UNLOAD (SELECT 1 AS n, 'x' AS s) TO 's3://{lake.bucket}/text/' WITH (format = 'TEXTFILE',
      field_delimiter = ';', compression = 'none')""")
    ((_, body),) = files(lake, "text/")
    assert body == b"1;x\n"


def test_an_unload_takes_parameters_and_a_query_with_parentheses_and_texts(lake: Lake) -> None:
    lake.run(
        f"UNLOAD (SELECT (1 + ?) AS n, ')' AS s, ')' || ? AS p) TO 's3://{lake.bucket}/out/' "
        "WITH (format = 'JSON', compression = 'NONE')",
        ExecutionParameters=["2", "'('"],
    )
    ((_, body),) = files(lake, "out/")
    assert json.loads(body) == {"n": 3, "s": ")", "p": ")("}


def test_a_wrong_unload_is_refused(lake: Lake) -> None:
    with pytest.raises(ClientError, match="UNLOAD needs the property format"):
        lake.start(f"UNLOAD (SELECT 1) TO 's3://{lake.bucket}/out/' WITH (compression = 'GZIP')")
    with pytest.raises(ClientError, match="mismatched input"):
        lake.start(f"UNLOAD SELECT 1 TO 's3://{lake.bucket}/out/' WITH (format = 'ORC')")
    place = f"TO 's3://{lake.bucket}/out/'"
    assert "UNLOAD has no property bucketed_by" in lake.reason(
        f"UNLOAD (SELECT 1 AS n) {place} WITH (format = 'ORC', bucketed_by = ARRAY['n'])"
    )
    assert "XML" in lake.reason(f"UNLOAD (SELECT 1 AS n) {place} WITH (format = 'XML')")
    assert lake.reason("UNLOAD (SELECT 1 AS n) TO 's3://no-such-bucket-x/out/' WITH (format = 'ORC')")
    assert lake.keys("out/") == []


# ---- Views ----


def test_views_read_views_and_keep_their_own_database(lake: Lake) -> None:
    lake.run(f"CREATE TABLE made AS {ROWS}")
    lake.run("CREATE VIEW one AS SELECT n, price FROM made WHERE n < 3")
    lake.run("CREATE OR REPLACE VIEW two AS SELECT n AS number, price * 2 AS doubled FROM one")
    lake.run("CREATE VIEW three AS SELECT sum(doubled) AS total, max(number) AS top FROM two")
    assert lake.rows("SELECT * FROM three") == [["8.00", "2"]]
    assert lake.rows(f"SELECT total FROM {lake.database}.three") == [["8.00"]]
    started = lake.stack.client("athena").start_query_execution(
        QueryString=f"SELECT total FROM {lake.database}.three", WorkGroup=lake.workgroup
    )
    assert lake.finished(started["QueryExecutionId"])["Status"]["State"] == "SUCCEEDED"
    assert lake.rows("SHOW VIEWS") == [["one"], ["three"], ["two"]]
    assert "SELECT" in "\n".join(str(row[0]) for row in lake.rows("SHOW CREATE VIEW three"))
    lake.run("DROP VIEW one")
    assert "one" in lake.reason("SELECT * FROM three")
    lake.run("CREATE TABLE again AS SELECT 1 AS n, DECIMAL '1' AS price")
    assert lake.reason("CREATE OR REPLACE VIEW again AS SELECT 1 AS x").startswith("TABLE_ALREADY_EXISTS: ")


def test_a_view_of_a_missing_column_is_refused(lake: Lake) -> None:
    lake.run("CREATE TABLE made AS SELECT 1 AS n")
    assert lake.reason("CREATE VIEW v AS\nSELECT nope\nFROM made").startswith("COLUMN_NOT_FOUND: line 2:8: ")
    assert lake.rows("SHOW VIEWS") == []


# ---- Prepared statements and parameters ----


def test_prepared_statements_select_create_and_insert(lake: Lake) -> None:
    lake.run(f"CREATE TABLE made AS {ROWS}")
    lake.run("PREPARE pick FROM SELECT s, ? AS given FROM made WHERE n = ? OR day = ? ORDER BY n")
    assert lake.rows("EXECUTE pick USING 'it''s', 1, DATE '2026-11-21'") == [["a", "it's"], ["c", "it's"]]
    assert lake.rows("EXECUTE pick", ExecutionParameters=["'x'", "2", "DATE '2000-01-01'"]) == [[None, "x"]]
    lake.run("PREPARE fill FROM INSERT INTO made VALUES (?, ?, ?, ?)")
    lake.run("EXECUTE fill USING 9, 'z', 1.5, DATE '2026-12-01'")
    assert lake.rows("SELECT n, s, price FROM made WHERE n > 3") == [["9", "z", "1.50"]]
    lake.run("PREPARE copy FROM CREATE TABLE copied AS SELECT n FROM made WHERE n > ?")
    lake.run("EXECUTE copy USING 2")
    assert lake.rows("SELECT n FROM copied ORDER BY n") == [["3"], ["9"]]
    lake.run("PREPARE pick FROM SELECT 'other'")
    assert lake.rows("EXECUTE pick") == [["other"]]
    lake.run("DEALLOCATE PREPARE pick")
    assert lake.reason("EXECUTE pick").startswith("NOT_FOUND: Prepared statement not found: pick")


def test_prepared_statements_of_the_api_are_executed(lake: Lake) -> None:
    athena = lake.stack.client("athena")
    athena.create_prepared_statement(
        StatementName="api", WorkGroup=lake.workgroup, QueryStatement="SELECT ? + 1, ? || 'b'"
    )
    assert lake.rows("EXECUTE api USING 1, 'a'") == [["2", "ab"]]
    lake.run("PREPARE sql FROM SELECT 1")
    assert (
        athena.get_prepared_statement(StatementName="sql", WorkGroup=lake.workgroup)["PreparedStatement"][
            "QueryStatement"
        ]
        == "SELECT 1"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'abc'", "abc"),
        ("1 + 1", "2"),
        ("CAST('2026-11-20' AS date)", "2026-11-20"),
        ("NULL", None),
        ("upper('a')", "A"),
        ("0.5", "0.5"),
        ("abc", "abc"),
        ("abc def", "abc def"),
        ("it's", "it's"),
        ("2026-11-20 10:00", "2026-11-20 10:00"),
        ("123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
        ("n + 1", "n + 1"),
        ("t.n", "t.n"),
    ],
)
def test_a_parameter_is_a_constant_expression_or_else_a_text(tables: Lake, value: str, expected: str | None) -> None:
    """Seen on AWS by others: what is no expression, or names a column, is taken as a text."""
    assert tables.rows("SELECT ? AS v FROM made", ExecutionParameters=[value]) == [[expected]]


def test_parameters_go_into_create_table_as_and_insert(lake: Lake) -> None:
    lake.run("CREATE TABLE made AS SELECT ? AS n, ? AS s", ExecutionParameters=["1", "'a'"])
    lake.run("INSERT INTO made SELECT n + ?, ? FROM made WHERE n = ?", ExecutionParameters=["1", "'b'", "1"])
    assert lake.rows("SELECT * FROM made ORDER BY n") == [["1", "a"], ["2", "b"]]


# ---- Where an error is: the line and column of the caller's own text ----

POSITIONS = [
    ("SELECT 1,\n  nope", "COLUMN_NOT_FOUND: line 2:3: ", []),
    ("SELECT ?,\n  nope", "COLUMN_NOT_FOUND: line 2:3: ", ["1"]),
    ("  SELECT nope", "COLUMN_NOT_FOUND: line 1:10: ", []),
    ("-- why\nSELECT 1.5, 2.5, nope", "COLUMN_NOT_FOUND: line 2:18: ", []),
    ("CREATE TABLE x AS SELECT nope", "COLUMN_NOT_FOUND: line 1:26: ", []),
    ("CREATE TABLE x\nWITH (format = 'ORC')\nAS SELECT 1 AS a,\n  nope", "COLUMN_NOT_FOUND: line 4:3: ", []),
    ("CREATE TABLE x\nWITH (format = 'ORC')\nAS SELECT ? AS a,\n  nope", "COLUMN_NOT_FOUND: line 4:3: ", ["1"]),
    ("INSERT INTO made\nSELECT\n  nope", "COLUMN_NOT_FOUND: line 3:3: ", []),
    ("INSERT INTO made\nSELECT ? +\n  nope", "COLUMN_NOT_FOUND: line 3:3: ", ["1"]),
    ("UNLOAD (SELECT 1,\n  nope) TO 's3://{bucket}/o/' WITH (format = 'ORC')", "COLUMN_NOT_FOUND: line 2:3: ", []),
    ("UNLOAD (SELECT nope) TO 's3://{bucket}/o/' WITH (format = 'ORC')", "COLUMN_NOT_FOUND: line 1:16: ", []),
    ("UNLOAD\n(SELECT ?, nope) TO 's3://{bucket}/o/' WITH (format = 'ORC')", "COLUMN_NOT_FOUND: line 2:12: ", ["1"]),
    ("OPTIMIZE ice REWRITE DATA USING BIN_PACK\n  WHERE nope = 1", "COLUMN_NOT_FOUND: line 2:9: ", []),
    ("OPTIMIZE ice REWRITE DATA USING BIN_PACK WHERE nope = 1", "COLUMN_NOT_FOUND: line 1:48: ", []),
    ("EXPLAIN SELECT nope", "COLUMN_NOT_FOUND: line 1:16: ", []),
    ("EXPLAIN (FORMAT JSON)\nSELECT 1,\n  nope", "COLUMN_NOT_FOUND: line 3:3: ", []),
    ("EXPLAIN\nSELECT ?, nope", "COLUMN_NOT_FOUND: line 2:11: ", ["1"]),
    ("EXPLAIN ANALYZE SELECT nope", "COLUMN_NOT_FOUND: line 1:24: ", []),
    ("UPDATE ice\nSET n = nope", "COLUMN_NOT_FOUND: line 2:9: ", []),
    ("DELETE FROM ice\nWHERE nope = ?", "COLUMN_NOT_FOUND: line 2:7: ", ["1"]),
    ("SELECT *\nFROM made\nJOIN nope ON true", "TABLE_NOT_FOUND: line 3:6: ", []),
]


@pytest.fixture(scope="module")
def tables(stack: Stack) -> Lake:
    lake = make_lake(stack)
    lake.run("CREATE TABLE made AS SELECT 1 AS n")
    lake.run(f"CREATE TABLE ice (n int) LOCATION 's3://{lake.bucket}/ice/' TBLPROPERTIES ('table_type' = 'ICEBERG')")
    return lake


@pytest.mark.parametrize(("sql", "reason", "values"), POSITIONS, ids=range(len(POSITIONS)))
def test_an_error_has_the_callers_line_and_column(tables: Lake, sql: str, reason: str, values: list[str]) -> None:
    more: dict[str, Any] = {"ExecutionParameters": values} if values else {}
    assert tables.reason(sql.format(bucket=tables.bucket), **more).startswith(reason)


@pytest.mark.parametrize(
    ("sql", "position"),
    [
        ("SELECT 1,\n  FROM made", "line 2:3: mismatched input 'FROM'"),
        ("CREATE TABLE x AS\nSELECT 1 +", "line 2:11: mismatched input '<EOF>'"),
        ("CREATE TABLE x AS SELECT 1 + FROM made", "line 1:30: mismatched input 'FROM'"),
        ("UNLOAD (\nSELECT 1 +) TO 's3://b/o/' WITH (format = 'ORC')", "line 2:11: mismatched input '<EOF>'"),
        ("EXPLAIN\nSELECT 1 +", "line 2:11: mismatched input '<EOF>'"),
        ("OPTIMIZE ice\nREWRITE DATA", "line 2:13: mismatched input '<EOF>'"),
        ("VACUUM ice\nnow", "line 2:1: mismatched input 'now'"),
    ],
)
def test_a_statement_that_is_none_has_the_callers_line_and_column(tables: Lake, sql: str, position: str) -> None:
    with pytest.raises(ClientError) as refused:
        tables.start(sql)
    assert position in str(refused.value)
    assert refused.value.response["AthenaErrorCode"] == "MALFORMED_QUERY"
