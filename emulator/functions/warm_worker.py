"""Ends an invocation of a Node.js function when its log is complete, and keeps the log free of the worker's own lines.

MiniStack waits 50 ms for the log of a function that writes none, as it cannot know that nothing follows. Here the
worker writes a line to its log after the handler, and the invocation waits for that line. MiniStack's worker also
calls a function that Node warns of in the log of each cold start.
"""

from __future__ import annotations

import queue
import time
from typing import Any

from ministack.core import lambda_runtime

from ..core.context import Context

PATCHES = [
    ("ministack.core.lambda_runtime", "Worker._drain_stderr_bounded"),
    ("ministack.core.lambda_runtime", "_NODEJS_WORKER_SCRIPT"),
]

END_OF_LOG = "\x00end of log\x00"
# A dead worker never writes the line.
LIMIT_SECONDS = 5.0

# Code of MiniStack's worker, and what replaces it. Another version of MiniStack may not have it.
_ANSWER = '_realStdoutWrite(JSON.stringify({ status: "ok", result: res }) + "\\n");'
REPLACED = {
    # Node writes to a pipe synchronously, so what the handler logged comes before the line.
    _ANSWER: f'_stderrWrite("\\u0000end of log\\u0000\\n"); {_ANSWER}',
    "= url.parse(endpoint);": "= new url.URL(endpoint);",
    "= url.parse(input);": "= url.urlToHttpOptions(new url.URL(input));",
    "= url.parse(input.toString());": "= url.urlToHttpOptions(input);",
}


def install(_context: Context) -> None:
    script = lambda_runtime._NODEJS_WORKER_SCRIPT
    for old, new in REPLACED.items():
        if old not in script:
            raise RuntimeError(f"MiniStack's Node.js worker lacks {old!r}: adapt warm_worker.py")
        script = script.replace(old, new)
    lambda_runtime._NODEJS_WORKER_SCRIPT = script
    drain = lambda_runtime.Worker._drain_stderr_bounded

    def drained(worker: lambda_runtime.Worker) -> str:
        ended = worker._proc is None  # after an error, MiniStack ends the worker
        if ended or not str(worker.config.get("Runtime", "")).startswith("nodejs"):
            return drain(worker)
        return _until_end(worker._stderr_queue)

    patched: Any = lambda_runtime.Worker
    patched._drain_stderr_bounded = drained


def _until_end(lines: queue.Queue[str]) -> str:
    found: list[str] = []
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return "\n".join(found)
        if line.endswith(END_OF_LOG):
            rest = line.removesuffix(END_OF_LOG)
            return "\n".join([*found, rest] if rest else found)
        found.append(line)
