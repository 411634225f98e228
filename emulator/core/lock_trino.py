"""Writes emulator/trino/trino-jars.json anew. Only for maintainers: needs Maven (`mvn`) on the PATH.

Usage: python emulator/core/lock_trino.py

Maven resolves the class path of Trino's server and of its two plug-ins. What only serves other clouds, catalogs and
features that Athena does not have is left out. See docs/operations.md.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

from jars import sha256

TRINO = "476"
LIST = Path(__file__).resolve().parents[1] / "trino" / "trino-jars.json"
FOLDERS = {"trino-main": "lib", "trino-hive": "plugin/hive", "trino-iceberg": "plugin/iceberg"}
SERVICES = {
    "plugin/hive": "io.trino.plugin.hive.HivePlugin",
    "plugin/iceberg": "io.trino.plugin.iceberg.IcebergPlugin",
}
# Of what is left out, the interface that the plug-ins' code for views names. Only Hive's own views would use it.
INTERFACE = "com/linkedin/coral/common/HiveMetastoreClient"
# Groups, or group:name. The server starts without them, and no query of Athena's needs them.
LEFT_OUT = re.compile(
    r"(org\.rocksdb|net\.snowflake|org\.apache\.iceberg:iceberg-snowflake|io\.trino\.coral|com\.linkedin\b"
    r"|com\.google\.(android|api|apis|auth|cloud|oauth-client|api-client|http-client)\b|com\.google\.auto\.value"
    r"|io\.grpc|com\.azure|com\.microsoft|io\.projectreactor|org\.alluxio|org\.conscrypt|io\.opencensus"
    r"|io\.trino:trino-filesystem-(alluxio|azure|gcs|cache-alluxio)|io\.opentelemetry:opentelemetry-opencensus-shim"
    r"|io\.netty:netty-(tcnative|codec-native-quic)|org\.apache\.zookeeper|org\.apache\.kerby"
    # It collides with log4j-to-slf4j, which sends the other way.
    r"|org\.apache\.logging\.log4j:log4j-slf4j-impl)"
)
# Netty's native parts are one jar for each system. Without them it uses Java's own sockets.
NATIVE = re.compile(r"(linux|osx|windows)-")

Artifact = tuple[str, str, str, str]  # group, name, classifier, version


def main() -> int:
    folders: dict[Artifact, list[str]] = {}
    with tempfile.TemporaryDirectory() as work:
        for name, folder in FOLDERS.items():
            for artifact in resolve(name, Path(work) / name):
                folders.setdefault(artifact, []).append(folder)
        store = fetch(folders, Path(work) / "store")
        jars = [entry(artifact, folders[artifact], store) for artifact in sorted(folders)]
    rows = ",\n".join(f"    {json.dumps(jar)}" for jar in jars)
    services = ",\n".join(
        "    " + json.dumps({"folder": folder, "interface": "io.trino.spi.Plugin", "implementation": plugin})
        for folder, plugin in SERVICES.items()
    )
    interfaces = ",\n".join("    " + json.dumps({"folder": folder, "name": INTERFACE}) for folder in SERVICES)
    lists = {"jars": rows, "services": services, "interfaces": interfaces}
    LIST.write_text("{\n" + ",\n".join(f'  "{name}": [\n{text}\n  ]' for name, text in lists.items()) + "\n}\n")
    print(f"{LIST.name}: {len(jars)} jars, {sum(jar['size'] for jar in jars) / 1e6:.0f} MB")
    return 0


def resolve(name: str, folder: Path) -> list[Artifact]:
    """The class path of one of Trino's artifacts, by the versions that Trino's own build manages."""
    managed = (
        "<dependencyManagement><dependencies><dependency><groupId>io.trino</groupId><artifactId>trino-root"
        f"</artifactId><version>{TRINO}</version><type>pom</type><scope>import</scope></dependency></dependencies>"
        "</dependencyManagement>"
    )
    maven(folder, managed + dependencies([("io.trino", name, "", TRINO)]), "tree", "-DoutputFile=tree.txt")
    found = []
    for line in (folder / "tree.txt").read_text().splitlines()[1:]:
        group, artifact, _, *classifier, version, _ = line.lstrip("| +\\-").split(":")
        kind = classifier[0] if classifier else ""
        if not LEFT_OUT.match(f"{group}:{artifact}") and not NATIVE.match(kind):
            found.append((group, artifact, kind, version))
    return found


def fetch(artifacts: dict[Artifact, list[str]], store: Path) -> Path:
    maven(store, dependencies(list(artifacts), alone=True), "copy-dependencies", f"-DoutputDirectory={store}")
    return store


def entry(artifact: Artifact, folders: list[str], store: Path) -> dict:
    group, name, classifier, version = artifact
    file = store / f"{'-'.join(filter(None, (name, version, classifier)))}.jar"
    kind = {"classifier": classifier} if classifier else {}
    pinned = {"group": group, "name": name, "version": version, **kind}
    return {**pinned, "size": file.stat().st_size, "sha256": sha256(file), "folders": folders}


def dependencies(artifacts: list[Artifact], *, alone: bool = False) -> str:
    none = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    rows = "".join(
        f"<dependency><groupId>{escape(group)}</groupId><artifactId>{escape(name)}</artifactId>"
        f"<version>{escape(version)}</version><classifier>{escape(kind)}</classifier>"
        f"{none if alone else ''}</dependency>"
        for group, name, kind, version in artifacts
    )
    return f"<dependencies>{rows}</dependencies>"


def maven(folder: Path, body: str, goal: str, option: str) -> None:
    folder.mkdir()
    (folder / "pom.xml").write_text(
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>local</groupId>'
        f"<artifactId>list</artifactId><version>1</version><packaging>pom</packaging>{body}</project>"
    )
    subprocess.run(["mvn", "-q", "-B", f"dependency:{goal}", option], cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())
