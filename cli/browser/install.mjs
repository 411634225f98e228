// Installs Chromium in .local/browser: npm's @sparticuz/chromium has the program, the libraries that a bare Linux lacks
// and a font, all compressed. It needs no root and no package manager. The set-up starts this where there is no browser.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { installFolder } from "./find.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = installFolder(root);
const [npm = "npm", ...npmArguments] = process.argv.slice(2);

mkdirSync(folder, { recursive: true });
for (const name of ["package.json", "package-lock.json"])
  copyFileSync(new URL(name, import.meta.url), join(folder, name));
execFileSync(npm, [...npmArguments, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
  cwd: folder,
  stdio: "inherit",
});

// The package unpacks into the folder for temporary files, and the libraries only where it believes to be in a Lambda.
process.env.TMPDIR = folder;
process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs20.x";
const entry = createRequire(join(folder, "package.json")).resolve("@sparticuz/chromium");
const { default: chromium } = await import(pathToFileURL(entry).href);
await (chromium.default ?? chromium).executablePath();

// The machine's fonts, and one for a machine without any.
writeFileSync(
  join(folder, "fonts.conf"),
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>${join(folder, "fonts")}</dir>
  <cachedir>${join(folder, "fonts-cache")}</cachedir>
</fontconfig>
`,
);
rmSync(join(folder, "node_modules"), { recursive: true });
