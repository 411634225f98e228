"""One crawl: lists the folders, reads schemas, and writes tables and partitions by the crawler's policies.

All requests go over HTTP with the credentials of the crawler's role, so its permissions are checked and the log of
requests names it. AWS does not document what a crawler does with a registered partition that has another location
than the folder it finds. This one takes it for a change, as the worse of the two: it updates the partition if the
policy says UPDATE_IN_DATABASE and the role may.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from .crawled_schema import JSON, PARQUET, CannotClassify, Schema, combined, compatible, read
from .crawler_settings import DELETE, DEPRECATE, NEW_FOLDERS, UPDATE, S3Target, Settings

_KEY_VALUE = re.compile(r"([^=/]+)=([^/]*)")
_FORMATS = {
    PARQUET: (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    JSON: (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.openx.data.jsonserde.JsonSerDe",
    ),
}
BATCH = {"create": 100, "update": 100, "delete": 25}
# What the API returns of a table or partition and does not take back.
TABLE_INPUT = (
    *("Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "ViewOriginalText"),
    *("ViewExpandedText", "TableType", "Parameters"),
)


class CrawlFailed(Exception):
    """The crawl cannot go on. The message is the crawl's error."""


class Stopped(Exception):
    """StopCrawler ended the crawl."""


@dataclass
class File:
    """An object that is crawled. `folder` is its folder's key, with a slash at its end."""

    key: str
    size: int

    @property
    def folder(self) -> str:
        return self.key[: self.key.rfind("/") + 1]


@dataclass
class Found:
    """A table that lies in S3: where, its partition keys, and its folders with values and schema."""

    location: str
    keys: list[str]
    folders: dict[tuple[str, ...], tuple[str, Schema]]


@dataclass
class Crawl:
    """The state of one crawl, and what it did."""

    settings: Settings
    s3: Any
    glue: Any
    stop: threading.Event
    log: Callable[[str], None]
    # Kept from one crawl of a crawler to the next.
    known_folders: set[str]
    own_tables: set[str]
    counts: dict[str, int] = field(default_factory=lambda: {"created": 0, "updated": 0, "deleted": 0})

    def run(self) -> None:
        for catalog in self.settings.catalog:
            self.glue.get_database(Name=catalog.database)
            for name in catalog.tables:
                self._crawl_table(catalog.database, name)
        found = {}
        for target in self.settings.s3:
            self.glue.get_database(Name=self.settings.database)
            for table in self._tables_in(target):
                found[self._write(self.settings.database, table)] = table
        if self.settings.s3:
            self._without_files(set(found))

    def _call(self, action: Callable[..., Any], **arguments: Any) -> Any:
        if self.stop.is_set():
            raise Stopped
        return action(**arguments)

    # ---- what lies in S3 ----

    def _files(self, bucket: str, prefix: str, exclusions: Iterable[str], sample: int | None) -> list[File]:
        excluded = [glob(pattern) for pattern in exclusions]
        files: list[File] = []
        per_folder: dict[str, int] = {}
        arguments = {"Bucket": bucket, "Prefix": prefix}
        while True:
            answer = self._call(self.s3.list_objects_v2, **arguments)
            for item in answer.get("Contents", []):
                path = item["Key"][len(prefix) :]
                hidden = any(part.startswith(("_", ".")) for part in path.split("/"))
                if not item["Size"] or hidden or any(pattern.fullmatch(path) for pattern in excluded):
                    continue
                one = File(item["Key"], item["Size"])
                per_folder[one.folder] = per_folder.get(one.folder, 0) + 1
                if sample is None or per_folder[one.folder] <= sample:
                    files.append(one)
            if not answer.get("IsTruncated"):
                break
            arguments["ContinuationToken"] = answer["NextContinuationToken"]
        self.log(f"[{self.settings.name}] {len(files)} files in s3://{bucket}/{prefix}")
        return files

    def _schemas(self, bucket: str, files: list[File]) -> dict[str, Schema]:
        """The schema of each folder."""
        by_folder: dict[str, list[Schema]] = {}
        for one in files:
            schema = self._call(read, s3=self.s3, bucket=bucket, key=one.key, size=one.size)
            by_folder.setdefault(one.folder, []).append(schema)
        for folder, schemas in by_folder.items():
            if not all(compatible(schemas[0], other) for other in schemas[1:]):
                raise CrawlFailed(
                    f"The files in s3://{bucket}/{folder} have different formats or schemas, and the local crawler "
                    "does not know which table each belongs to. Exclude some, or move them to another folder."
                )
        return {folder: combined(schemas) for folder, schemas in by_folder.items()}

    def _tables_in(self, target: S3Target) -> list[Found]:
        files = self._files(target.bucket, target.prefix, target.exclusions, target.sample_size)
        new = files
        if self.settings.recrawl == NEW_FOLDERS:
            new = [one for one in files if f"{target.bucket}/{one.folder}" not in self.known_folders]
        schemas = self._schemas(target.bucket, new)
        self.known_folders.update(f"{target.bucket}/{folder}" for folder in schemas)
        level = self.settings.table_level
        if level is None:
            return list(self._split(target.bucket, target.prefix, schemas))
        # The bucket is level 1.
        roots: dict[str, dict[str, Schema]] = {}
        for folder, schema in schemas.items():
            parts = folder.rstrip("/").split("/")
            if len(parts) < level - 1:
                raise CrawlFailed(f"s3://{target.bucket}/{folder} is above the table level {level}")
            root = "".join(f"{part}/" for part in parts[: level - 1])
            roots.setdefault(root, {})[folder] = schema
        return [self._table(target.bucket, root, below) for root, below in roots.items()]

    def _split(self, bucket: str, root: str, schemas: dict[str, Schema]) -> Iterable[Found]:
        """One table if the folders are alike, and otherwise the tables of each folder below."""
        if not schemas:
            return
        first, *others = schemas.values()
        if all(compatible(first, other) for other in others):
            # All files may be in one folder below, which is then the table.
            common = {folder[len(root) :].split("/")[0] for folder in schemas}
            if len(common) == 1 and "" not in common and not _KEY_VALUE.fullmatch(next(iter(common))):
                yield from self._split(bucket, f"{root}{common.pop()}/", schemas)
                return
            yield self._table(bucket, root, schemas)
            return
        below: dict[str, dict[str, Schema]] = {}
        for folder, schema in schemas.items():
            below.setdefault(folder[len(root) :].split("/")[0], {})[folder] = schema
        if "" in below or any(_KEY_VALUE.fullmatch(name) for name in below):
            raise CrawlFailed(f"The folders in s3://{bucket}/{root} have different schemas and cannot be one table")
        for name, inner in below.items():
            yield from self._split(bucket, f"{root}{name}/", inner)

    def _table(self, bucket: str, root: str, schemas: dict[str, Schema]) -> Found:
        paths = {folder: folder[len(root) :].rstrip("/").split("/") if folder != root else [] for folder in schemas}
        depths = {len(path) for path in paths.values()}
        if len(depths) > 1:
            raise CrawlFailed(f"The files in s3://{bucket}/{root} are at different depths and cannot be one table")
        names: list[str] = []
        for path in paths.values():
            keys = [_key_of(part, number) for number, part in enumerate(path)]
            if names and keys != names:
                raise CrawlFailed(f"The folders in s3://{bucket}/{root} have different partition keys")
            names = keys
        folders = {tuple(_value_of(part) for part in paths[folder]): (folder, schemas[folder]) for folder in schemas}
        located = {values: (f"s3://{bucket}/{folder}", schema) for values, (folder, schema) in folders.items()}
        return Found(f"s3://{bucket}/{root}", names, located)

    # ---- what the catalog gets ----

    def _crawl_table(self, database: str, name: str) -> None:
        """A catalog target: the location of a table that exists. No other table is made."""
        table = self._call(self.glue.get_table, DatabaseName=database, Name=name)["Table"]
        location = table["StorageDescriptor"]["Location"]
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        schemas = self._schemas(bucket, self._files(bucket, prefix, (), None))
        if not schemas:
            self.log(f"[{self.settings.name}] WARN : {location} has no files")
            return
        found = self._table(bucket, prefix, schemas)
        keys = [key["Name"] for key in table.get("PartitionKeys") or []]
        if found.keys != keys:
            raise CrawlFailed(f"The folders in {location} have the keys {found.keys}, the table {name} has {keys}")
        self._merge(database, table, found)

    def _write(self, database: str, found: Found) -> str:
        """Makes or updates the table of a folder. Returns its name."""
        name = self.settings.table_prefix + table_name(found.location)
        table = self._existing(database, name)
        if table is not None and table["StorageDescriptor"].get("Location", "").rstrip("/") != found.location.rstrip(
            "/"
        ):
            name = f"{name}_{hashlib.md5(found.location.encode()).hexdigest()}"
            table = self._existing(database, name)
        if table is None:
            threshold = self.settings.table_threshold
            if threshold is not None and self.counts["created"] >= threshold:
                raise CrawlFailed(f"The number of tables detected by crawler is greater than the threshold {threshold}")
            table = self._create(database, name, found)
        self._merge(database, table, found)
        self.own_tables.add(name)
        return name

    def _existing(self, database: str, name: str) -> dict | None:
        try:
            return self._call(self.glue.get_table, DatabaseName=database, Name=name)["Table"]
        except self.glue.exceptions.EntityNotFoundException:
            return None

    def _create(self, database: str, name: str, found: Found) -> dict:
        schema = _schema_of(found)
        table = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in found.keys],
            "Parameters": {
                "EXTERNAL": "TRUE",
                "classification": schema.classification,
                "compressionType": schema.compression,
                "typeOfData": "file",
                "UPDATED_BY_CRAWLER": self.settings.name,
            },
            "StorageDescriptor": _descriptor(found.location, schema),
        }
        self._call(self.glue.create_table, DatabaseName=database, TableInput=table)
        self.counts["created"] += 1
        self.log(f"[{self.settings.name}] INFO : Created table {name} in database {database}")
        return {**table, "DatabaseName": database}

    def _merge(self, database: str, table: dict, found: Found) -> None:
        """Brings an existing table and its partitions to what was found, as far as the policies let it."""
        schema = _schema_of(found)
        declared = table.get("Parameters", {}).get("classification", schema.classification)
        if declared != schema.classification:
            self._deprecate(database, table, f"it was {declared} and is {schema.classification}")
            return
        present = _columns(table["StorageDescriptor"])
        wanted = self._wanted(present, schema.columns)
        if wanted != present:
            if self.settings.update != UPDATE:
                self.log(f"[{self.settings.name}] WARN : The columns of {table['Name']} changed; not updated (LOG)")
            else:
                descriptor = _with_columns(table["StorageDescriptor"], wanted)
                self._update_table(database, table, StorageDescriptor=descriptor)
        if found.keys:
            self._partitions(database, table, found)

    def _wanted(self, present: dict[str, str], found: dict[str, str]) -> dict[str, str]:
        if not self.settings.merge_new_columns:
            # In another order it is the same table.
            return present if present == found else found
        return {**present, **{name: kind for name, kind in found.items() if name not in present}}

    def _update_table(self, database: str, table: dict, **changes: Any) -> None:
        given = {name: table[name] for name in TABLE_INPUT if name in table}
        given |= changes
        given["Parameters"] = {**given.get("Parameters", {}), "UPDATED_BY_CRAWLER": self.settings.name}
        self._call(self.glue.update_table, DatabaseName=database, TableInput=given)
        table.update(given)
        self.counts["updated"] += 1
        self.log(f"[{self.settings.name}] INFO : Updated table {table['Name']} in database {database}")

    def _deprecate(self, database: str, table: dict, why: str) -> None:
        self.log(f"[{self.settings.name}] WARN : The table {table['Name']} is deprecated: {why}")
        if self.settings.update == UPDATE:
            now = str(int(time.time() * 1000))
            self._update_table(
                database, table, Parameters={**table.get("Parameters", {}), "DEPRECATED_BY_CRAWLER": now}
            )

    # ---- partitions ----

    def _partitions(self, database: str, table: dict, found: Found) -> None:
        registered = self._registered(database, table["Name"])
        created, updated = [], []
        for values, (location, schema) in sorted(found.folders.items()):
            partition = registered.get(values)
            columns = _columns(table["StorageDescriptor"]) if self.settings.inherit_from_table else schema.columns
            if partition is None:
                descriptor = {**_with_columns(table["StorageDescriptor"], columns), "Location": location}
                created.append({"Values": list(values), "StorageDescriptor": descriptor, "Parameters": {}})
                continue
            descriptor = partition["StorageDescriptor"]
            present = _columns(descriptor)
            wanted = columns if self.settings.inherit_from_table else self._wanted(present, schema.columns)
            if descriptor.get("Location", "").rstrip("/") != location.rstrip("/") or present != wanted:
                changed = {**_with_columns(descriptor, wanted), "Location": location}
                given = {"Values": list(values), "StorageDescriptor": changed}
                given["Parameters"] = partition.get("Parameters", {})
                updated.append({"PartitionValueList": list(values), "PartitionInput": given})
        named = {"DatabaseName": database, "TableName": table["Name"]}
        self._batches("create", self.glue.batch_create_partition, named, "PartitionInputList", created)
        if self.settings.update == UPDATE:
            self._batches("update", self.glue.batch_update_partition, named, "Entries", updated)
        elif updated:
            self.log(f"[{self.settings.name}] WARN : {len(updated)} partitions changed; not updated (LOG)")
        if self.settings.recrawl != NEW_FOLDERS:
            self._gone(named, registered, found)

    def _registered(self, database: str, table: str) -> dict[tuple[str, ...], dict]:
        registered, token = {}, {}
        while True:
            answer = self._call(self.glue.get_partitions, DatabaseName=database, TableName=table, **token)
            registered |= {tuple(partition["Values"]): partition for partition in answer["Partitions"]}
            if not answer.get("NextToken"):
                return registered
            token = {"NextToken": answer["NextToken"]}

    def _gone(self, named: dict, registered: dict[tuple[str, ...], dict], found: Found) -> None:
        """Partitions below the crawled folder that have no files any more."""
        gone = [
            {"Values": list(values)}
            for values, partition in registered.items()
            if values not in found.folders
            and partition["StorageDescriptor"].get("Location", "").startswith(found.location)
        ]
        if self.settings.delete == DELETE:
            self._batches("delete", self.glue.batch_delete_partition, named, "PartitionsToDelete", gone)
        elif gone:
            self.log(f"[{self.settings.name}] WARN : {len(gone)} partitions have no files; not deleted")

    def _batches(self, kind: str, action: Callable[..., Any], named: dict, name: str, entries: list[dict]) -> None:
        for start in range(0, len(entries), BATCH[kind]):
            answer = self._call(action, **named, **{name: entries[start : start + BATCH[kind]]})
            # A partition that another caller has just made is as wanted.
            errors = [
                error for error in answer["Errors"] if error["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException"
            ]
            if errors:
                raise CrawlFailed(f"{len(errors)} partitions of {named['TableName']} failed, the first: {errors[0]}")
        if entries:
            self.log(f"[{self.settings.name}] INFO : {kind} {len(entries)} partitions of {named['TableName']}")

    def _without_files(self, found: set[str]) -> None:
        """Tables of this crawler whose files are gone."""
        if self.settings.recrawl == NEW_FOLDERS:
            return
        for name in sorted(self.own_tables - found):
            table = self._existing(self.settings.database, name)
            if table is None:
                self.own_tables.discard(name)
            elif self.settings.delete == DELETE:
                self._call(self.glue.delete_table, DatabaseName=self.settings.database, Name=name)
                self.own_tables.discard(name)
                self.counts["deleted"] += 1
            elif self.settings.delete == DEPRECATE:
                now = str(int(time.time() * 1000))
                parameters = {**table.get("Parameters", {}), "DEPRECATED_BY_CRAWLER": now}
                self._update_table(self.settings.database, table, Parameters=parameters)
            else:
                self.log(f"[{self.settings.name}] WARN : The table {name} has no files; not deleted (LOG)")


def _key_of(part: str, number: int) -> str:
    match = _KEY_VALUE.fullmatch(part)
    return match[1].lower() if match else f"partition_{number}"


def _value_of(part: str) -> str:
    match = _KEY_VALUE.fullmatch(part)
    return unquote(match[2] if match else part)


def _schema_of(found: Found) -> Schema:
    return combined(schema for _, schema in found.folders.values())


def _columns(descriptor: dict) -> dict[str, str]:
    return {column["Name"].lower(): column.get("Type", "string") for column in descriptor.get("Columns") or []}


def _with_columns(descriptor: dict, wanted: dict[str, str]) -> dict:
    """The descriptor with these columns. A column that stays keeps its comment."""
    present = {column["Name"].lower(): column for column in descriptor.get("Columns") or []}
    columns = [
        present[name]
        if name in present and present[name].get("Type", "string") == kind
        else {"Name": name, "Type": kind}
        for name, kind in wanted.items()
    ]
    return {**descriptor, "Columns": columns}


def _descriptor(location: str, schema: Schema) -> dict:
    input_format, output_format, serde = _FORMATS[schema.classification]
    parameters = {"serialization.format": "1"}
    if schema.classification == JSON:
        parameters = {"paths": ",".join(schema.columns)}
    return {
        "Location": location,
        "Columns": [{"Name": name, "Type": kind} for name, kind in schema.columns.items()],
        "InputFormat": input_format,
        "OutputFormat": output_format,
        "Compressed": schema.compression != "none",
        "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters},
    }


def table_name(location: str) -> str:
    """The last folder's name, or the bucket's, in the characters that a table's name can have."""
    return re.sub(r"[^a-z0-9_]", "_", location.rstrip("/").rsplit("/", 1)[-1].lower())


def glob(pattern: str) -> re.Pattern[str]:
    """An exclude pattern as Glue documents it: `*` stays in one folder, `**` does not; also `?`, `[a-z]`, `{a,b}`."""
    out, i = "", 0
    groups = 0
    while i < len(pattern):
        sign = pattern[i]
        if pattern.startswith("**", i):
            out, i = out + ".*", i + 2
            continue
        if sign == "[":
            end = pattern.find("]", i + 1)
            if end > 0:
                inner = pattern[i + 1 : end]
                inner = "^" + inner[1:] if inner.startswith("!") else inner
                out, i = out + "[" + inner.replace("\\", "\\\\") + "]", end + 1
                continue
        if sign == "\\" and i + 1 < len(pattern):
            out, i = out + re.escape(pattern[i + 1]), i + 2
            continue
        if sign == "{":
            groups += 1
            out += "(?:"
        elif sign == "}" and groups:
            groups -= 1
            out += ")"
        elif sign == "," and groups:
            out += "|"
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(sign, re.escape(sign))
        i += 1
    return re.compile(out)


__all__ = ["CannotClassify", "Crawl", "CrawlFailed", "Stopped"]
