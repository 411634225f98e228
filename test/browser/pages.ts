// Bundles the page of a tracker (test/browser/trackers) into one document.
import { join } from "node:path";
import { buildSync } from "esbuild";

export function bundlePage(tracker: string, collectorUrl: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, "trackers", `${tracker}.ts`)],
    write: false,
    bundle: true,
    minify: true,
    platform: "browser",
    target: "es2021",
    format: "iife",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const code = (outputFiles[0]?.text ?? "").replaceAll("</script", "<\\/script");
  return `<!doctype html><title>The shop</title>
<script>window.collector = "${collectorUrl}"</script><script>${code}</script>`;
}
