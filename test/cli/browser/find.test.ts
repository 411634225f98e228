// Which browser the tests use, and when the set-up installs one.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findBrowser, needsBrowser } from "../../../cli/browser/find.mjs";
import { overridden, setupParts, stale } from "../../../cli/setup.mjs";

describe("cli/browser/find", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-browser-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function program(...names: string[]): string {
    const path = join(folder, ...names);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "#!/bin/sh\n");
    chmodSync(path, 0o755);
    return path;
  }
  const machine = (...folders: string[]) => ({ PATH: folders.map((name) => join(folder, name)).join(":") });

  it("takes the one that the variable names, then the machine's, then the installed one", () => {
    const installed = program(".local", "browser", "chromium");
    const libraries = join(folder, ".local", "browser", "al2023", "lib");
    assert.deepEqual(findBrowser(folder, machine("bin")), {
      path: installed,
      env: { LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: join(folder, ".local", "browser", "fonts.conf") },
    });
    const chrome = program("bin", "google-chrome");
    assert.deepEqual(findBrowser(folder, machine("none", "bin")), { path: chrome });
    const chromium = program("sbin", "chromium");
    assert.deepEqual(findBrowser(folder, machine("bin", "sbin")), { path: chromium });
    const named = program("my", "browser");
    assert.deepEqual(findBrowser(folder, { ...machine("bin"), CLICKSTREAM_BROWSER: named }), { path: named });
  });

  it("finds none where there is none, nor a file that is no program", () => {
    writeFileSync(join(folder, "chromium"), "");
    assert.equal(findBrowser(folder, { PATH: folder }), undefined);
    assert.equal(findBrowser(folder, {}), undefined);
  });

  it("does not pass over a variable that names no program", () => {
    program("bin", "chromium");
    assert.throws(
      () => findBrowser(folder, { ...machine("bin"), CLICKSTREAM_BROWSER: "/no/browser" }),
      /CLICKSTREAM_BROWSER is \/no\/browser, which is no program/,
    );
  });

  it("has the set-up install one only where there is none and the package has one for the system", () => {
    assert.equal(needsBrowser(machine("bin"), "linux-x64"), true);
    for (const system of ["linux-arm64", "darwin-arm64", "win32-x64"])
      assert.equal(needsBrowser(machine("bin"), system), false, system);
    program("bin", "chromium");
    assert.equal(needsBrowser(machine("bin"), "linux-x64"), false);
    assert.equal(overridden("browser", machine("bin")), true);
  });

  it("installs it again when its lock file changes or the program is gone", () => {
    const lock = join(folder, "cli", "browser", "package-lock.json");
    mkdirSync(dirname(lock), { recursive: true });
    writeFileSync(lock, "{}");
    const part = setupParts(folder, {}).browser;
    assert.deepEqual(part.commands.flat().slice(1, 2), [join(folder, "cli", "browser", "install.mjs")]);
    assert.deepEqual(stale(setupParts(folder, {}), ["browser"]), ["browser"]);
  });
});
