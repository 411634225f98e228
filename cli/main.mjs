// The one entry of every npm script: reads the arguments, sets the project up when a lock file changed, and hands
// over to the TypeScript command. Plain JavaScript on Node's own modules, because on a fresh clone there is nothing else.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { missingTools, nodeIsTooOld } from "./prerequisites.mjs";

// The SDK announces at each start when it will ask for a newer Node; the lock file pins one that does not.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @returns {Promise<number>} the exit code */
async function run() {
  if (nodeIsTooOld(process.versions.node)) throw missingTools(process.env);
  // Imported only now: an older Node cannot load them.
  const { readArguments } = await import("./arguments/read.mjs");
  const { setUp } = await import("./setup.mjs");
  const request = readArguments(process.argv.slice(2), process.env);
  if (request.help !== undefined) {
    process.stdout.write(request.help);
    return 0;
  }
  Object.assign(
    process.env,
    await setUp({ root, needs: request.needs, env: process.env, output: process.stderr }),
  );
  // The doctor runs on a fresh clone, and loads what it finds by itself.
  if (request.plain) return (await import(`./commands/${request.command}.mjs`)).main(request.options);
  (await import("tsx/cjs/api")).register();
  // require, since the project's TypeScript is CommonJS.
  const { main } = createRequire(import.meta.url)(`./commands/${request.command}.ts`);
  return main(request.options);
}

try {
  process.exitCode = await run();
} catch (error) {
  // exitCode marks the errors that are meant for people; anything else is a defect, and its stack is wanted.
  const { exitCode, message } = /** @type {Error & { exitCode?: number }} */ (error);
  if (exitCode === undefined) throw error;
  process.stderr.write(`${message}\n`);
  process.exitCode = exitCode;
}
