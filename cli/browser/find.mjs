// Finds the Chromium or Chrome that the browser tests and the pictures of the README use.
// Plain JavaScript with only Node's own modules, because the set-up asks it before there are packages.
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** @typedef {{ path: string, env?: Record<string, string> }} Browser env: what it has to be started with */

/** Names another browser than the machine's own. */
const VARIABLE = "CLICKSTREAM_BROWSER";
const COMMANDS = ["chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "chrome"];
const APPLICATIONS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
/** What npm's package has a Chromium for. */
const INSTALLABLE = "linux-x64";

/** @param {string} root */
export const installFolder = (root) => join(root, ".local", "browser");

/**
 * The browser that the variable names, else the machine's, else the one that the set-up has installed.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @returns {Browser | undefined}
 */
export function findBrowser(root, env) {
  const path = machineBrowser(env);
  return path === undefined ? installedBrowser(root) : { path };
}

/**
 * Whether the set-up has to install one, and can.
 * @param {NodeJS.ProcessEnv} env
 */
export function needsBrowser(env, system = `${process.platform}-${process.arch}`) {
  return system === INSTALLABLE && machineBrowser(env) === undefined;
}

/** What to do where there is none. */
export const REMEDY = `Install Chrome or Chromium, or name one: ${VARIABLE}=/path/to/chrome`;

/** @param {NodeJS.ProcessEnv} env */
function machineBrowser(env) {
  const named = env[VARIABLE];
  if (named) {
    if (!isExecutable(named)) throw Object.assign(new Error(notThere(named)), { exitCode: 1 });
    return named;
  }
  const folders = (env.PATH ?? "").split(delimiter).filter(Boolean);
  const commands = COMMANDS.flatMap((command) => folders.map((folder) => join(folder, command)));
  return [...commands, ...(process.platform === "darwin" ? APPLICATIONS : [])].find(isExecutable);
}

/** @param {string} path */
const notThere = (path) =>
  `${VARIABLE} is ${path}, which is no program. Set it to the path of Chrome or Chromium, or unset it to use the machine's.`;

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} root
 * @returns {Browser | undefined}
 */
function installedBrowser(root) {
  const folder = installFolder(root);
  const path = join(folder, "chromium");
  if (!existsSync(path)) return undefined;
  const libraries = join(folder, "al2023", "lib");
  return { path, env: { LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: join(folder, "fonts.conf") } };
}
