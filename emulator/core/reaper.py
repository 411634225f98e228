"""Ends every process of an emulator run when the launcher has ended, even by SIGKILL.

The launcher starts this as a child whose stdin is a pipe that only the launcher keeps open. When the pipe closes, this
kills all processes whose environment contains the run's marker: Lambda workers, Spark JVMs and their Python workers, in
any process group or session. PR_SET_PDEATHSIG does not work: it fires when the *thread* that started a child ends, and
MiniStack starts workers from short-lived threads.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PROC = Path("/proc")


def processes_of_run(marker: str) -> list[int]:
    """Ids of processes whose environment contains `marker` (NAME=value), without this process."""
    found = _from_proc(marker) if (PROC / "self" / "environ").exists() else _from_ps(marker)
    return [pid for pid in found if pid != os.getpid()]


def _from_proc(marker: str) -> list[int]:
    wanted = marker.encode()
    pids = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                pids.append(int(entry.name))
        except OSError:  # another user's process, or it has just ended
            continue
    return pids


def _from_ps(marker: str) -> list[int]:
    """macOS and the BSDs have no /proc; their ps prints the environment of the user's own processes."""
    listing = subprocess.run(
        ["ps", "-A", "-E", "-ww", "-o", "pid=,command="], capture_output=True, text=True, check=False
    )
    pids = []
    for line in listing.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        if marker in command.split() and pid.isdigit():
            pids.append(int(pid))
    return pids


def kill_run(marker: str, timeout_seconds: float = 5.0) -> list[int]:
    """Kill the run's processes until none is found. Returns the ids of those that remain."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        left = processes_of_run(marker)
        if not left or time.monotonic() > deadline:
            return left
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:  # already gone
                continue
        time.sleep(0.02)


def main() -> None:
    marker, temp_dir = sys.argv[1], sys.argv[2]
    # Ctrl+C reaches the whole foreground process group, but the reaper must outlive the launcher.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    kill_run(marker)
    shutil.rmtree(temp_dir, ignore_errors=True)


if __name__ == "__main__":
    main()
