"""The launcher: what it rejects, where it listens, and that nothing of a run exists after any kind of end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from emulator_stack import PROJECT_ROOT, Stack, launch, start_stack, unique, wait_for

# A Lambda that starts a process which leaves its process group and session, as a Spark JVM may.
ESCAPING = """
const { spawn } = require("node:child_process");
exports.handler = async () => {
  const child = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
  child.unref();
  return { node: process.version, pid: process.pid, child: child.pid, env: process.env };
};
"""

linux_only = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")


def invoke(stack: Stack, function: str) -> dict:
    return json.load(stack.client("lambda").invoke(FunctionName=function)["Payload"])


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def marked_processes(state_dir: Path) -> list[int]:
    """Processes of a run, found by their environment: it names the run's temporary folder."""
    wanted = f"TMPDIR={state_dir}/tmp".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if wanted in environment:
                found.append(int(entry.name))
    return found


def listening_addresses(pid: int) -> set[str]:
    """The local addresses, as hexadecimal in /proc/net, of all listening sockets that a process holds."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found = re.match(r"socket:\[(\d+)\]", os.readlink(descriptor))
        except OSError:
            continue
        if found:
            inodes.add(found.group(1))
    addresses = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            listening = fields[3] == "0A" or table.startswith("udp")
            if listening and fields[9] in inodes:
                addresses.add(fields[1].partition(":")[0])
    return addresses


@pytest.fixture
def own_stack(tmp_path: Path):
    running = start_stack(tmp_path / "state")
    yield running
    if running.process.poll() is None:
        running.process.kill()


@linux_only
def test_it_listens_on_127_0_0_1_only(stack):
    assert stack.endpoint.startswith("http://127.0.0.1:")
    assert stack.smtp.startswith("127.0.0.1:")
    assert listening_addresses(stack.pid) == {"0100007F"}


@linux_only
@pytest.mark.parametrize("how", ["stdin", "SIGTERM", "SIGINT"])
def test_nothing_is_left_when_it_ends(own_stack, how):
    started = invoke(own_stack, own_stack.node_function(ESCAPING))
    assert is_alive(started["pid"]) and is_alive(started["child"])
    if how == "stdin":
        assert own_stack.stop() == 0
    else:
        own_stack.process.send_signal(getattr(signal, how))
        assert own_stack.process.wait(timeout=15) == 0
    assert marked_processes(own_stack.state_dir) == []
    assert not is_alive(started["pid"]) and not is_alive(started["child"])
    assert not (own_stack.state_dir / "tmp").exists()


def test_it_does_not_wait_for_running_lambdas(own_stack):
    slow = own_stack.node_function("exports.handler = () => new Promise((done) => setTimeout(done, 9000));")
    own_stack.client("lambda").invoke(FunctionName=slow, InvocationType="Event")
    kinesis = own_stack.client("kinesis")
    kinesis.create_stream(StreamName="events", ShardCount=1)
    own_stack.client("lambda").create_event_source_mapping(
        FunctionName=slow,
        EventSourceArn="arn:aws:kinesis:us-east-1:000000000000:stream/events",
        StartingPosition="TRIM_HORIZON",
    )
    kinesis.put_record(StreamName="events", Data=b"x", PartitionKey="key")
    time.sleep(0.5)
    started = time.monotonic()
    assert own_stack.stop() == 0
    assert time.monotonic() - started < 4


@linux_only
def test_nothing_is_left_when_it_is_killed(own_stack):
    started = invoke(own_stack, own_stack.node_function(ESCAPING))
    own_stack.process.kill()
    own_stack.process.wait()
    wait_for("the end of all processes", lambda: not marked_processes(own_stack.state_dir), 5)
    assert not is_alive(started["child"])


def test_it_ends_when_its_caller_dies(tmp_path):
    """A killed caller closes nothing. The operating system closes its end of the pipe."""
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import emulator_stack; from pathlib import Path; "
        "print(emulator_stack.start_stack(Path(sys.argv[2])).pid, flush=True); time.sleep(60)"
    )
    caller = subprocess.Popen(
        [sys.executable, "-c", script, str(Path(__file__).parents[1]), str(tmp_path / "state")],
        stdout=subprocess.PIPE,
    )
    assert caller.stdout is not None
    pid = int(caller.stdout.readline())
    caller.kill()
    caller.wait()
    wait_for("the end of the emulator", lambda: not is_alive(pid), 10)


def test_two_runs_do_not_disturb_each_other(stack, own_stack):
    assert stack.endpoint != own_stack.endpoint and stack.smtp != own_stack.smtp
    name = unique("bucket")
    own_stack.client("s3").create_bucket(Bucket=name)
    assert name not in [bucket["Name"] for bucket in stack.client("s3").list_buckets()["Buckets"]]


def test_lambdas_run_on_node_24_without_the_shells_settings(tmp_path):
    environment = {"AWS_PROFILE": "someone", "NODE_OPTIONS": "--no-warnings", "npm_config_x": "1"}
    running = start_stack(tmp_path / "state", environment)
    try:
        answer = invoke(running, running.node_function(ESCAPING, OWN="value"))
    finally:
        running.stop()
    assert answer["node"].startswith("v24.")
    assert answer["env"]["OWN"] == "value"
    assert answer["env"]["AWS_ENDPOINT_URL"] == running.endpoint
    assert answer["env"]["AWS_REGION"] == "us-east-1"
    assert not set(environment) & set(answer["env"])


def test_all_state_is_in_the_state_folder(stack):
    bucket = stack.bucket()
    stack.client("s3").put_object(Bucket=bucket, Key="a/b.txt", Body=b"content")
    stored = [path for path in (stack.state_dir / "s3").rglob("*") if path.is_file()]
    assert any(path.read_bytes() == b"content" for path in stored)
    assert not list(Path("/tmp").glob(f"ministack-{stack.endpoint.rpartition(':')[2]}*"))


def refusal(process: subprocess.Popen) -> str:
    """What the launcher says when it ends at once, without a ready line."""
    output, errors = process.communicate(timeout=30)
    assert output == b""
    assert process.returncode == 1
    return errors.decode()


def test_it_refuses_another_version_of_ministack(tmp_path):
    metadata = tmp_path / "fake" / "ministack-1.6.0.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: ministack\nVersion: 1.6.0\n")
    said = refusal(launch(tmp_path / "state", {"PYTHONPATH": str(tmp_path / "fake")}))
    assert said.startswith("The local emulator cannot start: MiniStack 1.5.33 is needed and 1.6.0 is installed")
    assert "npm start" in said


def test_it_rejects_a_ministack_without_the_replaced_parts(tmp_path):
    launcher = tmp_path / "launch.py"
    launcher.write_text(
        f"import sys; sys.path[0] = {str(PROJECT_ROOT)!r}\n"
        "from emulator.core import server\n"
        "server.PARTS = ('sns.email',)\n"
        "server.PATCHES += [('ministack.services.kinesis', '_gone'), ('ministack.services.nowhere', 'x')]\n"
        "server.main()\n"
    )
    said = refusal(launch(tmp_path / "state", launcher=launcher))
    assert "ministack.services.kinesis._gone, ministack.services.nowhere.x" in said
    assert not marked_processes(tmp_path / "state")


def test_it_refuses_a_folder_that_another_run_uses(stack):
    said = refusal(launch(stack.state_dir))
    assert f"another emulator runs on {stack.state_dir}" in said
    assert stack.client("s3").list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_the_ready_line_is_printed_when_it_answers_requests(tmp_path):
    started = time.monotonic()
    running = start_stack(tmp_path / "state")
    try:
        assert running.client("s3").list_buckets()["Buckets"] == []
        assert running.mail_dir == tmp_path / "state" / "mails"
        assert running.pid == running.process.pid
        assert time.monotonic() - started < 20
    finally:
        running.stop()
