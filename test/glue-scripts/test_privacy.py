"""The privacy rules, compared with values computed by hand and with Python's hmac and ipaddress."""

import hashlib
import hmac
import ipaddress
import json
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import functions as F

from clickstream.arguments import Options, parse_privacy, read_privacy_key
from clickstream.contract import IP_FIELDS, SCRUBBED
from clickstream.patterns import name_pattern
from clickstream.privacy import mask, mask_ip, may_concern, protect, scrub
from lake import arrived, event


def column(spark, values, expression):
    rows = spark.createDataFrame([(number, value) for number, value in enumerate(values)], "n int, value string")
    return [row[0] for row in rows.orderBy("n").select(expression(F.col("value")).alias("masked")).collect()]


def test_an_address_keeps_its_network_only(spark):
    # The collector masks addresses too. Its test reads the same cases.
    cases = json.loads((Path(__file__).parent.parent / "masked-addresses.json").read_text("utf-8"))
    expected = dict(cases) | {None: None}
    assert column(spark, list(expected), mask_ip) == list(expected.values())


def test_addresses_of_all_shapes_agree_with_pythons_ipaddress(spark):
    addresses = []
    for number in range(256):
        groups = [(number * (place + 3) * 40503) % 65536 if number >> place & 1 else 0 for place in range(8)]
        exploded = ":".join(f"{group:04x}" for group in groups)
        addresses += [exploded, str(ipaddress.ip_address(exploded))]
    networks = [str(ipaddress.ip_network(f"{text}/48", strict=False).network_address) for text in addresses]
    # Only an address in ::ffff:0:0/96 with a dotted tail is an IPv4 address. These are not.
    assert column(spark, addresses, mask_ip) == networks


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
    assert column(spark, [value], lambda value: mask(name, value)) == [masked]


@pytest.mark.parametrize(
    "key", [b"key", b"k" * 64, b"a key that is longer than the block of SHA-256, which is hashed first" * 2]
)
def test_hash_is_hmac_sha256(lake, key):
    lake.put_lines(
        [arrived(event("a", user_id="user-42", geo={"city": "Zürich"}), 1), arrived(event("b", user_id=None), 2)]
    )
    lake.run("r1", privacy='{"user_id": "hash", "city": "hash"}', privacy_key=key)

    def expected(text):
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    assert lake.select("event_id, user_id, city") == [("a", expected("user-42"), expected("Zürich")), ("b", None, None)]


def test_the_key_is_in_no_query_plan(spark):
    key = b"a key that nobody may see"
    block = key.ljust(64, b"\0")
    text = ", ".join(f"{name} string" for name in SCRUBBED)
    rows = spark.createDataFrame([(*["u"] * len(SCRUBBED), None)], f"{text}, properties map<string,string>")
    rows = rows.withColumn("ip", F.lit(None).cast("string"))
    rules = {"user_id": "hash"}
    # py4j has no type hints.
    plan = cast(Any, protect(rows, spark, rules, key)._jdf).queryExecution().toString().lower()
    for secret in (key, bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)):
        assert secret.hex() not in plan
        assert secret.decode("latin-1").lower() not in plan
    assert "nobody" not in repr(Options("", "", "", "", "", "", "", {}, 128, 24, 7, True, 1, 1, privacy_key=key))


def test_a_dropped_field_is_null(lake):
    lake.put_lines([arrived(event("a", geo={"ip": "203.0.113.7", "city": "Berlin"}), 1)])
    lake.run("r1", privacy='{"ip": "drop", "city": "drop", "user_id": "drop"}')
    assert lake.select("user_id, ip, city") == [(None, None, None)]


def test_the_rule_keep_changes_nothing(lake):
    lake.put_lines([arrived(event("a", geo={"ip": "203.0.113.7"}, properties={"email": "a@example.org"}), 1)])
    lake.run("r1", privacy='{"ip": "keep", "email": "keep", "user_agent": "keep"}')
    assert lake.select("ip, properties") == [("203.0.113.7", {"email": "a@example.org"})]


def test_a_rule_applies_to_properties_with_the_field_name_in_any_case(lake):
    carried = {"Email": "a@example.org", "USER_AGENT": "Mozilla", "ip_address": "203.0.113.7", "coupon": "SPRING"}
    lake.put_lines([arrived(event("a", properties=carried), 1), arrived(event("b", properties={"coupon": "x"}), 2)])
    lake.run("r1")
    assert lake.select("event_id, properties") == [
        ("a", {"ip_address": "203.0.113.0", "coupon": "SPRING"}),
        ("b", {"coupon": "x"}),
    ]


def test_fields_without_a_rule_have_the_default():
    rules = parse_privacy("{}")
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
def test_an_invalid_rule_is_rejected_with_the_allowed_values(text, words):
    with pytest.raises(ValueError) as error:
        parse_privacy(text)
    for word in words:
        assert word in str(error.value)


def test_hashing_without_a_secret_is_rejected():
    with pytest.raises(ValueError, match="privacy_key_secret"):
        read_privacy_key({"user_id": "hash"}, "none")
    assert read_privacy_key({"user_id": "mask"}, "none") is None


IP, AGENT, EMAIL = "ip", "user_agent", "email"
NAMES = {
    IP: """ip IP Ip $ip ip_2 ip2 ip_2_2 context.ip properties.ip geo.ip clientIp client_ip clientip userIP IPAddress
        ip_address ip_address_2 ipAddress ip-address IPADDRESS ip_addr ipaddr ipv4 ip_v6 remote_addr remoteAddress
        X-Forwarded-For x_forwarded_for forwardedFor Forwarded http.client.ip user[ip] ips""",
    AGENT: """user_agent userAgent UserAgent USERAGENT useragent user-agent User-Agent $user_agent context.userAgent
        http_user_agent HTTP_USER_AGENT user_agent_2 userAgent2 ua browser_ua userAgentString user.agent""",
    EMAIL: """email Email EMAIL e-mail eMail e_mail $email userEmail user_email useremail traits.email geo.email
        email_2 email1 customer_email_address contactEmailAddress emailAddress email_address emails mailAddress
        user[email] context.traits.email""",
    None: """zip ship shipping shipAddress ship_address trip tip tip_2 vip description membership recipe aqua dua
        female emailed email_verified ip_hash user agent address forward coupon name product_id""",
}


def test_names_match_a_field_in_any_case_with_separators_prefixes_or_a_final_number(spark):
    names = [(name, field) for field, text in NAMES.items() for name in text.split()]
    patterns = [F.col("name").rlike(f"{name_pattern(field)}$").alias(field) for field in (IP, AGENT, EMAIL)]
    rows = spark.createDataFrame(names, "name string, field string").select("name", "field", *patterns).collect()
    wrong = [
        row["name"]
        for row in rows
        if [one for one in (IP, AGENT, EMAIL) if row[one]] != [row["field"]][: bool(row["field"])]
    ]
    assert wrong == []
    # The cheap first check must not miss one.
    rules = {"ip": "mask", "user_agent": "drop", "email": "drop"}
    asked = spark.createDataFrame([one for one in names if one[1]], "name string, field string")
    asked = asked.withColumn("asked", may_concern(F.concat(F.lit("\n"), "name", F.lit("=")), rules))
    assert [row["name"] for row in asked.where("NOT asked").collect()] == []


VALUES = {
    # Values that a rule changes.
    "198.51.100.77": "198.51.100.0",
    "198.51.100.77:61598": "198.51.100.0:61598",
    "2001:db8:1:2::7": "2001:db8:1::",
    "via 198.51.100.77, 2001:db8:1:2::7.": "via 198.51.100.0, 2001:db8:1::.",
    "::ffff:203.0.113.7": "203.0.113.0",
    "http://198.51.100.77:8080/x": "http://198.51.100.0:8080/x",
    "jane.doe+news@mail.example.com": None,
    "mail jane@example.com now": "mail  now",
    "jäne@exämple.de": None,
    "mailto:jane@example.com": "mailto:",
    '{"to":"jane\\u0040example.com"}': '{"to":""}',
    "jane@[198.51.100.77]": None,
    "https://jane:secret@shop.example/p": "https://shop.example/p",
    "https://shop.example/?email=jane@example.com&x=1": "https://shop.example/?email=&x=1",
    "https://shop.example/?email=jane%40example.com#top": "https://shop.example/?email=#top",
    "https://shop.example/?userEmail=hidden&x=1": "https://shop.example/?userEmail=&x=1",
    "https://shop.example/?customer%5Bemail%5D=hidden": "https://shop.example/?customer%5Bemail%5D=",
    "https://shop.example/?next=%2Fa%3Femail%3Djane%2540example.com%26x%3D1": (
        "https://shop.example/?next=%2Fa%3Femail%3D%26x%3D1"
    ),
    "https://shop.example/?ip=198.51.100.77&ua=Mozilla%2F5.0%20%28X11%29&x=1": (
        "https://shop.example/?ip=198.51.100.0&ua=&x=1"
    ),
    "/unsubscribe/jane@example.com/yes": "/unsubscribe//yes",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36": None,
    "Opera/9.80 (Windows NT 6.1)": None,
    "curl/8.1.2": None,
    "Shop/7 CFNetwork/1240.0.4 Darwin/20.6.0": None,
    "Shop/7.1 (iPhone; iOS 17.0)": None,
    '{"ip":"198.51.100.77","userAgent":"Mozilla/5.0 (X11)","traits":{"email":"jane@example.com"}}': (
        '{"ip":"198.51.100.0","userAgent":null,"traits":{"email":null}}'
    ),
    '{"ip_address": 3325256781, "e-mail": "hidden", "a": "b\\"c"}': '{"ip_address": "", "e-mail": null, "a": "b\\"c"}',
    '["jane@example.com","x"]': '["","x"]',
    '{"inner":"{\\"email\\":\\"jane@example.com\\",\\"n\\":1}"}': '{"inner":"{\\"email\\":null,\\"n\\":1}"}',
    # Four numbers with dots look like an address, so they are one.
    "1.2.3.4": "1.2.3.0",
} | {
    text: text
    for text in (
        "", "shoes", "v1.2.3.4", "1.2.3.4.5", "1.2.3", "256.1.1.1", "10:00:00", "2026-03-15T10:00:00.000Z",
        "aa:bb:cc:dd:ee:ff", "std::vector", "@jane", "a@b", "react@18.2.0", "https://maps.example/@52.5,13.4,15z",
        "https://shop.example/?q=a+b&zip=12345&description=x", '{"zip":"12345","b":[1,2]}', "Runner (blue)",
        "1/2 (half)",
        "https://shop.example/category/12/product/345", "100%", "a=b",
    )
}  # fmt: skip


def scrubbed(spark, values, rules):
    rows = spark.createDataFrame(
        [(number, [value]) for number, value in enumerate(values)], "n int, _texts array<string>"
    )
    return [row["_texts"][0] for row in scrub(rows, rules).orderBy("n").collect()]


def test_rules_apply_to_addresses_emails_and_user_agents_in_any_text(spark):
    rules = {"ip": "mask", "user_agent": "drop", "email": "drop"}
    assert dict(zip(VALUES, scrubbed(spark, list(VALUES), rules), strict=True)) == VALUES
    asked = column(spark, list(VALUES), lambda text: may_concern(text, rules))
    missed = [text for text, is_asked in zip(VALUES, asked, strict=True) if VALUES[text] != text and not is_asked]
    assert missed == []


def test_usual_texts_are_not_looked_at_closely(spark):
    rules = {"ip": "mask", "user_agent": "drop", "email": "drop"}
    usual = ["shoes", "https://shop.example/category/12/product/345?q=a+b", "Runner (blue)", "100%", "a=b", "u0040"]
    asked = column(spark, usual, lambda text: may_concern(text, rules))
    assert [text for text, is_asked in zip(usual, asked, strict=True) if is_asked] == []


def test_only_values_with_a_rule_are_changed(spark):
    text = "198.51.100.77 jane@example.com"
    assert scrubbed(spark, [text], {"ip": "drop"}) == [" jane@example.com"]
    assert scrubbed(spark, [text], {"email": "mask"}) == ["198.51.100.77 j***"]


def test_a_long_value_does_not_overflow_the_stack(spark):
    for text in ("a" * 300_000 + "@", '"' + "\\\\" * 100_000 + '":', "1." * 200_000, "a:" * 200_000, "%40" * 100_000):
        scrubbed(spark, [text], {"ip": "mask", "user_agent": "drop", "email": "drop"})


def test_an_email_in_a_text_has_the_same_hash_as_alone(lake):
    key = b"a key of the tests"
    mails = hmac.new(key, b"jane@example.com", hashlib.sha256).hexdigest()
    lake.put_lines([arrived(event("a", properties={"note": "to jane@example.com", "email": "jane@example.com"}), 1)])
    lake.run("r1", privacy='{"email": "hash"}', privacy_key=key)
    assert lake.select("properties") == [({"note": f"to {mails}", "email": mails},)]


def test_an_address_has_the_same_hash_with_any_port_and_proxies(lake):
    key = b"a key of the tests"
    found = hmac.new(key, b"198.51.100.77", hashlib.sha256).hexdigest()
    sent = ("198.51.100.77", "198.51.100.77:61598", "198.51.100.77, 10.0.0.1")
    lake.put_lines([arrived(event(str(number), geo={"ip": ip}), number) for number, ip in enumerate(sent, 1)])
    lake.run("r1", privacy='{"ip": "hash"}', privacy_key=key)
    assert lake.select("ip") == [(found,)] * 3


@pytest.mark.parametrize("rule, kept", [("mask", "203.0.113.0"), ("drop", None), ("keep", "203.0.113.7, 10.0.0.1")])
def test_a_second_ip_column_follows_its_own_rule(spark, monkeypatch, rule, kept):
    monkeypatch.setattr("clickstream.privacy.IP_FIELDS", (*IP_FIELDS, "proxy_ip"))
    columns = ", ".join(f"{name} string" for name in (*SCRUBBED, "ip", "proxy_ip"))
    values = (*["u"] * len(SCRUBBED), "198.51.100.77", "203.0.113.7, 10.0.0.1", None)
    rows = spark.createDataFrame([values], f"{columns}, properties map<string,string>")
    found = protect(rows, spark, {"ip": "mask", "proxy_ip": rule}, None).select("ip", "proxy_ip").collect()
    assert [tuple(row) for row in found] == [("198.51.100.0", kept)]


def test_an_email_as_user_id_follows_the_email_rule_unless_user_id_has_a_rule(lake):
    for number, rules in enumerate(("{}", '{"email": "mask"}', '{"user_id": "mask"}', '{"email": "keep"}'), 1):
        lake.put_lines([arrived(event(str(number), user_id="jane@example.com"), number)])
        lake.run(f"r{number}", privacy=rules)
    assert lake.select("event_id, user_id") == [("1", None), ("2", "j***"), ("3", "j***"), ("4", "jane@example.com")]


# Events of real producers in the ingest's format: unknown fields are properties, duplicate names get a number.
PERSONAL = [
    {"geo": {"ip": "198.51.100.77, 10.0.0.1"}},
    {"geo": {"ip": "198.51.100.77:61598"}, "properties": {"ip": "198.51.100.77", "ip_2": "198.51.100.78"}},
    {"geo": {"ip": "2001:db8:1:2::7"}, "properties": {"ip_address": "198.51.100.78", "ip_address_2": "198.51.100.79"}},
    {
        "properties": {
            "context": '{"ip":"198.51.100.77","userAgent":"Mozilla/5.0 (X11)","traits":{"email":"jane@example.com"}}',
            "traits": '{"email":"jane@example.com"}',
        }
    },
    {"properties": {"geo.email": "jane@example.com", "geo.user_agent": "Mozilla/5.0 (X11)", "$ip": "198.51.100.77"}},
    {"properties": {"jane@example.com": "1", "198.51.100.77": "2", "remote_user": "bob 198.51.100.77"}},
    {
        "page_url": "https://a.example/?email=jane%40example.com",
        "referrer_url": "https://a.example/?u=jane@example.com",
    },
    {"browser": "Mozilla/5.0 (X11)", "device_type": "jane@example.com", "product_name": "for 198.51.100.77"},
    {"user_id": "jane@example.com", "session_id": "198.51.100.77-1", "geo": {"country": "198.51.100.77", "city": "x"}},
]


def test_no_whole_address_email_or_user_agent_reaches_the_table(lake):
    lake.put_lines([arrived(event(str(number)) | sent, number) for number, sent in enumerate(PERSONAL, 1)])
    assert lake.run("r1")["curated"] == len(PERSONAL)
    text = str(lake.select("COLUMNS(* EXCLUDE (event_time, ingested_at, processed_at))"))
    for personal in ("198.51.100.7", "2001:db8:1:2", "jane", "example.com", "Mozilla", "X11"):
        assert personal not in text
    assert [row[1] for row in lake.select("event_id, ip")[:3]] == ["198.51.100.0", "198.51.100.0", "2001:db8:1::"]


def test_spark_analyses_the_plan_of_the_rules_quickly(spark):
    """With separate expressions for each column, the plan was three times as long and its analysis took seconds."""
    columns = ", ".join([*(f"{name} string" for name in (*SCRUBBED, "ip")), "properties map<string, string>"])
    protected = protect(spark.createDataFrame([], columns), spark, parse_privacy("{}"), None)
    analyzed = cast(Any, protected)._jdf.queryExecution().analyzed()
    assert len(analyzed.toString()) < 80_000
