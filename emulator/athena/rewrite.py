"""Rewrites functions and literals of a parsed query for DuckDB, without regard to types."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from . import patterns
from .dialect import place
from .errors import AthenaFailure, not_supported
from .functions import AGGREGATE, MISSING, SCALAR, SPECIAL, WINDOW

_UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
_INTERVALS = {
    "millisecond": "to_milliseconds",
    "second": "to_seconds",
    "minute": "to_minutes",
    "hour": "to_hours",
    "day": "to_days",
    "week": "to_weeks",
    "month": "to_months",
    "year": "to_years",
}
# Functions that can use another zone's wall clock. The result no longer shows the zone.
_CLOCK_READERS = {
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "quarter",
    "week",
    "day_of_week",
    "dow",
    "day_of_month",
    "day_of_year",
    "doy",
    "week_of_year",
    "year_of_week",
    "yow",
    "date",
    "date_format",
    "format_datetime",
}
_REFUSED = {
    exp.CurrentTime: "current_time",
    exp.CurrentUser: "current_user",
    exp.GroupConcat: "listagg",
    exp.TableSample: "TABLESAMPLE",
    exp.IntervalSpan: "an interval of two units",
    exp.UnicodeString: "a U&'' literal",
    exp.MatchRecognize: "MATCH_RECOGNIZE",
    exp.JSONObject: "json_object",
    exp.JSONArray: "json_array",
    exp.JSONExists: "json_exists",
    exp.JSONTable: "json_table",
    exp.JSONValue: "json_value",
    exp.JSONExtract: "json_query",
}


def call(name: str, *args: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(args))


def rewrite(tree: exp.Expr, sql: str) -> exp.Expr:
    """Apply all rules, innermost expressions first."""
    for node in tree.find_all(*_REFUSED):
        raise not_supported(_REFUSED[type(node)])
    for node in list(tree.walk(bfs=False))[::-1]:
        rule = _RULES.get(type(node))
        if rule:
            replacement = rule(node, sql)
            if replacement is not node:
                if node is tree:
                    tree = replacement
                else:
                    node.replace(replacement)
    return _wrap_literals(tree)


def _function(node: exp.Anonymous, sql: str) -> exp.Expr:
    name, args = node.name.lower(), node.expressions
    if name.startswith("athena_") or node.meta.get("done"):
        return node
    if name in SPECIAL:
        _arity(node, SPECIAL[name], sql)
        return _SPECIAL_RULES[name](node, args)
    for known in (SCALAR, AGGREGATE, WINDOW):
        if name in known:
            least, most, target = known[name]
            _arity(node, (least, most), sql)
            if name in ("any_match", "all_match", "none_match"):
                return _match(name, args)
            if known is WINDOW and not isinstance(node.find_ancestor(exp.Window, exp.Select), exp.Window):
                message = f"{place(node, sql)}Window function {name} requires an OVER clause"
                raise AthenaFailure("MISSING_OVER", message)
            renamed = call(target, *args)
            renamed.meta["done"] = True
            return renamed
    if name in MISSING:
        raise not_supported(f"the function {name}")
    raise AthenaFailure("FUNCTION_NOT_FOUND", f"{place(node, sql)}Function '{name}' not registered")


def _arity(node: exp.Anonymous, bounds: tuple[int, int], sql: str) -> None:
    count = len(node.expressions)
    if not bounds[0] <= count <= bounds[1]:
        raise AthenaFailure(
            "FUNCTION_NOT_FOUND",
            f"{place(node, sql)}Unexpected parameters for function {node.name.lower()}: it takes {bounds[0]}"
            + (f" to {bounds[1]}" if bounds[1] != bounds[0] else "")
            + f" arguments here, not {count}",
        )


def _match(name: str, args: list) -> exp.Expr:
    hits = call("len", call("list_filter", args[0], args[1]))
    if name == "all_match":
        return exp.Paren(this=exp.EQ(this=hits, expression=call("len", args[0].copy())))
    kind = exp.GT if name == "any_match" else exp.EQ
    return exp.Paren(this=kind(this=hits, expression=exp.Literal.number(0)))


def _constant(node: exp.Expr, what: str) -> str:
    if isinstance(node, exp.Literal) and node.is_string:
        return node.name
    raise not_supported(f"{what} that is no text literal")


def _concat(args: list) -> exp.Expr:
    """Unlike DuckDB's concat, || gives NULL for NULL, as Trino's concat does."""
    joined = args[0]
    for part in args[1:]:
        joined = exp.DPipe(this=joined, expression=part)
    return exp.Paren(this=joined)


def _unit(node: exp.Expr) -> str:
    unit = _constant(node, "a date unit").lower()
    if unit not in _UNITS:
        raise AthenaFailure("INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid date unit")
    return unit


def _date_add(_node: exp.Expr, args: list) -> exp.Expr:
    unit, amount = _unit(args[0]), args[1]
    if unit == "quarter":
        unit, amount = "month", exp.Paren(this=exp.Mul(this=amount, expression=exp.Literal.number(3)))
    if unit in ("day", "week", "month", "year"):
        amount = exp.Cast(this=amount, to=exp.DataType.build("INT"))
        amount.meta["checked"] = True
    return exp.Paren(this=exp.Add(this=args[2], expression=call(_INTERVALS[unit], amount)))


def _at_timezone(node: exp.Expr, moment: exp.Expr, zone: exp.Expr) -> exp.Expr:
    name = _constant(zone, "a time zone")
    instant = exp.Cast(this=moment, to=exp.DataType.build("TIMESTAMPTZ"))
    if name.upper() in ("UTC", "Z", "+00:00", "GMT"):
        return instant
    parent = node.parent
    reads = isinstance(parent, exp.Anonymous) and parent.name.lower() in _CLOCK_READERS
    reads = reads or (isinstance(parent, exp.Extract))
    casts = isinstance(parent, exp.Cast) and parent.to.this in (exp.DType.DATE, exp.DType.TIMESTAMP)
    if not reads and not casts:
        raise not_supported(f"a timestamp that keeps the zone {name} (cast it to timestamp or date, or format it)")
    return exp.AtTimeZone(this=instant, zone=exp.Literal.string(name))


def _reduce(_node: exp.Expr, args: list) -> exp.Expr:
    array, start, step, finish = args
    folded = call("list_reduce", array, step, start)
    return call("list_extract", call("list_transform", call("list_value", folded), finish), exp.Literal.number(1))


def _map_agg(node: exp.Expr, args: list) -> exp.Expr:
    if isinstance(node.parent, (exp.Filter, exp.Window)):
        raise not_supported("map_agg with FILTER or OVER")

    def kept(value: exp.Expr) -> exp.Expr:
        condition = exp.Not(this=exp.Is(this=args[0].copy(), expression=exp.Null()))
        return exp.Filter(this=call("list", value), expression=exp.Where(this=condition))

    return call("map", kept(args[0].copy()), kept(args[1]))


def _extract(node: exp.Extract, sql: str) -> exp.Expr:
    return _function(call(node.name.lower(), node.expression), sql)


def _checked(name: str) -> Callable:
    """Renamed so that typed.py resolves it when the argument types are known."""
    return lambda _node, args: call(f"athena_typed_{name}", *args)


_SPECIAL_RULES: dict[str, Callable] = {
    "if": lambda _node, a: exp.Case(ifs=[exp.If(this=a[0], true=a[1])], default=a[2] if len(a) > 2 else None),
    "concat": lambda _node, a: _concat(a),
    "mod": lambda _node, a: exp.Paren(this=exp.Mod(this=a[0], expression=a[1])),
    "date": lambda _node, a: exp.Cast(this=a[0], to=exp.DataType.build("DATE")),
    "date_trunc": lambda _node, a: call("athena_typed_date_trunc", exp.Literal.string(_unit(a[0])), a[1]),
    "date_diff": lambda _node, a: call("date_sub", exp.Literal.string(_unit(a[0])), a[1], a[2]),
    "date_add": _date_add,
    "date_format": lambda _n, a: call(
        "strftime", a[0], exp.Literal.string(patterns.mysql(_constant(a[1], "a format")))
    ),
    "format_datetime": lambda _n, a: call(
        "strftime", a[0], exp.Literal.string(patterns.joda(_constant(a[1], "a format")))
    ),
    "date_parse": lambda _n, a: call("strptime", a[0], exp.Literal.string(patterns.mysql(_constant(a[1], "a format")))),
    "parse_datetime": lambda _n, a: exp.Cast(
        this=call("strptime", a[0], exp.Literal.string(patterns.joda(_constant(a[1], "a format")))),
        to=exp.DataType.build("TIMESTAMPTZ"),
    ),
    "at_timezone": lambda node, a: _at_timezone(node, a[0], a[1]),
    "to_iso8601": _checked("to_iso8601"),
    "typeof": _checked("typeof"),
    "cardinality": _checked("cardinality"),
    "element_at": _checked("element_at"),
    "reduce": _reduce,
    # Exact, so within every error bound of Trino.
    "approx_distinct": lambda _node, a: call("count", exp.Distinct(expressions=[a[0]])),
    "map_agg": _map_agg,
    "histogram": lambda _node, a: call("histogram", a[0]),
}


def _trim(node: exp.Trim, _sql: str) -> exp.Expr:
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "trim")
    characters = node.expression
    return call(name, node.this, *([characters] if characters else []))


def _substring(node: exp.Substring, _sql: str) -> exp.Expr:
    length = node.args.get("length")
    return call("athena_substr", node.this, node.args["start"], *([length] if length else []))


def _localtimestamp(_node: exp.Expr, _sql: str) -> exp.Expr:
    return exp.Cast(this=call("athena_now"), to=exp.DataType.build("TIMESTAMP"))


_RULES: dict[type, Callable] = {
    exp.Anonymous: _function,
    exp.Extract: _extract,
    exp.Trim: _trim,
    exp.Substring: _substring,
    exp.StrPosition: lambda node, _sql: call("strpos", node.this, node.args["substr"]),
    exp.AtTimeZone: lambda node, _sql: _at_timezone(node, node.this, node.args["zone"]),
    exp.CurrentTimestamp: lambda _node, _sql: call("athena_now"),
    exp.Localtimestamp: _localtimestamp,
}


def _wrap_literals(tree: exp.Expr) -> exp.Expr:
    """Text literals get their type: DuckDB would otherwise read them as whatever they are compared with."""
    for literal in list(tree.find_all(exp.Literal)):
        if not literal.is_string or isinstance(literal.parent, (exp.Interval, exp.Escape, exp.AtTimeZone)):
            continue
        if literal.find_ancestor(exp.DataType):
            continue
        literal.replace(exp.Cast(this=literal.copy(), to=exp.DataType.build("TEXT")))
    return tree
