"""The pinned jars of Spark and Trino: downloaded when missing, checked, kept when complete."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from emulator_stack import PROJECT_ROOT

sys.path.insert(0, str(PROJECT_ROOT))
jars = importlib.import_module("emulator.core.jars")

CONTENT = b"what the author published"
SPARK = PROJECT_ROOT / "emulator" / "glue" / "spark-jars.json"
TRINO = PROJECT_ROOT / "emulator" / "trino" / "trino-jars.json"


def make_jar(name: str, content: bytes = CONTENT, folders: tuple[str, ...] = (".",)):
    return jars.Jar("org.example", name, "1.0", hashlib.sha256(content).hexdigest(), len(content), folders=folders)


def wanted(*entries, services=(), interfaces=()):
    return jars.JarList(list(entries), list(services), list(interfaces))


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Maven repository in a folder, which is used instead of the network."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("CLICKSTREAM_MAVEN_REPOSITORY", folder.as_uri())
    return folder


def publish(mirror: Path, name: str, content: bytes = CONTENT) -> Path:
    path = mirror / "org" / "example" / name / "1.0" / f"{name}-1.0.jar"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def quiet(_line: str) -> None:
    pass


def test_pins_every_jar_of_spark_by_checksum_and_names_no_registry():
    assert [jar.name for jar in jars.read_jar_list(SPARK).jars] == [
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
    assert all(len(jar.sha256) == 64 for jar in jars.read_jar_list(SPARK).jars)
    assert "://" not in SPARK.read_text()


def test_pins_trino_with_its_plugins_below_190_mb():
    trino = jars.read_jar_list(TRINO)
    versions = {jar.name: jar.version for jar in trino.jars if jar.group == "io.trino"}
    assert {versions[name] for name in ("trino-main", "trino-hive", "trino-iceberg", "trino-spi")} == {"476"}
    assert trino.folders == {"lib", "plugin/hive", "plugin/iceberg"}
    assert {service.folder for service in trino.services} == {"plugin/hive", "plugin/iceberg"}
    assert sum(jar.size for jar in trino.jars) < 190e6
    assert "://" not in TRINO.read_text()


@pytest.mark.parametrize("listed", [SPARK, TRINO], ids=["spark", "trino"])
def test_lists_no_jar_twice_in_a_folder(listed: Path):
    entries = [(folder, jar.group, jar.name) for jar in jars.read_jar_list(listed).jars for folder in jar.folders]
    assert len(entries) == len(set(entries))
    names = {name for _, _, name in entries}
    # Each forwards to the other: both on one class path is an endless loop.
    assert not {"log4j-slf4j-impl", "log4j-to-slf4j"} <= names


def test_downloads_what_is_missing_and_leaves_nothing_else_behind(mirror, tmp_path):
    publish(mirror, "thing")
    jars.ensure_jars(tmp_path / "jars", wanted(make_jar("thing")), quiet)
    assert (tmp_path / "jars" / "thing-1.0.jar").read_bytes() == CONTENT
    assert sorted(path.name for path in (tmp_path / "jars").iterdir()) == [".lock", "thing-1.0.jar"]


def test_stores_a_jar_once_and_links_it_into_its_other_folders(mirror, tmp_path):
    publish(mirror, "thing")
    service = jars.Service("plugin/one", "com.example.Plugin", "com.example.One")
    listed = wanted(make_jar("thing", folders=("lib", "plugin/one")), services=[service])
    jars.ensure_jars(tmp_path / "there", listed, quiet)
    os.rename(tmp_path / "there", tmp_path / "moved")  # the links are relative
    link = tmp_path / "moved" / "plugin" / "one" / "thing-1.0.jar"
    assert link.is_symlink()
    assert link.resolve() == (tmp_path / "moved" / "lib" / "thing-1.0.jar").resolve()
    assert link.read_bytes() == CONTENT
    with zipfile.ZipFile(tmp_path / "moved" / "plugin" / "one" / "service.jar") as archive:
        assert archive.read("META-INF/services/com.example.Plugin") == b"com.example.One\n"


def test_downloads_nothing_when_all_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("CLICKSTREAM_MAVEN_REPOSITORY", "file:///nowhere")
    (tmp_path / "thing-1.0.jar").write_bytes(CONTENT)
    jars.ensure_jars(tmp_path, wanted(make_jar("thing")), quiet)
    assert (tmp_path / "thing-1.0.jar").read_bytes() == CONTENT


def test_replaces_a_damaged_jar(mirror, tmp_path):
    publish(mirror, "thing")
    (tmp_path / "thing-1.0.jar").write_bytes(CONTENT[:-1] + b"?")
    jars.ensure_jars(tmp_path, wanted(make_jar("thing")), quiet)
    assert (tmp_path / "thing-1.0.jar").read_bytes() == CONTENT


def test_deletes_the_jars_of_an_older_list(mirror, tmp_path):
    publish(mirror, "thing")
    (tmp_path / "thing-0.9.jar").write_bytes(b"old")
    (tmp_path / "thing-1.0.jar.part").write_bytes(b"interrupted")
    jars.ensure_jars(tmp_path, wanted(make_jar("thing")), quiet)
    assert sorted(path.name for path in tmp_path.glob("thing*")) == ["thing-1.0.jar"]


def test_keeps_what_is_complete_when_another_jar_fails(mirror, tmp_path):
    source = publish(mirror, "thing")
    listed = wanted(make_jar("thing", CONTENT), make_jar("late", b"x"))
    with pytest.raises(jars.JarsUnavailable, match=r"Could not download late-1\.0\.jar"):
        jars.ensure_jars(tmp_path / "jars", listed, quiet)
    source.unlink()  # it must not be needed again
    publish(mirror, "late", b"x")
    jars.ensure_jars(tmp_path / "jars", listed, quiet)
    assert sorted(path.name for path in (tmp_path / "jars").glob("*.jar")) == ["late-1.0.jar", "thing-1.0.jar"]


def test_reports_megabytes_of_the_whole(mirror, tmp_path):
    content = b"x" * 3_000_000
    publish(mirror, "big", content)
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "other-1.0.jar").write_bytes(content)
    lines: list[str] = []
    listed = wanted(make_jar("big", content), make_jar("other", content))
    jars.ensure_jars(tmp_path / "jars", listed, lines.append)
    assert lines[0].startswith("Downloading 1 of 2 jars")
    assert lines[1] == "progress: 3 of 6 MB"


def test_refuses_a_jar_with_another_checksum(mirror, tmp_path):
    publish(mirror, "thing", CONTENT[::-1])
    with pytest.raises(jars.JarsUnavailable, match=r"thing-1\.0\.jar must have SHA-256 .* got .*"):
        jars.ensure_jars(tmp_path / "jars", wanted(make_jar("thing")), quiet)
    assert sorted(path.name for path in (tmp_path / "jars").iterdir()) == [".lock"]


def test_says_what_to_do_when_a_jar_cannot_be_had(mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(jars.time, "sleep", quiet)
    with pytest.raises(jars.JarsUnavailable, match=r"(?s)thing-1\.0\.jar.*CLICKSTREAM_MAVEN_REPOSITORY"):
        jars.ensure_jars(tmp_path / "jars", wanted(make_jar("thing")), quiet)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CLICKSTREAM_MAVEN_REPOSITORY", "settings.xml", r"must be the https, http or file URL.*got 'settings\.xml'"),
        ("SPARK_JARS_IVY_SETTINGS", "settings.xml", r"Set CLICKSTREAM_MAVEN_REPOSITORY to the URL of the mirror"),
    ],
)
def test_refuses_a_mirror_setting_that_it_cannot_use(tmp_path, monkeypatch, name, value, says):
    monkeypatch.setenv(name, value)
    with pytest.raises(jars.JarsUnavailable, match=says):
        jars.ensure_jars(tmp_path, wanted(make_jar("thing")), quiet)


def test_runs_as_a_program_of_a_python_without_packages(mirror, tmp_path):
    publish(mirror, "thing")
    entry = make_jar("thing")
    listed = tmp_path / "list.json"
    fields = ("group", "name", "version", "sha256", "size")
    listed.write_text(json.dumps({"jars": [{name: getattr(entry, name) for name in fields}]}))
    script = PROJECT_ROOT / "emulator" / "core" / "jars.py"
    command = [sys.executable, "-I", str(script), "--list", str(listed), "--dest", str(tmp_path / "jars")]
    assert subprocess.run(command, capture_output=True, text=True).returncode == 0
    assert (tmp_path / "jars" / "thing-1.0.jar").read_bytes() == CONTENT


def test_java_can_load_a_class_that_names_an_interface_that_was_left_out(tmp_path: Path):
    interface = jars.Interface("plugin", "com/example/LeftOut")
    listed = jars.JarList([make_jar("thing", folders=("plugin",))], [], [interface])
    content = tmp_path / "plugin" / "thing-1.0.jar"
    content.parent.mkdir()
    content.write_bytes(CONTENT)
    jars.ensure_jars(tmp_path, listed, quiet)
    with zipfile.ZipFile(tmp_path / "plugin" / "left-out.jar") as archive:
        described = archive.read("com/example/LeftOut.class")
    assert described.startswith(bytes.fromhex("cafebabe"))
    assert b"com/example/LeftOut" in described


def test_the_repository_is_the_one_that_ivy_has_built_in(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CLICKSTREAM_MAVEN_REPOSITORY", raising=False)
    assert jars._repository().startswith("https://")
    assert jars._repository().endswith("/maven2")
