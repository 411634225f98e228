"""The job's storage in a folder and its catalog in a dictionary. Both behave like S3 and Glue."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO

from clickstream.storage import StoredObject


@dataclass(frozen=True)
class DirectoryUploads:
    """Like the job's Uploads: a file is either complete or absent, and replaces a file with the same name."""

    def open(self) -> Callable[[str, IO[bytes]], None]:
        return self.put

    def put(self, uri: str, body: IO[bytes]) -> None:
        target = DirectoryStore.path(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Hidden from readers and listings until the rename, like an incomplete PUT.
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".crc", delete=False) as file:
            shutil.copyfileobj(body, file)
        os.replace(file.name, target)


@dataclass(frozen=True)
class FailingUploads(DirectoryUploads):
    """Rejects the files of one date at each attempt."""

    day: str

    def put(self, uri: str, body: IO[bytes]) -> None:
        if f"event_date={self.day}/" in uri:
            raise ConnectionError(f"no upload for {self.day}")
        super().put(uri, body)


@dataclass(frozen=True)
class FailingOnce(DirectoryUploads):
    """Fails once, after its first file is written, like a task whose machine is lost."""

    marker: str

    def put(self, uri: str, body: IO[bytes]) -> None:
        super().put(uri, body)
        try:
            Path(self.marker).open("x").close()
        except FileExistsError:
            return
        raise ConnectionError("the machine is lost")


@dataclass(frozen=True)
class DirectoryDownloads:
    """Like the job's Downloads."""

    def open(self) -> Callable[[str], IO[bytes]]:
        return lambda uri: DirectoryStore.path(uri).open("rb")


class DirectoryStore:
    """The same methods as the job's Store, on file:// URIs."""

    @staticmethod
    def path(uri: str) -> Path:
        return Path(uri.removeprefix("file://"))

    def list_objects(self, prefix: str, in_folders: bool = True, after: str = "") -> list[StoredObject]:
        # A prefix is text, not a folder, as in S3.
        folder = self.path(prefix if prefix.endswith("/") else prefix.rsplit("/", 1)[0] + "/")
        found = [
            (f"file://{root}/{name}", Path(root, name))
            for root, _, names in os.walk(folder)
            for name in names
            if not (name.startswith(".") and name.endswith(".crc"))
        ]
        return sorted(
            StoredObject(uri, path.stat().st_size, datetime.fromtimestamp(int(path.stat().st_mtime), tz=timezone.utc))
            for uri, path in found
            if uri.startswith(prefix) and uri > after and (in_folders or "/" not in uri[len(prefix) :])
        )

    def count(self, prefix: str, most: int) -> int:
        return len(self.list_objects(prefix)[:most])

    def list_folders(self, prefix: str) -> list[str]:
        return sorted(
            {one.uri[len(prefix) :].split("/")[0] for one in self.list_objects(prefix) if "/" in one.uri[len(prefix) :]}
        )

    def exists(self, prefix: str) -> bool:
        # Not by the method of the instance, so that a test can count the listings.
        return bool(DirectoryStore.list_objects(self, prefix))

    def get(self, uri: str) -> bytes:
        return self.path(uri).read_bytes()

    def put(self, uri: str, body: bytes) -> None:
        self.path(uri).parent.mkdir(parents=True, exist_ok=True)
        self.path(uri).write_bytes(body)

    def copy(self, source: str, target: str) -> None:
        with self.path(source).open("rb") as body:
            DirectoryUploads().put(target, body)

    def uploads(self) -> DirectoryUploads:
        return DirectoryUploads()

    def downloads(self) -> DirectoryDownloads:
        return DirectoryDownloads()

    def get_tagged(self, uri: str) -> tuple[bytes, str] | None:
        body = self.path(uri).read_bytes() if self.path(uri).exists() else None
        return None if body is None else (body, hashlib.md5(body).hexdigest())

    def swap(self, uri: str, body: bytes, tag: str | None) -> str | None:
        found = self.get_tagged(uri)
        if (found and found[1]) != tag:
            return None
        self.path(uri).parent.mkdir(parents=True, exist_ok=True)
        self.path(uri).write_bytes(body)
        return hashlib.md5(body).hexdigest()

    def delete(self, uris: list[str]) -> None:
        for uri in uris:
            self.path(uri).unlink(missing_ok=True)

    def retire(self, uris: list[str]) -> None:
        self.delete(uris)

    def clear(self, uri: str) -> None:
        shutil.rmtree(self.path(uri), ignore_errors=True)


class DictionaryCatalog:
    """The same methods as the job's Catalog."""

    def __init__(self):
        self.registered: dict[str, str] = {}

    def locations(self, days: Iterable[str] | None = None) -> dict[str, str]:
        wanted = self.registered.keys() if days is None else set(days)
        return {day: location for day, location in self.registered.items() if day in wanted}

    def switch(self, locations: dict[str, str]) -> None:
        self.registered |= locations
