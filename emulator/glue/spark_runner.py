"""Runs one Glue script as __main__ in a separate process, and records its outcome.

Usage (by spark_process.py): python spark_runner.py OUTCOME_FILE SCRIPT ARGUMENT...

OUTCOME_FILE gets {"error": null} or {"error": "ValueError: the message"}. If the process ends without writing this
file, it was killed.
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
    # Glue writes all output of Python to the log /output, and the logs of Spark's JVM to /error.
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
    # The frames of this file and of runpy are not useful to the author of the script.
    frame = error.__traceback__
    while frame and frame.tb_frame.f_code.co_filename in (__file__, runpy.__file__, "<frozen runpy>"):
        frame = frame.tb_next
    traceback.print_exception(type(error), error, frame)


def _describe(error: BaseException) -> str:
    """Formats the exception as Glue does: class and message, without the JVM stack trace."""
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
    """Returns how Spark's JVM ended, if it ended before the script. Such a run has failed, even if the script
    succeeded."""
    pyspark = sys.modules.get("pyspark")
    gateway = pyspark and pyspark.SparkContext._gateway
    process = gateway and getattr(gateway, "proc", None)
    if not process:
        return None
    # A JVM that ends closes its connections a moment before wait() can see its end.
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
