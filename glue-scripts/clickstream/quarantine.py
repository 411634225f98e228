"""Reads and writes the quarantine. The job quarantines unreadable raw lines and different events with a known id."""

import gzip
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from clickstream.keys import HOUR_KEY, RAW_KEY, UNREADABLE_SUFFIX, arrival_hour
from clickstream.log import say
from clickstream.raw import Raw, extract_lines, sources_in
from clickstream.run import Run
from clickstream.storage import Store, StoredObject

# Maximum digits of a number in Spark's JSON parser.
LONGEST_NUMBER = 1000

LONG_NUMBER = re.compile(rf"(?<![\w\"])-?[0-9]{{{LONGEST_NUMBER + 1},}}")

ARRIVAL = re.compile(r',\s*"arrival"\s*:\s*\{[^{}]*\}\s*\}\s*$')


def extract_quarantine_reasons(store: Store, objects: list[StoredObject]) -> Counter:
    """Counts the quarantined lines by reason. The lines stay where the ingest wrote them."""

    def count(one: StoredObject) -> Counter:
        lines = gzip.decompress(store.get(one.uri)).splitlines()
        return Counter(json.loads(line)["reason"] for line in lines if line.strip())

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(count, objects), Counter())


def load_unreadable(run: Run, raw: Raw, sources: str) -> None:
    """Quarantines the unreadable lines of these raw objects, under keys that a rerun overwrites."""
    unreadable = extract_lines(raw, sources_in(sources)).where(~F.col("is_readable")).select("source", "value")
    lines = ((uri, unreadable_line(uri, row["value"])) for uri, row in by_object(raw, unreadable))
    count = load_quarantine(run, lines, UNREADABLE_SUFFIX)
    say(f"put {count:,} unreadable raw lines into quarantine", level="WARN")


def by_object(raw: Raw, lines: DataFrame) -> Iterator[tuple[str, Row]]:
    """The lines, sorted by raw object, each with the URI of its object."""
    return ((raw.objects[row["source"]].uri, row) for row in lines.orderBy("source", "value").toLocalIterator())


def load_quarantine(run: Run, lines: Iterable[tuple[str, str]], suffix: str) -> int:
    """Writes one quarantine object for each raw object. The lines must be sorted by raw object."""
    count = 0
    for uri, group in itertools.groupby(lines, key=lambda line: line[0]):
        body = [line for _, line in group]
        key = HOUR_KEY.search(uri)
        name = key[0] if key else uri.rsplit("/", 1)[1]
        target = run.options.quarantine_path + name.removesuffix(".jsonl.gz") + suffix
        run.store.put(target, gzip.compress("".join(body).encode(), mtime=0))
        count += len(body)
    return count


def unreadable_line(uri: str, payload: str) -> str:
    """A quarantine line in the format of the ingest. The arrival fields are taken from the object's key."""
    key = RAW_KEY.search(uri)
    line = {
        "reason": "unreadable_raw_line",
        "detail": f"A line of {uri.rsplit('/', 1)[1]}: {what_is_wrong(payload)}.",
        "payload": payload,
        "payload_encoding": "utf8",
    }
    if key:
        line |= {"shard_id": key["shard"], "sequence_number": key["first"]}
    if HOUR_KEY.search(uri):
        line["arrival_time"] = arrival_hour(uri).strftime("%Y-%m-%d %H:%M:%S.000")
    return json.dumps(line, ensure_ascii=False) + "\n"


def conflict_line(text: str, event_id: str) -> str:
    """A quarantine line in the format of the ingest. The payload is the event without arrival, so it can be resent."""
    arrival = json.loads(text)["arrival"]
    line = {
        "reason": "id_conflict",
        "detail": f"event_id {shown(event_id)} belongs to another event, which arrived first and is in the table. "
        "Send this event again with a new id.",
        "payload": ARRIVAL.sub("}", text),
        "payload_encoding": "utf8",
        "shard_id": arrival["shard_id"],
        "sequence_number": arrival["sequence_number"],
        "position": arrival["position"],
        "arrival_time": arrival["time"].replace("T", " ").removesuffix("Z"),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


def what_is_wrong(text: str) -> str:
    """Explains why a raw line cannot be read."""
    if digits := LONG_NUMBER.search(text):
        return f"it contains a number of {len(digits[0]):,} digits; at most {LONGEST_NUMBER:,} can be read"
    try:
        # Numbers as text, because Python refuses to parse numbers with many digits.
        line = json.loads(text, parse_int=str, parse_float=str)
    except RecursionError:
        return "it is nested too deeply to be read"
    except ValueError as error:
        return f"it is not JSON ({error})"
    if not isinstance(line, dict):
        return "it is JSON, but not an object"
    for name in ("event_id", "event_type", "event_time"):
        if not line.get(name):
            return f"{name} is missing or empty"
    arrival = line.get("arrival")
    if not isinstance(arrival, dict):
        return "arrival (when and in which shard the line arrived) is missing"
    for name in ("time", "shard_id", "sequence_number", "position"):
        if arrival.get(name) in (None, ""):
            return f"arrival.{name} is missing"
    for name, value in (("quantity", line.get("quantity")), ("arrival.position", arrival["position"])):
        if value is not None and not (re.fullmatch(r"-?\d{1,10}", str(value)) and -(2**31) <= int(value) < 2**31):
            return f"{name} is {shown(value)}, which is not a whole number from -2147483648 to 2147483647"
    price = line.get("product_price")
    if price is not None and not re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", str(price)):
        return f"product_price is {shown(price)}, which is not a number"
    for name in ("geo", "properties"):
        if not isinstance(line.get(name, {}), dict | None):
            return f"{name} is {shown(line[name])}, which is not an object"
    for name, value in (("event_time", line["event_time"]), ("arrival.time", arrival["time"])):
        if not is_time(str(value)):
            return f"{name} is {shown(value)}, which is not a date and time"
    if "\ufffd" in text:
        return "it contains bytes that are not UTF-8"
    return "Spark cannot read it as a raw line"


def shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def is_time(text: str) -> bool:
    """True for a time that Spark can read. Python's own parser reads other forms, and not the same in each version."""
    seconds, offset = r"(:[0-5]\d(\.\d{1,9})?)?", r"(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)?"
    if not re.fullmatch(rf"\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d{seconds}{offset}", text):
        return False
    try:
        datetime.strptime(text[:16].replace("T", " "), "%Y-%m-%d %H:%M")
    except ValueError:
        return False
    return True
