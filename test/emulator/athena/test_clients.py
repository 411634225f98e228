"""Two clients that people use, unmodified, on the running Athena: awswrangler and PyAthena."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal

import awswrangler
import pandas
import pyathena
import pytest
from athena_lake import Lake, make_lake
from emulator_stack import Stack
from pyathena.cursor import Cursor, DictCursor
from pyathena.error import DatabaseError, OperationalError
from pyathena.pandas.cursor import PandasCursor

ROWS = """SELECT * FROM (VALUES
  (1, BIGINT '3000000000', 'a "quoted", text', DECIMAL '1.50', 1e10, REAL '0.5', true, DATE '2026-11-20',
   TIMESTAMP '2026-11-20 10:00:00.123', ARRAY['x', NULL], MAP(ARRAY['k'], ARRAY[7])),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (3, BIGINT '-1', '', DECIMAL '-0.01', 0.1, REAL '-1', false, DATE '1969-12-31',
   TIMESTAMP '1969-12-31 23:59:59.999', ARRAY[], MAP())
  ) AS t(n, big, s, price, ratio, half, ok, day, at, tags, counts)"""


@pytest.fixture(scope="module")
def shared(stack: Stack) -> Lake:
    lake = make_lake(stack)
    lake.run(f"CREATE TABLE made WITH (external_location = 's3://{lake.bucket}/made/') AS {ROWS}")
    return lake


@pytest.fixture
def client(shared: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The lake, with the environment that makes every boto3 client of this process ask the emulator."""
    for name, value in {
        "AWS_ENDPOINT_URL": shared.stack.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return shared


# ---- awswrangler ----


def wrangled(lake: Lake, sql: str, **more):  # a pandas.DataFrame
    return awswrangler.athena.read_sql_query(sql, database=lake.database, workgroup=lake.workgroup, **more)


def check_frame(frame) -> None:
    rows = frame.sort_values("n").to_dict("records")
    assert [row["n"] for row in rows] == [1, 2, 3]
    first, nothing, last = rows
    assert (first["big"], first["s"], first["price"]) == (3_000_000_000, 'a "quoted", text', Decimal("1.50"))
    assert (first["ratio"], first["half"], first["ok"]) == (1e10, 0.5, True)
    assert (first["day"], first["at"].to_pydatetime()) == (date(2026, 11, 20), datetime(2026, 11, 20, 10, 0, 0, 123000))
    assert all(frame[name].isna().sort_index().sum() == 1 for name in ("big", "price", "ratio", "ok", "day", "at"))
    assert nothing["price"] is None or nothing["price"] != nothing["price"]
    assert (last["big"], last["price"], last["ratio"], last["ok"]) == (-1, Decimal("-0.01"), 0.1, False)
    assert (last["day"], last["at"].to_pydatetime()) == (
        date(1969, 12, 31),
        datetime(1969, 12, 31, 23, 59, 59, 999000),
    )


COLUMNS = "n, big, s, price, ratio, half, ok, day, at"


def test_awswrangler_reads_the_result_file(client: Lake) -> None:
    frame = wrangled(client, f"SELECT {COLUMNS} FROM made", ctas_approach=False)
    assert list(frame.columns) == COLUMNS.split(", ")
    check_frame(frame)
    assert frame.query_metadata["Status"]["State"] == "SUCCEEDED"


def test_awswrangler_reads_a_table_that_it_creates_and_drops(client: Lake) -> None:
    before = client.rows("SHOW TABLES")
    frame = wrangled(client, "SELECT * FROM made", ctas_approach=True)
    check_frame(frame)
    rows = frame.sort_values("n").to_dict("records")
    assert list(rows[0]["tags"]) == ["x", None]
    assert list(rows[0]["counts"]) == [("k", 7)]
    assert client.rows("SHOW TABLES") == before


def test_awswrangler_reads_an_unload(client: Lake) -> None:
    frame = wrangled(
        client,
        "SELECT * FROM made",
        ctas_approach=False,
        unload_approach=True,
        s3_output=f"s3://{client.bucket}/unloaded/",
    )
    check_frame(frame)
    assert list(frame.sort_values("n")["tags"].iloc[0]) == ["x", None]


def test_awswrangler_reads_in_chunks_and_with_parameters(client: Lake) -> None:
    chunks = list(wrangled(client, "SELECT n FROM made ORDER BY n", ctas_approach=False, chunksize=2))
    assert [list(chunk["n"]) for chunk in chunks] == [[1, 2], [3]]
    frame = wrangled(
        client,
        "SELECT s FROM made WHERE n = ? AND s = ?",
        ctas_approach=False,
        params=["1", 'a "quoted", text'],
        paramstyle="qmark",
    )
    assert list(frame["s"]) == ['a "quoted", text']
    frame = wrangled(
        client, "SELECT n FROM made WHERE day = :day", ctas_approach=False, params={"day": date(1969, 12, 31)}
    )
    assert list(frame["n"]) == [3]


def test_awswrangler_lists_the_catalog_and_reports_errors(client: Lake) -> None:
    tables = awswrangler.catalog.tables(database=client.database)
    assert "made" in list(tables["Table"])
    types = awswrangler.catalog.get_table_types(database=client.database, table="made")
    assert types is not None
    assert (types["n"], types["price"], types["tags"]) == ("int", "decimal(3,2)", "array<varchar(1)>")
    with pytest.raises(awswrangler.exceptions.QueryFailed, match="COLUMN_NOT_FOUND: line 1:8"):
        wrangled(client, "SELECT nope FROM made", ctas_approach=False)


def test_awswrangler_runs_ddl_and_repairs(client: Lake) -> None:
    awswrangler.athena.start_query_execution(
        f"CREATE EXTERNAL TABLE logs (n int) PARTITIONED BY (day string) LOCATION 's3://{client.bucket}/logs/'",
        database=client.database,
        workgroup=client.workgroup,
        wait=True,
    )
    client.put("logs/day=monday/a", "1\n")
    assert awswrangler.athena.repair_table("logs", database=client.database, workgroup=client.workgroup) == "SUCCEEDED"
    assert list(wrangled(client, "SELECT day FROM logs", ctas_approach=False)["day"]) == ["monday"]
    shown = awswrangler.athena.describe_table("made", database=client.database, workgroup=client.workgroup)
    assert ["n", "int"] in shown[["Column Name", "Type"]].values.tolist()
    created = awswrangler.athena.show_create_table("made", database=client.database, workgroup=client.workgroup)
    assert created.startswith("CREATE EXTERNAL TABLE `made`(")


# ---- PyAthena ----


def cursor(lake: Lake, kind: type):
    return pyathena.connect(work_group=lake.workgroup, schema_name=lake.database, cursor_class=kind).cursor()


def test_pyathena_reads_values_as_python_has_them(client: Lake) -> None:
    found = cursor(client, Cursor).execute("SELECT * FROM made ORDER BY n").fetchall()
    assert found == [
        (
            1,
            3_000_000_000,
            'a "quoted", text',
            Decimal("1.50"),
            1e10,
            0.5,
            True,
            date(2026, 11, 20),
            datetime(2026, 11, 20, 10, 0, 0, 123000),
            ["x", None],
            {"k": "7"},  # Athena's text of a map has no types
        ),
        (2, *[None] * 10),
        (
            3,
            -1,
            "",
            Decimal("-0.01"),
            0.1,
            -1.0,
            False,
            date(1969, 12, 31),
            datetime(1969, 12, 31, 23, 59, 59, 999000),
            [],
            {},
        ),
    ]


def test_pyathena_describes_columns_and_statistics(client: Lake) -> None:
    done = cursor(client, DictCursor).execute(
        "SELECT price, at, CAST(1 AS decimal(38,0)) AS d FROM made WHERE n = %(n)d AND s = %(s)s",
        {"n": 1, "s": 'a "quoted", text'},
    )
    assert [(column[0], column[1], column[4], column[5]) for column in done.description] == [
        ("price", "decimal", 3, 2),
        ("at", "timestamp", 3, 0),
        ("d", "decimal", 38, 0),
    ]
    assert done.fetchall() == [
        {"price": Decimal("1.50"), "at": datetime(2026, 11, 20, 10, 0, 0, 123000), "d": Decimal(1)}
    ]
    assert done.state == "SUCCEEDED"
    assert done.data_scanned_in_bytes > 0
    assert done.statement_type == "DML"
    assert done.output_location.endswith(".csv")


def test_pyathena_takes_parameters_of_the_engine(client: Lake) -> None:
    found = cursor(client, Cursor).execute(
        "SELECT n FROM made WHERE day = CAST(? AS date) OR s = ? ORDER BY n",
        ["'1969-12-31'", "'a \"quoted\", text'"],
        paramstyle="qmark",
    )
    assert found.fetchall() == [(1,), (3,)]


def test_pyathena_reads_zones_and_nested_values(client: Lake) -> None:
    (row,) = cursor(client, Cursor).execute(
        "SELECT TIMESTAMP '2026-11-20 10:00:00.000 UTC', TIME '10:00:00.000', X'6162', "
        "CAST(ROW(1, 'x') AS ROW(a integer, b varchar)), JSON '{\"a\": [1]}'"
    )
    assert row[0] == datetime(2026, 11, 20, 10, tzinfo=timezone.utc)
    assert str(row[1]) == "10:00:00"
    assert row[2] == b"ab"
    assert row[3] == {"a": "1", "b": "x"}  # nor has that of a row
    assert row[4] == {"a": [1]}


def test_pyathena_makes_a_frame_of_the_result_file(client: Lake) -> None:
    frame = cursor(client, PandasCursor).execute(f"SELECT {COLUMNS} FROM made").as_pandas()
    rows = frame.sort_values("n").to_dict("records")
    assert (rows[0]["big"], rows[0]["price"], rows[0]["ok"]) == (3_000_000_000, Decimal("1.50"), True)
    assert rows[0]["at"].to_pydatetime() == datetime(2026, 11, 20, 10, 0, 0, 123000)
    assert frame["price"].isna().sum() == 1
    more = pyathena.connect(
        work_group=client.workgroup,
        schema_name=client.database,
        s3_staging_dir=f"s3://{client.bucket}/staged/",
        cursor_class=PandasCursor,
        cursor_kwargs={"unload": True},
    )
    frame = more.cursor().execute("SELECT n, tags FROM made").as_pandas()
    assert isinstance(frame, pandas.DataFrame)
    frame = frame.sort_values("n")
    assert list(frame["n"]) == [1, 2, 3]
    assert list(frame["tags"].iloc[0]) == ["x", None]


def test_pyathena_writes_and_reports_errors(client: Lake) -> None:
    done = cursor(client, Cursor).execute("CREATE TABLE written AS SELECT 1 AS n")
    assert done.state == "SUCCEEDED"
    done = cursor(client, Cursor).execute("INSERT INTO written VALUES 2, 3")
    assert done.rowcount == 2
    assert cursor(client, Cursor).execute("SHOW TABLES LIKE 'written'").fetchall() == [("written",)]
    with pytest.raises(OperationalError, match="COLUMN_NOT_FOUND: line 1:8"):
        cursor(client, Cursor).execute("SELECT nope FROM made")
    with pytest.raises(DatabaseError, match="mismatched input"):
        cursor(client, Cursor).execute("SELEC 1")
    assert cursor(client, Cursor).get_table_metadata("made").columns[0].name == "n"
