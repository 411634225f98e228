"""The privacy rules, against values worked out by hand and Python's own hmac and ipaddress."""

import hashlib
import hmac
import ipaddress

import clickstream_etl as etl
import pytest
from lake import arrived, event
from pyspark.sql import functions as F


def column(spark, values, expression):
    rows = spark.createDataFrame([(number, value) for number, value in enumerate(values)], "n int, value string")
    return [row[0] for row in rows.orderBy("n").select(expression(F.col("value")).alias("masked")).collect()]


def test_an_address_keeps_its_network_only(spark):
    expected = {
        "203.0.113.77": "203.0.113.0",
        "255.255.255.255": "255.255.255.0",
        "0.0.0.0": "0.0.0.0",
        " 203.0.113.77 ": "203.0.113.0",
        "2001:db8:85a3:1:2:8a2e:370:7334": "2001:db8:85a3::",
        "2001:0DB8:85A3:0001::1": "2001:db8:85a3::",
        "2001:db8::1": "2001:db8::",
        "2001:0:53aa:64c::1": "2001:0:53aa::",
        "1::2:3:4:5:6:7": "1:0:2::",
        "fe80::1%eth0": "fe80::",
        "::1": "::",
        "::": "::",
        "1:2:3:4:5:6:7::": "1:2:3::",
        "64:ff9b::192.0.2.33": "64:ff9b::",
        "::ffff:203.0.113.7": "203.0.113.0",
        "0:0:0:0:0:ffff:203.0.113.7": "203.0.113.0",
        "203.0.113": None,
        "203.0.113.256": None,
        "203.0.113.1.1": None,
        "2001:db8": None,
        "1::2::3": None,
        "1:2:3:4:5:6:7:8:9": None,
        "1:2:3:4:5:6:7::8": None,
        ":1:2:3:4:5:6:7": None,
        "12345::": None,
        "g::1": None,
        ":::": None,
        "localhost": None,
        "": None,
        None: None,
    }
    assert column(spark, list(expected), etl.mask_ip) == list(expected.values())


def test_addresses_of_all_shapes_agree_with_pythons_ipaddress(spark):
    addresses = []
    for number in range(256):
        groups = [(number * (place + 3) * 40503) % 65536 if number >> place & 1 else 0 for place in range(8)]
        exploded = ":".join(f"{group:04x}" for group in groups)
        addresses += [exploded, str(ipaddress.ip_address(exploded))]
    networks = [str(ipaddress.ip_network(f"{text}/48", strict=False).network_address) for text in addresses]
    # Only an address in ::ffff:0:0/96 written with a dotted tail stands for an IPv4 one; these are none.
    assert column(spark, addresses, etl.mask_ip) == networks


@pytest.mark.parametrize(
    "name, value, masked",
    [
        ("user_id", "user-42", "u***"),
        ("city", "Ålesund", "Å***"),
        ("page_url", "https://me:secret@shop.example/p/1?token=x#top", "https://shop.example/p/1"),
        ("referrer_url", "https://shop.example/p/1", "https://shop.example/p/1"),
        ("user_id", None, None),
    ],
)
def test_other_fields_keep_one_character_and_urls_their_path(spark, name, value, masked):
    assert column(spark, [value], lambda value: etl.mask(name, value)) == [masked]


@pytest.mark.parametrize(
    "key", [b"key", b"k" * 64, b"a key that is longer than the block of SHA-256, which is hashed first" * 2]
)
def test_hash_is_hmac_sha256(lake, key):
    lake.put_raw(
        [arrived(event("a", user_id="user-42", geo={"city": "Zürich"}), 1), arrived(event("b", user_id=None), 2)]
    )
    lake.run("r1", privacy='{"user_id": "hash", "city": "hash"}', privacy_key=key)

    def expected(text):
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    assert lake.rows("event_id, user_id, city") == [("a", expected("user-42"), expected("Zürich")), ("b", None, None)]


def test_the_key_shows_in_no_query_plan(spark):
    key = b"a key that nobody may see"
    block = key.ljust(64, b"\0")
    text = ", ".join(f"{name} string" for name in etl.SCRUBBED)
    rows = spark.createDataFrame([(*["u"] * len(etl.SCRUBBED), None)], f"{text}, properties map<string,string>")
    rows = rows.withColumn("ip", F.lit(None).cast("string"))
    rules = {"user_id": "hash"}
    plan = etl.protect(rows, spark, rules, key)._jdf.queryExecution().toString().lower()
    for secret in (key, bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)):
        assert secret.hex() not in plan
        assert secret.decode("latin-1").lower() not in plan
    assert "nobody" not in repr(etl.Options("", "", "", "", "", "", "", {}, privacy_key=key))


def test_a_dropped_field_is_null(lake):
    lake.put_raw([arrived(event("a", geo={"ip": "203.0.113.7", "city": "Berlin"}), 1)])
    lake.run("r1", privacy='{"ip": "drop", "city": "drop", "user_id": "drop"}')
    assert lake.rows("user_id, ip, city") == [(None, None, None)]


def test_everything_is_kept_where_that_is_the_rule(lake):
    lake.put_raw([arrived(event("a", geo={"ip": "203.0.113.7"}, properties={"email": "a@example.org"}), 1)])
    lake.run("r1", privacy='{"ip": "keep", "email": "keep", "user_agent": "keep"}')
    assert lake.rows("ip, properties") == [("203.0.113.7", {"email": "a@example.org"})]


def test_properties_of_a_ruled_name_follow_the_rule_in_any_case(lake):
    carried = {"Email": "a@example.org", "USER_AGENT": "Mozilla", "ip_address": "203.0.113.7", "coupon": "SPRING"}
    lake.put_raw([arrived(event("a", properties=carried), 1), arrived(event("b", properties={"coupon": "x"}), 2)])
    lake.run("r1")
    assert lake.rows("event_id, properties") == [
        ("a", {"ip_address": "203.0.113.0", "coupon": "SPRING"}),
        ("b", {"coupon": "x"}),
    ]


def test_without_rules_the_defaults_protect():
    rules = etl.parse_privacy("{}")
    assert {name: action for name, action in rules.items() if action != "keep"} == {
        "ip": "mask",
        "user_agent": "drop",
        "email": "drop",
    }


@pytest.mark.parametrize(
    "text, words",
    [
        ('{"phone": "drop"}', ["unknown field 'phone'", "user_id"]),
        ('{"ip": "blur", "phone": "drop"}', ["'blur'", "keep, mask, hash, drop", "'phone'"]),
        ("[]", ["JSON object"]),
        ("{", ["JSON object"]),
    ],
)
def test_a_wrong_rule_is_refused_with_what_is_allowed(text, words):
    with pytest.raises(ValueError) as error:
        etl.parse_privacy(text)
    for word in words:
        assert word in str(error.value)


def test_hashing_without_a_secret_is_refused():
    with pytest.raises(ValueError, match="privacy_key_secret"):
        etl.read_privacy_key({"user_id": "hash"}, "none")
    assert etl.read_privacy_key({"user_id": "mask"}, "none") is None
