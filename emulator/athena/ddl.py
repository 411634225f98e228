"""Translates CREATE EXTERNAL TABLE to a Glue table."""

from __future__ import annotations

from .catalog import Table
from .errors import AthenaFailure, MalformedQuery
from .hive_types import trino_type
from .scanner import Scanner

_TEXT_IN = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_PARQUET_IN = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
_PARQUET_OUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
_LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_ORC = "org.apache.hadoop.hive.ql.io.orc."
_AVRO = "org.apache.hadoop.hive.ql.io.avro."
_FORMATS = {
    "TEXTFILE": (_TEXT_IN, _TEXT_OUT, _LAZY),
    "PARQUET": (_PARQUET_IN, _PARQUET_OUT, "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"),
    "ORC": (f"{_ORC}OrcInputFormat", f"{_ORC}OrcOutputFormat", f"{_ORC}OrcSerde"),
    "AVRO": (
        f"{_AVRO}AvroContainerInputFormat",
        f"{_AVRO}AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
    "SEQUENCEFILE": (
        "org.apache.hadoop.mapred.SequenceFileInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
        _LAZY,
    ),
    "RCFILE": (
        "org.apache.hadoop.hive.ql.io.RCFileInputFormat",
        "org.apache.hadoop.hive.ql.io.RCFileOutputFormat",
        "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe",
    ),
}


def _descriptor(columns: list[dict], location: str, form: tuple, library: str | None, parameters: dict) -> dict:
    return {
        "Columns": columns,
        "Location": location.rstrip("/") + "/",
        "InputFormat": form[0],
        "OutputFormat": form[1],
        "Compressed": False,
        "NumberOfBuckets": -1,
        "SerdeInfo": {
            "SerializationLibrary": library or form[2],
            "Parameters": {"serialization.format": "1", **parameters},
        },
    }


def read_table(scanner: Scanner, name: str) -> dict:
    """Read what follows the table's name: columns and clauses, as they were given."""
    columns = _columns(scanner) if scanner.peek() == "(" else []
    found: dict = {"name": name, "columns": columns, "keys": [], "transforms": []}
    found |= {"serde": {}, "properties": {}, "form": _FORMATS["TEXTFILE"]}
    while not scanner.done():
        _clause(scanner, found)
    if "location" not in found:
        raise MalformedQuery("line 1:8: No location was specified for table. An S3 location must be specified")
    if not columns:
        raise MalformedQuery("line 1:8: A table needs columns")
    for column in [*columns, *found["keys"]]:
        trino_type(column["Type"])
    return found


def is_iceberg(found: dict) -> bool:
    return found["properties"].get("table_type", "").upper() == "ICEBERG"


def table_input(found: dict) -> dict:
    """The Glue table of CREATE EXTERNAL TABLE."""
    columns = found["columns"]
    if {c["Name"] for c in columns} & {k["Name"] for k in found["keys"]}:
        message = "SemanticException [Error 10035]: Column repeated in partitioning columns"
        raise AthenaFailure("SYNTAX_ERROR", message)
    descriptor = _descriptor(columns, found["location"], found["form"], found.get("library"), found["serde"])
    return {
        "Name": found["name"],
        "Description": found.get("comment", ""),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **found["properties"]},
        "PartitionKeys": found["keys"],
        "StorageDescriptor": descriptor,
    }


def _clause(scanner: Scanner, found: dict) -> None:
    if scanner.take("COMMENT"):
        found["comment"] = scanner.text()
    elif scanner.take("PARTITIONED", "BY"):
        _partitioning(scanner, found)
    elif scanner.take("ROW", "FORMAT", "SERDE"):
        found["library"] = scanner.text()
    elif scanner.take("WITH", "SERDEPROPERTIES"):
        found["serde"].update(scanner.properties())
    elif scanner.take("ROW", "FORMAT", "DELIMITED"):
        found["serde"].update(_delimited(scanner))
    elif scanner.take("STORED", "AS", "INPUTFORMAT"):
        input_format = scanner.text()
        scanner.expect("OUTPUTFORMAT")
        found["form"] = (input_format, scanner.text(), _LAZY)
    elif scanner.take("STORED", "AS"):
        form = scanner.name().upper()
        if form not in _FORMATS:
            message = f"STORED AS {form} is not supported by the local Athena"
            raise AthenaFailure("NOT_SUPPORTED", message)
        found["form"] = _FORMATS[form]
    elif scanner.take("LOCATION"):
        found["location"] = scanner.text()
        if not found["location"].startswith("s3://"):
            raise MalformedQuery(f"line 1:8: The location {found['location']} is no S3 path")
    elif scanner.take("TBLPROPERTIES"):
        found["properties"].update(scanner.properties())
    else:
        raise scanner.unexpected()


def _partitioning(scanner: Scanner, found: dict) -> None:
    """Hive's list of columns with types, or Iceberg's list of columns and transforms."""
    if _names_types(scanner):
        found["keys"] = _columns(scanner)
        return
    depth, one = 0, ""
    for character in scanner.group():
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            found["transforms"].append(one.strip().replace("`", ""))
            one = ""
        else:
            one += character
    found["transforms"].append(one.strip().replace("`", ""))


def _names_types(scanner: Scanner) -> bool:
    """Whether a name is followed by a type: not by a comma, a closing or an opening parenthesis."""
    return scanner.peek() == "(" and scanner.peek(2) not in (",", ")", "(")


def _delimited(scanner: Scanner) -> dict:
    names = [
        (("FIELDS", "TERMINATED", "BY"), "field.delim"),
        (("ESCAPED", "BY"), "escape.delim"),
        (("COLLECTION", "ITEMS", "TERMINATED", "BY"), "collection.delim"),
        (("MAP", "KEYS", "TERMINATED", "BY"), "mapkey.delim"),
        (("LINES", "TERMINATED", "BY"), "line.delim"),
        (("NULL", "DEFINED", "AS"), "serialization.null.format"),
    ]
    found = {}
    while True:
        for words, key in names:
            if scanner.take(*words):
                found[key] = scanner.text()
                break
        else:
            return found


def _columns(scanner: Scanner) -> list[dict]:
    scanner.expect("(")
    columns = []
    while True:
        column = {"Name": scanner.name()}
        scanner.take(":")
        column["Type"] = scanner.type()
        if scanner.take("COMMENT"):
            column["Comment"] = scanner.text()
        columns.append(column)
        if scanner.take(")"):
            return columns
        scanner.expect(",")


def one_column(scanner: Scanner) -> dict:
    """A column of ALTER TABLE … CHANGE: name and type."""
    column = {"Name": scanner.name(), "Type": scanner.type()}
    trino_type(column["Type"])
    if scanner.take("COMMENT"):
        column["Comment"] = scanner.text()
    return column


def added_columns(scanner: Scanner) -> list[dict]:
    """The list of ALTER TABLE ... ADD COLUMNS."""
    columns = _columns(scanner)
    for column in columns:
        trino_type(column["Type"])
    return columns


def create_statement(table: Table) -> list[str]:
    """SHOW CREATE TABLE, line by line."""
    lines = [f"CREATE EXTERNAL TABLE `{table.name}`("]
    lines += _column_lines(table.columns)
    if table.keys:
        lines += ["PARTITIONED BY ( ", *_column_lines(table.keys)]
    info = table.descriptor.get("SerdeInfo") or {}
    lines += ["ROW FORMAT SERDE ", f"  '{info.get('SerializationLibrary', '')}' "]
    if info.get("Parameters"):
        lines += ["WITH SERDEPROPERTIES ( ", *_property_lines(info["Parameters"])]
    lines += ["STORED AS INPUTFORMAT ", f"  '{table.descriptor.get('InputFormat', '')}' "]
    lines += ["OUTPUTFORMAT ", f"  '{table.descriptor.get('OutputFormat', '')}'"]
    lines += ["LOCATION", f"  '{table.location.rstrip('/')}'"]
    properties = {key: value for key, value in table.parameters.items() if key != "EXTERNAL"}
    return lines + (["TBLPROPERTIES (", *_property_lines(properties)] if properties else [])


def _column_lines(columns: list) -> list[str]:
    ends = [", "] * (len(columns) - 1) + [")"]
    comments = [f" COMMENT '{column.comment}'" if column.comment else "" for column in columns]
    parts = zip(columns, comments, ends, strict=True)
    return [f"  `{column.name}` {column.source}{comment}{end}" for column, comment, end in parts]


def _property_lines(properties: dict) -> list[str]:
    ends = [", "] * (len(properties) - 1) + [")"]
    return [f"  '{k}'='{v}'{end}" for (k, v), end in zip(sorted(properties.items()), ends, strict=True)]
