"""Translates CREATE EXTERNAL TABLE to a Glue table."""

from __future__ import annotations

from . import serde
from .catalog import Table
from .errors import AthenaFailure, MalformedQuery
from .scanner import Scanner
from .types import parse_hive_type

_TEXT_IN = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_PARQUET_IN = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
_PARQUET_OUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
_FORMATS = {
    "TEXTFILE": (_TEXT_IN, _TEXT_OUT, serde.LAZY),
    "PARQUET": (_PARQUET_IN, _PARQUET_OUT, serde.PARQUET),
}


def parquet_descriptor(columns: list[dict], location: str) -> dict:
    """The StorageDescriptor of a table that CTAS creates."""
    return _descriptor(columns, location, _FORMATS["PARQUET"], None, {})


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


def table_input(scanner: Scanner, name: str) -> dict:
    """Read what follows the table's name."""
    columns = _columns(scanner) if scanner.peek() == "(" else []
    found: dict = {"keys": [], "serde": {}, "properties": {}, "form": _FORMATS["TEXTFILE"]}
    while not scanner.done():
        _clause(scanner, found)
    if "location" not in found:
        raise MalformedQuery("line 1:8: No location was specified for table. An S3 location must be specified")
    if not columns:
        raise MalformedQuery("line 1:8: A table needs columns")
    for column in [*columns, *found["keys"]]:
        parse_hive_type(column["Type"])
    if {c["Name"] for c in columns} & {k["Name"] for k in found["keys"]}:
        message = "SemanticException [Error 10035]: Column repeated in partitioning columns"
        raise AthenaFailure("SYNTAX_ERROR", message)
    descriptor = _descriptor(columns, found["location"], found["form"], found.get("library"), found["serde"])
    return {
        "Name": name,
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
        found["keys"] = _columns(scanner)
    elif scanner.take("ROW", "FORMAT", "SERDE"):
        found["library"] = scanner.text()
    elif scanner.take("WITH", "SERDEPROPERTIES"):
        found["serde"].update(scanner.properties())
    elif scanner.take("ROW", "FORMAT", "DELIMITED"):
        found["serde"].update(_delimited(scanner))
    elif scanner.take("STORED", "AS", "INPUTFORMAT"):
        input_format = scanner.text()
        scanner.expect("OUTPUTFORMAT")
        found["form"] = (input_format, scanner.text(), serde.LAZY)
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


def added_columns(scanner: Scanner) -> list[dict]:
    """The list of ALTER TABLE ... ADD COLUMNS."""
    columns = _columns(scanner)
    for column in columns:
        parse_hive_type(column["Type"])
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
