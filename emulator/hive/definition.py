"""CREATE TABLE as a table of Glue, and tables of Glue as CREATE TABLE and DESCRIBE print them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..core.queries import MalformedQuery, QueryFailed, not_supported
from ..glue.tables import Column, Table
from .scanner import Scanner
from .syntax import READERS, read_clauses
from .types import read_type

_QL, _SERDE = "org.apache.hadoop.hive.ql.io.", "org.apache.hadoop.hive.serde2."
_MAPRED = "org.apache.hadoop.mapred."
_LAZY = f"{_SERDE}lazy.LazySimpleSerDe"
# STORED AS -> input format, output format, SerDe.
_FORMATS = {
    "TEXTFILE": (f"{_MAPRED}TextInputFormat", f"{_QL}HiveIgnoreKeyTextOutputFormat", _LAZY),
    "PARQUET": (
        f"{_QL}parquet.MapredParquetInputFormat",
        f"{_QL}parquet.MapredParquetOutputFormat",
        f"{_QL}parquet.serde.ParquetHiveSerDe",
    ),
    "ORC": (f"{_QL}orc.OrcInputFormat", f"{_QL}orc.OrcOutputFormat", f"{_QL}orc.OrcSerde"),
    "AVRO": (
        f"{_QL}avro.AvroContainerInputFormat",
        f"{_QL}avro.AvroContainerOutputFormat",
        f"{_SERDE}avro.AvroSerDe",
    ),
    "SEQUENCEFILE": (f"{_MAPRED}SequenceFileInputFormat", f"{_QL}HiveSequenceFileOutputFormat", _LAZY),
    "RCFILE": (
        f"{_QL}RCFileInputFormat",
        f"{_QL}RCFileOutputFormat",
        f"{_SERDE}columnar.LazyBinaryColumnarSerDe",
    ),
}
_CLAUSES = (
    "COMMENT comment:text",
    "PARTITIONED BY partitioned_by",
    "ROW FORMAT SERDE library:text",
    "ROW FORMAT DELIMITED delimiters",
    "WITH SERDEPROPERTIES serde:properties",
    "STORED AS INPUTFORMAT input_format:text OUTPUTFORMAT output_format:text",
    "STORED AS form:name",
    "LOCATION location:text",
    "TBLPROPERTIES properties",
)
_DELIMITERS = (
    "FIELDS TERMINATED BY field.delim:text",
    "ESCAPED BY escape.delim:text",
    "COLLECTION ITEMS TERMINATED BY collection.delim:text",
    "MAP KEYS TERMINATED BY mapkey.delim:text",
    "LINES TERMINATED BY line.delim:text",
    "NULL DEFINED AS serialization.null.format:text",
)


@dataclass(frozen=True)
class Definition:
    """What follows the name in CREATE TABLE. Columns and partition keys are as Glue has them."""

    columns: list[dict]
    location: str = ""
    comment: str = ""
    # Columns with their types for Hive, columns and transforms for Iceberg.
    partitioned_by: list[dict] | list[str] = field(default_factory=list)
    form: str = "TEXTFILE"
    input_format: str = ""
    output_format: str = ""
    library: str = ""
    serde: dict[str, str] = field(default_factory=dict)
    delimiters: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def is_iceberg(self) -> bool:
        return self.properties.get("table_type", "").upper() == "ICEBERG"

    @property
    def keys(self) -> list[dict]:
        return [key for key in self.partitioned_by if isinstance(key, dict)]

    @property
    def transforms(self) -> list[str]:
        return [key for key in self.partitioned_by if isinstance(key, str)]

    def table_input(self, name: str) -> dict:
        """The table as Glue takes it."""
        if {c["Name"] for c in self.columns} & {k["Name"] for k in self.keys}:
            message = "SemanticException [Error 10035]: Column repeated in partitioning columns"
            raise QueryFailed("SYNTAX_ERROR", message)
        input_format, output_format, library = _FORMATS[self.form.upper()]
        descriptor = {
            "Columns": self.columns,
            "Location": self.location.rstrip("/") + "/",
            "InputFormat": self.input_format or input_format,
            "OutputFormat": self.output_format or output_format,
            "Compressed": False,
            "NumberOfBuckets": -1,
            "SerdeInfo": {
                "SerializationLibrary": self.library or library,
                "Parameters": {"serialization.format": "1", **self.serde, **self.delimiters},
            },
        }
        return {
            "Name": name,
            "Description": self.comment,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"EXTERNAL": "TRUE", **self.properties},
            "PartitionKeys": self.keys,
            "StorageDescriptor": descriptor,
        }


# ---- Reading ----


def read_definition(scanner: Scanner) -> Definition:
    columns = read_columns(scanner)
    found = Definition(columns, **read_clauses(scanner, _CLAUSES, _READERS))
    scanner.finish()
    if not found.location:
        raise MalformedQuery("line 1:8: No location was specified for table. An S3 location must be specified")
    if not found.location.startswith("s3://"):
        raise MalformedQuery(f"line 1:8: The location {found.location} is no S3 path")
    if found.transforms and not found.is_iceberg:
        raise MalformedQuery("line 1:8: PARTITIONED BY needs the types of the columns: (name type, …)")
    if found.form.upper() not in _FORMATS:
        raise not_supported(f"STORED AS {found.form.upper()}")
    return found


def read_without_external(scanner: Scanner) -> Definition:
    found = read_definition(scanner)
    if not found.is_iceberg:
        raise MalformedQuery("line 1:8: External keyword required for table type HIVE")
    return found


def read_columns(scanner: Scanner) -> list[dict]:
    return scanner.listed(lambda: read_column(scanner))


def read_column(scanner: Scanner) -> dict:
    """`name type COMMENT 'text'` as a column of Glue."""
    column = {"Name": scanner.name()}
    scanner.take(":")
    column["Type"] = read_type(scanner)
    if scanner.take("COMMENT"):
        column["Comment"] = scanner.text()
    return column


def _read_partitioned_by(scanner: Scanner) -> list:
    """Hive's list has types. Iceberg's has columns and transforms only."""
    start = scanner.index
    scanner.expect("(")
    scanner.name()
    is_iceberg = scanner.peek() in (",", ")", "(")
    scanner.index = start
    return scanner.listed(lambda: _read_transform(scanner)) if is_iceberg else read_columns(scanner)


def _read_transform(scanner: Scanner) -> str:
    """`day(ts)` or `bucket(16, id)`, or the name of a column."""
    name = scanner.name()
    return f"{name}({', '.join(scanner.listed(scanner.name))})" if scanner.peek() == "(" else name


_READERS = {
    **READERS,
    "partitioned_by": _read_partitioned_by,
    "delimiters": lambda scanner: read_clauses(scanner, _DELIMITERS, READERS),
}


# ---- Printing ----


def create_statement(table: Table) -> list[str]:
    """SHOW CREATE TABLE, line by line."""
    lines = [f"CREATE EXTERNAL TABLE `{table.name}`(", *ended(map(_column, table.columns))]
    if table.keys:
        lines += ["PARTITIONED BY ( ", *ended(map(_column, table.keys))]
    info = table.descriptor.get("SerdeInfo") or {}
    lines += ["ROW FORMAT SERDE ", f"  '{info.get('SerializationLibrary', '')}' "]
    if info.get("Parameters"):
        lines += ["WITH SERDEPROPERTIES ( ", *_properties(info["Parameters"])]
    lines += ["STORED AS INPUTFORMAT ", f"  '{table.descriptor.get('InputFormat', '')}' "]
    lines += ["OUTPUTFORMAT ", f"  '{table.descriptor.get('OutputFormat', '')}'"]
    lines += ["LOCATION", f"  '{table.location.rstrip('/')}'"]
    properties = {key: value for key, value in table.parameters.items() if key != "EXTERNAL"}
    return lines + (["TBLPROPERTIES (", *_properties(properties)] if properties else [])


def _column(column: Column) -> str:
    return f"  `{column.name}` {column.source}" + (f" COMMENT '{column.comment}'" if column.comment else "")


def _properties(properties: dict) -> list[str]:
    return ended(f"  '{key}'='{value}'" for key, value in sorted(properties.items()))


def ended(lines: Iterable[str], comma: str = ", ") -> list[str]:
    """The lines of a list, each with what ends it."""
    found = list(lines)
    return [*(line + comma for line in found[:-1]), f"{found[-1]})"]


def description(table: Table, *, formatted: bool) -> list[list[str | None]]:
    """The rows of DESCRIBE."""
    rows = [_described(column) for column in [*table.columns, *table.keys]]
    if table.keys:
        rows += [["", None, None], ["# Partition Information", None, None]]
        rows += [["# col_name            ", "data_type           ", "comment             "], ["", None, None]]
        rows += map(_described, table.keys)
    if formatted:
        rows += [["", None, None], ["# Detailed Table Information", None, None]]
        rows += [[f"{name:<20}", value, None] for name, value in _details(table)]
    return rows


def _described(column: Column) -> list[str | None]:
    return [f"{column.name:<20}", f"{column.source:<20}", f"{column.comment:<20}"]


def _details(table: Table) -> list[tuple[str, str]]:
    return [
        ("Database:", table.database),
        ("Location:", table.location),
        ("Table Type:", "VIRTUAL_VIEW" if table.is_view else "EXTERNAL_TABLE"),
        ("SerDe Library:", (table.descriptor.get("SerdeInfo") or {}).get("SerializationLibrary", "")),
        ("InputFormat:", table.descriptor.get("InputFormat", "")),
        ("OutputFormat:", table.descriptor.get("OutputFormat", "")),
        *((f"Parameter {key}:", str(value)) for key, value in sorted(table.parameters.items())),
    ]
