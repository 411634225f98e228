// The ZIP writer, judged by Python's reader.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { zip } from "../../../local/deploy/zip";

const PYTHON = resolve(__dirname, "..", "..", "..", ".local", "venv", "bin", "python");

describe("local/deploy/zip", () => {
  it("makes archives that another implementation can read, with checksums, and the same bytes each time", () => {
    const files = new Map([
      ["lib/ü.txt", Buffer.from("second")],
      ["index.js", Buffer.from("exports.handler = 1;\n".repeat(500))],
    ]);
    const archive = zip(files);
    assert.deepEqual(zip(new Map([...files].reverse())), archive);
    const folder = mkdtempSync(join(tmpdir(), "clickstream-zip-"));
    try {
      writeFileSync(join(folder, "a.zip"), archive);
      const script =
        "import json, sys, zipfile\n" +
        "z = zipfile.ZipFile(sys.argv[1])\n" +
        "assert z.testzip() is None\n" +
        "print(json.dumps({i.filename: [z.read(i).decode(), i.external_attr >> 16] for i in z.infolist()}))";
      const read = JSON.parse(
        execFileSync(PYTHON, ["-c", script, join(folder, "a.zip")], { encoding: "utf8" }),
      );
      assert.deepEqual(read, {
        "index.js": ["exports.handler = 1;\n".repeat(500), 0o100644],
        "lib/ü.txt": ["second", 0o100644],
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
