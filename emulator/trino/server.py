"""Runs Trino, the engine that Athena is built on, as a child process that ends with the emulator.

py4j starts the JVM and calls `io.trino.server.Server`. The JVM ends when its stdin closes, so also after a SIGKILL of
the emulator. Both of its ports are on 127.0.0.1, and py4j's is protected by a token.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

from ..core.context import Context
from ..core.java import TRINO, JavaMissing, java_home, trino_home
from ..core.queries import QueryFailed
from ..core.request_log import ENGINE_KEY
from . import protocol

logger = logging.getLogger("athena.trino")

VERSION = "476"
HIVE, ICEBERG, UNLOAD = "awsdatacatalog", "iceberg", "unload"
_HEAP = "448m"
_START_SECONDS = 120
_CONFIG = """\
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
node.environment=local
node.id=local
node.internal-address=127.0.0.1
node.bind-ip=127.0.0.1
discovery.uri=http://127.0.0.1:{port}
plugin.dir={plugins}
catalog.config-dir={catalogs}
web-ui.enabled=false
http-server.log.enabled=false
http-server.max-request-header-size=1MB
query.max-memory=256MB
query.max-memory-per-node=256MB
memory.heap-headroom-per-node=100MB
query.max-history=20
query.min-expire-age=1s
task.concurrency=2
task.max-worker-threads=4
"""
_S3 = """\
fs.native-s3.enabled=true
s3.endpoint={endpoint}
s3.region={region}
s3.path-style-access=true
s3.aws-access-key={key}
s3.aws-secret-key=test
"""
_GLUE = """\
hive.metastore.glue.endpoint-url={endpoint}
hive.metastore.glue.region={region}
hive.metastore.glue.aws-access-key={key}
hive.metastore.glue.aws-secret-key=test
"""
_CATALOGS = {
    HIVE: """\
connector.name=hive
hive.metastore=glue
hive.recursive-directories=true
hive.non-managed-table-writes-enabled=true
hive.iceberg-catalog-name=iceberg
hive.partition-projection-enabled=true
parquet.small-file-threshold=0B
hive.table-statistics-enabled=false
hive.collect-column-statistics-on-write=false
hive.metastore-cache-ttl=0s
"""
    + _GLUE
    + _S3,
    ICEBERG: """\
connector.name=iceberg
iceberg.catalog.type=glue
iceberg.hive-catalog-name=awsdatacatalog
iceberg.unique-table-location=true
iceberg.allowed-extra-properties=vacuum_max_snapshot_age_seconds,vacuum_min_snapshots_to_keep,write_compression,\\
  history.expire.min-snapshots-to-keep
iceberg.expire-snapshots.min-retention=0s
iceberg.remove-orphan-files.min-retention=0s
"""
    + _GLUE
    + _S3,
    # Where UNLOAD makes its table: a catalog of its own, which no other statement can see.
    UNLOAD: """\
connector.name=hive
hive.metastore=file
hive.metastore.catalog.dir=local:///metastore
fs.native-local.enabled=true
local.location={local}
hive.non-managed-table-writes-enabled=true
hive.table-statistics-enabled=false
hive.collect-column-statistics-on-write=false
"""
    + _S3,
}


class TrinoUnavailable(QueryFailed):
    """Trino is not installed, did not start, or ended while a query ran."""

    def __init__(self, message: str) -> None:
        super().__init__("GENERIC_INTERNAL_ERROR", message, is_system=True)


class Trino:
    """One Trino process, started in the background when it is first needed, and again after it has ended."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder = context.temp_dir / "trino"
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._jvm: Any = None
        self._port = 0

    def start_in_background(self) -> None:
        """Start it beside other work, so that the first query need not wait for all of it."""
        threading.Thread(target=self._start_quietly, daemon=True, name="trino").start()

    def _start_quietly(self) -> None:
        try:
            self.url()
        except TrinoUnavailable as problem:
            # The first query reports it.
            logger.error("%s", problem)

    def url(self) -> str:
        """The address of the running server. Starts it if it is not running."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            return f"http://127.0.0.1:{self._port}"

    def java(self) -> Any:
        """The JVM of the running server: its classes parse SQL."""
        self.url()
        return self._jvm

    def stop(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _start(self) -> None:
        home, java = _installed()
        began = time.monotonic()
        self._port = _free_port()
        config = self._write_config(home)
        log = self._context.state_dir / "trino.log"
        try:
            self._jvm = self._launch(home, java, config, log)
            self._jvm.io.trino.server.Server().start(VERSION)
            self._wait_until_it_runs()
        except Exception as problem:
            self.stop()
            raise TrinoUnavailable(f"Trino did not start ({problem}). Its log is {log}.") from problem
        logger.info("Trino %s started in %.1f s", VERSION, time.monotonic() - began)

    def _wait_until_it_runs(self) -> None:
        """A started server plans queries a moment before it knows that it can also run them."""
        for statement in (f"CREATE SCHEMA {UNLOAD}.{UNLOAD}", f"CREATE TABLE {UNLOAD}.{UNLOAD}.ready (n integer)"):
            self._error(statement)
        deadline = time.monotonic() + _START_SECONDS
        while problem := self._error(f"SELECT count(*) FROM {UNLOAD}.{UNLOAD}.ready"):
            if time.monotonic() > deadline:
                raise TimeoutError(problem)
            time.sleep(0.1)

    def _error(self, statement: str) -> str | None:
        *_, last = protocol.pages(f"http://127.0.0.1:{self._port}", statement, {"X-Trino-User": "athena"})
        return last["error"]["message"] if "error" in last else None

    def _launch(self, home: Path, java: Path, config: Path, log: Path) -> Any:
        output = log.open("a", buffering=1)  # a thread of py4j writes to it until the JVM ends
        launched: Any = launch_gateway(
            classpath=f"{home}/lib/*",
            java_path=f"{java}/bin/java",
            die_on_exit=True,
            enable_auth=True,
            return_proc=True,
            redirect_stdout=output,
            redirect_stderr=output,
            javaopts=_java_options(config, self._folder),
            create_new_process_group=True,
        )
        port, token, self._process = launched
        parameters = GatewayParameters(port=port, auth_token=token, auto_convert=True)
        return JavaGateway(gateway_parameters=parameters).jvm

    def _write_config(self, home: Path) -> Path:
        catalogs, local = self._folder / "catalog", self._folder / "local"
        for folder in (catalogs, local):
            folder.mkdir(parents=True, exist_ok=True)
        values = {"endpoint": self._context.endpoint, "region": self._context.region, "local": str(local)}
        values["key"] = ENGINE_KEY
        for name, text in _CATALOGS.items():
            (catalogs / f"{name}.properties").write_text(text.format(**values))
        config = self._folder / "config.properties"
        config.write_text(_CONFIG.format(port=self._port, plugins=home / "plugin", catalogs=catalogs))
        return config


def _installed() -> tuple[Path, Path]:
    """Trino's folder and the home of its Java."""
    home = trino_home()
    if not (home / "lib").is_dir():
        raise TrinoUnavailable(f"Trino is missing in {home}. npm start and npm test install it.")
    try:
        return home, java_home(TRINO)
    except JavaMissing as problem:
        raise TrinoUnavailable(str(problem)) from None


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _java_options(config: Path, temporary: Path) -> list[str]:
    return [
        f"-Xmx{_HEAP}",
        "-Xms64m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        f"-Dconfig={config}",
        f"-Djava.io.tmpdir={temporary}",
        "-Dfile.encoding=UTF-8",
        "-Duser.timezone=UTC",
        # Trino measures its objects with an agent in its own process.
        "-Djdk.attach.allowAttachSelf=true",
        "-XX:+EnableDynamicAgentLoading",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
    ]
