"""Checks at start-up that the installed MiniStack is the version whose internals this emulator replaces."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Iterable

MINISTACK_VERSION = "1.5.33"

REMEDY = (
    "Run `npm start` or `npm test`, which install what emulator/requirements.txt pins, or remove the folder "
    ".local and start again."
)

Patch = tuple[str, str]


class PatchError(RuntimeError):
    """MiniStack has another version, or lacks a part that the replacements need."""


def check_version() -> None:
    """Accept only the pinned version, because the replaced parts are private to MiniStack and may change."""
    try:
        installed = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        raise PatchError(f"MiniStack {MINISTACK_VERSION} is needed and none is installed. {REMEDY}") from None
    if installed != MINISTACK_VERSION:
        raise PatchError(
            f"MiniStack {MINISTACK_VERSION} is needed and {installed} is installed: the parts that the local "
            f"stack replaces are internal to MiniStack, so each version has to be checked first. {REMEDY}"
        )


def check_patches(patches: Iterable[Patch]) -> None:
    """Refuse to start if a part to replace does not exist. The error names all missing parts."""
    missing = [f"{module}.{attribute}" for module, attribute in patches if not _exists(module, attribute)]
    if missing:
        raise PatchError(
            f"MiniStack {MINISTACK_VERSION} lacks what the local stack replaces: {', '.join(missing)}. "
            f"Its files were changed or damaged. {REMEDY}"
        )


def _exists(module: str, attribute: str) -> bool:
    try:
        found: object = importlib.import_module(module)
    except ImportError:
        return False
    for name in attribute.split("."):
        if isinstance(found, dict):
            if name not in found:
                return False
            found = found[name]
        elif hasattr(found, name):
            found = getattr(found, name)
        else:
            return False
    return True
