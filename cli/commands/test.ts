// npm test: every check and every test, with one sum at the end.
import { PROJECT_ROOT } from "../../stack/runs";
import { findBrowser, REMEDY } from "../browser/find.mjs";
import { runGroups } from "../checks/run";
import { BROWSER_TESTS, CHECKS, COVERED, endToEnd, TESTS } from "../checks/steps";

export async function main(): Promise<number> {
  const hasBrowser = findBrowser(PROJECT_ROOT, process.env) !== undefined;
  const exitCode = await runGroups(
    [
      { steps: CHECKS, atATime: 2, coverage: true },
      { steps: hasBrowser ? [BROWSER_TESTS, ...TESTS] : TESTS, atATime: 2, coverage: true },
      { steps: endToEnd(hasBrowser), atATime: 1 },
      { steps: COVERED, atATime: 2 },
    ],
    process.stdout,
  );
  if (hasBrowser) return exitCode;
  process.stderr.write(withoutBrowser());
  // Where nobody reads the output, tests that are left out are failed tests.
  return process.env.CI ? 1 : exitCode;
}

const withoutBrowser = () => `
LEFT OUT: ${BROWSER_TESTS.title}. There is no browser on this machine, and the set-up can install one on Linux x64 only.
${REMEDY}. Then run npm test again.
`;
