"""The job's world in a folder: objects are files, the catalog is a dictionary. Both behave as S3 and Glue do."""

import os
import shutil
from datetime import datetime, timezone
from pathlib import Path

from clickstream_etl import StoredObject


class DirectoryStore:
    """The same methods as the job's Store, on file:// URIs."""

    @staticmethod
    def path(uri: str) -> Path:
        return Path(uri.removeprefix("file://"))

    def list_objects(self, prefix: str, in_folders: bool = True) -> list[StoredObject]:
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
            if uri.startswith(prefix) and (in_folders or "/" not in uri[len(prefix) :])
        )

    def count(self, prefix: str, most: int) -> int:
        return len(self.list_objects(prefix)[:most])

    def list_folders(self, prefix: str) -> list[str]:
        return sorted(
            {one.uri[len(prefix) :].split("/")[0] for one in self.list_objects(prefix) if "/" in one.uri[len(prefix) :]}
        )

    def exists(self, prefix: str) -> bool:
        return bool(self.list_objects(prefix))

    def get(self, uri: str) -> bytes:
        return self.path(uri).read_bytes()

    def put(self, uri: str, body: bytes) -> None:
        self.path(uri).parent.mkdir(parents=True, exist_ok=True)
        self.path(uri).write_bytes(body)

    def put_if_absent(self, uri: str, body: bytes) -> bool:
        self.path(uri).parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.path(uri).open("xb") as file:
                file.write(body)
        except FileExistsError:
            return False
        return True

    def delete(self, uris: list[str]) -> None:
        for uri in uris:
            self.path(uri).unlink(missing_ok=True)

    def clear(self, uri: str) -> None:
        shutil.rmtree(self.path(uri), ignore_errors=True)


class DictionaryCatalog:
    """The same methods as the job's Catalog."""

    def __init__(self):
        self.registered: dict[str, str] = {}

    def locations(self) -> dict[str, str]:
        return dict(self.registered)

    def switch(self, locations: dict[str, str]) -> None:
        self.registered |= locations
