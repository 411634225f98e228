"""Athena under faults, and which parts of Trino nobody may reach, on the real processes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from athena_lake import Lake, make_lake
from botocore.exceptions import BotoCoreError, ClientError
from emulator_stack import Stack, launch, start_stack, wait_for
from py4j.java_gateway import GatewayParameters, JavaGateway
from py4j.protocol import Py4JError

# 10^12 combinations: it runs until something ends it.
ENDLESS = (
    "SELECT count(*) AS n FROM UNNEST(sequence(1, 10000)) a(x), UNNEST(sequence(1, 10000)) b(y), "
    "UNNEST(sequence(1, 10000)) c(z) WHERE (x * y) % 7 = z"
)
MOST_MEMORY = 700 * 1024 * 1024
LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
LISTENS = "0A"


# ---- Queries that are ended ----


started: list[tuple[Lake, str]] = []


@pytest.fixture(autouse=True)
def _no_query_is_left() -> Iterator[None]:
    yield
    while started:
        lake, query_id = started.pop()
        with contextlib.suppress(BotoCoreError):  # the emulator was killed
            lake.stack.client("athena").stop_query_execution(QueryExecutionId=query_id)


def running(lake: Lake, sql: str = ENDLESS) -> str:
    """Start a query and wait until it runs in Trino."""
    query_id = lake.start(sql)
    started.append((lake, query_id))
    wait_for("the query to run", lambda: lake.execution(query_id)["Status"]["State"] == "RUNNING")
    time.sleep(1)
    return query_id


def stop(lake: Lake, query_id: str) -> dict:
    lake.stack.client("athena").stop_query_execution(QueryExecutionId=query_id)
    return lake.finished(query_id, 10)["Status"]


def test_a_stopped_query_ends_at_once_and_leaves_nothing(lake: Lake) -> None:
    query_id = running(lake, f"CREATE TABLE made WITH (external_location = 's3://{lake.bucket}/made/') AS {ENDLESS}")
    began = time.monotonic()
    status = stop(lake, query_id)
    assert time.monotonic() - began < 5
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Query was cancelled by user")
    assert lake.rows("SHOW TABLES") == []
    with pytest.raises(ClientError, match="Final query state: CANCELLED"):
        lake.stack.client("athena").get_query_results(QueryExecutionId=query_id)
    # Stopping it again is no error, as on AWS.
    assert stop(lake, query_id)["State"] == "CANCELLED"


def test_two_queries_run_at_once_and_a_third_waits(lake: Lake) -> None:
    first, second = running(lake), running(lake)
    third = lake.start("SELECT 3")
    time.sleep(1)
    states = [lake.execution(one)["Status"]["State"] for one in (first, second, third)]
    assert states == ["RUNNING", "RUNNING", "QUEUED"]
    assert stop(lake, first)["State"] == "CANCELLED"
    ended = lake.finished(third)
    assert ended["Status"]["State"] == "SUCCEEDED"
    assert ended["Statistics"]["QueryQueueTimeInMillis"] > 500
    running(lake)
    # A query that is still queued is stopped as well, without a wait for the others.
    assert stop(lake, lake.start("SELECT 5"))["State"] == "CANCELLED"
    assert lake.execution(second)["Status"]["State"] == "RUNNING"


def test_a_query_over_the_scan_limit_is_cancelled_with_the_figure(lake: Lake) -> None:
    lake.put("big/a.csv", "x\n" * 6_000_000)
    lake.run(f"CREATE EXTERNAL TABLE big (a string) LOCATION 's3://{lake.bucket}/big/'")
    lake.stack.client("athena").update_work_group(
        WorkGroup=lake.workgroup, ConfigurationUpdates={"BytesScannedCutoffPerQuery": 10_000_000}
    )
    for sql in ("SELECT count(*) FROM big", "CREATE TABLE made AS SELECT a FROM big"):
        ended = lake.finished(lake.start(sql))
        assert ended["Status"]["State"] == "CANCELLED"
        assert "Bytes scanned limit was exceeded" in ended["Status"]["StateChangeReason"]
        assert ended["Statistics"]["DataScannedInBytes"] >= 10_000_000
    assert lake.rows("SELECT 1") == [["1"]]


# ---- The processes ----


def trino_of(emulator: int) -> int:
    """The id of the Java process that this emulator started."""
    return wait_for("Trino's process", lambda: next(iter(children(emulator)), None), 40)


def children(emulator: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = re.search(r"PPid:\t(\d+)", (entry / "status").read_text())
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue  # no process, or one that has just ended
        if parent and int(parent[1]) == emulator and b"py4j.GatewayServer" in command:
            found.append(int(entry.name))
    return found


def listeners(pid: int) -> list[tuple[str, int]]:
    """Address and port of each socket on which a process listens, by /proc/net/tcp and tcp6."""
    links = [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()]
    inodes = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and fields[9] in inodes:
                address, port = fields[1].split(":")
                found.append((address, int(port, 16)))
    return found


def test_trino_listens_on_this_machine_only(lake: Lake) -> None:
    assert lake.rows("SELECT 1") == [["1"]]
    found = listeners(trino_of(lake.stack.pid))
    assert len(found) >= 2
    assert {address for address, _ in found} <= set(LOOPBACK)


def test_the_gateway_needs_its_token(lake: Lake) -> None:
    assert lake.rows("SELECT 1") == [["1"]]
    refusals = []
    for _, port in listeners(trino_of(lake.stack.pid)):
        for token in (None, "wrong"):
            gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=token, read_timeout=5))
            jvm: Any = gateway.jvm
            with pytest.raises((Py4JError, OSError)) as refused:
                jvm.java.lang.System.getProperty("user.dir")
            refusals.append(str(refused.value))
            gateway.close()
    assert any("authentication" in refusal.lower() for refusal in refusals), refusals


def test_memory_stays_below_its_bound_after_heavy_queries(lake: Lake, record_property) -> None:
    pid = trino_of(lake.stack.pid)
    lake.run(f"""CREATE TABLE big WITH (external_location = 's3://{lake.bucket}/big/') AS
      SELECT x * 30 + y AS id, 'name ' || CAST(x AS varchar) AS name, (x * y) % 97 AS part, x / 7e0 AS ratio
      FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 30)) b(y)""")
    assert lake.rows("SELECT count(*), count(DISTINCT name) FROM big") == [["300000", "10000"]]
    assert len(lake.rows("SELECT part, sum(ratio), max(name) FROM big GROUP BY part ORDER BY 2")) == 97
    assert lake.rows("SELECT count(*) FROM big a JOIN big b ON a.id = b.id AND a.part <= b.part")[0][0] is not None
    lake.run("SELECT name, rank() OVER (PARTITION BY part ORDER BY ratio) FROM big ORDER BY 2 DESC LIMIT 10")
    lake.run("CREATE TABLE sorted WITH (format = 'ORC') AS SELECT * FROM big ORDER BY ratio, name")
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    record_property("trino_vm_hwm_mb", int(found[1]) // 1024)
    print(f"Trino's VmHWM: {int(found[1]) // 1024} MB")
    assert int(found[1]) * 1024 < MOST_MEMORY


def test_when_trino_is_killed_its_query_fails_and_the_next_one_works(lake: Lake) -> None:
    query_id = running(lake)
    trino = trino_of(lake.stack.pid)
    os.kill(trino, signal.SIGKILL)
    began = time.monotonic()
    status = lake.finished(query_id, 10)["Status"]
    assert time.monotonic() - began < 5
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"].startswith("GENERIC_INTERNAL_ERROR: Trino ended while the query ran")
    assert status["StateChangeReason"].endswith("Run the query again.")
    assert status["AthenaError"]["ErrorCategory"] == 1
    assert lake.finished(lake.start("SELECT 1 + 1"), 60)["Status"]["State"] == "SUCCEEDED"
    assert trino_of(lake.stack.pid) != trino


@pytest.fixture(scope="module")
def short_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An emulator whose queries may take 4 seconds. Its test kills it."""
    found = start_stack(tmp_path_factory.mktemp("short"), {"CLICKSTREAM_ATHENA_TIMEOUT_SECONDS": "4"})
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()


def test_a_query_that_takes_too_long_is_failed(short_stack: Stack) -> None:
    lake = make_lake(short_stack)
    assert lake.finished(lake.start("SELECT 1"), 60)["Status"]["State"] == "SUCCEEDED"
    began = time.monotonic()
    status = lake.finished(running(lake))["Status"]
    assert 3 < time.monotonic() - began < 12
    assert status["State"] == "FAILED"
    assert "Query timeout: Query exceeded the maximum execution time limit of 4.00s" in status["StateChangeReason"]
    assert lake.rows("SELECT 2") == [["2"]]


def test_when_the_emulator_is_killed_trino_ends_too(short_stack: Stack) -> None:
    lake = make_lake(short_stack)
    assert lake.finished(lake.start("SELECT 1"), 60)["Status"]["State"] == "SUCCEEDED"
    running(lake)
    trino = trino_of(short_stack.pid)
    os.kill(short_stack.pid, signal.SIGKILL)
    wait_for("Trino to end", lambda: not Path(f"/proc/{trino}").exists() or is_zombie(trino), 10)


def is_zombie(pid: int) -> bool:
    return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


def test_a_wrong_timeout_is_refused_at_the_start(tmp_path: Path) -> None:
    process = launch(tmp_path, {"CLICKSTREAM_ATHENA_TIMEOUT_SECONDS": "1h"})
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert b"CLICKSTREAM_ATHENA_TIMEOUT_SECONDS is '1h'. It must be a whole number of seconds from 1 to 1800" in errors


def test_trino_writes_nothing_into_the_folder_it_was_started_in(lake: Lake) -> None:
    assert lake.rows("SELECT 1") == [["1"]]
    assert not Path("var").exists()


# ---- What Trino takes and Athena does not ----


@pytest.fixture(scope="module")
def tables(stack: Stack) -> Lake:
    lake = make_lake(stack)
    lake.run("CREATE TABLE h AS SELECT 1 AS n")
    lake.run(f"CREATE TABLE t (n int) LOCATION 's3://{lake.bucket}/t/' TBLPROPERTIES ('table_type' = 'ICEBERG')")
    lake.run("INSERT INTO t VALUES 1")
    return lake


@pytest.mark.parametrize(
    "sql",
    [
        "SHOW CATALOGS",
        "SHOW FUNCTIONS",
        "SHOW SESSION",
        "SHOW STATS FOR h",
        "SHOW GRANTS",
        "SHOW ROLES",
        "SET SESSION query_max_run_time = '1h'",
        "RESET SESSION query_max_run_time",
        "SET TIME ZONE 'Asia/Tokyo'",
        "SET ROLE admin",
        "SET PATH system",
        "USE {db}",
        "USE system.runtime",
        "CALL system.runtime.kill_query(query_id => 'x')",
        "CALL iceberg.system.unregister_table('{db}', 't')",
        "GRANT SELECT ON h TO me",
        "REVOKE SELECT ON h FROM me",
        "DENY SELECT ON h TO me",
        "CREATE ROLE me",
        "CREATE FUNCTION f() RETURNS int RETURN 1",
        "DROP FUNCTION f()",
        "WITH FUNCTION f() RETURNS int RETURN 1 SELECT f()",
        "WITH SESSION query_max_run_time = '1h' SELECT 1",
        "COMMENT ON TABLE h IS 'x'",
        "COMMENT ON COLUMN h.n IS 'x'",
        "ANALYZE h",
        "START TRANSACTION",
        "COMMIT",
        "ROLLBACK",
        "TRUNCATE TABLE h",
        "CREATE MATERIALIZED VIEW m AS SELECT 1 AS n",
        "REFRESH MATERIALIZED VIEW m",
        "CREATE CATALOG c USING memory",
        "DROP CATALOG unload",
        "CREATE OR REPLACE TABLE h AS SELECT 2 AS n",
        "CREATE TABLE x (LIKE h)",
        "ALTER TABLE t EXECUTE optimize",
        "ALTER TABLE t EXECUTE expire_snapshots(retention_threshold => '0s')",
        "ALTER TABLE h RENAME TO x",
        "ALTER TABLE t ADD COLUMN x int",
        "ALTER VIEW v SET AUTHORIZATION me",
        "EXECUTE IMMEDIATE 'SELECT 1'",
        "DESCRIBE INPUT x",
        "DESCRIBE OUTPUT x",
        "EXPLAIN ANALYZE DELETE FROM t",
        "EXPLAIN SHOW CATALOGS",
        "EXPLAIN SET SESSION a = 1",
        "PREPARE p FROM SHOW CATALOGS",
        "PREPARE p FROM SET SESSION a = 1",
        "CREATE TABLE x AS WITH FUNCTION f() RETURNS int RETURN 1 SELECT f() AS n",
        "UNLOAD (WITH FUNCTION f() RETURNS int RETURN 1 SELECT f() AS n) TO 's3://{bucket}/o/' WITH (format = 'ORC')",
        "CREATE VIEW x AS WITH FUNCTION f() RETURNS int RETURN 1 SELECT f() AS n",
        "EXPLAIN WITH FUNCTION f() RETURNS int RETURN 1 SELECT f()",
    ],
)
def test_a_statement_of_trino_only_is_refused(tables: Lake, sql: str) -> None:
    before = tables.rows("SHOW TABLES")
    try:
        reason = tables.reason(sql.format(db=tables.database, bucket=tables.bucket))
        assert not reason.startswith("GENERIC_INTERNAL_ERROR"), reason
    except ClientError as refused:
        assert refused.response["Error"]["Code"] == "InvalidRequestException"
    assert tables.rows("SHOW TABLES") == before
    assert tables.rows("SELECT n FROM h") == [["1"]]
    assert tables.rows("SELECT n FROM t") == [["1"]]


FOREIGN = ["system.runtime.queries", "iceberg.{db}.t", "unload.unload.ready", "iceberg.information_schema.tables"]
PLACES = [
    "SELECT * FROM {name}",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM {name})",
    "WITH x AS (SELECT * FROM {name}) SELECT count(*) FROM x",
    "SELECT (SELECT count(*) FROM {name})",
    "TABLE {name}",
    "EXPLAIN SELECT * FROM {name}",
    "EXPLAIN ANALYZE SELECT * FROM {name}",
    "INSERT INTO h SELECT count(*) FROM {name}",
    "INSERT INTO {name} SELECT * FROM {name}",
    "CREATE TABLE x AS SELECT count(*) AS n FROM {name}",
    "UNLOAD (SELECT count(*) AS n FROM {name}) TO 's3://{bucket}/o/' WITH (format = 'ORC')",
    "CREATE VIEW x AS SELECT count(*) AS n FROM {name}",
    "UPDATE t SET n = (SELECT count(*) FROM {name})",
    "DELETE FROM {name}",
    "MERGE INTO t USING (SELECT count(*) AS n FROM {name}) s ON t.n = s.n WHEN MATCHED THEN DELETE",
]


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("place", PLACES)
def test_other_catalogs_of_trino_are_unknown(tables: Lake, place: str, name: str) -> None:
    foreign = name.format(db=tables.database)
    sql = place.format(name=foreign, bucket=tables.bucket)
    assert tables.reason(sql).startswith(f"CATALOG_NOT_FOUND: Catalog '{foreign.split('.')[0]}' not found")


def test_other_catalogs_are_unknown_to_prepared_statements_and_views_made_elsewhere(tables: Lake) -> None:
    tables.run("PREPARE p FROM SELECT * FROM system.runtime.queries")
    assert tables.reason("EXECUTE p").startswith("CATALOG_NOT_FOUND: Catalog 'system' not found")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM TABLE(iceberg.system.table_changes('{db}', 't', 1, 2))",
        "SELECT * FROM TABLE(system.query(query => 'SELECT 1'))",
    ],
)
def test_table_functions_of_catalogs_are_refused(tables: Lake, sql: str) -> None:
    assert re.match("(FUNCTION|CATALOG)_NOT_FOUND", tables.reason(sql.format(db=tables.database)))
