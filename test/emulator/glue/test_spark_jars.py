"""The jars for s3:// paths: taken only with the pinned checksum, fetched only when missing."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from pathlib import Path

import pytest
from emulator_stack import PROJECT_ROOT

sys.path.insert(0, str(PROJECT_ROOT))
spark_jars = importlib.import_module("emulator.glue.spark_jars")

CONTENT = b"what the author published"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Ivy takes jars from instead of the network."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    settings = tmp_path / "ivysettings.xml"
    settings.write_text(
        '<ivysettings><settings defaultResolver="files"/><resolvers><filesystem name="files">'
        f'<artifact pattern="{folder}/[artifact]-[revision].[ext]"/>'
        "</filesystem></resolvers></ivysettings>"
    )
    monkeypatch.setenv("SPARK_JARS_IVY_SETTINGS", str(settings))
    return folder


@pytest.fixture
def jar():
    return spark_jars.Jar("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())


def test_pins_every_jar_by_checksum_and_names_no_registry():
    text = (PROJECT_ROOT / "emulator" / "glue" / "spark-jars.json").read_text()
    assert [entry["name"] for entry in json.loads(text)] == [
        "hadoop-aws",
        "aws-java-sdk-core",
        "aws-java-sdk-s3",
        "aws-java-sdk-kms",
        "aws-java-sdk-sts",
        "aws-java-sdk-dynamodb",
        "jmespath-java",
        "ion-java",
        "jackson-dataformat-cbor",
    ]
    assert all(len(entry["sha256"]) == 64 for entry in json.loads(text))
    assert "://" not in text


def test_fetches_what_is_missing_and_leaves_nothing_else_behind(mirror, jar, tmp_path):
    (mirror / "thing-1.0.jar").write_bytes(CONTENT)
    paths = spark_jars.ensure_jars(tmp_path / "jars", [jar])
    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert sorted(path.name for path in (tmp_path / "jars").iterdir()) == [".lock", "thing-1.0.jar"]


def test_starts_no_download_when_all_is_there(jar, tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    (tmp_path / "thing-1.0.jar").write_bytes(CONTENT)
    assert spark_jars.ensure_jars(tmp_path, [jar]) == [tmp_path / "thing-1.0.jar"]


def test_replaces_a_damaged_jar(mirror, jar, tmp_path):
    (mirror / "thing-1.0.jar").write_bytes(CONTENT)
    (tmp_path / "thing-1.0.jar").write_bytes(CONTENT[:-1])
    spark_jars.ensure_jars(tmp_path, [jar])
    assert (tmp_path / "thing-1.0.jar").read_bytes() == CONTENT


def test_refuses_a_jar_with_another_checksum(mirror, jar, tmp_path):
    (mirror / "thing-1.0.jar").write_bytes(b"something else")
    with pytest.raises(spark_jars.JarsUnavailable, match=r"thing-1\.0\.jar must have SHA-256 .* got .*"):
        spark_jars.ensure_jars(tmp_path / "jars", [jar])
    assert not (tmp_path / "jars" / "thing-1.0.jar").exists()


def test_says_what_to_do_when_a_jar_cannot_be_had(mirror, jar, tmp_path):
    with pytest.raises(spark_jars.JarsUnavailable, match=r"(?s)Could not download thing-1\.0\.jar.*run the same"):
        spark_jars.ensure_jars(tmp_path / "jars", [jar])


def test_without_java_says_which_is_needed(jar, tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(spark_jars.JarsUnavailable, match="Install Java 17"):
        spark_jars.ensure_jars(tmp_path, [jar])
