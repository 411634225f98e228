"""Which folder of the emulator may import which: engines know services, and Athena knows the engines."""

from __future__ import annotations

import ast
from pathlib import Path

EMULATOR = Path(__file__).resolve().parents[3] / "emulator"
# Each folder may import itself and the folders that it names.
MAY_IMPORT = {
    "apigateway": {"core", "iam"},
    "core": set(),
    "firehose": {"core", "iam"},
    "functions": {"core", "iam"},
    "iam": {"core"},
    "s3": {"core", "iam"},
    "secretsmanager": {"core"},
    "kinesis": {"core", "functions", "iam"},
    "glue": {"core", "iam", "s3"},
    "hive": {"core", "glue", "iam", "s3"},
    "trino": {"core"},
    "athena": {"core", "glue", "hive", "iam", "s3", "trino"},
}


def imported(file: Path) -> set[str]:
    """The folders of the emulator that a file imports from."""
    found = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    return {(node.module or "").split(".")[0] for node in found if node.level == 2}


def test_dependencies_point_one_way() -> None:
    seen = {name: set().union(*map(imported, (EMULATOR / name).glob("*.py"))) for name in MAY_IMPORT}
    assert seen["athena"] >= {"glue", "hive", "s3", "trino"}, "the imports were not found"
    assert {name: found - MAY_IMPORT[name] for name, found in seen.items() if found - MAY_IMPORT[name]} == {}
