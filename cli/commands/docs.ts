// npm run docs: writes the files that are generated, such as the table of the configuration and the event's types, or
// with --pictures those that need a running stack and a browser.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Interrupted } from "../../stack/interrupt";
import { PROJECT_ROOT } from "../../stack/runs";
import type { DocsOptions } from "../arguments/types";
import { GENERATED } from "../docs/generated";
import { takePictures } from "../docs/pictures";
import { Console } from "../view/console";

export async function main({ check, pictures }: DocsOptions): Promise<number> {
  const console = new Console(process.stdout);
  if (pictures) return makePictures(console);
  const { green, red } = console.colours;
  let stale = 0;
  for (const { path, text } of GENERATED) {
    const file = join(PROJECT_ROOT, path);
    const current = existsSync(file) ? readFileSync(file, "utf8") : "";
    console.setStatus(path);
    const wanted = await text(current);
    if (wanted === current) {
      console.line(green(`✓ ${path} is current`));
    } else if (check) {
      stale += 1;
      console.line(red(`✗ ${path} is not current: npm run docs`));
    } else {
      writeFileSync(file, wanted);
      console.line(green(`✓ ${path} written`));
    }
  }
  console.end();
  return stale === 0 ? 0 : 1;
}

async function makePictures(console: Console): Promise<number> {
  try {
    await takePictures(console);
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode;
    throw error;
  } finally {
    console.end();
  }
}
