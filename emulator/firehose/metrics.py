"""CloudWatch metrics of a delivery stream, in the namespace AWS/Firehose.

https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
"""

from __future__ import annotations

from ministack.services import cloudwatch

PATCHES = [("ministack.services.cloudwatch", "record_metric")]

NAMESPACE = "AWS/Firehose"


def record(stream_name: str, **values: float) -> None:
    """Record values by metric, with an underscore for the dot of a name: DeliveryToS3_Records."""
    for name, value in values.items():
        metric = name.replace("_", ".")
        cloudwatch.record_metric(NAMESPACE, metric, value, _unit(metric), {"DeliveryStreamName": stream_name})


def _unit(metric: str) -> str:
    kind = metric.rsplit(".", 1)[-1]
    units = {"DataFreshness": "Seconds", "Duration": "Milliseconds", "Bytes": "Bytes", "IncomingBytes": "Bytes"}
    return units.get(kind, "Count")
