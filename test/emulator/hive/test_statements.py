"""Hive's DDL on an empty catalog, in this process: what each statement prints, changes and refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from emulator.athena.errors import failed_status
from emulator.core.queries import MalformedQuery, QueryFailed
from emulator.glue import catalog
from emulator.hive import statements
from emulator.hive.scanner import Scanner
from emulator.hive.syntax import read_one
from emulator.hive.types import trino_type
from ministack.services import glue, s3

Run = Callable[[str], list]
BY_SYNTAX = {statement.syntax: statement for statement in statements.STATEMENTS}
EVENTS = """CREATE EXTERNAL TABLE events (n int COMMENT 'a number', geo struct<ip:string,at:array<double>>)
  PARTITIONED BY (day string, hour int) STORED AS PARQUET LOCATION 's3://b/events'"""


def run(sql: str) -> list:
    syntax, fields = read_one(Scanner(sql), BY_SYNTAX, statements.READ)
    return [*(BY_SYNTAX[syntax].action("d", **fields) or [])]


def reason(sql: str) -> str:
    """Why a statement failed, as Athena says it."""
    with pytest.raises((QueryFailed, catalog.CatalogError)) as failed:
        run(sql)
    return failed_status(failed.value)["StateChangeReason"]


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_databases", "_tables", "_partitions"):
        monkeypatch.setattr(glue, name, {})
    for name in catalog.HANDLERS:
        monkeypatch.setattr(glue, name, catalog._answering(getattr(catalog, name)))
    monkeypatch.setattr(s3, "_buckets", {"b": {"objects": {}}})
    run("CREATE DATABASE d")


def stored(name: str) -> dict:
    return glue._tables[f"d/{name}"]


# ---- Databases ----


def test_a_database_is_created_listed_and_dropped() -> None:
    run("create schema other comment 'it''s' location 's3://b/other' with dbproperties ('a'='b', \"c\" = 'd');")
    run("CREATE DATABASE IF NOT EXISTS other")
    made = glue._databases["other"]
    assert (made["Description"], made["LocationUri"], made["Parameters"]) == (
        "it's",
        "s3://b/other",
        {"a": "b", "c": "d"},
    )
    assert run("SHOW DATABASES") == ["d", "other"]
    assert run("SHOW SCHEMAS LIKE 'o*|x'") == run("SHOW DATABASES 'o*'") == ["other"]
    run("DROP SCHEMA other RESTRICT")
    run("DROP DATABASE IF EXISTS other")
    assert run("SHOW DATABASES") == ["d"]


def test_a_database_with_tables_is_dropped_by_cascade_only() -> None:
    run(EVENTS)
    assert "Database d is not empty" in reason("DROP DATABASE d")
    run("DROP DATABASE d CASCADE")
    assert run("SHOW DATABASES") == []


# ---- CREATE TABLE ----


def test_a_table_has_the_columns_keys_and_classes_that_glue_expects() -> None:
    run(EVENTS)
    table = stored("events")
    assert (table["TableType"], table["Parameters"]) == ("EXTERNAL_TABLE", {"EXTERNAL": "TRUE"})
    assert table["PartitionKeys"] == [{"Name": "day", "Type": "string"}, {"Name": "hour", "Type": "int"}]
    descriptor = table["StorageDescriptor"]
    assert descriptor["Columns"] == [
        {"Name": "n", "Type": "int", "Comment": "a number"},
        {"Name": "geo", "Type": "struct<ip:string,at:array<double>>"},
    ]
    assert descriptor["Location"] == "s3://b/events/"
    parquet = "org.apache.hadoop.hive.ql.io.parquet"
    assert descriptor["InputFormat"] == f"{parquet}.MapredParquetInputFormat"
    assert descriptor["OutputFormat"] == f"{parquet}.MapredParquetOutputFormat"
    assert descriptor["SerdeInfo"] == {
        "SerializationLibrary": f"{parquet}.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    }


@pytest.mark.parametrize(
    ("clauses", "library", "parameters"),
    [
        ("", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", {}),
        ("STORED AS ORC", "org.apache.hadoop.hive.ql.io.orc.OrcSerde", {}),
        ("STORED AS avro", "org.apache.hadoop.hive.serde2.avro.AvroSerDe", {}),
        ("STORED AS RCFILE", "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe", {}),
        (
            "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' "
            "WITH SERDEPROPERTIES ('ignore.malformed.json'='true')",
            "org.openx.data.jsonserde.JsonSerDe",
            {"ignore.malformed.json": "true"},
        ),
        (
            "ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' COLLECTION ITEMS TERMINATED BY ';' "
            "MAP KEYS TERMINATED BY '\\003' LINES TERMINATED BY '\\n' NULL DEFINED AS '' STORED AS TEXTFILE",
            "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
            {
                "field.delim": "\t",
                "escape.delim": "\\",
                "collection.delim": ";",
                "mapkey.delim": "\x03",
                "line.delim": "\n",
                "serialization.null.format": "",
            },
        ),
    ],
)
def test_a_format_is_its_classes_and_parameters(clauses: str, library: str, parameters: dict) -> None:
    run(f"CREATE EXTERNAL TABLE IF NOT EXISTS d.t (a int) {clauses} LOCATION 's3://b/t/' TBLPROPERTIES ('k'='v')")
    found = stored("t")["StorageDescriptor"]["SerdeInfo"]
    assert found["SerializationLibrary"] == library
    assert found["Parameters"] == {"serialization.format": "1", **parameters}
    assert stored("t")["Parameters"] == {"EXTERNAL": "TRUE", "k": "v"}


def test_names_in_quotes_comments_and_clauses_in_any_order() -> None:
    run(
        "CREATE EXTERNAL TABLE -- the table\n awsdatacatalog.`d`.`Two Words` (`Select` int /* a word */, b: string)\n"
        " TBLPROPERTIES ('a'='b') LOCATION \"s3://b/x/\" COMMENT 'x' STORED AS INPUTFORMAT 'in' OUTPUTFORMAT 'out'"
    )
    table = stored("two words")
    assert [column["Name"] for column in table["StorageDescriptor"]["Columns"]] == ["select", "b"]
    assert (table["StorageDescriptor"]["InputFormat"], table["StorageDescriptor"]["OutputFormat"]) == ("in", "out")
    assert table["Description"] == "x"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("int", "integer"),
        ("STRING", "varchar"),
        ("varchar(10)", "varchar(10)"),
        ("decimal", "decimal(10, 0)"),
        ("decimal(5)", "decimal(5, 0)"),
        ("decimal(12, 2)", "decimal(12, 2)"),
        ("timestamp", "timestamp(6)"),
        ("array<map<string,int>>", "array(map(varchar, integer))"),
        ("struct<`A`:int,b-c:array<struct<d.e:date>>>", 'row("a" integer, "b-c" array(row("d.e" date)))'),
    ],
)
def test_a_type_has_a_name_in_trino(source: str, expected: str) -> None:
    assert trino_type(source) == expected


@pytest.mark.parametrize(
    "source", ["", "strin", "array<int", "array<int,int>", "map<int>", "int int", "decimal(a)", "int(4)", "struct<a>"]
)
def test_an_unknown_type_is_named(source: str) -> None:
    with pytest.raises(QueryFailed, match=r"HIVE_INVALID_METADATA: '.*' is not a Hive type"):
        trino_type(source)


# ---- Tables ----


def test_tables_are_listed_described_and_dropped() -> None:
    run(EVENTS)
    run("CREATE EXTERNAL TABLE csv (a int) LOCATION 's3://b/csv'")
    assert run("SHOW TABLES") == run("SHOW TABLES IN d") == ["csv", "events"]
    assert run("SHOW TABLES FROM d LIKE 'e*|zzz'") == run("SHOW TABLES 'e*'") == ["events"]
    assert run("SHOW VIEWS") == []
    columns = ["n", "geo", "day", "hour"]
    assert [line.strip() for line in run("SHOW COLUMNS IN events")] == columns
    assert [line.strip() for line in run("SHOW COLUMNS FROM events FROM d")] == columns
    assert [[(text or "").strip() for text in row] for row in run("DESCRIBE events")] == [
        ["n", "int", "a number"],
        ["geo", "struct<ip:string,at:array<double>>", ""],
        ["day", "string", ""],
        ["hour", "int", ""],
        ["", "", ""],
        ["# Partition Information", "", ""],
        ["# col_name", "data_type", "comment"],
        ["", "", ""],
        ["day", "string", ""],
        ["hour", "int", ""],
    ]
    assert [f"{'Location:':<20}", "s3://b/csv/", None] in run("DESC FORMATTED csv")
    run("DROP TABLE csv")
    run("DROP TABLE IF EXISTS csv")
    run("DROP VIEW IF EXISTS csv")
    assert run("SHOW TABLES") == ["events"]


def test_show_create_table_prints_a_statement_that_makes_the_same_table() -> None:
    run(EVENTS)
    printed = run("SHOW CREATE TABLE events")
    assert printed[:7] == [
        "CREATE EXTERNAL TABLE `events`(",
        "  `n` int COMMENT 'a number', ",
        "  `geo` struct<ip:string,at:array<double>>)",
        "PARTITIONED BY ( ",
        "  `day` string, ",
        "  `hour` int)",
        "ROW FORMAT SERDE ",
    ]
    before = stored("events")
    run("DROP TABLE events")
    run("\n".join(printed))
    kept = ("Name", "Parameters", "PartitionKeys", "StorageDescriptor", "TableType")
    assert {key: stored("events")[key] for key in kept} == {key: before[key] for key in kept}


def test_a_table_is_changed() -> None:
    run(EVENTS)
    run("ALTER TABLE events ADD COLUMNS (e date COMMENT 'new', f array<int>)")
    assert [c["Name"] for c in stored("events")["StorageDescriptor"]["Columns"]] == ["n", "geo", "e", "f"]
    run("ALTER TABLE events REPLACE COLUMNS (x string)")
    assert stored("events")["StorageDescriptor"]["Columns"] == [{"Name": "x", "Type": "string"}]
    run("ALTER TABLE events SET LOCATION 's3://b/moved'")
    assert stored("events")["StorageDescriptor"]["Location"] == "s3://b/moved/"
    run("ALTER TABLE events SET TBLPROPERTIES ('k'='1', 'l'='2')")
    run("ALTER TABLE events SET TBLPROPERTIES ('k'='3')")
    assert run("SHOW TBLPROPERTIES events") == [["EXTERNAL", "TRUE"], ["k", "3"], ["l", "2"]]
    assert run("SHOW TBLPROPERTIES events ('k')") == [["k", "3"]]


# ---- Partitions ----


def test_partitions_are_added_moved_listed_and_dropped() -> None:
    run(EVENTS)
    run("ALTER TABLE events ADD PARTITION (day='2026-01-01', hour=1) PARTITION (hour=2, day=DATE '2026-01-01')")
    run("ALTER TABLE events ADD IF NOT EXISTS PARTITION (day='2026-01-01', hour=1) PARTITION (day='a:b', hour=-3)")
    assert run("SHOW PARTITIONS events") == ["day=2026-01-01/hour=1", "day=2026-01-01/hour=2", "day=a%3Ab/hour=-3"]
    assert run("SHOW PARTITIONS events PARTITION (hour=2)") == ["day=2026-01-01/hour=2"]
    run("ALTER TABLE events PARTITION (day='2026-01-01', hour=2) SET LOCATION 's3://b/elsewhere'")
    assert {"/".join(one["Values"]): one["StorageDescriptor"]["Location"] for one in glue._partitions["d/events"]} == {
        "2026-01-01/1": "s3://b/events/day=2026-01-01/hour=1/",
        "2026-01-01/2": "s3://b/elsewhere/",
        "a:b/-3": "s3://b/events/day=a%3Ab/hour=-3/",
    }
    run("ALTER TABLE events DROP PARTITION (day='2026-01-01'), PARTITION (hour=-3)")
    run("ALTER TABLE events DROP IF EXISTS PARTITION (day='2026-01-01')")
    assert run("SHOW PARTITIONS events") == []


def test_repair_registers_what_has_data_in_folders_of_lower_case_keys() -> None:
    run(EVENTS)
    run("ALTER TABLE events ADD PARTITION (day='2026-01-01', hour=1)")
    for key, size in {
        "day=2026-01-02/hour=5/x": 3,
        "day=2026-01-02/hour=5/y": 3,
        "day=2026-01-03/hour=a%3Ab/x": 3,
        "day=2026-01-04/hour=1/_temporary/x": 3,
        "Day=2026-01-05/hour=1/x": 3,
        "hour=1/day=2026-01-06/x": 3,
        "day=2026-01-07/hour=1/": 0,
    }.items():
        s3._buckets["b"]["objects"][f"events/{key}"] = {"size": size}
    assert run("MSCK REPAIR TABLE events") == [
        "Partitions not in metastore:\tevents:day=2026-01-02/hour=5\tevents:day=2026-01-03/hour=a%3Ab",
        "Partitions missing from filesystem:\tevents:day=2026-01-01/hour=1",
        "Repair: Added partition to metastore events:day=2026-01-02/hour=5",
        "Repair: Added partition to metastore events:day=2026-01-03/hour=a%3Ab",
    ]
    assert len(run("SHOW PARTITIONS events")) == 3


# ---- What is wrong ----


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE DATABASE d", "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask."),
        ("DROP DATABASE nope", "FAILED: SemanticException [Error 10072]: Database does not exist: nope"),
        ("SHOW TABLES IN nope", "FAILED: SemanticException [Error 10072]: Database does not exist: nope"),
        ("DESCRIBE nope", "FAILED: SemanticException [Error 10001]: Table not found d.nope"),
        ("SHOW COLUMNS IN events FROM other", "FAILED: SemanticException [Error 10001]: Table not found other.events"),
        ("DROP VIEW events", "FAILED: SemanticException [Error 10018]: Cannot drop a base table with DROP VIEW"),
        ("SHOW CREATE VIEW events", "FAILED: SemanticException: d.events is not a view"),
        (EVENTS, "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. AlreadyExists"),
        ("ALTER TABLE events ADD COLUMNS (day date)", "FAILED: Execution Error"),
        ("ALTER TABLE events DROP COLUMN n", "FAILED: SemanticException: d.events is not an Iceberg table"),
        ("ALTER TABLE events CHANGE n m int", "FAILED: SemanticException: d.events is not an Iceberg table"),
        (
            "ALTER TABLE events ADD PARTITION (day='x')",
            "FAILED: SemanticException [Error 10098]: Partition spec (day=x)",
        ),
        ("ALTER TABLE events ADD PARTITION (day>'x', hour=1)", "NOT_SUPPORTED: a partition specification with"),
        ("ALTER TABLE events DROP PARTITION (day='x')", "FAILED: SemanticException [Error 10006]: Partition not found"),
        (
            "SHOW PARTITIONS events PARTITION (x=1)",
            "FAILED: SemanticException [Error 10098]: Not a partition column: x",
        ),
        ("CREATE EXTERNAL TABLE x (a strin) LOCATION 's3://b/x'", "HIVE_INVALID_METADATA: 'strin' is not a Hive type"),
        ("CREATE EXTERNAL TABLE x (a int) STORED AS EXCEL LOCATION 's3://b/x'", "NOT_SUPPORTED: STORED AS EXCEL"),
        (
            "CREATE EXTERNAL TABLE x (a int) PARTITIONED BY (a int) LOCATION 's3://b/x'",
            "SYNTAX_ERROR: SemanticException [Error 10035]: Column repeated in partitioning columns",
        ),
    ],
)
def test_a_statement_fails_with_the_words_of_hive(sql: str, expected: str) -> None:
    run(EVENTS)
    before = dict(glue._tables)
    assert reason(sql).startswith(expected)
    assert glue._tables == before


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE DATABASE", "line 1:16: mismatched input '<EOF>'. Expecting: <identifier>"),
        ("CREATE DATABASE x LOCATION y", "line 1:28: mismatched input 'y'. Expecting: <string>"),
        ("CREATE FUNCTION f", "line 1:8: mismatched input 'FUNCTION'. Expecting: DATABASE, SCHEMA, EXTERNAL, TABLE"),
        ("SHOW COLUMNS\nevents", "line 2:1: mismatched input 'events'. Expecting: IN, FROM"),
        ("MSCK REPAIR t", "line 1:13: mismatched input 't'. Expecting: TABLE"),
        ("DROP TABLE t u", "line 1:14: mismatched input 'u'. Expecting: <EOF>"),
        ("ALTER TABLE t ADD", "line 1:18: mismatched input '<EOF>'. Expecting: PARTITION, COLUMNS"),
        ("ALTER TABLE t RENAME TO u", "line 1:15: mismatched input 'RENAME'. Expecting: ADD, DROP, PARTITION, SET"),
        ("ALTER TABLE t SET TBLPROPERTIES ()", "line 1:34: mismatched input ')'. Expecting: <string>"),
        ("CREATE EXTERNAL TABLE t (a int,) LOCATION 's3://b/x'", "line 1:32: mismatched input ')'"),
        ("CREATE EXTERNAL TABLE t (a int) SORTED LOCATION 's3://b/x'", "line 1:33: mismatched input 'SORTED'"),
        ("CREATE EXTERNAL TABLE t (a int)", "line 1:8: No location was specified for table"),
        ("CREATE EXTERNAL TABLE t (a int) LOCATION 'hdfs://b/x'", "line 1:8: The location hdfs://b/x is no S3 path"),
        ("CREATE TABLE t (a int) LOCATION 's3://b/x'", "line 1:8: External keyword required for table type HIVE"),
        (
            "CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (bucket(4, a)) LOCATION 's3://b/x'",
            "line 1:8: PARTITIONED BY needs the types of the columns",
        ),
    ],
)
def test_what_is_no_statement_is_refused_where_it_goes_wrong(sql: str, expected: str) -> None:
    with pytest.raises(MalformedQuery) as refused:
        run(sql)
    assert str(refused.value).startswith(expected)
