"""Makes delivery streams on the running emulator, and reads what they deliver."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from emulator_stack import Stack, unique, wait_for

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/firehose"
# The shortest: what is put is delivered at once.
AT_ONCE = {"SizeInMBs": 1, "IntervalInSeconds": 0}
# A busy machine starts a Lambda in half a minute.
PATIENCE = 60.0
DESTINATION_ID = "destinationId-000000000001"

# Answers each record with what BODY makes of its text.
FUNCTION = """
const fs = require("node:fs");
exports.handler = async (event) => {
  fs.appendFileSync(process.env.LOG, JSON.stringify(event) + "\\n");
  const encode = (text) => Buffer.from(text).toString("base64");
  const records = event.records.map(({ recordId, data }) => {
    const text = Buffer.from(data, "base64").toString();
    const answer = (result, changed = text) => ({ recordId, result, data: encode(changed) });
    BODY
  });
  return { records };
};
"""


class Hose:
    """A delivery stream to a bucket of its own."""

    def __init__(self, stack: Stack, bucket: str | None = None, source: dict | None = None, **destination: Any) -> None:
        self.stack, self.client = stack, stack.client("firehose")
        self.name, self.bucket = unique("hose"), bucket or stack.bucket("hose")
        configuration = {
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{self.bucket}",
            "BufferingHints": AT_ONCE,
            **destination,
        }
        made = self.client.create_delivery_stream(
            DeliveryStreamName=self.name, ExtendedS3DestinationConfiguration=configuration, **(source or {})
        )
        self.arn = made["DeliveryStreamARN"]
        wait_for(f"{self.name} is active", lambda: self.describe()["DeliveryStreamStatus"] == "ACTIVE")

    def describe(self) -> dict[str, Any]:
        return self.client.describe_delivery_stream(DeliveryStreamName=self.name)["DeliveryStreamDescription"]

    def destination(self) -> dict[str, Any]:
        return self.describe()["Destinations"][0]["ExtendedS3DestinationDescription"]

    def put(self, *payloads: str | bytes) -> list[str]:
        """Returns the record ids. All must be taken."""
        answer = self.client.put_record_batch(
            DeliveryStreamName=self.name, Records=[{"Data": payload} for payload in payloads]
        )
        assert answer["FailedPutCount"] == 0, answer
        return [entry["RecordId"] for entry in answer["RequestResponses"]]

    def update(self, **destination: Any) -> None:
        self.client.update_destination(
            DeliveryStreamName=self.name,
            CurrentDeliveryStreamVersionId=self.describe()["VersionId"],
            DestinationId=DESTINATION_ID,
            ExtendedS3DestinationUpdate=destination,
        )

    def keys(self, prefix: str = "", bucket: str | None = None) -> list[str]:
        listed = self.stack.client("s3").list_objects_v2(Bucket=bucket or self.bucket, Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def wait_for_keys(
        self, count: int = 1, prefix: str = "", seconds: float = PATIENCE, bucket: str | None = None
    ) -> list[str]:
        return wait_for(
            f"{count} objects under {prefix or 'the bucket'}",
            lambda: found if len(found := self.keys(prefix, bucket)) >= count else None,
            seconds,
        )

    def get(self, key: str, bucket: str | None = None) -> Any:
        return self.stack.client("s3").get_object(Bucket=bucket or self.bucket, Key=key)

    def text(self, prefix: str = "", bucket: str | None = None) -> str:
        """All objects under the prefix, one after the other."""
        bodies = [self.get(key, bucket)["Body"].read() for key in self.keys(prefix, bucket)]
        return "".join((gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode() for body in bodies)

    def wait_for_text(self, wanted: str, prefix: str = "", bucket: str | None = None) -> None:
        """Records may change places."""
        wait_for(
            f"{wanted!r} under {prefix or 'the bucket'}",
            lambda: sorted(self.text(prefix, bucket)) == sorted(wanted),
            PATIENCE,
        )

    def failures(self, count: int = 1) -> list[dict[str, Any]]:
        """The lines of failed records, once there are as many."""

        def lines() -> list[str]:
            return self.text("failed/").splitlines()

        wait_for(f"{count} failed records", lambda: len(lines()) >= count, PATIENCE)
        return [json.loads(line) for line in lines()]

    def metric_sum(self, name: str) -> float:
        """The sum of the last hour."""
        now = datetime.now(timezone.utc)
        found = self.stack.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Firehose",
            MetricName=name,
            Dimensions=[{"Name": "DeliveryStreamName", "Value": self.name}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )
        return sum(point["Sum"] for point in found["Datapoints"])

    def wait_for_metrics(self, expected: Mapping[str, float]) -> None:
        """The sums of the last hour. A metric is recorded a moment after what it measures."""

        def sums() -> dict[str, float]:
            return {name: self.metric_sum(name) for name in expected}

        wait_for(f"the metrics {expected}", lambda: sums() == expected, PATIENCE)


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def processing(function: str, **parameters: str) -> dict[str, Any]:
    """The processing by a Lambda without a wait, and a prefix for what fails."""
    values = {"LambdaArn": function_arn(function), "BufferIntervalInSeconds": "0", **parameters}
    return {
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [
                {
                    "Type": "Lambda",
                    "Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in values.items()],
                }
            ],
        },
        "Prefix": "ok/!{timestamp:yyyy}/",
        "ErrorOutputPrefix": "failed/!{firehose:error-output-type}/",
    }
