"""The context of an emulator run, passed to every replaced part: folders, addresses, interpreters."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

ACCOUNT_ID = "000000000000"
REGION = "us-east-1"
HOST = "127.0.0.1"

# Every process of a run has this environment variable. With it, processes that remain after a crash are found and
# ended, in any process group or session.
RUN_MARKER = "CLICKSTREAM_EMULATOR_RUN"

PROJECT_ROOT = Path(__file__).resolve().parents[2]

logger = logging.getLogger("emulator")


@dataclass
class Context:
    """One emulator run. Passed to `install(context)` of every part before the first request is served."""

    state_dir: Path
    port: int
    run_id: str
    smtp_port: int = 0
    host: str = HOST
    smtp_host: str = HOST
    region: str = REGION
    account_id: str = ACCOUNT_ID
    project_root: Path = PROJECT_ROOT
    lambda_node: Path = Path()
    console: TextIO = field(default_factory=lambda: sys.stderr)
    _shutdown_callbacks: list[tuple[str, Callable[[], None]]] = field(default_factory=list)
    _warnings: queue.Queue[str] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        threading.Thread(target=self._print_warnings, daemon=True, name="warnings").start()

    @property
    def endpoint(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def smtp(self) -> str:
        return f"{self.smtp_host}:{self.smtp_port}"

    @property
    def mail_dir(self) -> Path:
        return self.state_dir / "mails"

    @property
    def s3_dir(self) -> Path:
        """The folder of the S3 objects' bodies (MiniStack's S3_DATA_DIR)."""
        return self.state_dir / "s3"

    @property
    def temp_dir(self) -> Path:
        """TMPDIR of this run and its children; removed when the run ends."""
        return self.state_dir / "tmp"

    @property
    def python(self) -> Path:
        """The interpreter of the project's Python environment."""
        return Path(sys.executable)

    @property
    def venv(self) -> Path:
        return Path(sys.prefix)

    def child_env(self, **extra: str) -> dict[str, str]:
        """The environment for a child process. Use it (or os.environ) so that the child carries the run
        marker and is ended with the emulator."""
        return {**os.environ, RUN_MARKER: self.run_id, **extra}

    def warn(self, message: str) -> None:
        """Write to the console and the log what this emulator ignores."""
        logger.warning("%s", message)
        self._warnings.put(message)

    def _print_warnings(self) -> None:
        """In a separate thread: a caller that does not read our stderr must not block the emulator."""
        while True:
            message = self._warnings.get()
            with contextlib.suppress(OSError):  # the reader has ended; the log has the message
                print(f"emulator: warning: {message}", file=self.console, flush=True)
            self._warnings.task_done()

    def on_shutdown(self, name: str, callback: Callable[[], None]) -> None:
        """Run `callback` when the emulator ends normally, last registered first. It must return
        within a second or two. Processes that still run after that are killed."""
        self._shutdown_callbacks.append((name, callback))

    def run_shutdown_callbacks(self) -> None:
        while self._shutdown_callbacks:
            name, callback = self._shutdown_callbacks.pop()
            try:
                callback()
            except Exception:
                logger.exception("shutting down %s failed", name)
        deadline = time.monotonic() + 0.5
        while self._warnings.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)
