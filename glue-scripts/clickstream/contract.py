"""The fields of events, raw lines and the table, read from schema/clickstream.json, which the package carries."""

import json
from importlib.resources import files

CONTRACT = json.loads(files("clickstream").joinpath("clickstream.json").read_bytes())

# A field by its column: the one that the contract names, else the field's name. Columns that were added come last.
BY_COLUMN = {
    field.get("column", field["name"]): field
    for field in sorted(CONTRACT["fields"], key=lambda field: field.get("since", 1))
}

# The columns of the table in their order; event_date is in the path.
EVENT_COLUMNS = {name: field["type"] for name, field in BY_COLUMN.items() if field.get("curated", True)}

# Columns that a later version of the contract added: in older rows they are null.
LATER_COLUMNS = tuple(name for name in EVENT_COLUMNS if "since" in BY_COLUMN[name])

# The fields of an event by the name of their column: `geo.ip` is the column `ip`.
FIELDS = {name: field for name, field in BY_COLUMN.items() if not field.get("computed")}

# Fields that are no column: their rules are for `properties`, where a producer may have put them.
NEVER_CURATED = tuple(name for name in FIELDS if name not in EVENT_COLUMNS)

# The default rule of every field that a rule can be set for; those that are no column last.
DEFAULT_PRIVACY = {
    name: FIELDS[name]["privacy"]
    for name in (*EVENT_COLUMNS, *NEVER_CURATED)
    if name in FIELDS and "privacy" in FIELDS[name]
}
PRIVACY_FIELDS = tuple(DEFAULT_PRIVACY)
PRIVACY_ACTIONS = ("keep", "mask", "hash", "drop")

# Fields that hold a URL: the rule mask keeps it without user, query and fragment.
URL_FIELDS = tuple(name for name, field in FIELDS.items() if field.get("format") == "url")

# Columns that may hold any text. An event's id is never changed, and an address has a rule of its own.
SCRUBBED = tuple(
    name
    for name, kind in EVENT_COLUMNS.items()
    if kind == "string" and name in FIELDS and name not in ("event_id", "ip")
)

# What makes two events with one id the same event. Not the address and what is derived from it: they belong to the
# connection, and a producer may send an event again through another one. Properties are compared apart.
CONTENT = tuple(
    name
    for name, field in FIELDS.items()
    if name in EVENT_COLUMNS and not field.get("connection") and name not in ("event_id", "properties")
)


def raw_schema() -> str:
    """The schema of a raw line. Times stay text: Spark's cast is several times faster than its JSON parser of times."""
    arrival = [field | {"name": f"arrival.{field['name']}"} for field in CONTRACT["arrival"]]
    structs: dict[str, list[str]] = {"": []}
    for field in [*FIELDS.values(), *arrival]:
        struct, _, name = field["name"].rpartition(".")
        kind = "string" if field["type"] == "timestamp" else field["type"]
        structs.setdefault(struct, []).append(f"{name}: {kind}" if struct else f"{name} {kind}")
    nested = [f"{name} struct<{', '.join(members)}>" for name, members in structs.items() if name]
    return ", ".join([*structs[""], *nested, "_unparsed string"])


RAW_SCHEMA = raw_schema()
