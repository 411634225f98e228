// Checks of this machine: tools, disk, loopback, set-up. Plain JavaScript, because they also run on a fresh clone.
import { execFileSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { createServer } from "node:net";
import { findBrowser, needsBrowser, REMEDY } from "../browser/find.mjs";
import { findJava, findPython, nodeIsTooOld } from "../prerequisites.mjs";
import { overridden, setupParts, stale } from "../setup.mjs";

/** @import { Part } from "../arguments/types.js" */
/**
 * One line of the doctor's output. "unknown" is not a problem: it was not possible or not necessary to check.
 * @typedef {{ name: string, state: "ok" | "bad" | "unknown", says: string, remedy?: string }} Check
 *
 * @typedef {object} Probe
 * @property {() => string} [nodeVersion]
 * @property {(env: NodeJS.ProcessEnv) => string | undefined} [npmVersion]
 * @property {(env: NodeJS.ProcessEnv) => Tool} [python]
 * @property {(env: NodeJS.ProcessEnv, major: 17 | 25) => Tool} [java]
 * @property {(root: string) => number} [freeBytes]
 * @property {() => Promise<unknown>} [listen]
 * @property {(root: string, env: NodeJS.ProcessEnv) => Part[]} [staleParts]
 * @property {(root: string, env: NodeJS.ProcessEnv) => { path?: string, installable: boolean }} [browser]
 *
 * @typedef {{ version?: string | number, problem?: string }} Tool
 */

const DISK_GB = 3;
const LEAST_NPM = 10;

/**
 * All checks of the machine. Tests replace its answers with `probe`.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {Probe} probe
 * @returns {Promise<Check[]>}
 */
export async function machineChecks(root, env, probe = {}) {
  const { nodeVersion, npmVersion, python, java, freeBytes, listen, staleParts, browser } = {
    ...PROBES,
    ...probe,
  };
  return [
    nodeCheck(nodeVersion()),
    npmCheck(npmVersion(env)),
    toolCheck("Python", python(env)),
    toolCheck("Java for Spark", java(env, 17)),
    toolCheck("Java for Trino", java(env, 25)),
    diskCheck(freeBytes(root)),
    await loopbackCheck(listen),
    ...setupChecks(staleParts(root, env)),
    browserCheck(browser(root, env)),
  ];
}

/** @type {Required<Probe>} */
const PROBES = {
  nodeVersion: () => process.versions.node,
  npmVersion: (env) => {
    try {
      return execFileSync("npm", ["--version"], {
        env,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    } catch {
      return undefined;
    }
  },
  python: findPython,
  java: findJava,
  freeBytes: (root) => {
    const { bavail, bsize } = statfsSync(root);
    return bavail * bsize;
  },
  listen: () =>
    new Promise((resolve, reject) => {
      const server = createServer();
      server.on("error", reject);
      server.listen(0, "127.0.0.1", () => server.close(() => resolve(undefined)));
    }),
  staleParts: (root, env) => {
    const parts = /** @type {Part[]} */ (Object.keys(PARTS));
    return stale(
      setupParts(root, env),
      parts.filter((part) => !overridden(part, env)),
    );
  },
  browser: (root, env) => ({ path: findBrowser(root, env)?.path, installable: needsBrowser(env) }),
};

/**
 * @param {string} version
 * @returns {Check}
 */
function nodeCheck(version) {
  const check = { name: "Node.js", says: version };
  return nodeIsTooOld(version)
    ? { ...check, state: "bad", remedy: "install 20.19 or later: https://nodejs.org, or nvm install 22" }
    : { ...check, state: "ok" };
}

/**
 * @param {string | undefined} version
 * @returns {Check}
 */
function npmCheck(version) {
  const fits = version !== undefined && Number(version.split(".")[0]) >= LEAST_NPM;
  return fits
    ? { name: "npm", state: "ok", says: version }
    : {
        name: "npm",
        state: "bad",
        says: version ?? "not on the PATH",
        remedy: `install ${LEAST_NPM} or later: npm install -g npm@${LEAST_NPM}`,
      };
}

/**
 * @param {string} name
 * @param {Tool} tool
 * @returns {Check}
 */
function toolCheck(name, { version, problem }) {
  if (!problem) return { name, state: "ok", says: String(version) };
  const [says = "", ...remedy] = problem.split("\n");
  return { name, state: "bad", says: says.trim(), remedy: remedy.map((line) => line.trim()).join("; ") };
}

/**
 * @param {number} bytes
 * @returns {Check}
 */
function diskCheck(bytes) {
  const says = `${(bytes / 1e9).toFixed(1)} GB free`;
  return bytes >= DISK_GB * 1e9
    ? { name: "Disk", state: "ok", says }
    : {
        name: "Disk",
        state: "bad",
        says,
        remedy: `free ${DISK_GB} GB: packages, Spark and the files of a run are stored in the project`,
      };
}

/**
 * @param {() => Promise<unknown>} listen
 * @returns {Promise<Check>}
 */
async function loopbackCheck(listen) {
  try {
    await listen();
    return { name: "Ports", state: "ok", says: "programs can listen on 127.0.0.1" };
  } catch (error) {
    const remedy =
      "allow programs to listen on 127.0.0.1: a sandbox, a firewall or a missing loopback interface prevents it";
    return { name: "Ports", state: "bad", says: /** @type {Error} */ (error).message, remedy };
  }
}

/** @type {Record<Exclude<Part, "browser">, string>} */
const PARTS = {
  npm: "npm packages",
  python: "Python environment",
  java17: "Java 17",
  java25: "Java 25",
  jars: "Spark's S3 jars",
  trino: "Trino",
};

/**
 * A missing part of the set-up is not a problem, because the next command installs it.
 * @param {Part[]} missing
 * @returns {Check[]}
 */
function setupChecks(missing) {
  return Object.entries(PARTS).map(([part, name]) =>
    missing.includes(/** @type {Part} */ (part))
      ? {
          name,
          state: "unknown",
          says: "not installed, or out of date with its lock file",
          remedy: "npm start or npm test installs it",
        }
      : { name, state: "ok", says: "set up" },
  );
}

/**
 * Without a browser only its tests are left out.
 * @param {{ path?: string, installable: boolean }} browser
 * @returns {Check}
 */
function browserCheck({ path, installable }) {
  const name = "Browser for tests";
  if (path !== undefined) return { name, state: "ok", says: path };
  return {
    name,
    state: "unknown",
    says: installable ? "not installed" : "none on this machine, so npm test leaves the browser tests out",
    remedy: installable ? "npm test installs it" : REMEDY,
  };
}
