"""The numbers of the report, computed in plain Python from a list of events: what its queries are compared with."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Event = dict[str, Any]
STEPS = ("visit", "product_view", "add_to_cart", "begin_checkout", "purchase")


def session_of(event: Event) -> str | None:
    """A request without ids (Global Privacy Control) gets a random session of its own, which is no session."""
    session = event["session_id"]
    return None if session is None or session.startswith("anonymous-") else session


def visitor_of(event: Event) -> str | None:
    return event["anonymous_id"] if event["anonymous_id"] is not None else event["user_id"]


def amount(event: Event) -> Decimal:
    """Four decimals, as the queries have them."""
    return Decimal(repr(event["revenue"] or 0.0)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def people(events: list[Event], first: date, last: date) -> list[Event]:
    return [one for one in events if first <= one["event_date"] <= last and one["device_type"] != "bot"]


def days(events: list[Event], first: date, last: date) -> list[tuple]:
    chosen = [one for one in events if first <= one["event_date"] <= last]

    def row(day: date | None) -> tuple:
        of_day = [one for one in chosen if day in (None, one["event_date"])]
        mine = [one for one in of_day if one["device_type"] != "bot"]
        return (
            day and str(day),
            len(mine),
            len(of_day) - len(mine),
            len({session_of(one) for one in mine} - {None}),
            len({visitor_of(one) for one in mine} - {None}),
            sum(one["event_type"] == "purchase" for one in mine),
            f"{sum((amount(one) for one in mine), Decimal('0.0000'))}",
            sum(session_of(one) is None for one in mine),
            sum(visitor_of(one) is None for one in mine),
            sum(one["ingested_at"].date() > one["event_date"] for one in of_day),
            *(stamp(max((one[name] for one in of_day), default=None)) for name in TIMES),
        )

    return [row(day) for day in [None, *sorted({one["event_date"] for one in chosen})]]


TIMES = ("event_time", "ingested_at", "processed_at")


def stamp(time: datetime | None) -> str | None:
    return time and time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def page_of(event: Event) -> str | None:
    """The URL without scheme, user, query and fragment."""
    url = event["page_url"]
    if url is None:
        return None
    url = url.split("#")[0].split("?")[0]
    scheme, colon, rest = url.partition(":")
    if colon and scheme and scheme[0].isalpha() and scheme.isascii() and all(c.isalnum() or c in "+.-" for c in scheme):
        url = rest
    if url.startswith("//"):
        url = url[2:]
        host, slash, path = url.partition("/")
        url = host.split("@", 1)[-1] + slash + path
    return url or None


def pages(events: list[Event], first: date, last: date) -> list[tuple]:
    visits = defaultdict(list)
    for one in people(events, first, last):
        if page_of(one) is not None:
            key = next(one[name] for name in ("session_id", "anonymous_id", "user_id") if one[name] is not None)
            visits[key].append(one)
    found: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"titles": set(), "views": 0, "sessions": set(), "entries": 0, "exits": 0}
    )
    for visit in visits.values():
        visit.sort(key=lambda one: (one["event_time"], page_of(one), one["event_type"] != "page_view"))
        before = None
        for one in visit:
            page = found[str(page_of(one))]
            page["titles"] |= {one["page_title"]} - {None}
            page["sessions"] |= {session_of(one)} - {None}
            page["views"] += one["event_type"] == "page_view" or before is None or page_of(one) != before
            before = page_of(one)
        found[str(page_of(visit[0]))]["entries"] += session_of(visit[0]) is not None
        found[str(page_of(visit[-1]))]["exits"] += session_of(visit[-1]) is not None
    places = {
        key: {page: place for place, page in enumerate(sorted(found, key=lambda p: (-found[p][key], p)), 1)}
        for key in ("views", "entries", "exits")
    }
    rows = []
    for page, place in places["views"].items():
        one, ranks = found[page], [places[key][page] for key in ("views", "entries", "exits")]
        if min(ranks) <= 20:
            title = max(one["titles"], default=None)
            numbers = [one["views"], len(one["sessions"]), one["entries"], one["exits"], *ranks]
            sums = [len(found), sum(p["views"] for p in found.values()), sum(p["entries"] for p in found.values())]
            rows.append((place, (page, title, *map(str, numbers + sums))))
    return [row for _, row in sorted(rows)]


def funnel(events: list[Event], first: date, last: date) -> list[tuple]:
    sessions = defaultdict(list)
    for one in people(events, first, last):
        if session_of(one) is not None:
            step = STEPS.index(one["event_type"]) if one["event_type"] in STEPS else 0
            sessions[one["session_id"]].append((one["event_time"], step))
    reached, at_all = [0] * 5, [0] * 5
    for steps in sessions.values():
        level = 0
        for _, step in sorted(steps):
            if step == level + 1:
                level = step
        for step in range(5):
            reached[step] += level >= step
            at_all[step] += step == 0 or any(found == step for _, found in steps)
    return [(name, str(reached[place]), str(at_all[place])) for place, name in enumerate(STEPS)]


def retention(events: list[Event], first: date, last: date) -> list[tuple]:
    seen = defaultdict(set)
    for one in people(events, first, last):
        if visitor_of(one) is not None:
            seen[visitor_of(one)].add(one["event_date"])
    cells: dict[tuple, int] = defaultdict(int)
    for dates in seen.values():
        begin = min(dates)
        monday = begin - timedelta(days=begin.weekday())
        if begin < first + timedelta(days=14):
            for later in {(one - begin).days for one in dates}:
                cells["day", str(begin), later] += 1
        for later in {(one - monday).days // 7 for one in dates}:
            cells["week", str(monday), later] += 1
    return [(unit, cohort, str(later), str(count)) for (unit, cohort, later), count in sorted(cells.items())]


def revenue(events: list[Event], first: date, last: date) -> list[tuple]:
    groups = defaultdict(list)
    for one in people(events, first, last):
        if one["event_type"] == "purchase":
            groups[one["product_category"]].append(one)
    rows = [
        (
            category,
            len(some),
            sum(1 if one["quantity"] is None else one["quantity"] for one in some),
            sum((amount(one) for one in some), Decimal("0.0000")),
        )
        for category, some in groups.items()
    ]
    rows.sort(key=lambda row: (-row[3], -row[1], row[0] is None, row[0] or ""))
    return [(row[0], *map(str, row[1:]), str(len(rows))) for row in rows[:20]]


def host_of(url: str | None) -> str | None:
    """The host without www., user and port."""
    if url is None or "://" not in url:
        return None
    scheme, rest = url.lower().split("://", 1)
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
        return None
    authority = re.split(r"[/?#]", rest)[0].split("@", 1)[-1]
    host = authority.split(":")[0]
    return (host[4:] if host.startswith("www.") and len(host) > 4 else host) or None


SEARCH = ["google", "bing", "duckduckgo", "ecosia", "qwant", "yahoo", "yandex", "baidu", "startpage", "kagi"]
SOCIAL = [
    "facebook",
    "instagram",
    "pinterest",
    "reddit",
    "linkedin",
    "tiktok",
    "twitter",
    "youtube",
    "threads",
    "t",
    "x",
]
MEDIUMS = {
    "Paid search": "cpc ppc paidsearch paid_search sem",
    "Paid social": "paidsocial paid_social socialpaid social_paid cpm_social",
    "Email": "email e-mail newsletter",
    "Display": "display banner cpm",
    "Affiliates": "affiliate affiliates",
    "Social": "social social_network sm",
}


def touch_of(event: Event) -> tuple[str, str, str]:
    source, medium = ((event[name] or "").lower() or None for name in ("utm_source", "utm_medium"))
    campaign, referrer = event["utm_campaign"], referrer_of(event)
    return channel_of(source, medium, campaign, referrer), source or referrer or "", campaign or ""


def referrer_of(event: Event) -> str | None:
    referrer = host_of(event["referrer_url"])
    return None if referrer == host_of(event["page_url"]) else referrer


def channel_of(source: str | None, medium: str | None, campaign: str | None, referrer: str | None) -> str:
    for channel, mediums in MEDIUMS.items():
        if medium in mediums.split():
            return channel
    if source or medium or campaign:
        return "Other campaigns"
    if referrer is None:
        return "Direct"
    labels = referrer.split(".")
    if (labels[0] in ("mail", "webmail", "outlook") and len(labels) > 1) or referrer == "com.google.android.gm":
        return "Email"
    letters = [label.isascii() and label.isalpha() for label in labels]
    if any(len(labels) > n and labels[-n - 1] in SEARCH and all(letters[-n:]) and all(labels[-n:]) for n in (1, 2)):
        return "Organic search"
    if len(labels) > 1 and labels[-2] in SOCIAL and letters[-1]:
        return "Social"
    return "Referral"


def channels(events: list[Event], first: date, last: date) -> list[tuple]:
    chosen = people(events, first, last)
    last_text = "\U0010ffff"  # null sorts last

    def order(one: Event) -> tuple:
        utm = [(one[name] or last_text) for name in ("utm_source", "utm_medium", "utm_campaign")]
        utm[0], utm[1] = (
            utm[0].lower() if one["utm_source"] else utm[0],
            utm[1].lower() if one["utm_medium"] else utm[1],
        )
        return (one["event_time"], *utm, referrer_of(one) or last_text)

    sessions, visitors = defaultdict(list), defaultdict(list)
    for one in chosen:
        if session_of(one) is not None:
            sessions[one["session_id"]].append(one)
        key = visitor_of(one)
        visitors[one["session_id"] if key is None else key].append(one)
    touches = {id(min(some, key=order)) for some in sessions.values()}
    sums: dict[tuple, list] = defaultdict(lambda: [0, 0, Decimal("0.0000"), 0, Decimal("0.0000")])

    def add(touch: tuple[str, str, str], place: int, by: Decimal | int) -> None:
        for key in (touch, (touch[0], None, None)):
            sums[key][place] += by

    direct = ("Direct", "", "")
    for some in visitors.values():
        some.sort(
            key=lambda one: (one["event_time"], id(one) not in touches, session_of(one) or last_text, *touch_of(one))
        )
        first_touch, last_touch = None, None
        for one in some:
            if id(one) in touches:
                touch = touch_of(one)
                add(touch, 0, 1)
                first_touch = first_touch or touch
                last_touch = touch if touch[0] != "Direct" else last_touch
            if one["event_type"] == "purchase":
                add(first_touch or direct, 1, 1)
                add(first_touch or direct, 2, amount(one))
                add(last_touch or direct, 3, 1)
                add(last_touch or direct, 4, amount(one))
    rows = []
    for whole in (True, False):
        some = [(key, found) for key, found in sums.items() if (key[1] is None) == whole]
        some.sort(key=lambda row: (-row[1][0], -row[1][3], row[0][0], row[0][1] or "", row[0][2] or ""))
        rows += [(*key, *map(str, found)) for key, found in some[:30]]
    return rows


def devices(events: list[Event], first: date, last: date) -> list[tuple]:
    chosen = people(events, first, last)
    rows = []
    for kind, field in (("browser", "browser"), ("device", "device_type"), ("os", "os")):
        groups = defaultdict(list)
        for one in chosen:
            groups[one[field]].append(one)
        found = []
        for name, some in groups.items():
            bought = [one for one in some if one["event_type"] == "purchase"]
            sessions = [len({session_of(one) for one in these} - {None}) for these in (some, bought)]
            found.append((name, *sessions, len(some)))
        found.sort(key=lambda row: (-row[1], -row[3], row[0] is None, row[0] or ""))
        rows += [(kind, row[0], *map(str, row[1:])) for row in found[:10]]
    return rows


def hours(events: list[Event], first: date, last: date) -> list[tuple]:
    groups = defaultdict(list)
    for one in people(events, first, last):
        groups[one["event_time"].strftime("%A"), one["event_time"].hour].append(one)
    return [
        (day, str(hour), str(len(some)), str(len({session_of(one) for one in some} - {None})))
        for (day, hour), some in sorted(groups.items())
    ]
