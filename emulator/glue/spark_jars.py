"""Downloads the jars that local Spark needs for s3:// paths, and checks each against a pinned SHA-256.

Usage: python emulator/glue/spark_jars.py --dest .local/jars

Apache Ivy, whose jar is part of pyspark, downloads them with its default settings. SPARK_JARS_IVY_SETTINGS names other
settings, for example for a mirror. Downloaded files are only used if the checksum is correct.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

JAR_LIST = Path(__file__).resolve().parent / "spark-jars.json"
IVY_SETTINGS_VARIABLE = "SPARK_JARS_IVY_SETTINGS"


class JarsUnavailable(Exception):
    """The jars could not be downloaded. The message has the cause and the remedy."""


@dataclass(frozen=True)
class Jar:
    organisation: str
    name: str
    revision: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.revision}.jar"

    def is_intact(self, folder: Path) -> bool:
        path = folder / self.file_name
        return path.is_file() and sha256(path) == self.sha256


def read_jar_list(path: Path = JAR_LIST) -> list[Jar]:
    return [Jar(**entry) for entry in json.loads(path.read_text())]


def ensure_jars(dest: Path, jars: list[Jar], report: Callable[[str], object] = print) -> list[Path]:
    """Downloads missing or damaged jars into `dest`. Returns the paths of all jars."""
    dest.mkdir(parents=True, exist_ok=True)
    with (dest / ".lock").open("w") as lock:
        # Two parallel runs must not download the same jars into the same cache.
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [jar for jar in jars if not jar.is_intact(dest)]
        if missing:
            report(f"Fetching {len(missing)} of {len(jars)} Spark jars into {dest}")
            _fetch(dest, missing)
    return [dest / jar.file_name for jar in jars]


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _fetch(dest: Path, jars: list[Jar]) -> None:
    ivy_home = dest / ".ivy"  # Kept after a failure, so that the next attempt continues from here.
    with tempfile.TemporaryDirectory(prefix=".download-", dir=dest) as folder:
        work = Path(folder)
        descriptor = work / "ivy.xml"
        descriptor.write_text(_ivy_xml(jars))
        output = _run_ivy(ivy_home, descriptor, work)
        damaged = [jar for jar in jars if (work / jar.file_name).is_file() and not jar.is_intact(work)]
        absent = [jar for jar in jars if not (work / jar.file_name).is_file()]
        for jar in jars:
            if jar not in damaged and jar not in absent:
                os.replace(work / jar.file_name, dest / jar.file_name)
        if damaged:
            shutil.rmtree(ivy_home, ignore_errors=True)
            raise JarsUnavailable(_checksum_message(damaged, work))
        if absent:
            raise JarsUnavailable(_download_message(absent, output))
    shutil.rmtree(ivy_home, ignore_errors=True)


def _ivy_xml(jars: list[Jar]) -> str:
    rows = "\n".join(
        f"    <dependency org={quoteattr(jar.organisation)} name={quoteattr(jar.name)} "
        f'rev={quoteattr(jar.revision)} transitive="false"/>'
        for jar in jars
    )
    return (
        '<ivy-module version="2.0">\n  <info organisation="local" module="spark-jars"/>\n'
        f"  <dependencies>\n{rows}\n  </dependencies>\n</ivy-module>\n"
    )


def _run_ivy(ivy_home: Path, descriptor: Path, work: Path) -> str:
    # Some poms use the type "bundle" for a plain jar. Without it Ivy silently skips two jars.
    command = [
        _java(),
        f"-Divy.default.ivy.user.dir={ivy_home}",
        "-cp",
        str(_ivy_jar()),
        "org.apache.ivy.Main",
    ]
    settings = os.environ.get(IVY_SETTINGS_VARIABLE)
    if settings:
        command += ["-settings", settings]
    command += ["-ivy", str(descriptor), "-cache", str(ivy_home / "cache")]
    command += ["-retrieve", str(work / "[artifact]-[revision].[ext]"), "-types", "jar", "bundle"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise JarsUnavailable(_download_message([], "Ivy did not end within 10 minutes")) from None
    return done.stdout + done.stderr


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if not java or not os.path.exists(java):
        raise JarsUnavailable("Spark needs Java, but none was found. Install Java 17 and set PATH or JAVA_HOME.")
    return java


def _ivy_jar() -> Path:
    spec = importlib.util.find_spec("pyspark")
    found = sorted(Path(spec.origin).parent.glob("jars/ivy-*.jar")) if spec and spec.origin else []
    if not found:
        raise JarsUnavailable(
            "pyspark (with its Ivy jar) is not installed for this Python. "
            "Install emulator/requirements.txt and run this with .local/venv/bin/python."
        )
    return found[-1]


def _checksum_message(jars: list[Jar], folder: Path) -> str:
    rows = "\n".join(
        f"  - {jar.file_name} must have SHA-256 {jar.sha256}, got {sha256(folder / jar.file_name)}" for jar in jars
    )
    return (
        f"Deleted jars with a checksum other than in {JAR_LIST.name}:\n{rows}\n"
        "Run the same command again. If it fails again, the repository or mirror has modified files."
    )


def _download_message(jars: list[Jar], output: str) -> str:
    names = ", ".join(jar.file_name for jar in jars) or "Spark jars"
    problems = [line.strip() for line in output.splitlines() if _names_a_problem(line)]
    last_problems = "\n".join(f"  {line}" for line in problems[-8:])
    return (
        f"Could not download {names}. The output of Ivy:\n{last_problems}\n"
        "Check the network and run the same command again. Downloaded files are kept. "
        "For a proxy, set JAVA_TOOL_OPTIONS to -Dhttps.proxyHost=… -Dhttps.proxyPort=…. "
        f"For a mirror, set {IVY_SETTINGS_VARIABLE} to an Ivy settings file."
    )


def _names_a_problem(line: str) -> bool:
    return any(word in line for word in ("ERROR", "Exception", "UNRESOLVED", "not found", "WARN", "did not end"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dest", type=Path, required=True, help="folder for the jars")
    options = parser.parse_args(arguments)
    try:
        ensure_jars(options.dest.resolve(), read_jar_list(), report=lambda line: print(line, file=sys.stderr))
    except JarsUnavailable as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
