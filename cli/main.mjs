// Entry point of all npm scripts: reads the arguments, runs the set-up if a lock file changed, and starts the TypeScript
// command. Plain JavaScript with only Node's own modules, because a fresh clone has no packages installed.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { missingTools, nodeIsTooOld } from "./prerequisites.mjs";

// At each start the AWS SDK warns that later versions need a newer Node. The lock file pins a version that works.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @returns {Promise<number>} the exit code */
async function run() {
  if (nodeIsTooOld(process.versions.node)) throw missingTools(process.env);
  // Imported only now: an older Node cannot load them.
  const { noteOnBanner, readArguments } = await import("./arguments/read.mjs");
  const { setUp } = await import("./setup.mjs");
  const request = readArguments(process.argv.slice(2), process.env);
  if (request.help !== undefined) {
    process.stdout.write(request.help);
    return 0;
  }
  const note = noteOnBanner(request, process.env);
  if (note !== undefined) process.stderr.write(`${note}\n`);
  Object.assign(
    process.env,
    await setUp({ root, needs: request.needs, env: process.env, output: process.stderr }),
  );
  // The doctor also runs on a fresh clone, and loads only installed packages.
  if (request.plain) return (await import(`./commands/${request.command}.mjs`)).main(request.options);
  (await import("tsx/cjs/api")).register();
  // require, because the project's TypeScript is CommonJS.
  const { main } = createRequire(import.meta.url)(`./commands/${request.command}.ts`);
  return main(request.options);
}

try {
  process.exitCode = await run();
} catch (error) {
  // Errors with exitCode are for users. Any other error is a bug, and is shown with its stack trace.
  const { exitCode, message } = /** @type {Error & { exitCode?: number }} */ (error);
  if (exitCode === undefined) throw error;
  process.stderr.write(`${message}\n`);
  process.exitCode = exitCode;
}
