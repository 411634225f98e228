// The checks of this machine: tools, disk, loopback, set-up. Plain JavaScript, as they must run on a fresh clone.
import { execFileSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { createServer } from "node:net";
import { findJava, findPython, nodeIsTooOld } from "../prerequisites.mjs";
import { setupParts, stale } from "../setup.mjs";

const DISK_GB = 3;
const LEAST_NPM = 10;

/** All checks of the machine; `probe` replaces what is asked of it, for tests. */
export async function machineChecks(root, env, probe = {}) {
  const { nodeVersion, npmVersion, python, java, freeBytes, listen, staleParts } = { ...PROBES, ...probe };
  return [
    nodeCheck(nodeVersion()),
    npmCheck(npmVersion(env)),
    toolCheck("Python", python(env)),
    toolCheck("Java", java(env)),
    diskCheck(freeBytes(root)),
    await loopbackCheck(listen),
    ...setupChecks(staleParts(root, env)),
  ];
}

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
      server.listen(0, "127.0.0.1", () => server.close(resolve));
    }),
  staleParts: (root, env) => stale(setupParts(root, env), ["npm", "python", "jars"]),
};

function nodeCheck(version) {
  const check = { name: "Node.js", says: version };
  return nodeIsTooOld(version)
    ? { ...check, state: "bad", remedy: "install 20.19 or later: https://nodejs.org, or nvm install 22" }
    : { ...check, state: "ok" };
}

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

function toolCheck(name, { version, problem }) {
  if (!problem) return { name, state: "ok", says: String(version) };
  const [says = "", ...remedy] = problem.split("\n");
  return { name, state: "bad", says: says.trim(), remedy: remedy.map((line) => line.trim()).join("; ") };
}

function diskCheck(bytes) {
  const says = `${(bytes / 1e9).toFixed(1)} GB free`;
  return bytes >= DISK_GB * 1e9
    ? { name: "Disk", state: "ok", says }
    : {
        name: "Disk",
        state: "bad",
        says,
        remedy: `make room for ${DISK_GB} GB: packages, Spark and a run's files lie in the project`,
      };
}

async function loopbackCheck(listen) {
  try {
    await listen();
    return { name: "Ports", state: "ok", says: "127.0.0.1 can be listened on" };
  } catch (error) {
    const remedy =
      "allow programs to listen on 127.0.0.1: a sandbox, a firewall or a missing loopback interface forbids it";
    return { name: "Ports", state: "bad", says: error.message, remedy };
  }
}

const PARTS = { npm: "npm packages", python: "Python environment", jars: "Spark's S3 jars" };

/** What is not set up is no fault: the next command does it. */
function setupChecks(missing) {
  return Object.entries(PARTS).map(([part, name]) =>
    missing.includes(part)
      ? {
          name,
          state: "unknown",
          says: "not set up, or not as the lock file has it",
          remedy: "npm start or npm test installs it",
        }
      : { name, state: "ok", says: "set up" },
  );
}
