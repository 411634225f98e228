"""Glue crawlers on the running emulator, with IAM in force: what they find, make and refuse, as AWS documents it."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from datetime import date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from emulator_stack import Stack, start_stack, unique, wait_for

ACCOUNT = "000000000000"
READING = ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"]
ADDING = [*READING, "glue:BatchCreatePartition", "glue:UpdateTable"]
ALL = [*ADDING, "glue:CreateTable", "glue:DeleteTable", "glue:BatchUpdatePartition", "glue:BatchDeletePartition"]
MERGE = {
    "Tables": {"AddOrUpdateBehavior": "MergeNewColumns"},
    "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
}
LOG_ALL = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
UPDATE_ONLY = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = start_stack(tmp_path_factory.mktemp("crawlers"), {"AUTH": "true"})
    try:
        yield running
    finally:
        running.stop()


class Lake:
    """A bucket, a database and a role for one test."""

    def __init__(self, stack: Stack, actions: list[str]) -> None:
        self.stack, self.s3, self.glue = stack, stack.client("s3"), stack.client("glue")
        self.bucket = stack.bucket()
        self.database = unique("db").replace("-", "_")
        self.glue.create_database(DatabaseInput={"Name": self.database})
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "glue.amazonaws.com"}}
        statements = [
            {"Effect": "Allow", "Action": actions, "Resource": "*"},
            {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": "*"},
            {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
        ]
        iam = stack.client("iam")
        made = iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        self.role = made["Role"]["Arn"]
        iam.put_role_policy(
            RoleName=made["Role"]["RoleName"], PolicyName="all", PolicyDocument=json.dumps({"Statement": statements})
        )

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def crawler(self, path: str = "", **definition) -> str:
        name = unique("crawler")
        given = {"Targets": {"S3Targets": [{"Path": f"s3://{self.bucket}/{path}"}]}, "DatabaseName": self.database}
        if "Configuration" in definition:
            definition["Configuration"] = json.dumps({"Version": 1.0, **definition["Configuration"]})
        self.glue.create_crawler(Name=name, Role=self.role, **{**given, **definition})
        return name

    def crawl(self, name: str) -> dict:
        self.glue.start_crawler(Name=name)
        # The first one imports boto3 and pyarrow.
        ended = wait_for("the end of the crawl", lambda: self._ready(name), timeout_seconds=60)
        return ended["LastCrawl"]

    def _ready(self, name: str) -> dict | None:
        found = self.glue.get_crawler(Name=name)["Crawler"]
        return found if found["State"] == "READY" else None

    def table(self, name: str) -> dict:
        return self.glue.get_table(DatabaseName=self.database, Name=name)["Table"]

    def columns(self, name: str) -> dict[str, str]:
        return {c["Name"]: c["Type"] for c in self.table(name)["StorageDescriptor"]["Columns"]}

    def partitions(self, name: str) -> dict[tuple, str]:
        found = self.glue.get_partitions(DatabaseName=self.database, TableName=name)["Partitions"]
        return {tuple(p["Values"]): p["StorageDescriptor"]["Location"] for p in found}

    def declare(self, name: str, folder: str, columns: dict[str, str], keys: tuple = ("event_date",)) -> None:
        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"classification": "parquet"},
                "PartitionKeys": [{"Name": key, "Type": "date"} for key in keys],
                "StorageDescriptor": {
                    "Location": f"s3://{self.bucket}/{folder}",
                    "Columns": [{"Name": n, "Type": t, "Comment": f"the {n}"} for n, t in columns.items()],
                },
            },
        )

    def register(self, table: str, value: str, folder: str) -> None:
        descriptor = {**self.table(table)["StorageDescriptor"], "Location": f"s3://{self.bucket}/{folder}"}
        self.glue.create_partition(
            DatabaseName=self.database,
            TableName=table,
            PartitionInput={"Values": [value], "StorageDescriptor": descriptor},
        )

    def catalog_crawler(self, table: str, policy: dict, configuration: dict | None = None) -> str:
        targets = {"CatalogTargets": [{"DatabaseName": self.database, "Tables": [table]}]}
        options = {"CrawlerOutput": configuration} if configuration else {}
        return self.crawler(Targets=targets, SchemaChangePolicy=policy, Configuration=options)


@pytest.fixture
def lake(stack: Stack) -> Lake:
    return Lake(stack, ALL)


def parquet(**columns) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def lines(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def refused(call, **arguments) -> str:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return f"{raised.value.response['Error']['Code']}: {raised.value.response['Error']['Message']}"


# ---- what is found ----


def test_a_parquet_folder_becomes_a_table_with_glues_types_and_partitions(lake: Lake) -> None:
    body = parquet(
        Id=pa.array(["a"]),
        n32=pa.array([1], pa.int32()),
        n64=pa.array([1], pa.int64()),
        f=pa.array([1.5], pa.float32()),
        d=pa.array([1.5]),
        yes=pa.array([True]),
        at=pa.array([datetime(2026, 1, 1)], pa.timestamp("us")),
        day=pa.array([date(2026, 1, 1)]),
        price=pa.array([None], pa.decimal128(10, 2)),
        tags=pa.array([["x"]]),
        props=pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string())),
        geo=pa.array([{"ip": "x", "lat": 1.0}]),
    )
    lake.put("zone/My-Events/event_date=2026-01-01/a.parquet", body)
    lake.put("zone/My-Events/event_date=2026-01-02/b.parquet", body)
    lake.put("zone/My-Events/_temporary/c.parquet", b"not data")
    name = lake.crawler("zone/My-Events", TablePrefix="raw_")
    last = lake.crawl(name)
    assert last["Status"] == "SUCCEEDED", last
    table = lake.table("raw_my_events")
    assert lake.columns("raw_my_events") == {
        "id": "string",
        "n32": "int",
        "n64": "bigint",
        "f": "float",
        "d": "double",
        "yes": "boolean",
        "at": "timestamp",
        "day": "date",
        "price": "decimal(10,2)",
        "tags": "array<string>",
        "props": "map<string,string>",
        "geo": "struct<ip:string,lat:double>",
    }
    assert table["PartitionKeys"] == [{"Name": "event_date", "Type": "string"}]
    assert table["Parameters"]["classification"] == "parquet"
    assert table["Parameters"]["UPDATED_BY_CRAWLER"] == name
    root = f"s3://{lake.bucket}/zone/My-Events/"
    assert table["StorageDescriptor"]["Location"] == root
    assert lake.partitions("raw_my_events") == {
        ("2026-01-01",): f"{root}event_date=2026-01-01/",
        ("2026-01-02",): f"{root}event_date=2026-01-02/",
    }
    metrics = lake.glue.get_crawler_metrics(CrawlerNameList=[name])["CrawlerMetricsList"][0]
    assert (metrics["TablesCreated"], metrics["TablesUpdated"], metrics["TablesDeleted"]) == (1, 0, 0)


def test_json_lines_gzip_too_become_a_table(lake: Lake) -> None:
    first = lines({"Id": "a", "n": 1, "tags": ["x"], "geo": {"lat": 1}, "none": None})
    second = lines({"id": "b", "n": 3_000_000_000, "tags": [], "geo": {"lat": 1.5, "ip": "x"}, "ok": True})
    lake.put("q/day=1/hour=2/a.jsonl.gz", gzip.compress(first + second))
    last = lake.crawl(lake.crawler("q"))
    assert last["Status"] == "SUCCEEDED", last
    assert lake.columns("q") == {
        "id": "string",
        "n": "bigint",
        "tags": "array<string>",
        "geo": "struct<lat:double,ip:string>",
        "none": "string",
        "ok": "boolean",
    }
    assert lake.table("q")["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"] == (
        "org.openx.data.jsonserde.JsonSerDe"
    )
    assert lake.table("q")["Parameters"]["compressionType"] == "gzip"
    assert list(lake.partitions("q")) == [("1", "2")]


def test_folders_that_differ_become_tables_of_their_own_and_alike_ones_partitions(lake: Lake) -> None:
    lake.put("all/one/a.parquet", parquet(a=pa.array(["x"]), b=pa.array(["x"])))
    lake.put("all/two/b.jsonl", lines({"other": 1}))
    assert lake.crawl(lake.crawler("all"))["Status"] == "SUCCEEDED"
    assert (lake.columns("one"), lake.columns("two")) == ({"a": "string", "b": "string"}, {"other": "int"})
    lake.put("alike/p/x/a.jsonl", lines({"other": 1}))
    lake.put("alike/p/y/a.jsonl", lines({"other": 2}))
    assert lake.crawl(lake.crawler("alike"))["Status"] == "SUCCEEDED"
    assert lake.table("p")["PartitionKeys"] == [{"Name": "partition_0", "Type": "string"}]
    lake.put("level/p/x/a.jsonl", lines({"other": 1}))
    grouping = {"Grouping": {"TableLevelConfiguration": 2}}
    assert lake.crawl(lake.crawler("level", Configuration=grouping))["Status"] == "SUCCEEDED"
    assert list(lake.partitions("level")) == [("p", "x")]


# From "Include and exclude patterns" in the Glue developer guide.
@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*.csv", {"b.jsonl", "in/c.csv", "in/deep/d.txt"}),
        ("**.csv", {"b.jsonl", "in/deep/d.txt"}),
        ("in/**", {"a.csv", "b.jsonl"}),
        ("in/*", {"a.csv", "b.jsonl", "in/deep/d.txt"}),
        ("?.{csv,jsonl}", {"in/c.csv", "in/deep/d.txt"}),
        ("[b-z].*", {"a.csv", "in/c.csv", "in/deep/d.txt"}),
        ("[!b].*", {"b.jsonl", "in/c.csv", "in/deep/d.txt"}),
    ],
)
def test_exclude_patterns_are_globs_relative_to_the_include_path(pattern: str, left: set[str]) -> None:
    from emulator.glue.crawl import glob

    paths = {"a.csv", "b.jsonl", "in/c.csv", "in/deep/d.txt"}
    assert {path for path in paths if not glob(pattern).fullmatch(path)} == left


def test_excluded_files_are_not_read_and_a_sample_reads_some_of_each_folder(stack: Stack, lake: Lake) -> None:
    for number in range(3):
        lake.put(f"t/{number}.jsonl", lines({f"c{number}": 1, "a": 1, "b": 1, "c": 1}))
    lake.put("t/bad.csv", b"x;y\n")
    target = {"Path": f"s3://{lake.bucket}/t/", "Exclusions": ["*.csv"], "SampleSize": 2}
    last = lake.crawl(lake.crawler(Targets={"S3Targets": [target]}))
    assert last["Status"] == "SUCCEEDED", last
    assert set(lake.columns("t")) == {"c0", "a", "b", "c", "c1"}
    logged = [json.loads(line) for line in (stack.state_dir / "requests.jsonl").read_text().splitlines()]
    mine = [call for call in logged if lake.bucket in call["resource"] and "assumed-role" in call["principal"]]
    assert {call["principal"] for call in mine} == {
        f"arn:aws:sts::{ACCOUNT}:assumed-role/{lake.role.split('/')[-1]}/AWS-Crawler"
    }
    assert [call["operation"] for call in mine].count("ListObjectsV2") == 1
    assert {call["resource"].split("/", 1)[1] for call in mine if call["action"] == "s3:GetObject"} == {
        "t/0.jsonl",
        "t/1.jsonl",
    }


# ---- what a policy lets it do ----


def test_the_declared_columns_stay_and_new_ones_are_added(lake: Lake) -> None:
    lake.declare("events", "events/", {"id": "string", "gone": "int", "n": "bigint"})
    lake.put(
        "events/event_date=2026-01-01/a.parquet", parquet(id=pa.array(["x"]), n=pa.array([1], pa.int32()), new=[True])
    )
    name = lake.catalog_crawler("events", UPDATE_ONLY, MERGE)
    assert lake.crawl(name)["Status"] == "SUCCEEDED"
    assert lake.columns("events") == {"id": "string", "gone": "int", "n": "bigint", "new": "boolean"}
    assert lake.table("events")["StorageDescriptor"]["Columns"][0]["Comment"] == "the id"
    assert lake.table("events")["PartitionKeys"] == [{"Name": "event_date", "Type": "date"}]
    assert lake.partitions("events") == {("2026-01-01",): f"s3://{lake.bucket}/events/event_date=2026-01-01/"}
    inherited = lake.glue.get_partition(DatabaseName=lake.database, TableName="events", PartitionValues=["2026-01-01"])
    assert [c["Name"] for c in inherited["Partition"]["StorageDescriptor"]["Columns"]] == ["id", "gone", "n", "new"]


def test_without_merging_an_update_replaces_the_columns(lake: Lake) -> None:
    lake.declare("events", "events/", {"id": "string", "gone": "int"})
    lake.put("events/event_date=2026-01-01/a.parquet", parquet(id=pa.array([1])))
    assert lake.crawl(lake.catalog_crawler("events", UPDATE_ONLY))["Status"] == "SUCCEEDED"
    assert lake.columns("events") == {"id": "bigint"}


def test_log_changes_nothing_that_exists_and_still_adds_partitions(lake: Lake) -> None:
    lake.declare("events", "events/", {"id": "string"})
    lake.register("events", "2026-01-01", "rebuilt/x/event_date=2026-01-01/")
    for day in ("2026-01-01", "2026-01-02"):
        lake.put(f"events/event_date={day}/a.parquet", parquet(id=pa.array([1]), new=pa.array([1])))
    assert lake.crawl(lake.catalog_crawler("events", LOG_ALL))["Status"] == "SUCCEEDED"
    assert lake.columns("events") == {"id": "string"}
    assert lake.partitions("events") == {
        ("2026-01-01",): f"s3://{lake.bucket}/rebuilt/x/event_date=2026-01-01/",
        ("2026-01-02",): f"s3://{lake.bucket}/events/event_date=2026-01-02/",
    }


def test_an_update_moves_a_partition_back_only_if_the_role_may(stack: Stack) -> None:
    for actions, status in ((ADDING, "FAILED"), (ALL, "SUCCEEDED")):
        lake = Lake(stack, actions)
        lake.declare("events", "events/", {"id": "string"})
        lake.register("events", "2026-01-01", "rebuilt/x/event_date=2026-01-01/")
        lake.put("events/event_date=2026-01-01/a.parquet", parquet(id=pa.array(["x"]), new=pa.array([1])))
        lake.put("events/event_date=2026-01-02/a.parquet", parquet(id=pa.array(["x"])))
        last = lake.crawl(lake.catalog_crawler("events", UPDATE_ONLY, MERGE))
        assert last["Status"] == status
        moved = "events" if status == "SUCCEEDED" else "rebuilt/x"
        assert lake.partitions("events")[("2026-01-01",)] == f"s3://{lake.bucket}/{moved}/event_date=2026-01-01/"
        # What is new was added before.
        assert ("2026-01-02",) in lake.partitions("events")
        assert lake.columns("events") == {"id": "string", "new": "bigint"}
        if status == "FAILED":
            assert "is not authorized to perform: glue:BatchUpdatePartition on resource" in last["ErrorMessage"]


@pytest.mark.parametrize("behavior", ["LOG", "DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE"])
def test_what_is_gone_from_s3_is_treated_as_the_delete_behavior_says(lake: Lake, behavior: str) -> None:
    for day in "12":
        lake.put(f"t/day={day}/a.jsonl", lines({"a": 1}))
    lake.put("u/a.jsonl", lines({"a": 1}))
    paths = [{"Path": f"s3://{lake.bucket}/{path}/"} for path in "tu"]
    name = lake.crawler(Targets={"S3Targets": paths}, SchemaChangePolicy={"DeleteBehavior": behavior})
    assert lake.crawl(name)["Status"] == "SUCCEEDED"
    for key in ("t/day=2/a.jsonl", "u/a.jsonl"):
        lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    assert lake.crawl(name)["Status"] == "SUCCEEDED"
    deleted = behavior == "DELETE_FROM_DATABASE"
    assert set(lake.partitions("t")) == ({("1",)} if deleted else {("1",), ("2",)})
    if deleted:
        assert refused(lake.table, name="u").startswith("EntityNotFoundException")
    else:
        assert ("DEPRECATED_BY_CRAWLER" in lake.table("u")["Parameters"]) == (behavior == "DEPRECATE_IN_DATABASE")


def test_new_folders_only_reads_no_folder_twice(stack: Stack, lake: Lake) -> None:
    lake.put("t/day=1/a.jsonl", lines({"a": 1}))
    name = lake.crawler("t/", SchemaChangePolicy=LOG_ALL, RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"})
    assert lake.crawl(name)["Status"] == "SUCCEEDED"
    lake.put("t/day=1/b.jsonl", b"not JSON, and not read")
    lake.put("t/day=2/a.jsonl", lines({"a": 1, "b": 1}))
    last = lake.crawl(name)
    assert last["Status"] == "SUCCEEDED", last
    assert set(lake.partitions("t")) == {("1",), ("2",)}
    assert lake.columns("t") == {"a": "int"}


def test_a_table_of_another_format_is_deprecated_and_a_taken_name_gets_a_suffix(lake: Lake) -> None:
    lake.declare("events", "events/", {"id": "string"}, keys=())
    lake.put("events/a.jsonl", lines({"id": 1}))
    assert lake.crawl(lake.catalog_crawler("events", UPDATE_ONLY, MERGE))["Status"] == "SUCCEEDED"
    assert "DEPRECATED_BY_CRAWLER" in lake.table("events")["Parameters"]
    assert lake.columns("events") == {"id": "string"}
    lake.put("else/events/a.jsonl", lines({"id": 1}))
    assert lake.crawl(lake.crawler("else/events"))["Status"] == "SUCCEEDED"
    names = [table["Name"] for table in lake.glue.get_tables(DatabaseName=lake.database)["TableList"]]
    assert len(names) == 2 and all(name == "events" or len(name) == len("events_") + 32 for name in names)


def test_the_table_threshold_ends_the_crawl(lake: Lake) -> None:
    lake.put("all/one/a.jsonl", lines({"a": 1}))
    lake.put("all/two/b.jsonl", lines({"b": 1}))
    last = lake.crawl(lake.crawler("all", Configuration={"CrawlerOutput": {"Tables": {"TableThreshold": 1}}}))
    assert (last["Status"], "threshold 1" in last["ErrorMessage"]) == ("FAILED", True)


# ---- what fails ----


@pytest.mark.parametrize(
    ("missing", "action"),
    [("glue:GetDatabase",) * 2, ("glue:CreateTable",) * 2, ("glue:BatchCreatePartition",) * 2, ("glue:GetTable",) * 2],
)
def test_a_crawl_fails_with_the_right_that_the_role_lacks(stack: Stack, missing: str, action: str) -> None:
    lake = Lake(stack, [right for right in ALL if right != missing])
    lake.put("t/day=1/a.jsonl", lines({"a": 1}))
    last = lake.crawl(lake.crawler("t"))
    assert last["Status"] == "FAILED"
    assert f"is not authorized to perform: {action} on resource" in last["ErrorMessage"]


def test_a_crawl_fails_on_a_format_that_it_does_not_know(lake: Lake) -> None:
    lake.put("t/a.csv", b"a;b\n1;2\n")
    last = lake.crawl(lake.crawler("t"))
    assert last["Status"] == "FAILED"
    assert "is neither Parquet nor JSON lines" in last["ErrorMessage"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Targets": {}}, "Crawler targets are empty"),
        ({"Targets": {"JdbcTargets": [{"Path": "x"}]}}, "does not know targets of the type JdbcTargets"),
        ({"Targets": {"S3Targets": [{"Path": "b/x"}]}}, "must be s3://bucket/folder, got 'b/x'"),
        ({"Targets": {"S3Targets": [{"Path": "s3://b/x", "SampleSize": 250}]}}, "SampleSize must be from 1 to 249"),
        ({"Targets": {"S3Targets": [{"Path": "s3://b/x", "EventQueueArn": "q"}]}}, "an S3 target's EventQueueArn"),
        ({"Classifiers": ["mine"]}, "no custom classifiers"),
        ({"Schedule": "cron(0 1 * * ? *)"}, "no crawlers with a schedule"),
        ({"CrawlerSecurityConfiguration": "mine"}, "no security configurations"),
        ({"LakeFormationConfiguration": {"UseLakeFormationCredentials": True}}, "no Lake Formation"),
        ({"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVENT_MODE"}}, "RecrawlBehavior must be one of"),
        ({"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}}, "can have only UpdateBehavior LOG"),
        ({"Configuration": {"CreatePartitionIndex": True}}, "no partition indexes"),
        ({"Configuration": {"Grouping": {"Other": 1}}}, "does not know in Grouping Other"),
        ({"Configuration": {"CrawlerOutput": {"Tables": {"AddOrUpdateBehavior": "x"}}}}, "MergeNewColumns"),
    ],
)
def test_a_definition_is_refused_that_cannot_be_run(lake: Lake, changes: dict, message: str) -> None:
    refusal = refused(lake.crawler, **changes)
    assert refusal.startswith("InvalidInputException: ") and message in refusal


def test_a_catalog_target_needs_the_delete_behavior_log(lake: Lake) -> None:
    assert "DeleteBehavior LOG" in refused(lake.catalog_crawler, table="t", policy={"UpdateBehavior": "LOG"})


def test_a_role_must_let_glue_assume_it(lake: Lake) -> None:
    refusal = refused(
        lake.glue.create_crawler,
        Name="x",
        Role="nobody",
        Targets={"S3Targets": [{"Path": "s3://b/x"}]},
        DatabaseName="d",
    )
    assert "Service is unable to assume provided role" in refusal


# ---- the life of a crawler ----


def test_a_crawler_is_updated_listed_by_tags_and_deleted(lake: Lake) -> None:
    name = lake.crawler("t", Tags={"team": lake.bucket})
    assert lake.glue.list_crawlers(Tags={"team": lake.bucket})["CrawlerNames"] == [name]
    arn = f"arn:aws:glue:us-east-1:{ACCOUNT}:crawler/{name}"
    assert lake.glue.get_tags(ResourceArn=arn)["Tags"] == {"team": lake.bucket}
    crawler = lake.glue.get_crawler(Name=name)["Crawler"]
    assert crawler["SchemaChangePolicy"] == {
        "UpdateBehavior": "UPDATE_IN_DATABASE",
        "DeleteBehavior": "DEPRECATE_IN_DATABASE",
    }
    assert (crawler["State"], crawler["Version"], "LastCrawl" in crawler) == ("READY", 1, False)
    lake.glue.update_crawler(Name=name, TablePrefix="new_", SchemaChangePolicy=LOG_ALL)
    crawler = lake.glue.get_crawler(Name=name)["Crawler"]
    assert (crawler["TablePrefix"], crawler["SchemaChangePolicy"], crawler["Version"]) == ("new_", LOG_ALL, 2)
    assert "CrawlerNotRunningException" in refused(lake.glue.stop_crawler, Name=name)
    assert "AlreadyExistsException" in refused(
        lake.glue.create_crawler, Name=name, Role=lake.role, Targets=crawler["Targets"], DatabaseName="d"
    )
    lake.glue.delete_crawler(Name=name)
    for call in (lake.glue.get_crawler, lake.glue.start_crawler, lake.glue.delete_crawler, lake.glue.stop_crawler):
        assert refused(call, Name=name).startswith("EntityNotFoundException")


def test_a_running_crawler_starts_no_second_time_and_can_be_stopped(lake: Lake) -> None:
    for number in range(60):
        lake.put(f"t/day={number}/a.jsonl", lines({"a": 1}))
    name = lake.crawler("t")
    lake.glue.start_crawler(Name=name)
    assert lake.glue.get_crawler(Name=name)["Crawler"]["State"] == "RUNNING"
    for call in (lake.glue.start_crawler, lake.glue.delete_crawler, lake.glue.update_crawler):
        assert refused(call, Name=name).startswith("CrawlerRunningException")
    lake.glue.stop_crawler(Name=name)
    assert refused(lake.glue.stop_crawler, Name=name).split(":")[0] in (
        "CrawlerStoppingException",
        "CrawlerNotRunningException",
    )
    ended = wait_for("the end of the crawl", lambda: lake._ready(name))
    assert ended["LastCrawl"]["Status"] == "CANCELLED"


def test_a_crawl_is_logged_as_glue_logs_it(stack: Stack, lake: Lake) -> None:
    lake.put("t/a.jsonl", lines({"a": 1}))
    name = lake.crawler("t")
    last = lake.crawl(name)
    assert (last["LogGroup"], last["LogStream"]) == ("/aws-glue/crawlers", name)
    events = stack.client("logs").get_log_events(logGroupName="/aws-glue/crawlers", logStreamName=name)["events"]
    assert any("Created table t" in event["message"] for event in events)
    assert all(event["message"].startswith(f"[{last['MessagePrefix']}]") for event in events)
