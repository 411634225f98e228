"""The API of delivery streams on the running emulator. Expectations are from the Firehose API reference and the rules
of "Understand custom prefixes"."""

from __future__ import annotations

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from delivery_stream import ACCOUNT, AT_ONCE, DESTINATION_ID, ROLE, Hose, function_arn, processing
from emulator_stack import Stack, unique

BUCKET = "arn:aws:s3:::any"
# Requests that botocore would not send.
UNCHECKED = Config(parameter_validation=False)


def create(stack: Stack, destination: dict | None = None, **request) -> str:
    name = unique("hose")
    stack.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": BUCKET, **(destination or {})},
        **request,
    )
    return name


def lambda_processor(**parameters: str) -> dict:
    return processing("f", **parameters)["ProcessingConfiguration"]


REFUSED = {
    "Parquet": ({"DataFormatConversionConfiguration": {}}, "DataFormatConversionConfiguration is not supported"),
    "partitions": (
        {"DynamicPartitioningConfiguration": {"Enabled": True}},
        "DynamicPartitioningConfiguration is not supported",
    ),
    "ZIP": ({"CompressionFormat": "ZIP"}, "CompressionFormat ZIP is not supported by the local stack"),
    "another processor": (
        {"ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "MetadataExtraction"}]}},
        "The processor MetadataExtraction is not supported",
    ),
    "no processor": ({"ProcessingConfiguration": {"Enabled": True}}, "a minimum of 1 processor needs to be supplied"),
    "two Lambdas": (
        {"ProcessingConfiguration": {"Enabled": True, "Processors": lambda_processor()["Processors"] * 2}},
        "Cannot have more than 1 Lambda processor",
    ),
    "retries": (
        {"ProcessingConfiguration": lambda_processor(NumberOfRetries="301")},
        "NumberOfRetries of the Lambda processor must be a whole number from 0 to 300, got 301",
    ),
    "size": (
        {"ProcessingConfiguration": lambda_processor(BufferSizeInMBs="0.1")},
        "BufferSizeInMBs of the Lambda processor must be a number from 0.2 to 3, got 0.1",
    ),
    "interval": (
        {"ProcessingConfiguration": lambda_processor(BufferIntervalInSeconds="901")},
        "BufferIntervalInSeconds of the Lambda processor must be a whole number from 0 to 900, got 901",
    ),
    "no function": (
        {"ProcessingConfiguration": lambda_processor(LambdaArn="f")},
        "LambdaArn of the Lambda processor must be an ARN, got f",
    ),
    "a prefix of errors in Prefix": (
        {"Prefix": "!{firehose:error-output-type}/"},
        "Prefix cannot contain !{firehose:error-output-type}",
    ),
    "expressions without one for errors": (
        {"Prefix": "!{timestamp:yyyy}/"},
        "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions",
    ),
    "errors of all kinds in one place": (
        {"ErrorOutputPrefix": "e/!{timestamp:yyyy}/"},
        "ErrorOutputPrefix with expressions must contain !{firehose:error-output-type}",
    ),
    "another namespace": (
        {"Prefix": "!{time:yyyy}/", "ErrorOutputPrefix": "e/"},
        "Prefix: !{time:yyyy} is not a valid expression",
    ),
    "keys of partitions": (
        {"Prefix": "!{partitionKeyFromQuery:id}/", "ErrorOutputPrefix": "e/"},
        "needs dynamic partitioning",
    ),
    "an open expression": ({"Prefix": "!{timestamp:yyyy", "ErrorOutputPrefix": "e/"}, "must begin an expression"),
    "a pattern that is none": (
        {"Prefix": "!{timestamp:yyyy-ddd}/", "ErrorOutputPrefix": "e/"},
        "too many pattern letters: d",
    ),
    "a long prefix": ({"Prefix": "x" * 513}, "Prefix must have at most 512 characters when it is evaluated"),
    "a short time zone": ({"CustomTimeZone": "EST"}, "CustomTimeZone must be UTC or the name of an IANA time zone"),
    "half of the hints": ({"BufferingHints": {"SizeInMBs": 1}}, "must have both SizeInMBs and IntervalInSeconds"),
    "a backup without a place": ({"S3BackupMode": "Enabled"}, "S3BackupConfiguration is required"),
    "a quick backup": (
        {"S3BackupConfiguration": {"RoleARN": ROLE, "BucketARN": BUCKET, "BufferingHints": AT_ONCE}},
        "of an S3 backup must be from 60 to 900, got 0",
    ),
    "a log without a name": ({"CloudWatchLoggingOptions": {"Enabled": True}}, "must have LogGroupName"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_aws_or_the_local_stack_does_not_do_is_refused(stack: Stack, what: str):
    destination, message = REFUSED[what]
    with pytest.raises(ClientError) as refusal:
        create(stack, destination)
    assert refusal.value.response["Error"]["Code"] == "InvalidArgumentException"
    assert message in refusal.value.response["Error"]["Message"]


def test_what_is_turned_off_is_taken(stack: Stack):
    create(stack, {"DynamicPartitioningConfiguration": {"Enabled": False}})


def test_the_shape_of_a_request_is_checked_and_the_member_named(stack: Stack):
    client = stack.client_as_root("firehose", UNCHECKED)
    destination = {
        "RoleARN": ROLE,
        "BucketARN": BUCKET,
        "CompressionFormat": "gzip",
        "FileExtension": "csv",
        "BufferingHints": {"SizeInMBs": 129, "IntervalInSeconds": 901},
    }
    with pytest.raises(ClientError) as refusal:
        client.create_delivery_stream(DeliveryStreamName="a b", ExtendedS3DestinationConfiguration=destination)
    error = refusal.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].startswith("5 validation errors detected: ")
    where = "extendedS3DestinationConfiguration"
    for member in (
        "compressionFormat",
        "fileExtension",
        "bufferingHints.sizeInMBs",
        "bufferingHints.intervalInSeconds",
    ):
        assert f"Value at '{where}.{member}' failed to satisfy constraint: Member must" in error["Message"]


def test_other_sources_and_destinations_are_refused(stack: Stack):
    with pytest.raises(ClientError, match="Exactly one destination configuration"):
        stack.client("firehose").create_delivery_stream(DeliveryStreamName=unique("hose"))
    with pytest.raises(ClientError, match="DirectPutSourceConfiguration is not supported"):
        create(stack, DirectPutSourceConfiguration={"ThroughputHintInMBs": 5})
    with pytest.raises(ClientError, match="KinesisStreamSourceConfiguration must be given"):
        create(stack, DeliveryStreamType="KinesisStreamAsSource")
    source = {"KinesisStreamARN": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/none", "RoleARN": ROLE}
    with pytest.raises(ClientError, match="Stream none under account"):
        create(stack, DeliveryStreamType="KinesisStreamAsSource", KinesisStreamSourceConfiguration=source)


def test_a_stream_is_described_with_the_defaults_of_aws(stack: Stack):
    hose = Hose(stack, ProcessingConfiguration=lambda_processor(BufferIntervalInSeconds="60"))
    described = hose.describe()
    assert (described["DeliveryStreamType"], described["VersionId"]) == ("DirectPut", "1")
    assert "LastUpdateTimestamp" not in described
    destination = hose.destination()
    assert destination["CompressionFormat"] == "UNCOMPRESSED"
    assert destination["EncryptionConfiguration"] == {"NoEncryptionConfig": "NoEncryption"}
    assert destination["S3BackupMode"] == "Disabled"
    (processor,) = destination["ProcessingConfiguration"]["Processors"]
    assert {entry["ParameterName"]: entry["ParameterValue"] for entry in processor["Parameters"]} == {
        "LambdaArn": function_arn("f"),
        "NumberOfRetries": "3",
        "RoleArn": ROLE,
        "BufferSizeInMBs": "1",
        "BufferIntervalInSeconds": "60",
    }


def test_a_name_is_taken_once_and_free_after_the_deletion(stack: Stack):
    hose = Hose(stack)
    request = {
        "DeliveryStreamName": hose.name,
        "S3DestinationConfiguration": {"RoleARN": ROLE, "BucketARN": BUCKET},
    }
    with pytest.raises(hose.client.exceptions.ResourceInUseException):
        hose.client.create_delivery_stream(**request)
    hose.client.delete_delivery_stream(DeliveryStreamName=hose.name)
    assert hose.describe()["DeliveryStreamStatus"] == "DELETING"
    # A second deletion is no error.
    hose.client.delete_delivery_stream(DeliveryStreamName=hose.name)


def test_an_update_merges_and_counts_versions(stack: Stack):
    hose = Hose(stack, Prefix="a/")
    hose.update(CompressionFormat="GZIP")
    assert (hose.destination()["Prefix"], hose.destination()["CompressionFormat"]) == ("a/", "GZIP")
    assert hose.describe()["VersionId"] == "2"
    hose.update(CompressionFormat="GZIP")
    assert hose.describe()["VersionId"] == "2"
    with pytest.raises(hose.client.exceptions.ConcurrentModificationException, match="current version id: 2"):
        hose.client.update_destination(
            DeliveryStreamName=hose.name,
            CurrentDeliveryStreamVersionId="1",
            DestinationId=DESTINATION_ID,
            ExtendedS3DestinationUpdate={"Prefix": "b/"},
        )


def test_streams_and_tags_are_listed_page_by_page(stack: Stack):
    client, start = stack.client("firehose"), unique("list")
    names = [f"{start}-{letter}" for letter in "abc"]
    for name in names:
        client.create_delivery_stream(
            DeliveryStreamName=name,
            S3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": BUCKET},
            Tags=[{"Key": key, "Value": key.upper()} for key in "xyz"],
        )
    page = client.list_delivery_streams(Limit=2, ExclusiveStartDeliveryStreamName=start)
    assert (page["DeliveryStreamNames"], page["HasMoreDeliveryStreams"]) == (names[:2], True)
    name = names[0]
    page = client.list_tags_for_delivery_stream(DeliveryStreamName=name, Limit=1, ExclusiveStartTagKey="x")
    assert (page["Tags"], page["HasMoreTags"]) == ([{"Key": "y", "Value": "Y"}], True)
    client.tag_delivery_stream(DeliveryStreamName=name, Tags=[{"Key": "x", "Value": "1"}])
    client.untag_delivery_stream(DeliveryStreamName=name, TagKeys=["y", "z"])
    assert client.list_tags_for_delivery_stream(DeliveryStreamName=name)["Tags"] == [{"Key": "x", "Value": "1"}]


def test_the_limits_of_puts(stack: Stack):
    hose, client = Hose(stack), stack.client_as_root("firehose", UNCHECKED)
    hose.put(bytes(1_024_000), "")
    hose.put(*[b"x"] * 500)
    hose.put(*[bytes(1024 * 1024 - 65_536)] * 4)
    refused = {
        "validation error detected: Value at 'records.1.member.data'": [bytes(1_024_001)],
        "Value at 'records' failed to satisfy constraint: Member must have length less than or equal to 500": [b"x"]
        * 501,
        "The total size of the records exceeds the maximum allowed size of 4194304 bytes": [bytes(1_000_000)] * 5,
    }
    for message, payloads in refused.items():
        with pytest.raises(ClientError, match=message):
            client.put_record_batch(DeliveryStreamName=hose.name, Records=[{"Data": data} for data in payloads])
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.put_record(DeliveryStreamName=unique("none"), Record={"Data": b"x"})


def test_every_record_has_an_id_of_its_own(stack: Stack):
    hose = Hose(stack)
    ids = [*hose.put(*"abc"), hose.client.put_record(DeliveryStreamName=hose.name, Record={"Data": b"d"})["RecordId"]]
    assert len(set(ids)) == 4


def test_encryption_needs_a_key_that_can_be_used(stack: Stack):
    hose, kms = Hose(stack), stack.client("kms")
    put = {"DeliveryStreamName": hose.name, "Record": {"Data": b"x"}}
    assert hose.client.put_record(**put)["Encrypted"] is False
    key = kms.create_key()["KeyMetadata"]["Arn"]

    def start(**key_input: str) -> None:
        hose.client.start_delivery_stream_encryption(
            DeliveryStreamName=hose.name, DeliveryStreamEncryptionConfigurationInput=key_input
        )

    start(KeyType="CUSTOMER_MANAGED_CMK", KeyARN=key)
    assert hose.describe()["DeliveryStreamEncryptionConfiguration"] == {
        "Status": "ENABLED",
        "KeyType": "CUSTOMER_MANAGED_CMK",
        "KeyARN": key,
    }
    assert hose.client.put_record(**put)["Encrypted"] is True
    kms.disable_key(KeyId=key)
    for call in (lambda: hose.client.put_record(**put), lambda: start(KeyType="CUSTOMER_MANAGED_CMK", KeyARN=key)):
        with pytest.raises(hose.client.exceptions.InvalidKMSResourceException, match="it is Disabled"):
            call()
    with pytest.raises(hose.client.exceptions.InvalidArgumentException, match="KeyARN must be given"):
        start(KeyType="CUSTOMER_MANAGED_CMK")
    hose.client.stop_delivery_stream_encryption(DeliveryStreamName=hose.name)
    assert hose.client.put_record(**put)["Encrypted"] is False
