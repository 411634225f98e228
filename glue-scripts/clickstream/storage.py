"""What a run asks of its storage and its catalog; on AWS these are S3 and Glue (aws.py), in the tests a folder."""

from collections.abc import Callable
from datetime import datetime
from typing import IO, NamedTuple, Protocol


class StoredObject(NamedTuple):
    """One object of a listing."""

    uri: str
    size: int
    modified: datetime


class Uploads(Protocol):
    """Travels to the tasks of Spark, which open it where they run."""

    def open(self) -> Callable[[str, IO[bytes]], None]:
        """A function that puts one object: its URI and its body."""
        ...


class Store(Protocol):
    """Objects, addressed by their URI."""

    def list_objects(self, prefix: str, in_folders: bool = True) -> list[StoredObject]:
        """The objects under a prefix, without those in its folders if so asked."""
        ...

    def count(self, prefix: str, most: int) -> int:
        """How many objects are under a prefix, counted up to `most`."""
        ...

    def list_folders(self, prefix: str) -> list[str]:
        """The names of the folders right under a prefix."""
        ...

    def exists(self, prefix: str) -> bool:
        """Whether any object is under a prefix."""
        ...

    def get(self, uri: str) -> bytes: ...

    def put(self, uri: str, body: bytes) -> None: ...

    def put_if_absent(self, uri: str, body: bytes) -> bool:
        """False when the object exists. Of two writers at the same time only one succeeds."""
        ...

    def uploads(self) -> Uploads: ...

    def delete(self, uris: list[str]) -> None: ...


class Catalog(Protocol):
    """Where each date of the table is."""

    def locations(self) -> dict[str, str]:
        """Registered date to location, each with a slash at its end."""
        ...

    def switch(self, locations: dict[str, str]) -> None:
        """Points the dates at their new locations, and registers those that are not registered yet."""
        ...
