// npm start with a file that cannot be sent: one clear error, before a stack is started for it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const MAIN = join(__dirname, "..", "..", "..", "cli", "main.mjs");

function start(input: string | Buffer, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "start", ...args], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    input,
  });
  return { status, stdout, stderr };
}

describe("cli/commands/start with a file that cannot be sent", function () {
  this.timeout(30_000);

  it("names what is wrong with a log format, and its place", () => {
    const { status, stdout } = start("", "--file", "-", "--log-format", "%h %Z %t %r");
    assert.equal(status, 1);
    assert.match(stdout.trim(), /^✗ --log-format, column 4: %Z is not a directive of Apache's LogFormat/);
    assert.doesNotMatch(stdout, /emulator/i);
  });

  it("shows no compressed byte, and the command that unpacks", () => {
    const { status, stdout, stderr } = start(
      Buffer.from("28b52ffd24010000aa1b5b", "hex"),
      "--file",
      "-",
      "--json",
    );
    const document = JSON.parse(stdout);
    assert.equal(status, 1);
    assert.deepEqual([document.execution.status, document.sent], ["NOT_STARTED", null]);
    assert.equal(
      document.error,
      "standard input is compressed with zstd; plain text and gzip are read. " +
        "Unpack it on the way: zstd -dc FILE | npm start -- --file -",
    );
    assert.doesNotMatch(stderr, /[^\P{Cc}\n]/u);
  });

  it("refuses standard input that holds nothing", () => {
    assert.match(start("", "--file", "-").stdout, /✗ standard input is empty\. Give a file that has lines\./);
    assert.match(start("\n \n", "--file", "/dev/stdin").stdout, /✗ standard input has blank lines only\./);
  });
});

describe("cli/commands/start with --config", function () {
  this.timeout(30_000);

  it("ends with the program's message before a stack is started, and shows no secret", () => {
    const given = ["--config", "shardCount=501", "--config", "privacyHashKey=hunter2"];
    const { status, stdout, stderr } = start("", ...given, "--json");
    const { error } = JSON.parse(stdout);
    assert.equal(status, 1);
    assert.match(error, /^--config: Invalid configuration:\n {2}- clickstream:shardCount must be an integer/);
    assert.match(error, /privacyHashKey must be text of 16 characters or more, got a secret value/);
    assert.doesNotMatch(stderr, /emulator/i);
    assert.doesNotMatch(stdout + stderr, /hunter2/);
  });

  it("shows nothing of what is no KEY=VALUE", () => {
    for (const given of ["hunter2", "aws:hunter2=x", "=hunter2"]) {
      const { status, stdout, stderr } = start("", "--config", given);
      assert.equal(status, 2, given);
      assert.match(stderr, /^--config must be KEY=VALUE/);
      assert.doesNotMatch(stdout + stderr, /hunter2/);
    }
  });
});
