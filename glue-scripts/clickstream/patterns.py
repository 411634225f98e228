"""Patterns of personal data, for Java's regular expressions.

All repeats of groups are bounded: Java matches each repeat with a recursive call, so a long value would overflow the
stack. Characters that are escaped in URLs or JSON text are matched in their escaped form.
"""

OCTET = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"

IPV4 = rf"(?:{OCTET}\.){{3}}{OCTET}"


GROUP, COLON = "[0-9A-Fa-f]{1,4}", "(?::|%(?:25)?3[Aa])"

IPV6 = (
    rf"(?:(?:{GROUP}{COLON}){{6}}|(?:{GROUP}(?:{COLON}{GROUP}){{0,5}})?{COLON}{COLON}(?:{GROUP}{COLON}){{0,5}}){IPV4}"
    rf"|(?:{GROUP}{COLON}){{7}}{GROUP}"
    rf"|{GROUP}(?:{COLON}{GROUP}){{0,6}}{COLON}{COLON}(?:{GROUP}(?:{COLON}{GROUP}){{0,6}})?"
    rf"|{COLON}{COLON}{GROUP}(?:{COLON}{GROUP}){{0,6}}"
)

# A word can also begin right after an escape: %3D203.0.113.7, \n203.0.113.7
AFTER_ESCAPE = r"(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])"

ADDRESS = (
    rf"(?:(?<![0-9A-Za-z:.])|{AFTER_ESCAPE})(?:{IPV6})(?!:?[0-9A-Za-z]|::|\.[0-9])"
    rf"|(?:(?<![0-9A-Za-z])|{AFTER_ESCAPE})(?<![0-9]\.){IPV4}(?![0-9A-Za-z]|\.[0-9])"
)

AT = r"(?:@|%(?:25)?40|\\{1,3}u0040)"

EMAIL = (
    rf"(?<!\\)(?:[\p{{L}}\p{{N}}._+'-]|%(?:25)?2[Bb]|%[89A-Fa-f][0-9A-Fa-f]){{1,64}}{AT}"
    rf"(?:(?:[\p{{L}}\p{{N}}-]{{1,63}}\.){{1,8}}\p{{L}}[\p{{L}}\p{{N}}-]{{1,62}}|\[[^\]\s]{{2,45}}\]|{IPV4})"
)

# User agents without a comment in brackets. They are only matched at the start of a value.
AGENTS = (
    "curl|Wget|okhttp|python-requests|Python-urllib|aiohttp|Go-http-client|Java|PostmanRuntime|axios|node-fetch|"
    "Apache-HttpClient|Dart|Ruby|PHP|libwww-perl|CFNetwork|Dalvik|Opera|Lynx"
)

AGENT = (
    r"\b(?:Mozilla|Opera|Dalvik)/[0-9][^\"\\\r\n]*"
    rf"|(?:^\s*|(?<=\"))(?:{AGENTS})/[0-9][^\"\\\r\n]*"
    # Name/1.0 (what it runs on) and Name/1.0 Library/2.0
    r"|\b[A-Za-z][\w.-]{0,40}/[0-9][\w.]{0,20}[ +](?:\(|[A-Za-z][\w.-]{0,40}/[0-9])[^\"\\\r\n]*"
    r"|\bMozilla%(?:25)?2[Ff][0-9][^&#\"\\\s]*"
)

# An IPv4-mapped IPv6 address (::ffff:203.0.113.7) becomes the IPv4 address. Any other IPv4 tail becomes two groups.
TO_IPV4_OR_GROUPS = (
    (rf"^(?:::|(?:0{{1,4}}:){{5}})ffff:({IPV4})$", "$1"),
    (rf"(?<=:){IPV4}$", "0:0"),
)

# `::` can occur once, at an end or between groups, and replaces at least one group.
WELL_FORMED = (
    rf"^(?:{IPV4}|(?:{GROUP}:){{7}}{GROUP}|::|(?:{GROUP}:){{1,7}}:|:(?::{GROUP}){{1,7}}"
    rf"|(?=[^:]*(?::[^:]*){{2,7}}$)(?:{GROUP}:){{1,6}}(?::{GROUP}){{1,6}})$"
)

# Masking keeps three groups of an IPv6 address, so it is enough to expand `::` to two zero groups.
TO_NETWORK = (
    (r"\.[0-9]+$", ".0"),
    ("^::", "0::"),
    ("::$", "::0"),
    ("::(?=(?:[^:]+:){6}[^:]+$)", ":"),
    ("::(?=(?:[^:]+:){5}[^:]+$)", ":0:"),
    ("::", ":0:0:"),
    # Removes leading zeros of a group, everything after the third group, and zero groups at the end.
    ("(?<![0-9a-f.])0+(?=[0-9a-f]+(?::|$))", ""),
    ("^((?:[^:.]+:){3})[^.]*$", "$1:"),
    ("(?:(?:^|:)0)+::$", "::"),
)

# Placeholder for a match. Unicode never assigns this code point, so no text contains it.
MATCH = "\uffff"

PERSONAL_VALUES = {"ip": ADDRESS, "user_agent": AGENT, "email": EMAIL}

# https://jane:secret@shop.example/
USER_IN_URL = r"//[^/@\s?#\"]{1,200}@"

# The endings of names that mean a field, with or without separators between words. A prefix (`context.`, `$`, `user`)
# or a number at the end does not change the meaning.
NAME_ENDS = {
    "ip": (
        r"ip(?:\W|_)?addr(?:ess)?|ips?|ip(?:\W|_)?v[46]?"
        r"|(?:client|user|remote|visitor|source|src|real|origin|peer|proxy|customer|sender|last|host)ip"
        r"|(?:client|remote|peer|source|visitor|src)(?:\W|_)?addr(?:ess)?|(?:x(?:\W|_)?)?forwarded(?:(?:\W|_)?for)?"
    ),
    "user_agent": r"user(?:\W|_)?agents?(?:(?:\W|_)?(?:string|header|raw|full))?|ua(?:(?:\W|_)?string)?",
    "email": r"[a-z]{0,40}e(?:\W|_)?mails?(?:(?:\W|_)?(?:address|addr|id))?|mail(?:\W|_)?addr(?:ess)?",
}

WORD_START = r"(?:^|(?<=[^A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]))"

NAME_TAIL = r"(?:[^\p{L}\p{N}\"=&\\]{0,3}[0-9]{1,6}){0,3}(?:[^\p{L}\p{N}\"=&\\]|%5[Dd]){0,3}"

# name=value up to the next parameter, and "name": "value" in JSON text, which can be nested in other JSON text.
PARAMETER = r"({name}(?:=|%(?:25)?3[Dd]))([^&;#\s\"\\]+?)(?=%(?:25)?26|[&;#\s\"\\]|$)"

MEMBER = (
    r"(?s)((?=(\\{{0,3}}\"))\2[^\"\\]{{0,200}}?{name}\2\s{{0,9}}:\s{{0,9}})"
    r"(?:\2(.*?)(?<!\\)\2|(-?[0-9][0-9.eE+-]*))"
)

# The last words of these names. A cheap check looks for them before a `=` or a quote in every row.
NAME_HINTS = {
    "ip": ("ip", "ips", "v", "addr", "address", "for", "forwarded"),
    "user_agent": ("agent", "agents", "ua", "string", "header", "raw", "full"),
    "email": ("mail", "mails", "id", "addr", "address"),
}


def name_pattern(field: str) -> str:
    """A pattern for names that mean a field, up to their end. Case only matters as a separator between words."""
    ends = NAME_ENDS.get(field) or r"(?:\W|_)?".join(field.split("_"))
    return rf"{WORD_START}(?i:{ends}){NAME_TAIL}"
