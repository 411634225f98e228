"""Starts the real emulator for tests, with helpers that the tests of several parts use."""

from __future__ import annotations

import email
import email.policy
import io
import json
import os
import select
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

PROJECT_ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = PROJECT_ROOT / "emulator" / "launch.py"
START_TIMEOUT_SECONDS = 60

T = TypeVar("T")


@dataclass
class Stack:
    """A running emulator: its addresses, SDK clients and the few things that tests of several parts need."""

    endpoint: str
    smtp: str
    mail_dir: Path
    state_dir: Path
    pid: int
    process: subprocess.Popen[bytes]
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client without retries, so that a test sees each response."""
        if service not in self._clients:
            keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
            self._clients[service] = self._connect(service, keys, Config())
        return self._clients[service]

    def client_as_root(self, service: str, config: Config) -> Any:
        """The same with other settings."""
        return self._connect(service, {"aws_access_key_id": "test", "aws_secret_access_key": "test"}, config)

    def client_as(self, role_arn: str, service: str, config: Config | None = None) -> Any:
        """The same with a session of the role."""
        session = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="someone")["Credentials"]
        keys = {
            "aws_access_key_id": session["AccessKeyId"],
            "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"],
        }
        return self._connect(service, keys, config or Config())

    def _connect(self, service: str, keys: dict[str, str], config: Config) -> Any:
        plain = Config(
            retries={"max_attempts": 1, "mode": "standard"},
            s3={"addressing_style": "path"},
            proxies={},
            read_timeout=60,
        )
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name="us-east-1", config=plain.merge(config), **keys
        )

    def mails(self, to: str | None = None) -> list[EmailMessage]:
        """The mails that arrived, oldest first; with `to`, those for one address."""
        paths = sorted(self.mail_dir.glob("*.eml"))
        mails = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]
        return [mail for mail in mails if to is None or to in str(mail["To"])]

    def bucket(self, prefix: str = "bucket") -> str:
        name = unique(prefix)
        self.client("s3").create_bucket(Bucket=name)
        return name

    def node_function(self, source: str, timeout_seconds: int = 10, **environment: str) -> str:
        """Create a Lambda of one JavaScript file that sets `exports.handler`; returns its name."""
        name = unique("function")
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="nodejs24.x",
            Role="arn:aws:iam::000000000000:role/test",
            Handler="index.handler",
            Timeout=timeout_seconds,
            Code={"ZipFile": zipped({"index.js": source})},
            Environment={"Variables": environment},
        )
        return name

    def stop(self) -> int:
        """Close the launcher's stdin and wait for its end; returns the exit code."""
        if self.process.stdin:
            self.process.stdin.close()
        return self.process.wait(timeout=20)


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def wait_for(what: str, probe: Callable[[], T | None], timeout_seconds: float = 15) -> T:
    """Poll until `probe` returns a true value, and return it."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout_seconds} s")
        time.sleep(0.05)


def launch(
    state_dir: Path, environment: dict[str, str] | None = None, launcher: Path | None = None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(launcher or LAUNCHER), "--state-dir", str(state_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # The parts are tested by themselves, without a role for everything; iam/test_permissions.py turns it on.
        env={**os.environ, "AUTH": "false", **(environment or {})},
    )


def start_stack(state_dir: Path, environment: dict[str, str] | None = None, launcher: Path | None = None) -> Stack:
    """Start the launcher and wait for its ready line; a launcher that refuses fails with what it said."""
    process = launch(state_dir, environment, launcher)
    assert process.stdout is not None and process.stderr is not None
    readable, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_SECONDS)
    line = process.stdout.readline() if readable else b""
    if not line:
        process.kill()
        log = state_dir / "emulator.log"
        detail = log.read_text()[-4000:] if log.exists() else ""
        raise AssertionError(f"the emulator did not start: {process.stderr.read().decode()}\n{detail}")
    ready = json.loads(line)
    return Stack(
        endpoint=ready["endpoint"],
        smtp=ready["smtp"],
        mail_dir=Path(ready["mailDir"]),
        state_dir=state_dir,
        pid=ready["pid"],
        process=process,
    )
