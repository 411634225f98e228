// Finds the required tools (Node, Python, Java), or lists in one message what is missing and how to install it.
// Its syntax also works on an old Node.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/**
 * @typedef {{ path?: string, version?: string, fits?: boolean, canMakeVenv?: boolean, problem?: string }} FoundPython
 * @typedef {{ home?: string, version?: number, problem?: string }} FoundJava
 */

const NODE = "20.19.0";
const PYTHONS = ["python3.11", "python3.12", "python3.10", "python3"];
const PYTHON_MINORS = [10, 11, 12];
const JAVA = 17; // as on Glue 5.1; Spark 3.5 supports 8, 11 and 17, but not 21

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
  const problems = given([nodeProblem(), findPython(env).problem, findJava(env).problem]);
  return problems.length > 0 ? new MissingTools(problems) : undefined;
}

/**
 * Finds Python and Java. Throws one MissingTools error that lists all missing tools.
 * @param {NodeJS.ProcessEnv} env
 */
export function findTools(env, { java = true } = {}) {
  const python = findPython(env);
  /** @type {FoundJava} */
  const jdk = java ? findJava(env) : {};
  const problems = given([nodeProblem(), python.problem, jdk.problem]);
  if (problems.length > 0) throw new MissingTools(problems);
  return { python: python.path, pythonVersion: python.version, javaHome: jdk.home };
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
 * Finds the first Python 3.10 to 3.12 that can make virtual environments. CLICKSTREAM_PYTHON overrides the search.
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
      `  Python 3.10, 3.11 or 3.12 with venv and pip: ${seen.join("; ")}.`,
      "    Debian, Ubuntu: sudo apt-get install python3.11 python3.11-venv   (or the python3.12 of your release)",
      "    macOS:          brew install python@3.11",
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
    fits: major === "3" && PYTHON_MINORS.includes(Number(minor)),
    canMakeVenv: able === "1",
  };
}

/**
 * Finds the home of Java 17: JAVA_HOME, the java on the PATH, or the one that macOS lists.
 * @param {NodeJS.ProcessEnv} env
 * @returns {FoundJava}
 */
export function findJava(env) {
  const seen = [];
  for (const [origin, home] of javaHomes(env)) {
    const version = javaVersion(home, env);
    if (version === JAVA) return { home, version };
    if (version) seen.push(`${origin} is Java ${version}`);
    else if (origin === "JAVA_HOME") seen.push(`JAVA_HOME=${home} has no bin/java`);
  }
  if (seen.length === 0) seen.push("none was found in JAVA_HOME or on the PATH");
  return {
    problem: [
      `  Java ${JAVA} (for Spark 3.5 as on AWS Glue 5.1; later versions do not work): ${seen.join("; ")}.`,
      "    Debian, Ubuntu: sudo apt-get install openjdk-17-jre-headless",
      "    macOS:          brew install openjdk@17, then export JAVA_HOME=$(brew --prefix openjdk@17)/libexec/openjdk.jdk/Contents/Home",
      "    Windows:        in WSL 2 (wsl --install), as on Ubuntu",
      "    elsewhere:      JAVA_HOME=/path/to/jdk-17",
    ].join("\n"),
  };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Generator<[origin: string, home: string]>}
 */
function* javaHomes(env) {
  if (env.JAVA_HOME) yield ["JAVA_HOME", env.JAVA_HOME];
  for (const folder of (env.PATH || "").split(delimiter)) {
    const java = join(folder, "java");
    if (folder && existsSync(java)) {
      yield [java, dirname(dirname(realpathSync(java)))];
      break;
    }
  }
  if (process.platform === "darwin") {
    const home = output("/usr/libexec/java_home", ["-v", String(JAVA)], env);
    if (home) yield ["/usr/libexec/java_home", home.trim()];
  }
  // Debian can have several versions installed, with a different one first on the PATH.
  const debian = `/usr/lib/jvm/java-17-openjdk-${process.arch === "arm64" ? "arm64" : "amd64"}`;
  if (existsSync(debian)) yield [debian, debian];
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
