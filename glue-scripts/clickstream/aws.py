"""The job's requests to S3 and the Glue Data Catalog."""

import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from clickstream.storage import REQUESTS, StoredObject

# infra/transform/transform.ts has the lifecycle rule for it.
RETIRED_TAG = {"Key": "clickstream", "Value": "retired"}


def split_uri(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


@functools.cache
def task_client(region: str | None) -> BaseClient:
    """One client for all tasks of a Python worker."""
    return boto3.client("s3", region_name=region, config=Config(retries={"mode": "standard", "max_attempts": 10}))


@dataclass(frozen=True)
class S3Uploads:
    """Sent to the tasks. Each task opens a client with the credentials of its machine."""

    region: str | None

    def open(self) -> Callable[[str, IO[bytes]], None]:
        s3 = task_client(self.region)

        def put(uri: str, body: IO[bytes]) -> None:
            bucket, key = split_uri(uri)
            s3.put_object(Bucket=bucket, Key=key, Body=body)

        return put


@dataclass(frozen=True)
class S3Downloads:
    """Sent to the tasks, like S3Uploads."""

    region: str | None

    def open(self) -> Callable[[str], IO[bytes]]:
        s3 = task_client(self.region)

        def get(uri: str) -> IO[bytes]:
            bucket, key = split_uri(uri)
            return s3.get_object(Bucket=bucket, Key=key)["Body"]

        return get


def conditional_client(headers: dict[str, str]) -> BaseClient:
    """A client whose PUTs have these headers. Old versions of boto3 do not have the parameters of conditions."""
    s3 = boto3.client("s3")
    s3.meta.events.register("before-call.s3.PutObject", lambda params, **_: params["headers"].update(headers))
    return s3


class S3Store:
    """Objects in S3, addressed by their s3:// URI."""

    def __init__(self) -> None:
        self._s3 = boto3.client("s3")

    def list_objects(self, prefix: str, in_folders: bool = True, after: str = "") -> list[StoredObject]:
        """Lists the objects under a prefix. With in_folders=False, each folder counts as one entry in the response."""
        bucket, key = split_uri(prefix)
        how = {} if in_folders else {"Delimiter": "/"}
        if after:
            how["StartAfter"] = split_uri(after)[1]
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key, **how)
        return [
            StoredObject(f"s3://{bucket}/{item['Key']}", item["Size"], item["LastModified"])
            for page in pages
            for item in page.get("Contents", [])
        ]

    def count(self, prefix: str, most: int) -> int:
        """Counts the objects under a prefix, up to `most`, with as few requests as possible."""
        bucket, key = split_uri(prefix)
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=key, PaginationConfig={"MaxItems": most}
        )
        return sum(len(page.get("Contents", [])) for page in pages)

    def list_folders(self, prefix: str) -> list[str]:
        """Lists the folders directly under a prefix. Takes one request per thousand."""
        bucket, key = split_uri(prefix)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key, Delimiter="/")
        return [item["Prefix"][len(key) :].rstrip("/") for page in pages for item in page.get("CommonPrefixes", [])]

    def exists(self, prefix: str) -> bool:
        bucket, key = split_uri(prefix)
        return self._s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount", 0) > 0

    def get(self, uri: str) -> bytes:
        bucket, key = split_uri(uri)
        return self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def put(self, uri: str, body: bytes) -> None:
        bucket, key = split_uri(uri)
        self._s3.put_object(Bucket=bucket, Key=key, Body=body)

    def copy(self, source: str, target: str) -> None:
        """Copies an object inside S3. Without the tags, because reading tags is a permission of its own."""
        from_bucket, from_key = split_uri(source)
        bucket, key = split_uri(target)
        self._s3.copy_object(
            Bucket=bucket,
            Key=key,
            CopySource={"Bucket": from_bucket, "Key": from_key},
            TaggingDirective="REPLACE",
        )

    @staticmethod
    def uploads() -> S3Uploads:
        """Returns the object with which Spark tasks upload files."""
        return S3Uploads(boto3.Session().region_name)

    @staticmethod
    def downloads() -> S3Downloads:
        """Returns the object with which Spark tasks read objects."""
        return S3Downloads(boto3.Session().region_name)

    def get_tagged(self, uri: str) -> tuple[bytes, str] | None:
        bucket, key = split_uri(uri)
        try:
            answer = self._s3.get_object(Bucket=bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        return answer["Body"].read(), answer["ETag"]

    def swap(self, uri: str, body: bytes, tag: str | None) -> str | None:
        """Replaces the object if it still has this ETag. S3 decides, so that only one of two writers succeeds."""
        bucket, key = split_uri(uri)
        condition = {"If-None-Match": "*"} if tag is None else {"If-Match": tag}
        try:
            return conditional_client(condition).put_object(Bucket=bucket, Key=key, Body=body)["ETag"]
        except ClientError as error:
            # 412: the object has another ETag. 409: another conditional PUT is in progress. 404: it was deleted.
            if error.response["ResponseMetadata"].get("HTTPStatusCode") in (404, 409, 412):
                return None
            raise

    def delete(self, uris: list[str]) -> None:
        by_bucket: dict[str, list[str]] = {}
        for uri in uris:
            bucket, key = split_uri(uri)
            by_bucket.setdefault(bucket, []).append(key)
        for bucket, keys in by_bucket.items():
            for start in range(0, len(keys), 1000):
                chunk = [{"Key": key} for key in keys[start : start + 1000]]
                answer = self._s3.delete_objects(Bucket=bucket, Delete={"Objects": chunk, "Quiet": True})
                if answer.get("Errors"):
                    raise RuntimeError(f"Could not delete from {bucket}: {answer['Errors'][0]}")

    def retire(self, uris: list[str]) -> None:
        """Deletes objects whose rows are in other objects too.

        With versioning, S3 keeps a deleted object. The tag selects the lifecycle rule that keeps it for a day only.
        """

        def tag(uri: str) -> None:
            bucket, key = split_uri(uri)
            self._s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": [RETIRED_TAG]})

        with ThreadPoolExecutor(REQUESTS) as pool:
            list(pool.map(tag, uris))
        self.delete(uris)


class GlueCatalog:
    """The location of each date of the table in the Glue Data Catalog."""

    def __init__(self, database: str, table: str) -> None:
        self._glue = boto3.client("glue")
        self._table = {"DatabaseName": database, "TableName": table}

    def locations(self, days: Iterable[str] | None = None) -> dict[str, str]:
        """Maps each of these dates that is registered to its location, which ends with a slash. None is all dates."""
        partitions = self._all_partitions() if days is None else self._partitions(sorted(days))
        return {one["Values"][0]: one["StorageDescriptor"]["Location"].rstrip("/") + "/" for one in partitions}

    def _all_partitions(self) -> Iterator[dict]:
        pages = self._glue.get_paginator("get_partitions").paginate(**self._table, ExcludeColumnSchema=True)
        return (partition for page in pages for partition in page["Partitions"])

    def _partitions(self, days: list[str]) -> Iterator[dict]:
        """Reads these partitions, with one call per thousand. Glue may leave some of them for another call.

        AWS's documentation does not say whether UnprocessedKeys has partitions that do not exist. So if a call returns
        all keys in it, each of them is asked for by itself.
        """
        for start in range(0, len(days), 1000):
            wanted = [{"Values": [day]} for day in days[start : start + 1000]]
            while wanted:
                answer = self._glue.batch_get_partition(**self._table, PartitionsToGet=wanted)
                yield from answer.get("Partitions", [])
                left = answer.get("UnprocessedKeys", [])
                if len(left) == len(wanted):
                    yield from filter(None, map(self._partition, left))
                    break
                wanted = left

    def _partition(self, key: dict) -> dict | None:
        """One partition, None if it does not exist. Any other error fails the run."""
        try:
            return self._glue.get_partition(**self._table, PartitionValues=key["Values"])["Partition"]
        except self._glue.exceptions.EntityNotFoundException:
            return None

    def switch(self, locations: dict[str, str]) -> None:
        """Changes the locations of the dates, with one call per hundred. A reader sees the old or the new location."""
        request = {"DatabaseName": self._table["DatabaseName"], "Name": self._table["TableName"]}
        descriptor = self._glue.get_table(**request)["Table"]["StorageDescriptor"]
        registered = self.locations(locations)
        inputs = [
            {"Values": [day], "StorageDescriptor": {**descriptor, "Location": location}}
            for day, location in sorted(locations.items())
        ]
        known = [one for one in inputs if one["Values"][0] in registered]
        for start in range(0, len(known), 100):
            entries = [
                {"PartitionValueList": one["Values"], "PartitionInput": one} for one in known[start : start + 100]
            ]
            self._raise(self._glue.batch_update_partition(**self._table, Entries=entries))
        unknown = [one for one in inputs if one["Values"][0] not in registered]
        for start in range(0, len(unknown), 100):
            chunk = unknown[start : start + 100]
            self._raise(self._glue.batch_create_partition(**self._table, PartitionInputList=chunk))

    @staticmethod
    def _raise(answer: dict) -> None:
        if answer.get("Errors"):
            raise RuntimeError(f"The Glue Data Catalog rejected a partition: {answer['Errors'][0]}")
