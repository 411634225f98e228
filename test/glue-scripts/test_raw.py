"""How raw objects are fetched and split into lines, and what happens to objects and lines that cannot be read."""

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from clickstream import raw as reader
from clickstream.raw import Pieces, bundles, fetch_bundle, lines_of, split_lines, whole_lines
from directory_store import DirectoryDownloads
from lake import arrived, event


def pieces_of(body: bytes, size: int) -> io.BufferedReader:
    return io.BufferedReader(Pieces(body[start : start + size] for start in range(0, len(body), size)), 16)


def fetched_objects(*bodies: bytes) -> list:
    """What a task that fetched these objects returns."""
    bundle = [(index, str(index), len(body)) for index, body in enumerate(bodies)]
    return list(fetch_bundle(bundle, lambda uri: io.BytesIO(bodies[int(uri)])))


def read_lines(*bodies: bytes, wanted: set[int] | None = None) -> list[tuple]:
    found = lines_of(fetched_objects(*bodies), [f"object {index}" for index in range(len(bodies))], wanted)
    return [(row["source"], row["value"]) for batch in found for row in batch.to_pylist()]


def test_bundles_have_about_the_same_bytes_and_each_object_once():
    sizes = [5_000_000, 40_000_000, *[1000] * 500, 7_000_000]
    found = bundles(sizes, 2)
    assert sorted(index for bundle in found for index in bundle) == list(range(len(sizes)))
    # 52 MB and 503 requests that count as 20 kB each: 4 tasks of 16 MB, one of which has only the large object.
    assert len(found) == 4
    assert [1] in found
    work = sorted(sum(sizes[index] + 20_000 for index in bundle) for bundle in found)
    assert work[-2] - work[0] <= 40_000


@pytest.mark.parametrize(
    "objects, cores, tasks", [(0, 2, 0), (1, 2, 1), (10, 2, 2), (1000, 2, 2), (5000, 2, 7), (3, 100, 3)]
)
def test_small_objects_make_no_more_tasks_than_there_are_cores_or_megabytes(objects, cores, tasks):
    assert len(bundles([10] * objects, cores)) == tasks


def test_only_a_line_feed_ends_a_line_and_blank_lines_are_skipped():
    batch = split_lines([(3, b'\n{"a":1}\n \t\r\n\r\n{\r}\n\x0b\n'), (4, b"  x\n\xe2\x80\xa8\n")])
    assert batch.column("value").to_pylist() == ['{"a":1}', "{\r}", "\x0b", "  x", "\u2028"]
    assert batch.column("source").to_pylist() == [3, 3, 3, 4, 4]


def test_a_line_that_is_not_utf8_is_marked_and_its_neighbours_are_not():
    lines = b"a\n\xff\nb\n\xed\xa0\x80\n\xc3\xbc\n"
    assert split_lines([(0, lines)]).column("is_text").to_pylist() == [True, False, True, False, True]


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_an_object_of_several_gzip_members_is_read_at_any_cut(size):
    body = b"".join(gzip.compress(f"line {number}\n".encode() * 50) for number in range(4))
    text = b"".join(whole_lines(gzip.GzipFile(fileobj=pieces_of(body, size))))
    assert text.splitlines() == [f"line {number}".encode() for number in range(4) for _ in range(50)]


def test_blocks_end_where_a_line_ends_even_if_a_line_is_longer_than_a_block(monkeypatch):
    monkeypatch.setattr(reader, "BATCH_BYTES", 10)
    lines = [b"a", b"b" * 35, b"c" * 9, b"d" * 10, b"", b"e"]
    blocks = list(whole_lines(gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b"\n".join(lines))))))
    assert b"".join(blocks) == b"\n".join(lines) + b"\n"
    assert all(block.endswith(b"\n") for block in blocks)


def test_objects_keep_their_lines_whether_they_are_small_large_or_empty(monkeypatch):
    monkeypatch.setattr(reader, "MOST_IN_MEMORY", 100)
    monkeypatch.setattr(reader, "PIECE_BYTES", 30)
    large = "\n".join(str(number * 7919) for number in range(500)).encode()
    bodies = [gzip.compress(b"first\n"), gzip.compress(large), b"", gzip.compress(b""), gzip.compress(b"last")]
    expected = [(1, line) for line in large.decode().splitlines()]
    assert sorted(read_lines(*bodies)) == sorted([(0, "first"), *expected, (4, "last")])
    assert read_lines(*bodies, wanted={4}) == [(4, "last")]


WHOLE = gzip.compress(b"line\n" * 1000)


@pytest.mark.parametrize(
    "body",
    [WHOLE[:-10], WHOLE[:-4], WHOLE[:5], WHOLE[:-8] + b"crc?" + WHOLE[-4:], WHOLE + b"more", b"plain text\n"],
    ids=["cut", "cut trailer", "cut header", "wrong checksum", "text behind", "not gzip"],
)
def test_an_object_that_is_not_whole_fails_and_is_named(body):
    with pytest.raises(RuntimeError, match="object 1 is not a whole gzip file"):
        read_lines(WHOLE, body)


@dataclass(frozen=True)
class CountedDownloads(DirectoryDownloads):
    """Writes down each object that a task asks for."""

    log: str

    def open(self) -> Callable[[str], IO[bytes]]:
        get = super().open()

        def counted(uri: str) -> IO[bytes]:
            with Path(self.log).open("a") as file:
                file.write(uri + "\n")
            return get(uri)

        return counted


def test_a_run_fetches_each_object_once_with_unreadable_lines_and_conflicts_too(lake, monkeypatch):
    lake.put_lines([arrived(event("known"), 1)])
    lake.run("r1")
    uris = [lake.put_lines([arrived(event(f"e{number}"), 10 + number)]) for number in range(40)]
    uris.append(lake.put_lines(["{cut", arrived(event("e1", user_id="u2"), 70)], 70, 71))
    uris.append(lake.put_lines([arrived(event("known", user_id="u2"), 80), arrived(event("known"), 81)]))
    log = lake.folder / "requests"
    monkeypatch.setattr(lake.store, "downloads", lambda: CountedDownloads(str(log)))
    report = lake.run("r2")
    assert sorted(log.read_text().splitlines()) == sorted(uris)
    assert (report["curated"], report["duplicates"], report["quarantined"]) == (40, 1, 3)
    assert report["quarantine_reasons"] == {"id_conflict": 2, "unreadable_raw_line": 1}


def test_a_line_that_is_not_utf8_is_quarantined_and_its_neighbours_are_curated(lake):
    good = json.dumps(arrived(event("good"), 1)).encode()
    bad = json.dumps(arrived(event("bad", page_title="Caf\u00e9"), 2), ensure_ascii=False).encode("latin-1")
    lake.store.put(lake.put_lines([], 1, 2), gzip.compress(good + b"\n" + bad + b"\n"))
    report = lake.run("r1")
    assert (report["raw"]["lines"], report["curated"], report["quarantined"]) == (2, 1, 1)
    [line] = lake.quarantined()
    assert line["detail"].endswith(": it contains bytes that are not UTF-8.")
    assert '"page_title": "Caf\ufffd"' in line["payload"]


def test_a_run_fails_if_an_object_is_cut_and_nothing_is_committed(lake):
    lake.put_lines([arrived(event("a"), 1)])
    uri = lake.put_lines([arrived(event("b"), 2)])
    lake.store.put(uri, lake.store.get(uri)[:-6])
    with pytest.raises(Exception, match="not a whole gzip file"):
        lake.run("r1")
    assert lake.select() == []
    lake.put_lines([arrived(event("b"), 2)])
    assert lake.run("r2")["curated"] == 2


def test_a_run_fails_if_an_object_is_gone_when_it_is_read(lake, monkeypatch):
    listed = lake.store.list_objects
    uri = lake.put_lines([arrived(event("a"), 1)])

    def vanishing(prefix: str, **how: Any) -> list:
        found = listed(prefix, **how)
        if prefix.endswith("/raw/"):
            lake.store.delete([uri])
        return found

    monkeypatch.setattr(lake.store, "list_objects", vanishing)
    with pytest.raises(Exception, match=r"Could not read .*jsonl\.gz: FileNotFoundError"):
        lake.run("r1")
