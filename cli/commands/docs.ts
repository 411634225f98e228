// npm run docs: writes the files that are generated, such as the table of the configuration and the event's types.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";
import { GENERATED } from "../docs/generated";
import { Console } from "../view/console";

export async function main({ check }: { check?: boolean }): Promise<number> {
  const console = new Console(process.stdout);
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
