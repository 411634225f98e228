// Adds the demo's page to the live view's server: both panes, and the execution that its button starts.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pageScript } from "../cli/browser/page-script";
import type { Source } from "../cli/live/messages";
import { json, type LoopbackServer } from "../local/loopback";
import type { Pipeline } from "./pipeline";

const FOLDER = join(__dirname, "panes");

export interface PanesOptions {
  shopOrigin: string;
  pipeline: Pipeline;
  source: Source;
  /** Where the report is after an execution. */
  report: string;
}

/** What the page asks for when it opens. */
export interface DemoFacts {
  shop: string;
  /** An execution is running. */
  running: boolean;
  source: Source;
}

export function servePanes(server: LoopbackServer, options: PanesOptions): void {
  const { shopOrigin, pipeline, source, report } = options;
  const file = (name: string, type: string) => ({ type, body: readFileSync(join(FOLDER, name)) });
  server.on("/demo", () => file("page.html", "text/html; charset=utf-8"), { isPage: true });
  server.on("/panes.css", () => file("panes.css", "text/css; charset=utf-8"));
  server.on("/panes.js", () => ({
    type: "text/javascript; charset=utf-8",
    body: pageScript(join(FOLDER, "panes.ts")),
  }));
  server.on("/demo.json", () =>
    json({ shop: `${shopOrigin}/`, running: pipeline.isRunning, source } satisfies DemoFacts),
  );
  server.on(
    "/execution",
    ({ method }) => {
      if (method === "GET") return json(pipeline.shown);
      return pipeline.start()
        ? json(pipeline.shown, 202)
        : json({ error: "An execution is running already." }, 409);
    },
    { methods: ["GET", "POST"] },
  );
  server.on(
    "/report.html",
    () => {
      if (!existsSync(report)) return json({ error: "There is no report yet: run the pipeline." }, 404);
      // One file with its own styles, and without a script.
      const headers = {
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
      };
      return { type: "text/html; charset=utf-8", body: readFileSync(report), headers };
    },
    { isPage: true },
  );
}
