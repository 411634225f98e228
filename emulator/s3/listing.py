"""Lists a bucket at the cost of what the list returns. MiniStack goes through all keys of the bucket for each page."""

from __future__ import annotations

import functools
import threading
from bisect import bisect_left, bisect_right, insort
from collections import UserDict
from collections.abc import Callable, Iterator

from ministack.services import s3

from ..core.context import Context

PATCHES = [("ministack.services.s3", name) for name in ("_buckets", "_create_bucket", "_collect_list_entries")]

Rows = Iterator[tuple[str, bool]]


class Objects(UserDict):
    """The objects of a bucket by their keys, and the keys in order. Takes the place of MiniStack's dict."""

    def __init__(self, objects: dict) -> None:
        super().__init__()
        self.data = dict(objects)
        self._keys = sorted(objects)
        # Requests run in threads. A key and its place must change together.
        self._lock = threading.RLock()

    def __setitem__(self, key: str, record: dict) -> None:
        with self._lock:
            if key not in self.data:
                insort(self._keys, key)
            self.data[key] = record

    def __delitem__(self, key: str) -> None:
        with self._lock:
            del self.data[key]
            del self._keys[bisect_left(self._keys, key)]

    def pop(self, key: str, *default: object) -> object:
        with self._lock:
            return super().pop(key, *default)

    def under(self, prefix: str) -> list[tuple[str, dict]]:
        """Keys and objects that begin with the prefix, in order."""
        with self._lock:
            start = bisect_left(self._keys, prefix)
            return [(key, self.data[key]) for key in self._keys[start : self._end(prefix, start)]]

    def page(self, prefix: str, delimiter: str, max_keys: int, start_after: str) -> tuple[list, list, bool, str]:
        """As MiniStack's _collect_list_entries: keys, common prefixes, whether there is more, the last row."""
        keys: list[str] = []
        prefixes: list[str] = []
        last = ""
        with self._lock:
            for value, is_prefix in self._rows(prefix, delimiter, start_after):
                if len(keys) + len(prefixes) >= max_keys:
                    return keys, prefixes, True, last
                (prefixes if is_prefix else keys).append(value)
                last = value
        return keys, prefixes, False, last

    def _rows(self, prefix: str, delimiter: str, start_after: str) -> Rows:
        """Keys and common prefixes after a row. The keys of a common prefix are skipped in one step."""
        index = max(bisect_left(self._keys, prefix), bisect_right(self._keys, start_after) if start_after else 0)
        while index < len(self._keys) and (key := self._keys[index]).startswith(prefix):
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            if end < 0:
                yield key, False
                index += 1
            else:
                group = key[: end + len(delimiter)]
                if group > start_after:
                    yield group, True
                index = self._end(group, index)

    def _end(self, prefix: str, start: int) -> int:
        """Where the keys with the prefix end, of which the first is at `start`."""
        return bisect_left(self._keys, True, start, key=lambda key: not key.startswith(prefix))


def install(_context: Context) -> None:
    for bucket in s3._buckets._data.values():
        bucket["objects"] = sorted_objects(bucket["objects"])
    s3._create_bucket = _with_sorted_keys(s3._create_bucket)
    s3._collect_list_entries = lambda objects, *asked: sorted_objects(objects).page(*asked)


def sorted_objects(objects: Objects | dict) -> Objects:
    """The objects of any bucket. Buckets that CloudFormation or S3 Tables made have MiniStack's dict."""
    return objects if isinstance(objects, Objects) else Objects(objects)


def _with_sorted_keys(create: Callable[..., tuple]) -> Callable[..., tuple]:
    @functools.wraps(create)
    def created(name: str, *others: object, **named: object) -> tuple:
        answer = create(name, *others, **named)
        bucket = s3._buckets.get(name)
        if bucket is not None:
            bucket["objects"] = sorted_objects(bucket["objects"])
        return answer

    return created
