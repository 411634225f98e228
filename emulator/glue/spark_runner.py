"""Runs one Glue script as __main__ in a process of its own and writes down how it ended.

Usage (by spark_process.py): python spark_runner.py OUTCOME_FILE SCRIPT ARGUMENT...

OUTCOME_FILE gets {"error": null} or {"error": "ValueError: what the script raised"}. A process that ends
without having written it was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import subprocess
import sys
import traceback

MAX_ERROR_CHARACTERS = 2000


def main() -> int:
    outcome_file, script, *arguments = sys.argv[1:]
    # Glue writes all that Python prints into one log, /output, and into the other, /error, what Spark's JVM logs.
    sys.stderr = sys.stdout
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(script)
    error = _run(script)
    with open(f"{outcome_file}.part", "w") as file:
        json.dump({"error": error}, file)
    os.replace(f"{outcome_file}.part", outcome_file)
    return 1 if error else 0


def _run(script: str) -> str | None:
    try:
        runpy.run_path(script, run_name="__main__")
        raised = None
    except SystemExit as end:
        raised = end if end.code not in (None, 0) else None
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException as error:
        raised = error
        _print_traceback(error)
    sys.stdout.flush()
    jvm = _jvm_end(raised)
    if raised is None:
        return jvm
    return f"{_describe(raised)} ({jvm})" if jvm else _describe(raised)


def _print_traceback(error: BaseException) -> None:
    # The frames of this file and of runpy say nothing to the script's author.
    frame = error.__traceback__
    while frame and frame.tb_frame.f_code.co_filename in (__file__, runpy.__file__, "<frozen runpy>"):
        frame = frame.tb_next
    traceback.print_exception(type(error), error, frame)


def _describe(error: BaseException) -> str:
    """The exception as Glue reports it: class and message, without the stack of the JVM."""
    lines = []
    for line in str(error).splitlines():
        if line.startswith(("\tat ", "JVM stacktrace:")):
            break
        if line.strip():
            lines.append(line.removeprefix(": ").rstrip())
    text = "\n".join(lines)
    name = type(error).__name__
    return (f"{name}: {text}" if text else name)[:MAX_ERROR_CHARACTERS]


def _jvm_end(raised: BaseException | None) -> str | None:
    """How Spark's JVM ended, when it ended before the script did: such a run has not succeeded, whatever the
    script made of it."""
    pyspark = sys.modules.get("pyspark")
    gateway = pyspark and pyspark.SparkContext._gateway
    process = gateway and getattr(gateway, "proc", None)
    if not process:
        return None
    # A dying JVM closes its connections a moment before it can be waited for.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.5 if raised is not None and "Error" in type(raised).__name__ else 0.01)
    code = process.poll()
    if code is None:
        return None
    if code < 0:
        return f"the Spark JVM was killed by {signal.Signals(-code).name}"
    return f"the Spark JVM ended with exit code {code}"


if __name__ == "__main__":
    sys.exit(main())
