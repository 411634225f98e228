"""Makes the head of a lake that an earlier version of the job wrote, which had none. Lists the whole lake, once."""

import json
from datetime import datetime, timedelta

from clickstream.arguments import Options
from clickstream.head import DateFiles, Head, Position, TakenList
from clickstream.keys import event_date
from clickstream.log import say
from clickstream.storage import Store, StoredObject


def head_of_reports(store: Store, options: Options) -> Head:
    """The head of a lake without one: from its reports and from the files of its table."""
    objects = store.list_objects(options.runs_path, in_folders=False)
    reports = [one for one in objects if one.uri.endswith(".json") and one.uri != options.head_uri]
    if reports:
        say(f"the lake has no head object yet: making one from {len(reports):,} run reports")
    return Head(
        position=last_position(store, reports),
        retention_hours=options.retention_hours,
        taken=taken_lists(store, options, reports),
        dates=dates_of(store, options),
    )


def last_position(store: Store, reports: list[StoredObject]) -> Position | None:
    if not reports:
        return None
    # LastModified has whole seconds, so the newest reports are compared by their finished_at.
    newest = max(one.modified for one in reports) - timedelta(seconds=2)
    latest = max(
        (json.loads(store.get(one.uri)) for one in reports if one.modified >= newest),
        key=lambda report: report["finished_at"],
    )
    return Position.from_json(latest["position"])


def taken_lists(store: Store, options: Options, reports: list[StoredObject]) -> list[TakenList]:
    """The lists of committed runs. The list of a run without a report does not count."""
    committed = {one.uri[len(options.runs_path) : -len(".json")] for one in reports}
    prefix = f"{options.runs_path}taken/"
    return [
        TakenList(one.modified, one.uri)
        for one in store.list_objects(prefix)
        if one.uri[len(prefix) :].removesuffix(".json.gz") in committed
    ]


def dates_of(store: Store, options: Options) -> dict[str, DateFiles]:
    """All dates with files, at their default location and where a rebuild wrote them."""
    found: dict[str, DateFiles] = {}
    for path in (options.curated_path, options.rebuilt_path):
        for one in store.list_objects(path):
            if day := event_date(one.uri):
                before = found.get(day) or DateFiles(one.modified, 0, 0)
                written_at: datetime = max(before.written_at, one.modified)
                found[day] = DateFiles(written_at, before.files + 1, before.bytes + one.size)
    return found
