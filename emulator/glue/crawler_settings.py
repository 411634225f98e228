"""Checks a crawler's definition. Refuses what the local crawler cannot do, so that nothing is accepted and ignored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UPDATE, LOG = "UPDATE_IN_DATABASE", "LOG"
DELETE, DEPRECATE = "DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE"
EVERYTHING, NEW_FOLDERS = "CRAWL_EVERYTHING", "CRAWL_NEW_FOLDERS_ONLY"

FIELDS = {
    *("Name", "Role", "DatabaseName", "Description", "Targets", "TablePrefix", "SchemaChangePolicy", "RecrawlPolicy"),
    *("Configuration", "Tags", "Schedule", "Classifiers", "LineageConfiguration", "LakeFormationConfiguration"),
    "CrawlerSecurityConfiguration",
}
S3_FIELDS, CATALOG_FIELDS = {"Path", "Exclusions", "SampleSize"}, {"DatabaseName", "Tables"}
MOST_SAMPLES = 249
MOST_NAME = 255


class InvalidDefinition(ValueError):
    """AWS refuses this definition, or the local stack cannot run it."""


@dataclass(frozen=True)
class S3Target:
    """A folder to crawl."""

    bucket: str
    prefix: str
    exclusions: tuple[str, ...]
    sample_size: int | None


@dataclass(frozen=True)
class CatalogTarget:
    """Tables whose locations to crawl."""

    database: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """A crawler's definition in the form that a crawl needs."""

    name: str
    database: str
    table_prefix: str
    s3: tuple[S3Target, ...]
    catalog: tuple[CatalogTarget, ...]
    update: str
    delete: str
    recrawl: str
    merge_new_columns: bool
    inherit_from_table: bool
    table_level: int | None
    table_threshold: int | None


def read(definition: Mapping) -> Settings:
    """The settings of a definition as the API takes it. Raises InvalidDefinition."""
    _refuse_unknown(definition)
    targets = definition.get("Targets") or {}
    _only({kind for kind, given in targets.items() if given}, {"S3Targets", "CatalogTargets"}, "targets of the type")
    s3 = tuple(_s3_target(target) for target in targets.get("S3Targets") or [])
    catalog = tuple(_catalog_target(target) for target in targets.get("CatalogTargets") or [])
    if not s3 and not catalog:
        raise InvalidDefinition("Crawler targets are empty: give S3Targets or CatalogTargets")
    if s3 and catalog:
        raise InvalidDefinition("A crawler cannot have catalog targets together with targets of another type")
    if s3 and not definition.get("DatabaseName"):
        raise InvalidDefinition("DatabaseName is required with S3Targets")
    policy = definition.get("SchemaChangePolicy") or {}
    update = _one_of(policy.get("UpdateBehavior", UPDATE), (UPDATE, LOG), "UpdateBehavior")
    delete = _one_of(policy.get("DeleteBehavior", DEPRECATE), (DELETE, DEPRECATE, LOG), "DeleteBehavior")
    if catalog and delete != LOG:
        raise InvalidDefinition(
            f"The SchemaChangePolicy of a catalog target can have only the DeleteBehavior LOG, got {delete}"
        )
    recrawl = (definition.get("RecrawlPolicy") or {}).get("RecrawlBehavior", EVERYTHING)
    _one_of(recrawl, (EVERYTHING, NEW_FOLDERS), "RecrawlBehavior")
    if recrawl == NEW_FOLDERS and (catalog or (update, delete) != (LOG, LOG)):
        raise InvalidDefinition(
            f"{NEW_FOLDERS} is for S3 targets, and its SchemaChangePolicy can have only UpdateBehavior LOG and "
            f"DeleteBehavior LOG, got {update} and {delete}"
        )
    return Settings(
        name=str(definition["Name"]),
        database=definition.get("DatabaseName") or "",
        table_prefix=definition.get("TablePrefix") or "",
        s3=s3,
        catalog=catalog,
        update=update,
        delete=delete,
        recrawl=recrawl,
        **_configuration(definition.get("Configuration") or ""),
    )


def _refuse_unknown(definition: Mapping) -> None:
    _only({field for field, given in definition.items() if given}, FIELDS, "the field")
    if not definition.get("Name") or len(definition["Name"]) > MOST_NAME:
        raise InvalidDefinition(f"Name is required, with up to {MOST_NAME} characters")
    if not definition.get("Role"):
        raise InvalidDefinition("Role is required")
    for field, what in (
        ("Classifiers", "custom classifiers"),
        ("Schedule", "crawlers with a schedule: start it with StartCrawler"),
        ("CrawlerSecurityConfiguration", "security configurations of crawlers"),
    ):
        if definition.get(field):
            raise InvalidDefinition(f"The local stack has no {what}")
    if (definition.get("LineageConfiguration") or {}).get("CrawlerLineageSettings", "DISABLE") != "DISABLE":
        raise InvalidDefinition("The local stack has no data lineage")
    if (definition.get("LakeFormationConfiguration") or {}).get("UseLakeFormationCredentials"):
        raise InvalidDefinition("The local stack has no Lake Formation")


def _s3_target(target: Mapping) -> S3Target:
    _only({field for field, given in target.items() if given}, S3_FIELDS, "an S3 target's")
    scheme, _, rest = str(target.get("Path", "")).partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise InvalidDefinition(f"The path of an S3 target must be s3://bucket/folder, got {target.get('Path')!r}")
    sample = target.get("SampleSize")
    if sample is not None and not 1 <= sample <= MOST_SAMPLES:
        raise InvalidDefinition(f"SampleSize must be from 1 to {MOST_SAMPLES}, got {sample}")
    folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
    return S3Target(bucket, folder, tuple(target.get("Exclusions") or ()), sample)


def _catalog_target(target: Mapping) -> CatalogTarget:
    _only({field for field, given in target.items() if given}, CATALOG_FIELDS, "a catalog target's")
    if not target.get("DatabaseName") or not target.get("Tables"):
        raise InvalidDefinition("A catalog target needs DatabaseName and at least one table")
    return CatalogTarget(target["DatabaseName"], tuple(target["Tables"]))


def _configuration(text: str) -> dict:
    """The options of the field Configuration, which is JSON as text."""
    try:
        given: Any = json.loads(text) if text else {"Version": 1.0}
    except ValueError as problem:
        raise InvalidDefinition(f"Configuration is not valid JSON: {problem}") from None
    if not isinstance(given, dict) or given.get("Version") != 1.0:
        raise InvalidDefinition("Configuration must be an object with Version 1.0")
    _only(set(given), {"Version", "CrawlerOutput", "Grouping", "CreatePartitionIndex"}, "in Configuration")
    output, grouping = given.get("CrawlerOutput", {}), given.get("Grouping", {})
    _only(set(output), {"Tables", "Partitions"}, "in CrawlerOutput")
    _only(set(grouping), {"TableGroupingPolicy", "TableLevelConfiguration"}, "in Grouping")
    tables, partitions = output.get("Tables", {}), output.get("Partitions", {})
    _only(set(tables), {"AddOrUpdateBehavior", "TableThreshold"}, "in Tables")
    _only(set(partitions), {"AddOrUpdateBehavior"}, "in Partitions")
    merge, inherit = tables.get("AddOrUpdateBehavior"), partitions.get("AddOrUpdateBehavior")
    _one_of(merge, (None, "MergeNewColumns"), "Tables.AddOrUpdateBehavior")
    _one_of(inherit, (None, "InheritFromTable"), "Partitions.AddOrUpdateBehavior")
    # Schemas in one folder are always combined here if they are compatible, and the crawl fails if they are not.
    _one_of(grouping.get("TableGroupingPolicy"), (None, "CombineCompatibleSchemas"), "TableGroupingPolicy")
    if given.get("CreatePartitionIndex"):
        raise InvalidDefinition("The local stack makes no partition indexes: set CreatePartitionIndex to false")
    return {
        "merge_new_columns": merge is not None,
        "inherit_from_table": inherit is not None,
        "table_level": grouping.get("TableLevelConfiguration"),
        "table_threshold": tables.get("TableThreshold"),
    }


def _only(given: set[str], known: set[str] | frozenset[str], what: str) -> None:
    unknown = sorted(given - known)
    if unknown:
        raise InvalidDefinition(
            f"The local stack does not know {what} {', '.join(unknown)}; it knows {', '.join(sorted(known))}"
        )


def _one_of(value: object, allowed: tuple, name: str) -> str:
    if value not in allowed:
        known = ", ".join(str(one) for one in allowed if one)
        raise InvalidDefinition(f"{name} must be one of {known} on the local stack, got {value!r}")
    return str(value)
