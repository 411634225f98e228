// Starts the browser that find.mjs finds, for tests and pictures.

import { type Browser, chromium } from "playwright-core";
import { PROJECT_ROOT } from "../../stack/runs";
import { findBrowser, REMEDY } from "./find.mjs";

/** The caller closes it. Back/forward cache and keepalive work as they do for a visitor. */
export async function launchBrowser(args: string[] = []): Promise<Browser> {
  const found = findBrowser(PROJECT_ROOT, process.env);
  if (!found) throw new Error(`There is no browser on this machine. ${REMEDY}`);
  return chromium.launch({
    executablePath: found.path,
    env: { ...(process.env as Record<string, string>), ...found.env },
    // Chromium refuses to run as root with its sandbox, and many containers do not allow one.
    chromiumSandbox: false,
    args,
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
}
