"""The translation of Athena's SQL, without a server: expected values are by hand, from Trino's manual."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
os.environ.setdefault("S3_DATA_DIR", tempfile.mkdtemp())

from emulator.athena import engine
from emulator.athena.errors import AthenaFailure, MalformedQuery
from emulator.athena.statements import understand
from emulator.athena.types import parse_hive_type
from emulator.athena.values import double, real

VALUES = [
    # Numbers: whole numbers divide to whole numbers, decimals keep the larger scale, rounding is half up.
    ("5 / 2", "2"),
    ("-5 / 2", "-2"),
    ("-5 % 3", "-2"),
    ("5 / 2e0", "2.5"),
    ("1.0 / 3", "0.3"),
    ("2.00 / 3", "0.67"),
    ("100.0 * 2 / 3", "66.7"),
    ("1e0 / 0", "Infinity"),
    ("CAST(2.5 AS integer)", "3"),
    ("CAST(2.5e0 AS integer)", "3"),
    ("CAST(-2.5e0 AS integer)", "-3"),
    ("round(2.567e0, 2)", "2.57"),
    ("1e7", "1.0E7"),
    ("9999999e0", "9999999.0"),
    ("1e-4", "1.0E-4"),
    ("REAL '1.1'", "1.1"),
    ("greatest(1, NULL)", None),
    ("mod(7, 3)", "1"),
    # Text.
    ("'a' || NULL", None),
    ("concat('a', 'b', 'c')", "abc"),
    ("'it''s'", "it's"),
    ("'a\\nb'", "a\\nb"),
    ("substr('Hello', 0)", ""),
    ("substr('Hello', -2)", "lo"),
    ("substr('Hello', 2, 3)", "ell"),
    ("split_part('a.b', '.', 3)", None),
    ("split('a,b', ',')", "[a, b]"),
    ("strpos('high', 'ig')", "2"),
    ("lpad('7', 3, '0')", "007"),
    ("regexp_extract('1a 2b', '(\\d+)([a-z]+)', 2)", "a"),
    ("regexp_extract('abc', '\\d')", None),
    ("regexp_replace('1a 2b', '(\\d+)([a-z]+)', '$2$1')", "a1 b2"),
    ("regexp_like('1a 2b', '\\d+b')", "true"),
    ("CAST('abcdef' AS varchar(3))", "abc"),
    ("CAST(1.5e0 AS varchar)", "1.5"),
    ("CAST(TIMESTAMP '2026-11-21 09:00:00' AS varchar)", "2026-11-21 09:00:00.000"),
    # Dates.
    ("DATE '2026-01-31' + INTERVAL '1' MONTH", "2026-02-28"),
    ("DATE '2026-01-02' - DATE '2026-01-01'", "1 00:00:00.000"),
    ("date_diff('day', TIMESTAMP '2026-01-01 23:00:00', TIMESTAMP '2026-01-02 01:00:00')", "0"),
    ("date_diff('month', DATE '2026-01-31', DATE '2026-02-27')", "0"),
    ("date_add('day', -1, DATE '2026-01-01')", "2025-12-31"),
    ("date_trunc('week', DATE '2026-11-22')", "2026-11-16"),
    ("date_trunc('hour', TIMESTAMP '2026-11-21 09:31:00')", "2026-11-21 09:00:00.000"),
    ("day_of_week(DATE '2026-11-22')", "7"),
    ("week(DATE '2027-01-01')", "53"),
    ("year_of_week(DATE '2027-01-01')", "2026"),
    ("extract(DOW FROM DATE '2026-11-22')", "7"),
    ("date_format(TIMESTAMP '2026-11-21 09:05:00', '%Y/%m/%e %H:%i')", "2026/11/21 09:05"),
    ("date_parse('2026-11-21 09', '%Y-%m-%d %H')", "2026-11-21 09:00:00.000"),
    ("format_datetime(TIMESTAMP '2026-11-21 09:05:00', 'yyyy-MM-dd''T''HH:mm')", "2026-11-21T09:05"),
    ("from_iso8601_timestamp('2026-11-21T09:00:00Z')", "2026-11-21 09:00:00.000 UTC"),
    ("to_unixtime(TIMESTAMP '1970-01-01 00:01:00')", "60.0"),
    ("from_unixtime(60)", "1970-01-01 00:01:00.000 UTC"),
    ("hour(TIMESTAMP '2026-11-21 09:00:00' AT TIME ZONE 'America/New_York')", "4"),
    ("TIMESTAMP '2026-11-21 09:00:00.1239'", "2026-11-21 09:00:00.124"),
    ("to_iso8601(DATE '2026-11-21')", "2026-11-21"),
    # Arrays, maps, rows, lambdas.
    ("element_at(ARRAY[1, 2], 3)", None),
    ("element_at(ARRAY[1, 2], -1)", "2"),
    ("ARRAY[1, 2][2]", "2"),
    ("element_at(MAP(ARRAY['a'], ARRAY[1]), 'b')", None),
    ("MAP(ARRAY['a', 'b'], ARRAY[1, 2])", "{a=1, b=2}"),
    ("ROW(1, 'x')", "{field0=1, field1=x}"),
    ("CAST(ROW(1, 'x') AS ROW(a integer, b varchar))", "{a=1, b=x}"),
    ("cardinality(MAP(ARRAY['a'], ARRAY[1]))", "1"),
    ("transform(ARRAY[1, 2], x -> x * 10)", "[10, 20]"),
    ("filter(ARRAY[1, NULL, 3], x -> x IS NOT NULL)", "[1, 3]"),
    ("reduce(ARRAY[5, 20, 50], 0, (s, x) -> s + x, s -> s)", "75"),
    ("any_match(ARRAY[1, 2], x -> x > 1)", "true"),
    ("sequence(1, 3)", "[1, 2, 3]"),
    ("sequence(DATE '2026-11-30', DATE '2026-12-01')", "[2026-11-30, 2026-12-01]"),
    ("array_join(ARRAY['a', NULL, 'b'], '-')", "a-b"),
    ("contains(ARRAY[1, 2], 3)", "false"),
    # JSON and addresses.
    ("json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a.b')", "1"),
    ("json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a')", None),
    ("json_extract_scalar('no json', '$.a')", None),
    ("url_extract_host('https://shop.example:8443/p?q=1')", "shop.example"),
    ("url_extract_path('https://shop.example/p/1?q=1')", "/p/1"),
    ("url_extract_parameter('https://shop.example/p?a=1&q=x%20y', 'q')", "x y"),
    # Errors that are values.
    ("try(1 / 0)", None),
    ("try_cast('1.5' AS integer)", None),
    ("try_cast('x' AS date)", None),
    ("typeof(1.5)", "decimal(2,1)"),
    ("typeof(MAP(ARRAY['a'], ARRAY[1]))", "map(varchar, integer)"),
    ("X'6162'", "61 62"),
]

REFUSED = [
    ("1 / 0", "DIVISION_BY_ZERO"),
    ("1 % 0", "DIVISION_BY_ZERO"),
    ("1 = 'a'", "TYPE_MISMATCH"),
    ("DATE '2026-01-01' > '2026-01-01'", "TYPE_MISMATCH"),
    ("1 IN ('a')", "TYPE_MISMATCH"),
    ("1 BETWEEN 'a' AND 'b'", "TYPE_MISMATCH"),
    ("DATE '2026-01-01' + 1", "TYPE_MISMATCH"),
    ("'a' + 1", "TYPE_MISMATCH"),
    ("CASE WHEN true THEN 1 ELSE 'a' END", "TYPE_MISMATCH"),
    ("1 || 'a'", "FUNCTION_NOT_FOUND"),
    ("lower(1)", "FUNCTION_NOT_FOUND"),
    ("ifnull(1, 2)", "FUNCTION_NOT_FOUND"),
    ("strftime(DATE '2026-01-01', '%Y')", "FUNCTION_NOT_FOUND"),
    ("ARRAY[1][2]", "INVALID_FUNCTION_ARGUMENT"),
    ("MAP(ARRAY['a'], ARRAY[1])['b']", "INVALID_FUNCTION_ARGUMENT"),
    ("CAST('1.5' AS integer)", "INVALID_CAST_ARGUMENT"),
    ("CAST('2026-01-01 09:00:00' AS date)", "INVALID_CAST_ARGUMENT"),
    ("TIMESTAMP '2026-01-01 00:00:00' AT TIME ZONE 'Asia/Tokyo'", "NOT_SUPPORTED"),
    ("zip(ARRAY[1], ARRAY[2])", "NOT_SUPPORTED"),
]

ROWS = "(VALUES (1, 'a'), (NULL, 'b'), (3, 'b')) AS t(n, s)"
QUERIES = [
    (f"SELECT n FROM {ROWS} ORDER BY n", [["1"], ["3"], [None]]),
    (f"SELECT n FROM {ROWS} ORDER BY n DESC", [["3"], ["1"], [None]]),
    (f"SELECT n FROM {ROWS} ORDER BY n OFFSET 1 LIMIT 1", [["3"]]),
    (f"SELECT n FROM {ROWS} ORDER BY n LIMIT ALL", [["1"], ["3"], [None]]),
    (
        f"SELECT s, count(*), sum(n), count_if(n > 1) FROM {ROWS} GROUP BY s ORDER BY s",
        [["a", "1", "1", "0"], ["b", "2", "3", "1"]],
    ),
    (f"SELECT s, count(n) FROM {ROWS} GROUP BY ROLLUP (s) ORDER BY s", [["a", "1"], ["b", "1"], [None, "2"]]),
    (f"SELECT n / 2, count(*) FROM {ROWS} GROUP BY n / 2 ORDER BY 1", [["0", "1"], ["1", "1"], [None, "1"]]),
    (f"SELECT max_by(s, n), arbitrary(n) FROM {ROWS}", [["b", "1"]]),
    (
        f"SELECT s, sum(n) OVER (PARTITION BY s) FROM {ROWS} ORDER BY s, n",
        [["a", "1"], ["b", "3"], ["b", "3"]],
    ),
    (f"SELECT count(*) FILTER (WHERE s = 'b') FROM {ROWS}", [["2"]]),
    (
        "SELECT x, o FROM (SELECT ARRAY['p', 'q'] AS a) CROSS JOIN UNNEST(a) WITH ORDINALITY AS t(x, o) ORDER BY o",
        [["p", "1"], ["q", "2"]],
    ),
    ("SELECT k, v FROM UNNEST(MAP(ARRAY['a'], ARRAY[1])) AS t(k, v)", [["a", "1"]]),
    ("SELECT a, b FROM UNNEST(ARRAY[1, 2], ARRAY['x']) AS t(a, b)", [["1", "x"], ["2", None]]),
    (
        "WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS x FROM a) SELECT * FROM b UNION ALL SELECT * FROM a",
        [["2"], ["1"]],
    ),
    ("VALUES (1, 'a')", [["1", "a"]]),
]


def rows(sql: str, tmp_path: Path) -> list[list[str | None]]:
    return engine.run(engine.prepare(sql, "default"), engine.Session("default", tmp_path)).rows


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=[e for e, _ in VALUES])
def test_an_expression_has_trinos_value(expression: str, expected: str | None, tmp_path: Path) -> None:
    assert rows(f"SELECT {expression}", tmp_path) == [[expected]]


@pytest.mark.parametrize(("expression", "code"), REFUSED, ids=[e for e, _ in REFUSED])
def test_what_trino_refuses_is_refused(expression: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(AthenaFailure) as refused:
        rows(f"SELECT {expression}", tmp_path)
    assert refused.value.code == code


@pytest.mark.parametrize(("sql", "expected"), QUERIES, ids=[q for q, _ in QUERIES])
def test_a_query_has_trinos_rows(sql: str, expected: list, tmp_path: Path) -> None:
    assert rows(sql, tmp_path) == expected


@pytest.mark.parametrize("clause", ["WHERE m > 1", "GROUP BY m", "HAVING m > 1"])
def test_a_selects_own_alias_is_known_to_order_by_only(clause: str, tmp_path: Path) -> None:
    with pytest.raises(AthenaFailure, match=r"COLUMN_NOT_FOUND: line 1:\d+: Column 'm' cannot be resolved"):
        rows(f"SELECT n + 1 AS m FROM {ROWS} {clause}", tmp_path)
    assert rows(f"SELECT n + 1 AS m FROM {ROWS} ORDER BY m LIMIT 1", tmp_path) == [["2"]]


def test_columns_without_a_name_are_numbered_by_position() -> None:
    prepared = engine.prepare(f"SELECT *, n + 1, s AS Named FROM {ROWS}", "default")
    assert prepared.names == ["n", "s", "_col2", "Named"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a::integer FROM t",
        "SELECT * EXCLUDE (a) FROM t",
        "SELECT 1 QUALIFY 1 = 1",
        "SELECT `a` FROM t",
    ],
)
def test_the_syntax_of_other_databases_is_malformed(sql: str) -> None:
    with pytest.raises(MalformedQuery):
        understand(sql)


@pytest.mark.parametrize(
    ("value", "java"),
    [
        (0.1, "0.1"),
        (1e7, "1.0E7"),
        (123456.789, "123456.789"),
        (1e-3, "0.001"),
        (-0.0, "-0.0"),
        (1e21, "1.0E21"),
    ],
)
def test_doubles_are_written_as_java_writes_them(value: float, java: str) -> None:
    assert double(value) == java
    assert real(1.100000023841858) == "1.1"


def test_hive_types_have_their_duckdb_and_trino_names() -> None:
    kind = parse_hive_type("map<string,array<struct<a:decimal(10,2),b:timestamp>>>")
    assert kind.duckdb == 'MAP(VARCHAR, STRUCT("a" DECIMAL(10, 2), "b" TIMESTAMP)[])'
    assert kind.trino == "map(varchar, array(row(a decimal(10,2), b timestamp(3))))"
    with pytest.raises(AthenaFailure, match="HIVE_INVALID_METADATA"):
        parse_hive_type("strin")
