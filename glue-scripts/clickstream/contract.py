"""The fields of events, raw lines and the table, from schema/clickstream.json, which is part of this package."""

import json
from importlib.resources import files

CONTRACT = json.loads(files("clickstream").joinpath("clickstream.json").read_bytes())

# Fields by column name. The column is the one in the contract, or the field's name. Added columns come last.
BY_COLUMN = {
    field.get("column", field["name"]): field
    for field in sorted(CONTRACT["fields"], key=lambda field: field.get("since", 1))
}

# The columns of the table, in order. event_date is part of the path.
EVENT_COLUMNS = {name: field["type"] for name, field in BY_COLUMN.items() if field.get("curated", True)}

# Columns added by a later version of the contract. They are null in older rows.
LATER_COLUMNS = tuple(name for name in EVENT_COLUMNS if "since" in BY_COLUMN[name])

# The fields of an event by column name: `geo.ip` is the column `ip`.
FIELDS = {name: field for name, field in BY_COLUMN.items() if not field.get("computed")}

# Fields without a column. Their rules apply to `properties`, where a producer may have put them.
NEVER_CURATED = tuple(name for name in FIELDS if name not in EVENT_COLUMNS)

# The default rule of each field that can have a rule. Fields without a column come last.
DEFAULT_PRIVACY = {
    name: FIELDS[name]["privacy"]
    for name in (*EVENT_COLUMNS, *NEVER_CURATED)
    if name in FIELDS and "privacy" in FIELDS[name]
}
PRIVACY_FIELDS = tuple(DEFAULT_PRIVACY)
PRIVACY_ACTIONS = ("keep", "mask", "hash", "drop")

# Fields with a URL. The rule mask removes its user, query and fragment.
URL_FIELDS = tuple(name for name, field in FIELDS.items() if field.get("format") == "url")

# Fields with an IP address. The rule mask keeps its network.
IP_FIELDS = tuple(name for name, field in FIELDS.items() if field.get("format") == "ip")

# Columns that can contain any text. The event id is never changed, and a column with an IP address only has the rule
# of its field.
SCRUBBED = tuple(
    name
    for name, kind in EVENT_COLUMNS.items()
    if kind == "string" and name in FIELDS and name not in ("event_id", *IP_FIELDS)
)

# Two events with the same id are the same event if these columns are equal. The IP address and the columns derived
# from it are not compared, because a producer may resend an event over another connection. Properties are compared
# separately.
CONTENT = tuple(
    name
    for name, field in FIELDS.items()
    if name in EVENT_COLUMNS and not field.get("connection") and name not in ("event_id", "properties")
)


def raw_schema() -> str:
    """The schema of a raw line. Times stay strings: Spark casts them several times faster than its JSON reader does."""
    arrival = [field | {"name": f"arrival.{field['name']}"} for field in CONTRACT["arrival"]]
    structs: dict[str, list[str]] = {"": []}
    for field in [*FIELDS.values(), *arrival]:
        struct, _, name = field["name"].rpartition(".")
        kind = "string" if field["type"] == "timestamp" else field["type"]
        structs.setdefault(struct, []).append(f"{name}: {kind}" if struct else f"{name} {kind}")
    nested = [f"{name} struct<{', '.join(members)}>" for name, members in structs.items() if name]
    return ", ".join([*structs[""], *nested, "_unparsed string"])


RAW_SCHEMA = raw_schema()
