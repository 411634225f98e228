"""The storage and the catalog that a run uses. On AWS they are S3 and Glue (aws.py), in tests a folder."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import IO, NamedTuple, Protocol

# Parallel requests to S3.
REQUESTS = 16

# S3 copies an object of up to 5 GiB in one request.
MOST_COPIED = 5 * 1024**3


class StoredObject(NamedTuple):
    """One object of a listing."""

    uri: str
    size: int
    modified: datetime


class Uploads(Protocol):
    """Sent to Spark's tasks. Each task opens it on its machine."""

    def open(self) -> Callable[[str, IO[bytes]], None]:
        """A function that puts one object: its URI and its body."""
        ...


class Downloads(Protocol):
    """Sent to Spark's tasks. Each task opens it on its machine."""

    def open(self) -> Callable[[str], IO[bytes]]:
        """A function that returns the body of one object, to be read and closed, with a single request."""
        ...


class Store(Protocol):
    """Objects, addressed by their URI."""

    def list_objects(self, prefix: str, in_folders: bool = True, after: str = "") -> list[StoredObject]:
        """The objects under a prefix. With in_folders=False, without the objects in its folders.

        `after` is a URI. Objects are listed in the order of their keys, and those up to this one are left out.
        """
        ...

    def count(self, prefix: str, most: int) -> int:
        """How many objects are under a prefix, counted up to `most`."""
        ...

    def list_folders(self, prefix: str) -> list[str]:
        """The names of the folders directly under a prefix."""
        ...

    def exists(self, prefix: str) -> bool:
        """Whether any object is under a prefix."""
        ...

    def get(self, uri: str) -> bytes: ...

    def put(self, uri: str, body: bytes) -> None: ...

    def get_tagged(self, uri: str) -> tuple[bytes, str] | None:
        """The body of an object and its ETag, None if there is no such object."""
        ...

    def swap(self, uri: str, body: bytes, tag: str | None) -> str | None:
        """Replaces the object if it still has this ETag, or makes it if the tag is None. Returns the new ETag.

        Returns None if the object has another ETag. If two writers try at the same time, only one succeeds.
        """
        ...

    def copy(self, source: str, target: str) -> None:
        """Copies an object of at most MOST_COPIED bytes without reading it."""
        ...

    def uploads(self) -> Uploads: ...

    def downloads(self) -> Downloads: ...

    def delete(self, uris: list[str]) -> None: ...

    def retire(self, uris: list[str]) -> None:
        """Deletes objects whose rows are in other objects too, so that old versions of them need not be kept long."""
        ...


def list_each(store: Store, prefixes: Iterable[str]) -> list[list[StoredObject]]:
    """The objects under each of these prefixes, listed with a few parallel requests."""
    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(pool.map(store.list_objects, prefixes))


class Catalog(Protocol):
    """Where each date of the table is."""

    def locations(self, days: Iterable[str] | None = None) -> dict[str, str]:
        """Maps each of these dates that is registered to its location, which ends with a slash. None is all dates."""
        ...

    def switch(self, locations: dict[str, str]) -> None:
        """Points the dates at their new locations, and registers those that are not registered yet."""
        ...
