"""Applies the privacy rules to columns and properties by name, and to personal values in any text."""

import functools
import hashlib
from collections.abc import Callable

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from clickstream.contract import IP_FIELDS, NEVER_CURATED, SCRUBBED, URL_FIELDS
from clickstream.patterns import (
    ADDRESS,
    AGENT,
    AGENTS,
    COLON,
    EMAIL,
    IPV4,
    MATCH,
    MEMBER,
    NAME_HINTS,
    PARAMETER,
    PERSONAL_VALUES,
    TO_IPV4_OR_GROUPS,
    TO_NETWORK,
    USER_IN_URL,
    WELL_FORMED,
    name_pattern,
)  # fmt: skip


def protect(events: DataFrame, spark: SparkSession, rules: dict[str, str], key: bytes | None) -> DataFrame:
    """Applies the privacy rules to columns and properties by name, and to personal values in any text.

    `event_id` is not changed, because duplicates are found by it.
    """
    acting = {name: action for name, action in rules.items() if action != "keep"}
    if not acting:
        return events
    columns = events.columns
    pads = ["_inner_pad", "_outer_pad"] if "hash" in acting.values() else []
    if pads:
        events = events.crossJoin(F.broadcast(key_pads(spark, key)))
    by_name = {
        name: protect_value(name, action, F.col(name))
        for name, action in acting.items()
        if name not in NEVER_CURATED and name not in IP_FIELDS
    }
    # Most rows pass the steps below unchanged. As one value they are copied as a whole, not column by column.
    rows = events.withColumns(by_name).select(F.struct(*columns).alias("_row"), all_text().alias("_text"), *pads)
    rows = protect_texts(rows, acting)
    cleaned = cleaned_columns() | {
        name: protect_value(name, action, F.col(f"_row.{name}"))
        for name, action in acting.items()
        if name in IP_FIELDS and name not in NEVER_CURATED
    }
    return rows.select(*(cleaned.get(name, F.col(f"_row.{name}")).alias(name) for name in columns))


def protect_texts(rows: DataFrame, acting: dict[str, str]) -> DataFrame:
    """Adds `_suspect`, and for suspect rows `_named`, the properties left, and `_texts`, the texts after the rules.

    `_texts` has the columns in SCRUBBED, then the values of `_named`.
    """
    # Each step has its own column, because Spark analyses an expression again for each level of nested lambdas.
    rows = rows.withColumn("_suspect", may_concern(F.col("_text"), acting)).drop("_text")
    rows = rows.withColumn("_named", F.when(F.col("_suspect"), protect_named_properties(acting)))
    # One array for all texts of a row. With one expression per column, planning the query would take seconds.
    values = F.coalesce(F.map_values("_named"), F.array().cast("array<string>"))
    texts = F.concat(F.array(*(f"_row.{name}" for name in SCRUBBED)), values)
    return scrub(rows.withColumn("_texts", F.when(F.col("_suspect"), texts)), acting)


def cleaned_columns() -> dict[str, Column]:
    """The columns that hold texts, after the rules."""
    names = F.map_keys("_named")
    values = F.slice("_texts", len(SCRUBBED) + 1, F.size(names))
    changed = {name: F.get("_texts", F.lit(number)) for number, name in enumerate(SCRUBBED)} | {
        "properties": F.map_filter(F.map_from_arrays(names, values), lambda _, value: value.isNotNull())
    }
    return {name: F.when(F.col("_suspect"), value).otherwise(F.col(f"_row.{name}")) for name, value in changed.items()}


def key_pads(spark: SparkSession, key: bytes | None) -> DataFrame:
    """The two HMAC pads as data. A literal would show the key in the query plan and in the logs."""
    if key is None:
        raise ValueError("A privacy rule hashes, but there is no key")
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    pads = [(bytearray(byte ^ 0x36 for byte in block), bytearray(byte ^ 0x5C for byte in block))]
    return spark.createDataFrame(pads, "_inner_pad binary, _outer_pad binary")


def protect_value(name: str, action: str, value: Column) -> Column:
    """Applies one rule to one value."""
    if action == "drop":
        return F.lit(None).cast("string")
    if action == "mask":
        return mask(name, value)
    if action == "hash":
        # HMAC is two SHA-256 hashes with the key's two pads. Spark computes them without a Python worker.
        inner = F.unhex(F.sha2(F.concat(F.col("_inner_pad"), plain(name, value).cast("binary")), 256))
        return F.sha2(F.concat(F.col("_outer_pad"), inner), 256)
    return value


def mask(name: str, value: Column) -> Column:
    """Masks a value: keeps the network of an IP address, a URL up to its path, or the first character."""
    if name in IP_FIELDS:
        return mask_ip(value)
    if name in URL_FIELDS:
        return F.regexp_replace(F.regexp_replace(value, r"[?#].*$", ""), r"//[^/@]*@", "//")
    return F.concat(F.substring(value, 1, 1), F.lit("***"))


def mask_ip(ip: Column) -> Column:
    """Returns the network of the client's address, or null if there is no address.

    Keeps the first three octets of IPv4 and the first 48 bits of IPv6. Removes a port. In a forwarded list, the first
    address is the client.
    """
    # Most values are a plain IPv4 address, so this is checked first. The slow part only runs for the others.
    return F.when(ip.rlike(f"^{IPV4}$"), F.concat(F.substring_index(ip, ".", 3), F.lit(".0"))).otherwise(
        # `::` alone is an address, but it is not searched for in text.
        mask_rare_ip(F.coalesce(first_address(ip), F.trim(ip)))
    )


def first_address(text: Column) -> Column:
    """The first address in a text, in lower case and with unescaped colons. Null if there is none."""
    found = F.get(F.regexp_extract_all(text, F.lit(ADDRESS), F.lit(0)), F.lit(0))
    return F.lower(F.regexp_replace(found, COLON, ":"))


def mask_rare_ip(address: Column) -> Column:
    """Masks other forms of addresses. Each step uses the previous one only once, as Spark would compute it twice."""
    for pattern, replacement in TO_IPV4_OR_GROUPS:
        address = F.regexp_replace(address, pattern, replacement)
    network = F.get(F.regexp_extract_all(address, F.lit(WELL_FORMED), F.lit(0)), F.lit(0))
    for pattern, replacement in TO_NETWORK:
        network = F.regexp_replace(network, pattern, replacement)
    return network


def plain(name: str, value: Column) -> Column:
    """The input of a hash. For an IP address, port and proxies are removed, so that a client has only one hash."""
    return F.coalesce(first_address(value), value) if name in IP_FIELDS else value


def all_text() -> Column:
    """All text of a row, one piece per line. Property names end with `=`, like parameters in a URL."""
    names = F.array_join(F.map_keys("properties"), "=\n")
    return F.concat_ws("\n", F.lit(""), *SCRUBBED, names, F.lit("="), F.array_join(F.map_values("properties"), "\n"))


def may_concern(text: Column, acting: dict[str, str]) -> Column:
    """True if a row's text may contain something that a rule changes. False positives are possible, misses are not.

    This runs for every row. Looking at each character of the text takes most of the time, so one pattern makes all
    checks. It begins with a set of characters, and Java skips all others fast.
    """
    words = [word for name in acting for word in NAME_HINTS.get(name) or (name.rpartition("_")[2],)]
    last = "".join(sorted({letter for word in words for letter in (word[-1], word[-1].upper())}))
    # The end of a name before `=` or a quote. The last letter is checked first.
    end = r"[^A-Za-z=\"]{0,4}[=\"]"
    # What makes a row suspect: the characters that it begins with, and what comes before and after them.
    looks = [('="', rf"(?<=[{last}]{end})(?<=(?i:{'|'.join(words)}){end})")]
    escapes = ["3D|253D|5[Dd]="]
    if "email" in acting:
        looks += [("@", ""), (r"\\", "u0040")]
        escapes += ["(?:25)?40"]
    if "ip" in acting:
        looks += [(".:", "[0-9A-Fa-f]{0,4}[.:]")]
        escapes += ["(?:25)?3[Aa][0-9A-Fa-f]{0,4}%"]
    if "user_agent" in acting:
        looks += [
            ("M", "Mozilla"[1:]),
            ("/", rf"[0-9](?:[\w.]{{0,20}}[ +][(A-Za-z]|(?<=(?:^|[\"\n\s])(?:{AGENTS})/[0-9]))"),
        ]
    looks += [("%", f"(?:{'|'.join(escapes)})")]
    begins = "".join(characters for characters, _ in looks)
    return text.rlike(f"[{begins}](?:{'|'.join(f'(?<=[{characters}]){rest}' for characters, rest in looks)})")


def may_hold_email(text: Column) -> Column:
    return text.contains("@") | text.contains("%40") | text.contains("%2540") | text.contains("u0040")


def may_hold_address(text: Column) -> Column:
    return text.rlike(rf"\.[0-9]{{1,3}}\.[0-9]|:[0-9A-Fa-f]{{0,4}}:|{COLON}[0-9A-Fa-f]{{0,4}}%(?:25)?3[Aa]")


def may_hold_agent(text: Column) -> Column:
    return text.contains("Mozilla") | text.rlike(rf"/[0-9][0-9A-Za-z_.]{{0,20}}[ +][(A-Za-z]|\b(?:{AGENTS})/[0-9]")


def scrub(rows: DataFrame, acting: dict[str, str]) -> DataFrame:
    """Applies the rules inside each of `_texts`. A text that only contained dropped values becomes null."""

    def values(name: str, pattern: str, guard: Callable[[Column], Column]) -> Callable[[Column], Column]:
        return lambda text: replace_each(
            text, guard(text), pattern, lambda part: protect_value(name, acting[name], part)
        )

    steps = [values("user_agent", AGENT, may_hold_agent)] if "user_agent" in acting else []
    steps += [step for name, action in acting.items() for step in named(name, action)]
    if "email" in acting:
        steps += [lambda text: F.regexp_replace(text, USER_IN_URL, "//"), values("email", EMAIL, may_hold_email)]
    if "ip" in acting:
        steps += [values("ip", ADDRESS, may_hold_address)]
    # Most texts of such a row contain nothing to change. They are null during the steps.
    asked = F.transform("_texts", lambda text: F.when(may_concern(text, acting), text))
    rows = rows.withColumn("_clean", asked)
    for step in steps:
        rows = rows.withColumn("_clean", F.transform("_clean", step))

    def settled(text: Column, clean: Column) -> Column:
        return F.when(clean.isNull(), text).when((clean == text) | (F.trim(clean) != ""), clean)

    return rows.withColumn("_texts", F.zip_with("_texts", "_clean", settled)).drop("_clean")


def named(name: str, action: str) -> list[Callable[[Column], Column]]:
    """Applies the rule to named values inside a text: parameters as in a URL, and members as in JSON."""
    parameter = PARAMETER.format(name=name_pattern(name))
    member = MEMBER.format(name=name_pattern(name))

    def part(match: Column, pattern: str, group: int) -> Column:
        return F.regexp_extract(match, pattern, group)

    def protected(value: Column) -> Column:
        return F.when(value != "", F.coalesce(protect_value(name, action, value), F.lit(""))).otherwise(value)

    def new_parameter(match: Column) -> Column:
        return F.concat(part(match, parameter, 1), protected(part(match, parameter, 2)))

    def new_member(match: Column) -> Column:
        if action == "drop":
            return F.concat(part(match, member, 1), F.lit("null"))
        value = protected(F.concat(part(match, member, 3), part(match, member, 4)))
        return F.concat(part(match, member, 1), part(match, member, 2), value, part(match, member, 2))

    return [
        lambda text: replace_each(text, text.rlike("=|%3D|%253D"), parameter, new_parameter),
        lambda text: replace_each(text, text.rlike(r"\"\s*:"), member, new_member),
    ]


def replace_each(text: Column, guard: Column, pattern: str, replace: Callable[[Column], Column]) -> Column:
    """Replaces each match with an expression. regexp_replace can only insert text.

    The guard is a cheap first check. `text` is used five times, so it must be a column or lambda variable.
    """
    # Spark compiles the pattern of `split` for each value, but not if it is a single character.
    pieces = F.split(F.regexp_replace(text, pattern, MATCH), MATCH)
    changed = F.zip_with(
        pieces,
        F.regexp_extract_all(text, F.lit(pattern), F.lit(0)),
        lambda piece, match: F.concat(piece, F.coalesce(replace(match), F.lit(""))),
    )
    return F.when(guard & text.rlike(pattern), F.array_join(changed, "")).otherwise(text)


def protect_named_properties(acting: dict[str, str]) -> Column:
    """Applies the rules to properties whose names mean a field."""
    patterns = {name: rf"{name_pattern(name)}$" for name in acting}
    dropped = [pattern for name, pattern in patterns.items() if acting[name] == "drop"]
    # A property whose name itself is a personal value is removed.
    dropped += [PERSONAL_VALUES[name] for name in acting if name in PERSONAL_VALUES]
    changing = {name: pattern for name, pattern in patterns.items() if acting[name] != "drop"}

    def stays(key: Column, _: Column) -> Column:
        return functools.reduce(Column.__and__, [~key.rlike(pattern) for pattern in dropped], F.lit(True))

    def change(key: Column, value: Column) -> Column:
        result = value
        for name, pattern in changing.items():
            result = F.when(key.rlike(pattern), protect_value(name, acting[name], value)).otherwise(result)
        return result

    return F.transform_values(F.map_filter("_row.properties", stays), change)
