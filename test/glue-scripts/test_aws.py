"""The job's requests to S3 and the Glue catalog: real boto3 requests to a small server or botocore's stub."""

import io
import pickle
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from clickstream.aws import GlueCatalog, S3Store, task_client

DESCRIPTOR = {"Columns": [{"Name": "event_id", "Type": "string"}], "Location": "s3://b/events/"}


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    task_client.cache_clear()


class AnsweringServer(ThreadingHTTPServer):
    """Answers every request with its status, and records it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.seen: list[tuple[str, str, tuple[str | None, str | None], bytes]] = []
        self.status = 200


class Answering(BaseHTTPRequestHandler):
    """One request to that server."""

    def answer(self) -> None:
        assert isinstance(self.server, AnsweringServer)
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        condition = (self.headers.get("If-None-Match"), self.headers.get("If-Match"))
        self.server.seen.append((self.command, self.path, condition, body))
        self.send_response(self.server.status)
        self.send_header("ETag", '"new"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_GET = do_POST = answer

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing. The tests check the recorded requests."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnsweringServer]:
    running = AnsweringServer()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{running.server_port}")
    yield running
    running.shutdown()
    running.server_close()


def test_the_head_is_only_replaced_if_it_has_the_same_etag(server):
    store = S3Store()
    assert store.swap("s3://b/runs/head.json", b"{}", None) == '"new"'
    assert store.swap("s3://b/runs/head.json", b"{}", '"old"') == '"new"'
    store.put("s3://b/runs/taken/e1.json.gz", b"list")
    assert [condition for _, _, condition, _ in server.seen] == [("*", None), (None, '"old"'), (None, None)]


@pytest.mark.parametrize("status", [404, 409, 412])
def test_a_head_that_was_changed_is_being_put_or_was_deleted_is_not_replaced(server, status):
    server.status = status
    assert S3Store().swap("s3://b/runs/head.json", b"{}", '"old"') is None


def test_any_other_error_for_the_head_fails_the_run(server):
    server.status = 403
    with pytest.raises(ClientError):
        S3Store().swap("s3://b/runs/head.json", b"{}", None)


def test_an_object_is_read_with_its_etag():
    store = S3Store()
    with Stubber(store._s3) as stub:
        body = StreamingBody(io.BytesIO(b"{}"), 2)
        stub.add_response("get_object", {"Body": body, "ETag": '"1"'}, {"Bucket": "b", "Key": "runs/head.json"})
        assert store.get_tagged("s3://b/runs/head.json") == (b"{}", '"1"')
        stub.add_client_error("get_object", "NoSuchKey", http_status_code=404)
        assert store.get_tagged("s3://b/runs/head.json") is None
        stub.add_client_error("get_object", "AccessDenied", http_status_code=403)
        with pytest.raises(ClientError):
            store.get_tagged("s3://b/runs/head.json")


def test_a_file_is_put_by_one_request_from_a_pickled_client(server, monkeypatch):
    uploads = pickle.loads(pickle.dumps(S3Store.uploads()))
    # A machine of the cluster may have no region. The uploads carry it.
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    body = io.BytesIO(b"PAR1...PAR1")
    uploads.open()("s3://bucket/events/event_date=2026-03-15/part-1.parquet", body)
    assert uploads.region == "us-east-1"
    [(method, path, condition, sent)] = server.seen
    assert (method, condition) == ("PUT", (None, None))
    assert path.endswith("/events/event_date%3D2026-03-15/part-1.parquet")
    assert b"PAR1...PAR1" in sent


def test_a_file_that_s3_rejects_fails_its_task(server):
    server.status = 403
    with pytest.raises(ClientError):
        S3Store.uploads().open()("s3://bucket/events/part-1.parquet", io.BytesIO(b"x"))


def test_an_object_is_read_by_one_request_from_a_pickled_client(server, monkeypatch):
    downloads = pickle.loads(pickle.dumps(S3Store.downloads()))
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with downloads.open()("s3://bucket/raw/a-1-2.jsonl.gz") as body:
        assert body.read(10) == b""
    [(method, path, _, _)] = server.seen
    assert (method, path) == ("GET", "/bucket/raw/a-1-2.jsonl.gz")


def test_a_failed_deletion_is_an_error_with_the_key():
    store = S3Store()
    with Stubber(store._s3) as stub:
        stub.add_response("delete_objects", {"Errors": [{"Key": "k1", "Code": "AccessDenied"}]})
        with pytest.raises(RuntimeError, match=r"Could not delete from b: .*k1"):
            store.delete(["s3://b/k1"])


def test_deletes_up_to_1000_objects_per_request():
    store = S3Store()

    def request(first: int, last: int) -> dict:
        return {"Bucket": "b", "Delete": {"Objects": [{"Key": f"k{n}"} for n in range(first, last)], "Quiet": True}}

    with Stubber(store._s3) as stub:
        stub.add_response("delete_objects", {}, request(0, 1000))
        stub.add_response("delete_objects", {}, request(1000, 1001))
        store.delete([f"s3://b/k{n}" for n in range(1001)])
        stub.assert_no_pending_responses()


def test_lists_every_page():
    moment = datetime(2026, 3, 15, tzinfo=timezone.utc)
    store = S3Store()
    with Stubber(store._s3) as stub:
        first = {"Key": "raw/1", "Size": 10, "LastModified": moment}
        stub.add_response(
            "list_objects_v2",
            {"Contents": [first], "IsTruncated": True, "NextContinuationToken": "t"},
            {"Bucket": "b", "Prefix": "raw/"},
        )
        stub.add_response(
            "list_objects_v2",
            {"Contents": [first | {"Key": "raw/2"}]},
            {"Bucket": "b", "Prefix": "raw/", "ContinuationToken": "t"},
        )
        assert store.list_objects("s3://b/raw/") == [("s3://b/raw/1", 10, moment), ("s3://b/raw/2", 10, moment)]


def test_lists_no_folders_if_not_requested():
    store = S3Store()
    with Stubber(store._s3) as stub:
        found = {"Key": "runs/e1.json", "Size": 10, "LastModified": datetime(2026, 3, 15, tzinfo=timezone.utc)}
        stub.add_response(
            "list_objects_v2",
            {"Contents": [found], "CommonPrefixes": [{"Prefix": "runs/taken/"}]},
            {"Bucket": "b", "Prefix": "runs/", "Delimiter": "/"},
        )
        assert [one.uri for one in store.list_objects("s3://b/runs/", in_folders=False)] == ["s3://b/runs/e1.json"]


def page(days: dict[str, str]) -> dict:
    return {
        "Partitions": [
            {"Values": [day], "StorageDescriptor": DESCRIPTOR | {"Location": at}} for day, at in days.items()
        ]
    }


def given(day: str) -> dict:
    return {"Values": [day], "StorageDescriptor": DESCRIPTOR | {"Location": f"s3://b/new/{day}/"}}


def test_asks_only_for_the_given_dates_and_again_for_those_that_glue_left():
    catalog = GlueCatalog("d", "events")
    where = {"DatabaseName": "d", "TableName": "events"}
    with Stubber(catalog._glue) as stub:
        both = [{"Values": ["2026-03-14"]}, {"Values": ["2026-03-15"]}]
        answer = page({"2026-03-14": "s3://b/x"}) | {"UnprocessedKeys": both[1:]}
        stub.add_response("batch_get_partition", answer, {**where, "PartitionsToGet": both})
        stub.add_response("batch_get_partition", page({}), {**where, "PartitionsToGet": both[1:]})
        assert catalog.locations({"2026-03-15", "2026-03-14"}) == {"2026-03-14": "s3://b/x/"}
        stub.assert_no_pending_responses()


def test_asks_for_each_date_by_itself_if_glue_returns_all_as_unprocessed():
    catalog = GlueCatalog("d", "events")
    where = {"DatabaseName": "d", "TableName": "events"}
    both = [{"Values": ["2026-03-14"]}, {"Values": ["2026-03-15"]}]
    [found] = page({"2026-03-15": "s3://b/x"})["Partitions"]
    with Stubber(catalog._glue) as stub:
        stub.add_response("batch_get_partition", {"Partitions": [], "UnprocessedKeys": both})
        stub.add_client_error("get_partition", "EntityNotFoundException", http_status_code=400)
        stub.add_response("get_partition", {"Partition": found}, {**where, "PartitionValues": ["2026-03-15"]})
        assert catalog.locations({"2026-03-14", "2026-03-15"}) == {"2026-03-15": "s3://b/x/"}
        stub.add_response("batch_get_partition", {"Partitions": [], "UnprocessedKeys": both[:1]})
        stub.add_client_error("get_partition", "AccessDeniedException", http_status_code=400)
        with pytest.raises(ClientError):
            catalog.locations({"2026-03-14"})


def test_asks_for_a_thousand_dates_in_one_call():
    days = [f"{day:04d}" for day in range(1001)]
    catalog = GlueCatalog("d", "events")
    with Stubber(catalog._glue) as stub:
        for part in (days[:1000], days[1000:]):
            asked = {"DatabaseName": "d", "TableName": "events", "PartitionsToGet": [{"Values": [day]} for day in part]}
            stub.add_response("batch_get_partition", page({day: f"s3://b/{day}" for day in part}), asked)
        assert len(catalog.locations(days)) == 1001
        stub.assert_no_pending_responses()


def test_locations_end_with_a_slash_on_every_page():
    catalog = GlueCatalog("d", "events")
    with Stubber(catalog._glue) as stub:
        stub.add_response("get_partitions", page({"2026-03-14": "s3://b/x"}) | {"NextToken": "t"})
        stub.add_response("get_partitions", page({"2026-03-15": "s3://b/y/"}))
        assert catalog.locations() == {"2026-03-14": "s3://b/x/", "2026-03-15": "s3://b/y/"}


def test_a_copy_is_one_request_that_names_the_source_and_needs_no_right_to_read_tags():
    store = S3Store()
    with Stubber(store._s3) as stub:
        source = {"Bucket": "b", "Key": "events/event_date=2026-03-15/part-1.parquet"}
        target = {"Bucket": "b", "Key": "rebuilt/x/event_date=2026-03-15/part-1.parquet"}
        stub.add_response("copy_object", {}, {**target, "CopySource": source, "TaggingDirective": "REPLACE"})
        store.copy(f"s3://b/{source['Key']}", f"s3://b/{target['Key']}")
        stub.assert_no_pending_responses()


def test_a_replaced_file_is_tagged_before_it_is_deleted(server):
    S3Store().retire(["s3://b/events/a.parquet", "s3://b/events/b.parquet"])
    requests = [(method, path, body) for method, path, _, body in server.seen]
    assert sorted(path for _, path, _ in requests[:2]) == ["/b/events/a.parquet?tagging", "/b/events/b.parquet?tagging"]
    assert all(b"<Key>clickstream</Key><Value>retired</Value>" in body for *_, body in requests[:2])
    [(method, path, body)] = requests[2:]
    assert (method, path) == ("POST", "/b?delete")
    assert b"events/a.parquet" in body
    assert b"events/b.parquet" in body


def test_switches_a_hundred_known_dates_in_one_call_and_registers_unknown_ones():
    known = {f"{day:03d}": "s3://b/old/" for day in range(101)}
    catalog = GlueCatalog("d", "events")
    where = {"DatabaseName": "d", "TableName": "events"}
    with Stubber(catalog._glue) as stub:
        table = {"Table": {"Name": "events", "StorageDescriptor": DESCRIPTOR}}
        stub.add_response("get_table", table, {"DatabaseName": "d", "Name": "events"})
        stub.add_response("batch_get_partition", page(known))
        for days in (sorted(known)[:100], sorted(known)[100:]):
            entries = [{"PartitionValueList": [day], "PartitionInput": given(day)} for day in days]
            stub.add_response("batch_update_partition", {}, {**where, "Entries": entries})
        stub.add_response("batch_create_partition", {}, {**where, "PartitionInputList": [given("new")]})
        catalog.switch({day: f"s3://b/new/{day}/" for day in [*known, "new"]})
        stub.assert_no_pending_responses()


def test_a_partition_that_the_catalog_rejects_fails_the_run():
    catalog = GlueCatalog("d", "events")
    with Stubber(catalog._glue) as stub:
        stub.add_response("get_table", {"Table": {"Name": "events", "StorageDescriptor": DESCRIPTOR}})
        stub.add_response("batch_get_partition", page({"2026-03-15": "s3://b/old/"}))
        refusal = {"ErrorDetail": {"ErrorCode": "InternalServiceException", "ErrorMessage": "no"}}
        stub.add_response("batch_update_partition", {"Errors": [refusal]})
        with pytest.raises(RuntimeError, match="The Glue Data Catalog rejected a partition"):
            catalog.switch({"2026-03-15": "s3://b/new/"})
