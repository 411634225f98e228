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
