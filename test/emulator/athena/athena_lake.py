"""A database, a bucket and a workgroup of one test, and how to ask the emulator's Athena."""

from __future__ import annotations

from dataclasses import dataclass

from emulator_stack import Stack, unique, wait_for

ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


@dataclass
class Lake:
    stack: Stack
    bucket: str
    database: str
    workgroup: str

    def start(self, sql: str, **more) -> str:
        started = self.stack.client("athena").start_query_execution(
            QueryString=sql,
            WorkGroup=self.workgroup,
            QueryExecutionContext={"Database": self.database},
            **more,
        )
        return started["QueryExecutionId"]

    def execution(self, query_id: str) -> dict:
        return self.stack.client("athena").get_query_execution(QueryExecutionId=query_id)["QueryExecution"]

    def finished(self, query_id: str, timeout_seconds: float = 30) -> dict:
        def ended() -> dict | None:
            found = self.execution(query_id)
            return found if found["Status"]["State"] in ENDED else None

        return wait_for("the query to end", ended, timeout_seconds)

    def run(self, sql: str, **more) -> dict:
        execution = self.finished(self.start(sql, **more))
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"].get("StateChangeReason")
        return execution

    def result_set(self, sql: str, **more) -> dict:
        query_id = self.run(sql, **more)["QueryExecutionId"]
        return self.stack.client("athena").get_query_results(QueryExecutionId=query_id)["ResultSet"]

    def rows(self, sql: str, **more) -> list[list[str | None]]:
        """The rows without the header that a SELECT's first page begins with."""
        execution = self.run(sql, **more)
        answer = self.stack.client("athena").get_query_results(QueryExecutionId=execution["QueryExecutionId"])
        rows = [[datum.get("VarCharValue") for datum in row["Data"]] for row in answer["ResultSet"]["Rows"]]
        return rows[1:] if execution["StatementType"] == "DML" else rows

    def reason(self, sql: str, state: str = "FAILED", **more) -> str:
        status = self.finished(self.start(sql, **more))["Status"]
        assert status["State"] == state, status.get("StateChangeReason")
        return status["StateChangeReason"]

    def put(self, key: str, body: bytes | str) -> None:
        self.stack.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, uri: str) -> bytes:
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        return self.stack.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    def keys(self, prefix: str) -> list[str]:
        listed = self.stack.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]


def make_lake(stack: Stack) -> Lake:
    bucket, database, workgroup = stack.bucket("lake"), unique("db").replace("-", "_"), unique("group")
    stack.client("glue").create_database(DatabaseInput={"Name": database})
    result = {"OutputLocation": f"s3://{bucket}/results/"}
    stack.client("athena").create_work_group(
        Name=workgroup,
        Configuration={"ResultConfiguration": result, "EnforceWorkGroupConfiguration": True},
    )
    return Lake(stack, bucket, database, workgroup)
