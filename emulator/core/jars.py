"""Downloads the jars of a pinned list (Spark's S3 jars, Trino) and checks each against its SHA-256.

Usage: python emulator/core/jars.py --list emulator/glue/spark-jars.json --dest .local/jars

Several jars are downloaded at a time. A jar is stored only when its checksum is correct, so an interrupted download
continues with the jars that are missing. The repository is Maven Central, or the one of CLICKSTREAM_MAVEN_REPOSITORY.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import http.client
import importlib.util
import json
import os
import re
import socket
import struct
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

REPOSITORY_VARIABLE = "CLICKSTREAM_MAVEN_REPOSITORY"
FORMER_VARIABLE = "SPARK_JARS_IVY_SETTINGS"
PARALLEL = 6
ATTEMPTS = 3
TIMEOUT_SECONDS = 60
# A mirror answers these for a moment when it is busy.
PASSING_STATUSES = {408, 429, 500, 502, 503, 504}


class JarsUnavailable(Exception):
    """The jars could not be downloaded. The message has the cause and the remedy."""


@dataclass(frozen=True)
class Jar:
    group: str
    name: str
    version: str
    sha256: str
    size: int
    classifier: str = ""
    # The jar is a file in the first folder. The others have a link to it.
    folders: tuple[str, ...] = (".",)

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}{'-' if self.classifier else ''}{self.classifier}.jar"

    @property
    def path(self) -> str:
        """The path in a Maven repository."""
        return f"{self.group.replace('.', '/')}/{self.name}/{self.version}/{self.file_name}"

    def file(self, dest: Path) -> Path:
        return dest / self.folders[0] / self.file_name

    def is_intact(self, dest: Path) -> bool:
        path = self.file(dest)
        return path.is_file() and path.stat().st_size == self.size and sha256(path) == self.sha256


@dataclass(frozen=True)
class Service:
    """A jar that registers a class for Java's ServiceLoader. The authors' jars lack the file that does it."""

    folder: str
    interface: str
    implementation: str

    @property
    def file_name(self) -> str:
        return "service.jar"


@dataclass(frozen=True)
class Interface:
    """An empty Java interface in the place of one that was left out: Java must find it to load a class that names it,
    even where no code of that class runs."""

    folder: str
    name: str

    @property
    def file_name(self) -> str:
        return "left-out.jar"

    @property
    def class_file(self) -> bytes:
        """https://docs.oracle.com/javase/specs/jvms/se17/html/jvms-4.html"""

        def text(value: str) -> bytes:
            return struct.pack(">BH", 1, len(value)) + value.encode()

        def class_of(index: int) -> bytes:
            return struct.pack(">BH", 7, index)

        constants = text(self.name) + class_of(1) + text("java/lang/Object") + class_of(3)
        java_17, public_abstract_interface = 61, 0x0601
        # Constants, then this class, its super class, and no interfaces, fields, methods and attributes.
        head = struct.pack(">IHHH", 0xCAFEBABE, 0, java_17, 5)
        return head + constants + struct.pack(">HHHHHHH", public_abstract_interface, 2, 4, 0, 0, 0, 0)


@dataclass(frozen=True)
class JarList:
    jars: list[Jar]
    services: list[Service]
    interfaces: list[Interface]

    @property
    def folders(self) -> set[str]:
        return {folder for jar in self.jars for folder in jar.folders}


def read_jar_list(path: Path) -> JarList:
    content = json.loads(path.read_text())
    jars = [Jar(**{**entry, "folders": tuple(entry.get("folders", (".",)))}) for entry in content["jars"]]
    services = [Service(**entry) for entry in content.get("services", [])]
    return JarList(jars, services, [Interface(**entry) for entry in content.get("interfaces", [])])


def ensure_jars(dest: Path, wanted: JarList, report: Callable[[str], object] = print) -> None:
    """Makes `dest` hold exactly the jars of the list. Only what is missing or damaged is downloaded."""
    repository = _repository()
    dest.mkdir(parents=True, exist_ok=True)
    with (dest / ".lock").open("w") as lock:
        # Two parallel runs must not download the same jars.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for folder in wanted.folders:
            (dest / folder).mkdir(parents=True, exist_ok=True)
        missing = [jar for jar in wanted.jars if not jar.is_intact(dest)]
        if missing:
            report(f"Downloading {len(missing)} of {len(wanted.jars)} jars into {dest}")
            _download(dest, missing, repository, _Progress(wanted.jars, missing, report))
        _arrange(dest, wanted)


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _repository() -> str:
    if os.environ.get(FORMER_VARIABLE):
        raise JarsUnavailable(
            f"{FORMER_VARIABLE} is set, but Apache Ivy is not used any more. "
            f"Set {REPOSITORY_VARIABLE} to the URL of the mirror, and remove {FORMER_VARIABLE}."
        )
    given = os.environ.get(REPOSITORY_VARIABLE) or _maven_central()
    if urllib.parse.urlsplit(given).scheme not in ("https", "http", "file"):
        raise JarsUnavailable(
            f"{REPOSITORY_VARIABLE} must be the https, http or file URL of a Maven repository, got {given!r}."
        )
    return given.rstrip("/")


def _maven_central() -> str:
    """The address that Apache Ivy has built in, whose jar is part of pyspark."""
    spec = importlib.util.find_spec("pyspark")
    found = sorted(Path(spec.origin).parent.glob("jars/ivy-*.jar")) if spec and spec.origin else []
    if not found:
        raise JarsUnavailable(f"pyspark is missing. Run .local/venv/bin/python, or set {REPOSITORY_VARIABLE}.")
    with zipfile.ZipFile(found[-1]) as ivy:
        constants = ivy.read("org/apache/ivy/plugins/resolver/IBiblioResolver.class")
    return re.findall(rb"https://[\w./-]+/maven2", constants)[0].decode()


class _Progress:
    """Reports "84 of 182 MB" at most once a second. The set-up shows what follows "progress: "."""

    def __init__(self, jars: Iterable[Jar], missing: Iterable[Jar], report: Callable[[str], object]) -> None:
        self._total = sum(jar.size for jar in jars)
        self._done = self._total - sum(jar.size for jar in missing)
        self._report = report
        self._lock = threading.Lock()
        self._reported = 0.0

    def add(self, size: int) -> None:
        with self._lock:
            self._done += size
            if time.monotonic() - self._reported >= 1:
                self._reported = time.monotonic()
                self._report(f"progress: {self._done / 1e6:.0f} of {self._total / 1e6:.0f} MB")


def _download(dest: Path, jars: list[Jar], repository: str, progress: _Progress) -> None:
    # The largest first, so that none of them is the last one that all wait for.
    ordered = sorted(jars, key=lambda jar: -jar.size)
    with ThreadPoolExecutor(PARALLEL) as pool:
        futures = [pool.submit(_fetch, jar, dest, repository, progress) for jar in ordered]
        done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
        for future in waiting:
            future.cancel()
    for future in done:
        future.result()


def _fetch(jar: Jar, dest: Path, repository: str, progress: _Progress) -> None:
    url = f"{repository}/{jar.path}"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch_once(jar, jar.file(dest), url, progress)
            return
        except (OSError, http.client.HTTPException) as problem:
            passing = not isinstance(problem, urllib.error.HTTPError) or problem.code in PASSING_STATUSES
            if attempt == ATTEMPTS or not passing or _is_certificate_problem(problem):
                raise JarsUnavailable(_download_message(jar, url, problem)) from None
            time.sleep(attempt)


def _fetch_once(jar: Jar, target: Path, url: str, progress: _Progress) -> None:
    partial = target.with_name(f"{target.name}.part")
    digest = hashlib.sha256()
    size = 0
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, partial.open("wb") as file:
            while block := answer.read(1 << 16):
                digest.update(block)
                file.write(block)
                size += len(block)
                progress.add(len(block))
        if size < jar.size:
            raise OSError(f"the connection closed after {size} of {jar.size} bytes")
        if digest.hexdigest() != jar.sha256:
            raise JarsUnavailable(_checksum_message(jar, url, digest.hexdigest()))
        os.replace(partial, target)
    except BaseException:
        progress.add(-size)
        partial.unlink(missing_ok=True)
        raise


def _arrange(dest: Path, wanted: JarList) -> None:
    """Links the jars into their other folders, writes the jars of our own, and deletes the jars of an older list."""
    present = {jar.file(dest) for jar in wanted.jars}
    for jar in wanted.jars:
        for folder in jar.folders[1:]:
            link = dest / folder / jar.file_name
            present.add(link)
            if not link.is_symlink():
                link.unlink(missing_ok=True)
                link.symlink_to(os.path.relpath(jar.file(dest), link.parent))
    for service in wanted.services:
        path = dest / service.folder / service.file_name
        present.add(path)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"META-INF/services/{service.interface}", f"{service.implementation}\n")
    for interface in wanted.interfaces:
        path = dest / interface.folder / interface.file_name
        present.add(path)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{interface.name}.class", interface.class_file)
    # A class path is all jars of a folder: an older version in it would be loaded too.
    for folder in wanted.folders:
        for path in [*(dest / folder).glob("*.jar"), *(dest / folder).glob("*.part")]:
            if path not in present:
                path.unlink()


def _is_certificate_problem(problem: BaseException) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(problem)


def _checksum_message(jar: Jar, url: str, found: str) -> str:
    return (
        f"{jar.file_name} must have SHA-256 {jar.sha256}, got {found} from {url}. It was deleted. "
        "Run the same command again. If it fails again, the repository or mirror has modified files."
    )


def _download_message(jar: Jar, url: str, problem: BaseException) -> str:
    reason = getattr(problem, "reason", None) or problem
    if isinstance(reason, socket.timeout):
        reason = f"no answer within {TIMEOUT_SECONDS} s"
    message = (
        f"Could not download {jar.file_name} from {url}: {reason}.\n"
        "Check the network and run the same command again. Downloaded files are kept. "
        f"For a proxy, set HTTPS_PROXY. For a mirror, set {REPOSITORY_VARIABLE} to the URL of a Maven repository."
    )
    if _is_certificate_problem(problem):
        message += " For a certificate authority of your own, set SSL_CERT_FILE to the file with its certificate."
    return message


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--list", type=Path, required=True, help="the pinned list of jars")
    parser.add_argument("--dest", type=Path, required=True, help="folder that the jars go into")
    options = parser.parse_args(arguments)
    say = threading.Lock()

    def report(line: str) -> None:
        with say, contextlib.suppress(BrokenPipeError):
            print(line, file=sys.stderr, flush=True)

    try:
        ensure_jars(options.dest.resolve(), read_jar_list(options.list), report)
    except JarsUnavailable as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
