"""Secrets on the running emulator. Expectations are from the references of CreateSecret, PutSecretValue and
DeleteSecret."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError
from emulator_stack import Stack, unique


@pytest.fixture
def secrets(stack: Stack):
    return stack.client("secretsmanager")


def test_a_secret_without_a_value_has_no_version(secrets):
    made = secrets.create_secret(Name=unique("secret"))
    assert "VersionId" not in made
    assert secrets.describe_secret(SecretId=made["ARN"]).get("VersionIdsToStages", {}) == {}
    with pytest.raises(ClientError, match=r"ResourceNotFoundException.*staging label: AWSCURRENT"):
        secrets.get_secret_value(SecretId=made["ARN"])
    put = secrets.put_secret_value(SecretId=made["ARN"], SecretString="key")
    got = secrets.get_secret_value(SecretId=made["ARN"])
    assert (got["SecretString"], got["VersionId"], got["VersionStages"]) == ("key", put["VersionId"], ["AWSCURRENT"])


def test_the_token_is_the_version_and_a_repeated_call_changes_nothing(secrets):
    name, token = unique("secret"), str(uuid.uuid4())
    made = secrets.create_secret(Name=name, SecretString="a", ClientRequestToken=token)
    assert made["VersionId"] == token
    assert secrets.create_secret(Name=name, SecretString="a", ClientRequestToken=token)["ARN"] == made["ARN"]
    with pytest.raises(ClientError, match="ResourceExistsException"):
        secrets.create_secret(Name=name, SecretString="b", ClientRequestToken=token)
    again = secrets.put_secret_value(SecretId=name, SecretString="a", ClientRequestToken=token)
    assert again["VersionId"] == token
    with pytest.raises(ClientError, match="ResourceExistsException"):
        secrets.put_secret_value(SecretId=name, SecretString="b", ClientRequestToken=token)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "a"


def test_a_new_value_makes_the_old_one_previous(secrets):
    made = secrets.create_secret(Name=unique("secret"), SecretString="old")
    secrets.put_secret_value(SecretId=made["ARN"], SecretString="new")
    values = {
        stage: secrets.get_secret_value(SecretId=made["ARN"], VersionStage=stage)["SecretString"]
        for stage in ("AWSCURRENT", "AWSPREVIOUS")
    }
    assert values == {"AWSCURRENT": "new", "AWSPREVIOUS": "old"}


def test_a_secret_has_one_kind_of_value(secrets):
    made = secrets.create_secret(Name=unique("secret"))
    with pytest.raises(ClientError, match="InvalidParameterException"):
        secrets.create_secret(Name=unique("secret"), SecretString="a", SecretBinary=b"a")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        secrets.put_secret_value(SecretId=made["ARN"], SecretString="a", SecretBinary=b"a")
    with pytest.raises(ClientError, match="You must provide either SecretString or SecretBinary"):
        secrets.put_secret_value(SecretId=made["ARN"])


def test_a_deleted_secret_keeps_its_name_until_it_is_restored_or_its_window_is_over(secrets):
    name = unique("secret")
    secrets.create_secret(Name=name, SecretString="a")
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    with pytest.raises(ClientError, match="InvalidRequestException"):
        secrets.get_secret_value(SecretId=name)
    with pytest.raises(ClientError, match=r"InvalidRequestException.*already scheduled for deletion"):
        secrets.create_secret(Name=name, SecretString="b")
    secrets.restore_secret(SecretId=name)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "a"


def test_a_secret_deleted_without_recovery_is_gone_at_once(secrets):
    name = unique("secret")
    secrets.create_secret(Name=name, SecretString="a")
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        secrets.describe_secret(SecretId=name)
    assert "VersionId" in secrets.create_secret(Name=name, SecretString="b")
    # Documented: no error for a secret that does not exist.
    assert secrets.delete_secret(SecretId=unique("none"), ForceDeleteWithoutRecovery=True)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        secrets.delete_secret(SecretId=unique("none"))


def test_rotation_is_refused(secrets):
    made = secrets.create_secret(Name=unique("secret"), SecretString="a")
    with pytest.raises(ClientError, match="The local stack does not rotate secrets"):
        secrets.rotate_secret(SecretId=made["ARN"])


def test_an_arn_may_lack_its_random_end_and_nothing_else(secrets):
    made = secrets.create_secret(Name=unique("secret"), SecretString="a")
    assert secrets.get_secret_value(SecretId=made["ARN"][:-7])["SecretString"] == "a"
    for shorter in (made["ARN"][:-1], made["ARN"][:-8]):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            secrets.get_secret_value(SecretId=shorter)
