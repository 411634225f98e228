"""Checks the job's arguments before anything is read."""

import json
import re
from dataclasses import dataclass, field, replace
from datetime import date

import boto3

from clickstream.contract import DEFAULT_PRIVACY, PRIVACY_ACTIONS, PRIVACY_FIELDS

ARGUMENTS = [
    "raw_path", "quarantine_path", "given_up_path", "curated_path", "rebuilt_path", "runs_path", "database", "table",
    "privacy", "privacy_key_secret", "target_file_mb", "retention_hours", "dedupe_days", "compaction",
    "compaction_mb", "compaction_seconds", "arrived_path", "execution", "reprocess_from", "reprocess_to",
]  # fmt: skip


@dataclass(frozen=True)
class Options:
    """The job's arguments, checked."""

    raw_path: str
    quarantine_path: str
    given_up_path: str
    curated_path: str
    rebuilt_path: str
    runs_path: str
    execution: str
    privacy: dict[str, str]
    target_file_mb: int
    retention_hours: int
    dedupe_days: int
    compaction: bool
    compaction_mb: int
    compaction_seconds: int
    # Where to-parquet writes. None in the other ways.
    arrived_path: str | None = None
    reprocess: tuple[str, str] | None = None
    job_run_id: str | None = None
    privacy_key: bytes | None = field(default=None, repr=False)

    @property
    def report_uri(self) -> str:
        return f"{self.runs_path}{self.execution}.json"

    @property
    def head_uri(self) -> str:
        return f"{self.runs_path}head.json"


def read_options(arguments: dict[str, str], job_run_id: str | None = None) -> Options:
    """Returns the checked arguments, with the hash key from Secrets Manager."""
    options = parse_options(arguments, job_run_id)
    return replace(options, privacy_key=read_privacy_key(options.privacy, arguments["privacy_key_secret"]))


def parse_options(arguments: dict[str, str], job_run_id: str | None = None) -> Options:
    """Checks the arguments. All paths in the result end with a slash."""

    def folder(name: str) -> str:
        return arguments[name].rstrip("/") + "/"

    def number(name: str) -> int:
        if not re.fullmatch(r"[1-9]\d*", arguments[name]):
            raise ValueError(f"--{name} must be a whole number from 1, got {arguments[name]!r}")
        return int(arguments[name])

    return Options(
        raw_path=folder("raw_path"),
        quarantine_path=folder("quarantine_path"),
        given_up_path=folder("given_up_path"),
        curated_path=folder("curated_path"),
        rebuilt_path=folder("rebuilt_path"),
        runs_path=folder("runs_path"),
        execution=arguments["execution"],
        privacy=parse_privacy(arguments["privacy"]),
        target_file_mb=number("target_file_mb"),
        retention_hours=number("retention_hours"),
        dedupe_days=number("dedupe_days"),
        compaction=parse_switch("compaction", arguments["compaction"]),
        compaction_mb=number("compaction_mb"),
        compaction_seconds=number("compaction_seconds"),
        arrived_path=None if arguments["arrived_path"] == "none" else folder("arrived_path"),
        reprocess=parse_reprocess(arguments["reprocess_from"], arguments["reprocess_to"]),
        job_run_id=job_run_id,
    )


def parse_switch(name: str, value: str) -> bool:
    if value not in ("on", "off"):
        raise ValueError(f"--{name} must be on or off, got {value!r}")
    return value == "on"


def parse_privacy(text: str) -> dict[str, str]:
    """Returns the rule of each field. Fields without a rule get the default, so that an empty argument protects."""
    try:
        rules = json.loads(text)
    except ValueError as error:
        raise ValueError(f"--privacy must be a JSON object, got {text!r}: {error}") from None
    if not isinstance(rules, dict):
        raise ValueError(f"--privacy must be a JSON object, got {text!r}")
    problems = [
        f"unknown field {name!r} (allowed: {', '.join(PRIVACY_FIELDS)})" for name in rules if name not in PRIVACY_FIELDS
    ] + [
        f"{name} has the unknown action {action!r} (allowed: {', '.join(PRIVACY_ACTIONS)})"
        for name, action in rules.items()
        if action not in PRIVACY_ACTIONS
    ]
    if problems:
        raise ValueError("--privacy: " + "; ".join(problems))
    return DEFAULT_PRIVACY | rules


def parse_reprocess(first: str, last: str) -> tuple[str, str] | None:
    """Returns both dates, or None."""
    if first == "none" and last == "none":
        return None
    for name, value in (("--reprocess_from", first), ("--reprocess_to", last)):
        try:
            if date.fromisoformat(value).isoformat() != value:
                raise ValueError
        except ValueError:
            raise ValueError(f"{name} must be a date such as 2026-01-31, got {value!r}") from None
    if first > last:
        raise ValueError(f"--reprocess_from {first} is after --reprocess_to {last}")
    return first, last


def read_privacy_key(rules: dict[str, str], secret: str) -> bytes | None:
    """Returns the key for hashing. It is fetched only if a rule needs it, and is never logged or stored."""
    if "hash" not in rules.values():
        return None
    if secret == "none":
        raise ValueError("--privacy hashes a field, so --privacy_key_secret must name the secret with the key")
    key = boto3.client("secretsmanager").get_secret_value(SecretId=secret).get("SecretString", "")
    if not key:
        raise ValueError("The secret in --privacy_key_secret has no text: store the key as its SecretString")
    return key.encode()
