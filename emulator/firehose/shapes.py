"""Checks a request against Firehose's service model, which is part of botocore: members, types, lengths and patterns.

AWS answers ValidationException and names each member that is wrong. AWS ignores members that it does not know. They
are refused here, since a misspelt one would have no effect.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from collections.abc import Iterator
from typing import Any

from .errors import Refused

# Java's classes of characters, which Python's `re` does not have.
_JAVA_CLASSES = {r"\p{L}": r"\w", r"\p{Z}": r"\s", r"\p{N}": r"\d"}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "list": list,
    "string": str,
    "blob": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "timestamp": (int, float),
}


@functools.cache
def _service_model() -> Any:
    # Imported when first needed: many runs have no delivery stream.
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("firehose", "service-2"), "firehose")


def check(operation: str, data: Any) -> None:
    """Raises Refused with every constraint that the request does not meet."""
    problems = list(_problems(_service_model().operation_model(operation).input_shape, data, ""))
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected"
        raise Refused("ValidationException", f"{count}: {'; '.join(problems)}")


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    wanted = _TYPES.get(shape.type_name)
    if wanted is None:
        raise NotImplementedError(f"the local stack cannot check the type {shape.type_name} of {path}")
    if not _is_a(value, wanted):
        raise Refused("SerializationException", f"{path or 'The request'} must be of the type {shape.type_name}")
    if shape.type_name == "structure":
        yield from _structure_problems(shape, value, path)
    elif shape.type_name == "list":
        yield from _limit_problems(shape, len(value), path, "length")
        for number, member in enumerate(value, 1):
            yield from _problems(shape.member, member, f"{path}.{number}.member")
    elif shape.type_name == "blob":
        yield from _limit_problems(shape, _decoded_length(value, path), path, "length")
    elif shape.type_name == "string":
        yield from _string_problems(shape, value, path)
    elif shape.type_name in ("integer", "long"):
        yield from _limit_problems(shape, value, path, "value")


def _is_a(value: Any, wanted: type | tuple[type, ...]) -> bool:
    # True is an int in Python.
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _structure_problems(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in value.keys() - shape.members.keys():
        raise Refused("SerializationException", f"{_member(path, name)} is not a member of {shape.name}")
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value at '{_member(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, member in value.items():
        if member is not None:
            yield from _problems(shape.members[name], member, _member(path, name))


def _member(path: str, name: str) -> str:
    own = name[0].lower() + name[1:]
    return f"{path}.{own}" if path else own


def _decoded_length(value: str, path: str) -> int:
    try:
        return len(base64.b64decode(value, validate=True))
    except binascii.Error:
        raise Refused("SerializationException", f"{path} is not base64") from None


def _limit_problems(shape: Any, number: int, path: str, what: str) -> Iterator[str]:
    """`number` is the value itself or its length, as `what` says."""
    limits = shape.metadata
    if number > limits.get("max", number):
        yield _violated(path, f"have {what} less than or equal to {limits['max']}")
    if number < limits.get("min", number):
        yield _violated(path, f"have {what} greater than or equal to {limits['min']}")


def _string_problems(shape: Any, value: str, path: str) -> Iterator[str]:
    yield from _limit_problems(shape, len(value), path, "length")
    if shape.enum and value not in shape.enum:
        yield _violated(path, f"satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(_python_pattern(pattern), value):
        yield _violated(path, f"satisfy regular expression pattern: {pattern}")


def _python_pattern(pattern: str) -> str:
    for java, python in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    return pattern


def _violated(path: str, constraint: str) -> str:
    return f"Value at '{path}' failed to satisfy constraint: Member must {constraint}"
