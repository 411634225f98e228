"""Files from before a column was added are readable with the table's current columns."""

import shutil
from pathlib import Path

from clickstream.contract import EVENT_COLUMNS
from lake import arrived, event

# Written by the job before version 2 of the contract. page_title and os were unknown fields then, so
# they are properties of the row old-1.
OLD_FILE = Path(__file__).resolve().parents[1] / "fixtures" / "version-1" / "events.parquet"
OLD_TIME = "2026-03-02T09:00:00.000Z"
NEW_COLUMNS = ["anonymous_id", "page_title", "utm_source", "utm_medium", "utm_campaign", "os"]


def put_old(lake) -> None:
    folder = lake.path("events/event_date=2026-03-02")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(OLD_FILE, folder / "part-old.parquet")


def committed_lake(lake):
    """A lake with a report of the run that wrote the old file, so that its rows are committed."""
    lake.put_lines([arrived(event("other", "2026-02-01T09:00:00.000Z"), 1)])
    lake.run("r1")
    put_old(lake)
    return lake


def test_old_rows_have_null_in_the_new_columns_and_new_rows_of_the_same_date_have_values(lake):
    committed_lake(lake)
    lake.put_lines(
        [arrived(event("new-1", OLD_TIME, page_title="Sale", os="Android", anonymous_id="a1", utm_source="ad"), 9)]
    )
    lake.run("r2")
    # With the schema of the table, like its readers.
    schema = ", ".join(f"{name} {kind}" for name, kind in EVENT_COLUMNS.items())
    table = lake.spark.read.schema(schema).parquet(lake.uri("events/event_date=2026-03-02/"))
    rows = table.select("event_id", "session_id", *NEW_COLUMNS).orderBy("event_id").collect()
    assert [tuple(row) for row in rows] == [
        ("new-1", None, "a1", "Sale", "ad", None, None, "Android"),
        ("old-1", "s1", *[None] * 6),
        ("old-2", None, *[None] * 6),
    ]


def test_a_resent_event_whose_new_field_was_a_property_is_a_duplicate(lake):
    committed_lake(lake)
    again = {
        "session_id": "s1",
        "page_url": "https://shop.example/",
        "device_type": "mobile",
        "browser": "Safari",
        "geo": {"ip": "203.0.113.7", "country": "DE", "city": "Berlin"},
    }
    lake.put_lines([arrived(event("old-1", OLD_TIME, **again, page_title="Home", os="iOS"), 8)])
    report = lake.run("r2")
    assert (report["curated"], report["duplicates"], report["quarantined"]) == (0, 1, 0)
    lake.put_lines([arrived(event("old-1", OLD_TIME, **again, page_title="Other page", os="iOS"), 9)])
    assert lake.run("r3")["quarantine_reasons"] == {"id_conflict": 1}
