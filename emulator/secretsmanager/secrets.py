"""Secrets as AWS documents them: a secret without a value, deletion with recovery, and repeated calls.

MiniStack gives a secret without a value an empty version, answers "exists" for a secret that is scheduled for
deletion, and ignores the token that makes a repeated call harmless.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import secretsmanager

from ..core.context import Context

NAMES = ("_create_secret", "_delete_secret", "_put_secret_value", "_resolve", "_rotate_secret", "_secrets")
PATCHES = [("ministack.services.secretsmanager", name) for name in NAMES]

VALUES = ("SecretString", "SecretBinary")

Data = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


def install(_context: Context) -> None:
    service: Any = secretsmanager
    service._resolve = _by_whole_name(service._resolve)
    service._create_secret = _creating(service._create_secret)
    service._put_secret_value = _putting(service._put_secret_value)
    service._delete_secret = _deleting(service._delete_secret)
    service._rotate_secret = _refuse_rotation


def _by_whole_name(resolve: Callable[..., tuple]) -> Callable[..., tuple]:
    """An ARN may lack the hyphen and the 6 characters at its end, and nothing else. MiniStack takes any prefix."""

    def resolved(secret_id: str | None, **named: Any) -> tuple:
        if not secret_id or not secret_id.startswith("arn:"):
            return resolve(secret_id, **named)
        for suffix in ("", *{secret["ARN"][-7:] for _, secret in secretsmanager._secrets.items()}):
            key, secret = resolve(secret_id + suffix, **named)
            if secret and secret["ARN"] == secret_id + suffix:
                return key, secret
        return None, None

    return resolved


def _creating(create: Callable[[Data], Answer]) -> Callable[[Data], Answer]:
    def created(data: Data) -> Answer:
        name, token = data.get("Name"), data.get("ClientRequestToken")
        if all(data.get(value) is not None for value in VALUES):
            return _both_values()
        known = secretsmanager._secrets.get(name) if name else None
        if known and known.get("DeletedDate"):
            return error_response_json(
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
                400,
            )
        if known and token in known["Versions"] and _same_value(known["Versions"][token], data):
            return json_response({"ARN": known["ARN"], "Name": name, "VersionId": token})
        status, headers, body = create(data)
        if status != 200:
            return status, headers, body
        answer, secret = json.loads(body), secretsmanager._secrets[name]
        first = secret["Versions"].pop(answer.pop("VersionId"))
        if _has_value(data):
            answer["VersionId"] = token or new_uuid()
            secret["Versions"][answer["VersionId"]] = first
        return json_response(answer)

    return created


def _putting(put: Callable[[Data], Answer]) -> Callable[[Data], Answer]:
    def stored(data: Data) -> Answer:
        if all(data.get(value) is not None for value in VALUES):
            return _both_values()
        if not _has_value(data):
            return error_response_json(
                "InvalidRequestException", "You must provide either SecretString or SecretBinary.", 400
            )
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        version = secret["Versions"].get(data.get("ClientRequestToken")) if secret else None
        if not secret or not version or secret.get("DeletedDate"):
            return put(data)
        if not _same_value(version, data):
            return error_response_json(
                "ResourceExistsException",
                "The operation failed because a version with this ClientRequestToken and another value already exists.",
                400,
            )
        known = {"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": data["ClientRequestToken"]}
        return json_response({**known, "VersionStages": list(version["Stages"])})

    return stored


def _deleting(delete: Callable[[Data], Answer]) -> Callable[[Data], Answer]:
    def deleted(data: Data) -> Answer:
        _, secret = secretsmanager._resolve(data.get("SecretId"))
        if secret is None and data.get("ForceDeleteWithoutRecovery"):
            # Documented: no ResourceNotFoundException for a secret that does not exist.
            return json_response({"Name": data.get("SecretId")})
        return delete(data)

    return deleted


def _refuse_rotation(_data: Data) -> Answer:
    return error_response_json("InvalidRequestException", "The local stack does not rotate secrets.", 400)


def _has_value(data: Data) -> bool:
    return any(data.get(value) is not None for value in VALUES)


def _same_value(version: Data, data: Data) -> bool:
    return all(version.get(value) == data.get(value) for value in VALUES)


def _both_values() -> Answer:
    return error_response_json(
        "InvalidParameterException", "You can't specify both a binary secret value and a string secret value.", 400
    )
