"""Runs parliament over IAM policies: [{"name", "document"}] on stdin, [{"name", "issue", "detail"}] on stdout."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path


def _resource_filename(package: str, name: str) -> str:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(package)
    return str(Path(found.origin).parent / name)


# parliament wants this one function of setuptools' pkg_resources, which newer setuptools no longer have.
resources = types.ModuleType("pkg_resources")
vars(resources)["resource_filename"] = _resource_filename
sys.modules.setdefault("pkg_resources", resources)


def main() -> None:
    from parliament import analyze_policy_string

    found = []
    for policy in json.load(sys.stdin):
        analyzed = analyze_policy_string(policy["document"], include_community_auditors=False)
        found += [
            {"name": policy["name"], "issue": finding.issue, "detail": f"{finding.detail}"}
            for finding in analyzed.findings
        ]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
