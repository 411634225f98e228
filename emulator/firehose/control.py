"""The calls that make, describe, change, tag and delete delivery streams.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from . import destinations, encryption, kinesis_source, processors, roles, streams
from .errors import Refused, invalid, unsupported
from .streams import DIRECT_PUT, FROM_KINESIS, DeliveryStream

MOST_TAGS = 50
LIST_LIMIT = 10

Request = dict[str, Any]
Answer = dict[str, Any]


def create(request: Request, started: Callable[[DeliveryStream], None]) -> Answer:
    name = request["DeliveryStreamName"]
    known = streams.table().get(name)
    if known is not None and not known.is_gone:
        raise Refused("ResourceInUseException", f"Firehose {name} under accountId {known.account} already exists")
    tags = {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags") or []}
    if len(tags) > MOST_TAGS:
        raise invalid(f"A delivery stream can have at most {MOST_TAGS} tags, got {len(tags)}")
    kind = request.get("DeliveryStreamType") or DIRECT_PUT
    source = _source(request, kind)
    destination = destinations.created(request)
    stream = DeliveryStream(name, streams.arn_of(name), kind, destination, tags=tags)
    _check_roles(stream, destination)
    if source is not None:
        kinesis_source.check(source, stream.arn)
        stream.source = {**source, "DeliveryStartTimestamp": stream.created}
    given = request.get("DeliveryStreamEncryptionConfigurationInput")
    if given:
        if kind != DIRECT_PUT:
            raise invalid(f"Server-side encryption is only for a {DIRECT_PUT} delivery stream")
        stream.encryption = encryption.enabled(given)
    streams.table()[name] = stream
    started(stream)
    return {"DeliveryStreamARN": stream.arn}


def _source(request: Request, kind: str) -> dict[str, Any] | None:
    if kind not in (DIRECT_PUT, FROM_KINESIS):
        raise unsupported(f"DeliveryStreamType {kind}", f"Use {DIRECT_PUT} or {FROM_KINESIS}.")
    for name in ("DirectPutSourceConfiguration", "MSKSourceConfiguration", "DatabaseSourceConfiguration"):
        if request.get(name) is not None:
            raise unsupported(name, "Leave it out.")
    source = request.get("KinesisStreamSourceConfiguration")
    if (source is not None) != (kind == FROM_KINESIS):
        raise invalid(
            f"KinesisStreamSourceConfiguration must be given with the DeliveryStreamType {FROM_KINESIS}, and only then"
        )
    return source


def _check_roles(stream: DeliveryStream, destination: destinations.Destination) -> None:
    wanted = [destination["RoleARN"]]
    processor = processors.lambda_processor(destination)
    if processor:
        wanted.append(processor.role_arn)
    if "S3BackupDescription" in destination:
        wanted.append(destination["S3BackupDescription"]["RoleARN"])
    for role_arn in wanted:
        roles.check(role_arn, stream.arn)


def describe(request: Request) -> Answer:
    return {"DeliveryStreamDescription": streams.find(request["DeliveryStreamName"]).description()}


def list_all(request: Request) -> Answer:
    after, kind = request.get("ExclusiveStartDeliveryStreamName") or "", request.get("DeliveryStreamType")
    limit = request.get("Limit") or LIST_LIMIT
    names = sorted(
        name
        for name, stream in streams.table().items()
        if name > after and not stream.is_gone and kind in (None, stream.kind)
    )
    return {"DeliveryStreamNames": names[:limit], "HasMoreDeliveryStreams": len(names) > limit}


def delete(request: Request, stopped: Callable[[DeliveryStream], None]) -> Answer:
    stream = streams.find(request["DeliveryStreamName"])
    if stream.status == "DELETING":
        return {}
    if stream.status != "ACTIVE":
        raise Refused(
            "ResourceInUseException",
            f"Firehose {stream.name} under account {stream.account} cannot be deleted in {stream.status} state",
        )
    stream.deleted = time.time()
    stopped(stream)
    return {}


def update_destination(request: Request, changed: Callable[[DeliveryStream], None]) -> Answer:
    stream = streams.find(request["DeliveryStreamName"])
    if stream.status != "ACTIVE":
        raise Refused(
            "ResourceInUseException", f"Cannot update firehose: {stream.name} when it is in {stream.status} status"
        )
    given = request["CurrentDeliveryStreamVersionId"]
    if given != str(stream.version):
        raise Refused(
            "ConcurrentModificationException",
            f"Cannot update firehose: {stream.name} since the current version id: {stream.version} and specified "
            f"version id: {given} do not match",
        )
    if request["DestinationId"] != streams.DESTINATION_ID:
        raise invalid(f"Destination Id {request['DestinationId']} not found")
    destination = destinations.updated(stream.destination, request)
    _check_roles(stream, destination)
    if destination != stream.destination:
        stream.destination, stream.updated = destination, time.time()
        stream.version += 1
        changed(stream)
    return {}


def tag(request: Request) -> Answer:
    stream = _live(request)
    tags = {**stream.tags, **{tag["Key"]: tag.get("Value", "") for tag in request["Tags"]}}
    if len(tags) > MOST_TAGS:
        raise Refused("LimitExceededException", f"A delivery stream can have at most {MOST_TAGS} tags, got {len(tags)}")
    stream.tags = tags
    return {}


def untag(request: Request) -> Answer:
    stream = _live(request)
    stream.tags = {key: value for key, value in stream.tags.items() if key not in request["TagKeys"]}
    return {}


def _live(request: Request) -> DeliveryStream:
    stream = streams.find(request["DeliveryStreamName"])
    if stream.status == "DELETING":
        raise Refused("ResourceInUseException", f"Firehose {stream.name} is in the state {stream.status}")
    return stream


def list_tags(request: Request) -> Answer:
    stream = streams.find(request["DeliveryStreamName"])
    after, limit = request.get("ExclusiveStartTagKey") or "", request.get("Limit") or MOST_TAGS
    keys = sorted(key for key in stream.tags if key > after)
    tags = [{"Key": key, "Value": stream.tags[key]} for key in keys[:limit]]
    return {"Tags": tags, "HasMoreTags": len(keys) > limit}
