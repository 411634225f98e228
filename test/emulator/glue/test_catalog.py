"""The partitions of the Glue catalog: expressions, pages, segments and the errors that AWS documents."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from emulator_stack import Stack, unique

KEYS = [
    {"Name": "event_date", "Type": "date"},
    {"Name": "hour", "Type": "int"},
    {"Name": "country", "Type": "string"},
]
ROWS = [
    ["2025-12-31", "9", "de"],
    ["2026-01-01", "10", "de"],
    ["2026-01-01", "9", "us"],
    ["2026-01-02", "11", "__HIVE_DEFAULT_PARTITION__"],
]


class Table:
    def __init__(self, stack: Stack, keys: list[dict]):
        self.glue = stack.client("glue")
        self.database, self.name = unique("db"), "events"
        self.glue.create_database(DatabaseInput={"Name": self.database})
        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={"Name": self.name, "PartitionKeys": keys, "StorageDescriptor": {"Columns": []}},
        )

    @property
    def where(self) -> dict:
        return {"DatabaseName": self.database, "TableName": self.name}

    def add(self, values: list[str], location: str = "s3://b/") -> None:
        self.glue.create_partition(**self.where, PartitionInput=partition(values, location))

    def values(self, **options) -> list[list[str]]:
        return [found["Values"] for found in self.glue.get_partitions(**self.where, **options)["Partitions"]]


def partition(values: list[str], location: str = "s3://b/") -> dict:
    return {"Values": values, "StorageDescriptor": {"Location": location, "Columns": [{"Name": "c"}]}}


@pytest.fixture(scope="module")
def table(stack: Stack) -> Table:
    table = Table(stack, KEYS)
    for values in ROWS:
        table.add(values)
    return table


@pytest.fixture
def empty(stack: Stack) -> Table:
    return Table(stack, [{"Name": "day", "Type": "string"}])


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("event_date = '2026-01-01'", [1, 2]),
        ("event_date = DATE '2026-01-01'", [1, 2]),
        ("event_date <> '2026-01-01'", [0, 3]),
        ("event_date > '2025-12-31' AND hour < 11", [1, 2]),
        ("'2026-01-01' <= event_date", [1, 2, 3]),
        ("hour > 9", [1, 3]),  # as numbers: '10' sorts before '9' as text
        ("hour IN (9, 11)", [0, 2, 3]),
        ("hour NOT IN (9, 11)", [1]),
        ("hour BETWEEN 10 AND 11", [1, 3]),
        ("country LIKE 'd%'", [0, 1]),
        ("country LIKE '_s'", [2]),
        ("country IS NULL", [3]),
        ("country IS NOT NULL", [0, 1, 2]),
        ("country <> 'de'", [2]),  # a null is neither equal nor different
        ("NOT (country = 'de' OR hour = 11)", [2]),
        ("event_date='2025-12-31' OR (hour = 9 AND country = 'us')", [0, 2]),
        ("COUNTRY = 'us'", [2]),
        ("", [0, 1, 2, 3]),
    ],
)
def test_only_partitions_that_match_the_expression_are_returned(table: Table, expression: str, rows: list[int]):
    assert table.values(Expression=expression) == [ROWS[row] for row in rows]


@pytest.mark.parametrize(
    "expression",
    ["city = 'x'", "hour = 'noon'", "event_date >", "lower(country) = 'de'", "event_date = '2026-02-30'"],
)
def test_an_expression_that_cannot_be_read_is_refused(table: Table, expression: str):
    with pytest.raises(ClientError) as caught:
        table.values(Expression=expression)
    assert code(caught) == "InvalidInputException"


def test_pages_hold_each_partition_once(table: Table):
    first = table.glue.get_partitions(**table.where, MaxResults=3)
    second = table.glue.get_partitions(**table.where, MaxResults=3, NextToken=first["NextToken"])
    assert [found["Values"] for found in first["Partitions"] + second["Partitions"]] == ROWS
    assert "NextToken" not in second
    with pytest.raises(ClientError) as caught:
        table.glue.get_partitions(**table.where, Expression="hour = 9", NextToken=first["NextToken"])
    assert code(caught) == "InvalidInputException"


def test_each_partition_is_in_one_segment(table: Table):
    shares = [table.values(Segment={"SegmentNumber": number, "TotalSegments": 3}) for number in range(3)]
    assert sorted(values for share in shares for values in share) == sorted(ROWS)


def test_columns_are_left_out_on_request(table: Table):
    found = table.glue.get_partitions(**table.where, ExcludeColumnSchema=True, MaxResults=1)["Partitions"][0]
    assert found["StorageDescriptor"] == {"Location": "s3://b/"}


def test_a_partition_can_be_created_once(empty: Table):
    empty.add(["1"])
    with pytest.raises(ClientError) as caught:
        empty.add(["1"])
    assert code(caught) == "AlreadyExistsException"
    with pytest.raises(ClientError) as caught:
        empty.add(["1", "2"])
    assert code(caught) == "InvalidInputException"


def test_calls_on_a_table_that_does_not_exist_fail(empty: Table):
    nowhere = {"DatabaseName": empty.database, "TableName": "nothing"}
    for call in (
        lambda: empty.glue.create_partition(**nowhere, PartitionInput=partition(["1"])),
        lambda: empty.glue.batch_create_partition(**nowhere, PartitionInputList=[partition(["1"])]),
        lambda: empty.glue.get_partitions(**nowhere),
        lambda: empty.glue.delete_partition(**nowhere, PartitionValues=["1"]),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert code(caught) == "EntityNotFoundException"


def test_a_batch_processes_valid_entries_and_lists_the_others_as_errors(empty: Table):
    empty.add(["1"])
    made = empty.glue.batch_create_partition(**empty.where, PartitionInputList=[partition(["1"]), partition(["2"])])
    removed = empty.glue.batch_delete_partition(
        **empty.where, PartitionsToDelete=[{"Values": ["1"]}, {"Values": ["9"]}]
    )
    errors = [(error["PartitionValues"], error["ErrorDetail"]["ErrorCode"]) for error in made["Errors"]]
    assert errors == [(["1"], "AlreadyExistsException")]
    errors = [(error["PartitionValues"], error["ErrorDetail"]["ErrorCode"]) for error in removed["Errors"]]
    assert errors == [(["9"], "EntityNotFoundException")]
    assert empty.values() == [["2"]]


def test_an_update_switches_the_location_and_keeps_the_creation_time(empty: Table):
    empty.add(["1"], "s3://b/old/")
    before = empty.glue.get_partition(**empty.where, PartitionValues=["1"])["Partition"]
    empty.glue.update_partition(**empty.where, PartitionValueList=["1"], PartitionInput=partition(["1"], "s3://b/new/"))
    after = empty.glue.get_partition(**empty.where, PartitionValues=["1"])["Partition"]
    assert after["StorageDescriptor"]["Location"] == "s3://b/new/"
    assert after["CreationTime"] == before["CreationTime"]
    with pytest.raises(ClientError) as caught:
        empty.glue.update_partition(**empty.where, PartitionValueList=["9"], PartitionInput=partition(["9"]))
    assert code(caught) == "EntityNotFoundException"


def test_a_batch_update_moves_a_partition_but_not_onto_another(empty: Table):
    empty.add(["1"])
    empty.add(["2"])
    result = empty.glue.batch_update_partition(
        **empty.where,
        Entries=[
            {"PartitionValueList": ["1"], "PartitionInput": partition(["2"])},
            {"PartitionValueList": ["2"], "PartitionInput": partition(["3"])},
        ],
    )
    assert [error["ErrorDetail"]["ErrorCode"] for error in result["Errors"]] == ["AlreadyExistsException"]
    assert empty.values() == [["1"], ["3"]]
