"""Rules that depend on types: DuckDB's binder determines the type of an expression.

An expression is put into a call that matches no function. DuckDB's error then names the types of the arguments. The
query is bound against empty tables with the same columns, so no file is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb
from sqlglot import exp

from .dialect import place
from .errors import AthenaFailure, not_supported
from .messages import translate_error
from .rewrite import call
from .types import trino_name

_TYPES = re.compile(r"argument types 'pi\((.*)\)'\. You might", re.DOTALL)
_INTEGERS = {
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
}
_FLOATS = {"FLOAT", "DOUBLE"}
_MOMENTS = {"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"}
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_INTEGER_CASTS = {exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT}
_NULL = '"NULL"'


def generate(tree: exp.Expr) -> str:
    """DuckDB's SQL for a rewritten tree."""
    return tree.sql(dialect="duckdb", identify=True, normalize_functions=False)


class Typer:
    """Applies the typed rules to one query, innermost and earliest parts first."""

    def __init__(self, tree: exp.Expr, sql: str, connection: duckdb.DuckDBPyConnection) -> None:
        self.tree, self.sql, self.connection = tree, sql, connection

    def apply(self) -> exp.Expr:
        for node in _order(self.tree):
            rule = self._rule(node)
            if rule is None or not _attached(node, self.tree):
                continue
            same = [n for n in _peers(node) if n == node and not n.meta.get("checked")]
            operands, apply = rule
            if not same:
                continue
            types = self._types(same, operands(node))
            for twin in same:
                twin.meta["checked"] = True
                replacement = apply(self, twin, types)
                if replacement is not None and replacement is not twin:
                    self._replace(twin, replacement)
        return self.tree

    def _rule(self, node: exp.Expr) -> tuple[Callable, Callable] | None:
        if node.meta.get("checked"):
            return None
        if isinstance(node, exp.Anonymous):
            apply = _FUNCTIONS.get(node.name)
            return (lambda n: n.expressions, apply) if apply else None
        for kinds, operands, apply in _NODES:
            if isinstance(node, kinds):
                return operands, apply
        return None

    def _replace(self, node: exp.Expr, replacement: exp.Expr) -> None:
        if node is self.tree:
            self.tree = replacement
        else:
            node.replace(replacement)

    def _types(self, nodes: list[exp.Expr], operands: list[exp.Expr]) -> list[str]:
        """Bind the query with the nodes replaced by a call that fails and tells."""
        probe = call("pi", *(operand.copy() for operand in operands))
        placed = []
        for node in nodes:
            stand_in = _stand_in(node, probe.copy())
            node.replace(stand_in)
            placed.append((node, stand_in))
        try:
            self.connection.execute("PREPARE probe AS " + generate(self.tree))
        except duckdb.Error as error:
            found = _TYPES.search(str(error))
            if found:
                return [_type(part) for part in _split(found.group(1))]
            raise translate_error(error, self.sql) from error
        finally:
            for node, stand_in in placed:
                stand_in.replace(node)
        raise AthenaFailure("GENERIC_INTERNAL_ERROR", f"The type of {operands[0].sql('trino')} is unknown")

    def mismatch(self, node: exp.Expr, operator: str, types: list[str]) -> AthenaFailure:
        left, right = (trino_name_of(self.connection, t) for t in (types[0], types[-1]))
        message = f"{place(node, self.sql)}Cannot apply operator: {left} {operator} {right}"
        return AthenaFailure("TYPE_MISMATCH", message)


def _stand_in(node: exp.Expr, probe: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Unnest):
        return _lateral(probe, node)
    if isinstance(node, exp.Anonymous) and node.name in ("sum", "avg"):
        # With OVER and FILTER, an aggregate must stay an aggregate.
        return call(node.name, probe)
    return probe


def _order(tree: exp.Expr) -> list[exp.Expr]:
    """Post-order, with FROM and WITH before what reads them."""
    ordered: list[exp.Expr] = []

    def visit(node: exp.Expr) -> None:
        early = [node.args.get(key) for key in ("with_", "from_", "joins", "laterals")]
        seen: set[int] = set()
        for group in [*early, *node.args.values()]:
            for child in group if isinstance(group, list) else [group]:
                if isinstance(child, exp.Expr) and id(child) not in seen:
                    seen.add(id(child))
                    visit(child)
        ordered.append(node)

    visit(tree)
    return ordered


def _attached(node: exp.Expr, tree: exp.Expr) -> bool:
    while node.parent is not None:
        node = node.parent
    return node is tree


def _peers(node: exp.Expr) -> list[exp.Expr]:
    """Nodes of the same SELECT: an expression in GROUP BY and in the select list must stay the same."""
    select = node.find_ancestor(exp.Select)
    return list(select.find_all(type(node))) if select is not None else [node]


def _split(source: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for char in source:
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += char
    return [*parts, current.strip()]


def _type(source: str) -> str:
    return {"INTEGER_LITERAL": "INTEGER", "STRING_LITERAL": "VARCHAR"}.get(source, source)


def trino_name_of(connection: duckdb.DuckDBPyConnection, duckdb_type: str) -> str:
    if duckdb_type == _NULL:
        return "unknown"
    try:
        return trino_name(connection.type(duckdb_type))
    except duckdb.Error:
        # The type of a row without field names has no text that DuckDB can parse.
        return duckdb_type.lower().replace("struct(", "row(")


def _family(duckdb_type: str) -> str:
    base = duckdb_type.split("(")[0]
    if base in _INTEGERS or base in _FLOATS or base == "DECIMAL":
        return "number"
    if base in _MOMENTS:
        return "moment"
    return "text" if base in ("VARCHAR", "UUID") else base if "[" not in duckdb_type else "list"


# ---- The rules: each gets the node and its operands' types, and returns the replacement ----


def _divide(typer: Typer, node: exp.Div, types: list[str]) -> exp.Expr:
    left, right = types
    if _NULL in types or left in _FLOATS or right in _FLOATS:
        node.set("typed", False)
        return _double_division(node)
    if left in _INTEGERS and right in _INTEGERS:
        return call("athena_int_div", node.this.copy(), node.expression.copy())
    if _family(left) == _family(right) == "number":
        return _decimal_division(node, _decimal(left), _decimal(right))
    raise typer.mismatch(node, "/", types)


def _double_division(node: exp.Div) -> exp.Expr:
    parts = [exp.Cast(this=part.copy(), to=exp.DataType.build("DOUBLE")) for part in (node.this, node.expression)]
    for part in parts:
        part.meta["checked"] = True
    replacement = exp.Div(this=parts[0], expression=parts[1], typed=False, safe=False)
    replacement.meta["checked"] = True
    return exp.Paren(this=replacement)


def _decimal(duckdb_type: str) -> tuple[int, int]:
    if duckdb_type.startswith("DECIMAL"):
        precision, scale = re.findall(r"\d+", duckdb_type)
        return int(precision), int(scale)
    return {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10}.get(duckdb_type, 19), 0


def _decimal_division(node: exp.Div, left: tuple[int, int], right: tuple[int, int]) -> exp.Expr:
    """Trino: scale is the larger of both, rounded half up; 1.0 / 3 is 0.3."""
    (p1, s1), (_, s2) = left, right
    scale = max(s1, s2)
    precision = min(38, p1 + s2 + max(0, s2 - s1))
    shift = exp.Literal.number(scale - s1 + s2)
    unscaled = call("athena_decimal_div", node.this.copy(), node.expression.copy(), shift)
    digits = call("athena_scaled_text", unscaled, exp.Literal.number(scale))
    return _cast(digits, f"DECIMAL({precision}, {scale})")


def _cast(node: exp.Expr, target: str) -> exp.Cast:
    cast = exp.Cast(this=node, to=exp.DataType.build(target, dialect="duckdb"))
    cast.meta["checked"] = True
    return cast


def _modulo(typer: Typer, node: exp.Mod, types: list[str]) -> exp.Expr | None:
    if any(_family(t) != "number" for t in types if t != _NULL):
        raise typer.mismatch(node, "%", types)
    if set(types) & _FLOATS:
        return call("fmod", node.this.copy(), node.expression.copy())
    return call("athena_mod", node.this.copy(), node.expression.copy())


def _plus_minus(typer: Typer, node: exp.Binary, types: list[str]) -> exp.Expr | None:
    left, right = types
    sign = "+" if isinstance(node, exp.Add) else "-"
    if _NULL in types or _family(left) == _family(right) == "number":
        return None
    if "INTERVAL" in types and {left, right} & {"DATE"}:
        twin = node.copy()
        twin.meta["checked"] = True
        return _cast(exp.Paren(this=twin), "DATE")
    if "INTERVAL" in types and (_family(left) in ("moment", "INTERVAL") or _family(right) == "moment"):
        return None
    if sign == "-" and left == right == "DATE":
        twin = node.copy()
        twin.meta["checked"] = True
        return call("to_days", _cast(exp.Paren(this=twin), "INT"))
    if sign == "-" and _family(left) == _family(right) == "moment":
        return None
    raise typer.mismatch(node, sign, types)


def _multiply(typer: Typer, node: exp.Mul, types: list[str]) -> None:
    families = {_family(t) for t in types if t != _NULL}
    if families - {"number", "INTERVAL"}:
        raise typer.mismatch(node, "*", types)


def _compare(typer: Typer, node: exp.Expr, types: list[str]) -> None:
    known = [t for t in types if t != _NULL]
    families = {_family(t) for t in known}
    if len(families) > 1:
        operators = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
        other = next(t for t in known if _family(t) != _family(known[0]))
        operator = operators.get(type(node), "IS DISTINCT FROM")
        if isinstance(node, exp.Between):
            message = f"Cannot check if {trino_name_of(typer.connection, known[0])} is BETWEEN"
            names = " and ".join(trino_name_of(typer.connection, t) for t in types[1:])
            raise AthenaFailure("TYPE_MISMATCH", f"{place(node, typer.sql)}{message} {names}")
        if isinstance(node, exp.In):
            names = [trino_name_of(typer.connection, t) for t in (known[0], other)]
            message = (
                "IN value and list items must be the same type or coercible to a common type. "
                f"Cannot find common type between {names[0]} and {names[1]}"
            )
            raise AthenaFailure("TYPE_MISMATCH", f"{place(node, typer.sql)}{message}")
        raise typer.mismatch(node, operator, [known[0], other])


def _concat(typer: Typer, node: exp.DPipe, types: list[str]) -> None:
    families = {_family(t) for t in types if t != _NULL}
    if families - {"text"} and families - {"list"}:
        names = ", ".join(trino_name_of(typer.connection, t) for t in types)
        message = f"{place(node, typer.sql)}Unexpected parameters ({names}) for function concat"
        raise AthenaFailure("FUNCTION_NOT_FOUND", message)


def _convert(typer: Typer, node: exp.Cast, types: list[str]) -> exp.Expr | None:
    source, target = types[0], node.to
    value = node.this.copy()
    if target.this in _INTEGER_CASTS:
        if source in _FLOATS:
            return _recast(node, call("athena_round_to_int", value))
        if source == "VARCHAR":
            return _recast(node, call("athena_integer_text", value))
    if target.this == exp.DType.DATE and source == "VARCHAR":
        return _recast(node, call("athena_date_text", value))
    if target.this == exp.DType.JSON and source != "JSON":
        return call("to_json", value)
    if target.this in (exp.DType.TEXT, exp.DType.VARCHAR):
        return _to_text(node, value, source)
    if target.this in (exp.DType.CHAR, exp.DType.NCHAR):
        raise not_supported("a cast to char")
    if target.this in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ) and not isinstance(node, exp.TryCast):
        return _to_moment(node, source)
    return None


def _recast(node: exp.Cast, value: exp.Expr) -> exp.Expr:
    """The same cast of another value. TRY_CAST gives NULL for what the macro's error refuses."""
    cast = exp.Cast(this=value, to=node.to.copy())
    cast.meta["checked"] = True
    return call("try", cast) if isinstance(node, exp.TryCast) else cast


def _to_text(node: exp.Cast, value: exp.Expr, source: str) -> exp.Expr | None:
    macros = {"TIMESTAMP": "athena_timestamp_text", "TIMESTAMP WITH TIME ZONE": "athena_instant_text"}
    length = node.to.expressions
    if source in macros:
        value = call(macros[source], value)
    elif source in _FLOATS:
        value = call("athena_double_text", value)
    elif source == "JSON":
        value = call("json_extract_string", value, _cast(exp.Literal.string("$"), "TEXT"))
    elif source in ("MAP", "INTERVAL") or "[" in source or source.startswith(("STRUCT", "MAP")):
        raise AthenaFailure("TYPE_MISMATCH", f"Cannot cast {source.lower()} to varchar")
    elif not length:
        return None
    text = exp.Cast(this=value, to=exp.DataType.build("TEXT"))
    text.meta["checked"] = True
    return call("left", text, length[0].this.copy()) if length else text


def _to_moment(node: exp.Cast, source: str) -> exp.Expr | None:
    """timestamp means timestamp(3): finer fractions are rounded."""
    digits = int(node.to.expressions[0].name) if node.to.expressions else 3
    if _family(source) not in ("text", "moment") and source != _NULL:
        raise AthenaFailure("TYPE_MISMATCH", f"Cannot cast {source.lower()} to timestamp")
    plain = exp.Cast(this=node.this.copy(), to=exp.DataType(this=node.to.this))
    plain.meta["checked"] = True
    if node.to.this == exp.DType.TIMESTAMP and digits <= 3 and source == "VARCHAR":
        return call("athena_to_millis", plain)
    return plain


def _subscript(typer: Typer, node: exp.Bracket, types: list[str]) -> exp.Expr:
    if len(node.expressions) != 1:
        raise not_supported("a subscript of several parts")
    is_list = types[0].endswith("]")
    if types[0].startswith("STRUCT") and not is_list:
        macro = "struct_extract_at"
    else:
        macro = "athena_map_subscript" if types[0].startswith("MAP") and not is_list else "athena_subscript"
    return call(macro, node.this.copy(), node.expressions[0].copy())


def _element_at(typer: Typer, node: exp.Anonymous, types: list[str]) -> exp.Expr:
    macro = "athena_array_at" if types[0].endswith("]") else "athena_map_at"
    return call(macro, *(part.copy() for part in node.expressions))


def _cardinality(typer: Typer, node: exp.Anonymous, types: list[str]) -> exp.Expr:
    if not types[0].endswith("]") and not types[0].startswith("MAP"):
        name = trino_name_of(typer.connection, types[0])
        message = f"{place(node, typer.sql)}Unexpected parameters ({name}) for function cardinality"
        raise AthenaFailure("FUNCTION_NOT_FOUND", message)
    name = "len" if types[0].endswith("]") else "cardinality"
    return _cast(call(name, node.expressions[0].copy()), "BIGINT")


def _date_trunc(typer: Typer, node: exp.Anonymous, types: list[str]) -> exp.Expr:
    unit, moment = node.expressions
    if _family(types[1]) != "moment":
        name = trino_name_of(typer.connection, types[1])
        message = f"{place(node, typer.sql)}Unexpected parameters (varchar, {name}) for function date_trunc"
        raise AthenaFailure("FUNCTION_NOT_FOUND", message)
    truncated = call("date_trunc", unit.copy(), moment.copy())
    return _cast(truncated, "DATE") if types[1] == "DATE" else truncated


def _to_iso8601(typer: Typer, node: exp.Anonymous, types: list[str]) -> exp.Expr:
    formats = {"DATE": "%Y-%m-%d", "TIMESTAMP": "%Y-%m-%dT%H:%M:%S.%g"}
    moment = node.expressions[0].copy()
    if types[0] in formats:
        return call("strftime", moment, exp.Literal.string(formats[types[0]]))
    return call("strftime", _cast(moment, "TIMESTAMP"), exp.Literal.string("%Y-%m-%dT%H:%M:%S.%gZ"))


def _typeof(typer: Typer, node: exp.Anonymous, types: list[str]) -> exp.Expr:
    return _cast(exp.Literal.string(trino_name_of(typer.connection, types[0])), "TEXT")


def _sequence(typer: Typer, node: exp.Anonymous, types: list[str]) -> exp.Expr | None:
    if types[0] != "DATE":
        return None
    step = [] if len(node.expressions) > 2 else [call("to_days", exp.Literal.number(1))]
    days = call("generate_series", *(part.copy() for part in node.expressions), *step)
    days.meta["checked"] = True
    return _cast(days, "DATE[]")


def _sum(typer: Typer, node: exp.Anonymous, types: list[str]) -> None:
    if _family(types[0]) not in ("number", "INTERVAL") and types[0] != _NULL:
        name = trino_name_of(typer.connection, types[0])
        message = f"{place(node, typer.sql)}Unexpected parameters ({name}) for function {node.name}"
        raise AthenaFailure("FUNCTION_NOT_FOUND", message)
    if node.name == "avg" and types[0].startswith("DECIMAL"):
        raise not_supported("avg of a decimal (cast it to double)")


def _unnest(typer: Typer, node: exp.Unnest, types: list[str]) -> exp.Expr:
    """CROSS JOIN UNNEST as a lateral subquery: an array gives one column, a map two, rows their fields."""
    columns: list[exp.Expr] = []
    lengths = []
    for operand, kind in zip(node.expressions, types, strict=True):
        if kind.startswith("MAP") and not kind.endswith("]"):
            columns += [call("unnest", call(f, operand.copy())) for f in ("map_keys", "map_values")]
            lengths.append(_cast(call("cardinality", operand.copy()), "BIGINT"))
        elif kind.startswith("STRUCT") and kind.endswith("[]"):
            fields = [name for name, _ in typer.connection.type(kind[:-2]).children]
            columns += [call("unnest", _field_of_each(operand.copy(), name)) for name in fields]
            lengths.append(call("len", operand.copy()))
        elif kind.endswith("]"):
            columns.append(call("unnest", operand.copy()))
            lengths.append(call("len", operand.copy()))
        else:
            name = trino_name_of(typer.connection, kind)
            raise AthenaFailure("TYPE_MISMATCH", f"{place(node, typer.sql)}Cannot unnest type: {name}")
    alias = node.args.get("alias")
    names = [identifier.copy() for identifier in alias.args.get("columns") or []] if alias else []
    ordinality = node.args.get("offset")
    if ordinality:
        end = exp.Add(this=call("greatest", *lengths), expression=exp.Literal.number(1))
        end.meta["checked"] = True
        columns.append(call("unnest", call("range", exp.Literal.number(1), end)))
        names += [ordinality.copy()] if isinstance(ordinality, exp.Identifier) else []
    names = names or [exp.to_identifier(f"_col{i}") for i in range(len(columns))]
    if len(names) != len(columns):
        message = f"Column alias list has {len(names)} entries but relation has {len(columns)} columns"
        raise AthenaFailure("MISMATCHED_COLUMN_ALIASES", message)
    pairs = zip(columns, names, strict=True)
    inner = exp.Subquery(this=exp.select(*(exp.alias_(c, n) for c, n in pairs)))
    table_alias = exp.TableAlias(this=(alias.this.copy() if alias and alias.this else exp.to_identifier("unnested")))
    if isinstance(node.parent, exp.From):
        inner.set("alias", table_alias)
        return inner
    return exp.Lateral(this=inner, alias=table_alias)


def _lateral(probe: exp.Expr, node: exp.Unnest) -> exp.Expr:
    inner = exp.Subquery(this=exp.select(probe))
    alias = exp.TableAlias(this=exp.to_identifier("probe"))
    if isinstance(node.parent, exp.From):
        inner.set("alias", alias)
        return inner
    return exp.Lateral(this=inner, alias=alias)


def _field_of_each(array: exp.Expr, name: str) -> exp.Expr:
    row = exp.to_identifier("row_")
    body = call("struct_extract", exp.Column(this=row.copy()), exp.Literal.string(name))
    return call("list_transform", array, exp.Lambda(this=body, expressions=[row]))


def _both(node: exp.Binary) -> list[exp.Expr]:
    return [node.this, node.expression]


_NODES: list[tuple] = [
    (exp.Div, _both, _divide),
    (exp.Mod, _both, _modulo),
    ((exp.Add, exp.Sub), _both, _plus_minus),
    (exp.Mul, _both, _multiply),
    (_COMPARISONS, _both, _compare),
    (exp.DPipe, _both, _concat),
    (exp.Cast, lambda node: [node.this], _convert),
    (exp.Bracket, lambda node: [node.this, *node.expressions], _subscript),
    (exp.Unnest, lambda node: node.expressions, _unnest),
    (exp.In, lambda node: [node.this, *node.expressions], _compare),
    (exp.Between, lambda node: [node.this, node.args["low"], node.args["high"]], _compare),
]
_FUNCTIONS: dict[str, Callable] = {
    "athena_typed_element_at": _element_at,
    "athena_typed_cardinality": _cardinality,
    "athena_typed_date_trunc": _date_trunc,
    "athena_typed_to_iso8601": _to_iso8601,
    "athena_typed_typeof": _typeof,
    "generate_series": _sequence,
    "sum": _sum,
    "avg": _sum,
}
