// The supply chain: what is installed is what was locked, byte for byte, for npm and for Python.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_ROOT } from "../stack/runs";

interface Locked {
  version?: string;
  integrity?: string;
  link?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const read = (name: string) => readFileSync(join(PROJECT_ROOT, name), "utf8");

/** What is wrong with a lock file for a package.json. */
function npmProblems(packageJson: string, lockFile: string): string[] {
  const wanted = JSON.parse(packageJson) as Pick<Locked, "dependencies" | "devDependencies">;
  const { packages } = JSON.parse(lockFile) as { packages: Record<string, Locked> };
  const root = packages[""] ?? {};
  const problems: string[] = [];
  for (const kind of ["dependencies", "devDependencies"] as const) {
    for (const [name, version] of Object.entries(wanted[kind] ?? {})) {
      if (!/^\d+\.\d+\.\d+$/.test(version)) problems.push(`${name}: ${version} is no exact version`);
      if (root[kind]?.[name] !== version) problems.push(`${name}: not locked as package.json wants it`);
      if (packages[`node_modules/${name}`]?.version !== version)
        problems.push(`${name}: another version is locked`);
    }
    for (const name of Object.keys(root[kind] ?? {}))
      if (!(name in (wanted[kind] ?? {}))) problems.push(`${name}: locked, not wanted`);
  }
  for (const [path, { integrity, link }] of Object.entries(packages)) {
    if (path !== "" && !link && !/^sha512-/.test(integrity ?? ""))
      problems.push(`${path}: no SHA-512 integrity`);
  }
  return problems;
}

/** The versions of the AWS clients: AWS releases them together, and clients of one version share their inner packages. */
function awsVersions(packageJson: string): string[] {
  const { dependencies, devDependencies } = JSON.parse(packageJson) as Required<Locked>;
  const clients = Object.entries({ ...dependencies, ...devDependencies }).filter(([name]) =>
    name.startsWith("@aws-sdk/client-"),
  );
  assert.ok(clients.length > 15, "the AWS clients were not found");
  return [...new Set(clients.map(([, version]) => version))];
}

/** What is wrong with a requirements file that pip is to install with --require-hashes. */
function pythonProblems(requirements: string, wanted: string): string[] {
  const entries = requirements
    .replace(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line.trim() && !line.startsWith("#"));
  const problems = entries.flatMap((entry) => {
    const name = entry.split("==")[0]?.trim() ?? "";
    return [
      ...(/^[\w.[\]-]+==[\w.+!-]+/.test(entry) ? [] : [`${name}: no exact version`]),
      ...(/--hash=sha256:[0-9a-f]{64}/.test(entry) ? [] : [`${name}: no hash`]),
    ];
  });
  const locked = new Set(entries.map((entry) => normal(entry.split("==")[0] ?? "")));
  for (const line of wanted.split("\n")) {
    const name = /^[\w.-]+/.exec(line)?.[0];
    if (name && !locked.has(normal(name))) problems.push(`${name}: wanted, not locked`);
  }
  return problems;
}

const normal = (name: string) => name.trim().replace(/\[.*/, "").toLowerCase().replace(/[._]/g, "-");

describe("supply chain", () => {
  const packageJson = read("package.json");
  const lockFile = read("package-lock.json");
  const requirements = read("emulator/requirements.txt");
  const wanted = read("emulator/requirements.in");

  it("locks each npm package in the version that package.json names, with its hash", () => {
    assert.deepEqual(npmProblems(packageJson, lockFile), []);
    assert.deepEqual(
      npmProblems(read("cli/browser/package.json"), read("cli/browser/package-lock.json")),
      [],
    );
  });

  it("has all AWS clients at one version", () => {
    assert.equal(awsVersions(packageJson).length, 1, awsVersions(packageJson).join(", "));
    const other = packageJson.replace(/("@aws-sdk\/client-s3": )"[^"]+"/, '$1"3.0.0"');
    assert.equal(awsVersions(other).length, 2);
  });

  it("locks each Python package with its version and hash", () => {
    assert.deepEqual(pythonProblems(requirements, wanted), []);
  });

  it("would see a range, a package that is not locked, and one without a hash", () => {
    const range = packageJson.replace('"tsx": "', '"tsx": "^');
    assert.match(npmProblems(range, lockFile).join(), /tsx: \^[\d.]+ is no exact version/);
    const added = packageJson.replace('"tsx": "', '"left-pad": "1.3.0", "tsx": "');
    assert.match(npmProblems(added, lockFile).join(), /left-pad: not locked/);
    const open = lockFile.replace(/"integrity": "sha512-/, '"integrity": "md5-');
    assert.match(npmProblems(packageJson, open).join(), /no SHA-512 integrity/);
    const unhashed = requirements.replace(/--hash=sha256:/g, "--hash=md5:");
    assert.match(pythonProblems(unhashed, wanted).join(), /no hash/);
    assert.match(
      pythonProblems(requirements, `${wanted}\nrequests==2.0\nno-such\n`).join(),
      /no-such: wanted/,
    );
  });
});
