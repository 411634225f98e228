import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { evaluate } from "./infra/program";

const ROOT = resolve(__dirname, "..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** The anchors that GitHub gives a document's headings. */
const anchors = (document: string): string[] =>
  [...read(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 _-]/g, "")
      .replaceAll(" ", "-"),
  );

interface Key {
  type: string;
  default?: unknown;
  description: string;
}

describe("docs", () => {
  it("has every configuration key in the README's table as Pulumi.yaml declares it, and no other", () => {
    const { config } = parse(read("Pulumi.yaml")) as { config: Record<string, Key> };
    const expected = Object.entries(config).map(([name, key]) => {
      const value = typeof key.default === "object" ? JSON.stringify(key.default) : String(key.default ?? "");
      return `| \`${name}\` | ${key.type} | \`${value}\` | ${key.description} |`;
    });
    const section = read("README.md").split("## Configuration")[1]?.split("\n## ")[0] ?? "";
    const rows = section.split("\n").filter((line) => line.startsWith("| `"));
    assert.deepEqual(rows, expected);
  });

  it("names only npm scripts that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    for (const document of DOCUMENTS) {
      for (const [, name = ""] of read(document).matchAll(/npm run (?:--silent )?(\w[\w:-]*)/g)) {
        assert.ok(name in scripts, `${document}: npm run ${name}`);
      }
    }
  });

  it("names only outputs that the program has", async () => {
    const known = Object.keys((await evaluate()).outputs);
    const sources = readdirSync(join(ROOT, "cli"), { recursive: true, encoding: "utf8" });
    const files = [
      ...DOCUMENTS,
      ...sources.filter((name) => name.endsWith(".ts")).map((name) => `cli/${name}`),
    ];
    const named = files.flatMap((file) =>
      [...read(file).matchAll(/pulumi stack output (\w+)\b(?!:)/g)].map(([, name = ""]) => name),
    );
    assert.ok(named.length > 40, "the commands were not found");
    assert.deepEqual(
      [...new Set(named)].filter((name) => !known.includes(name)),
      [],
    );
  });

  it("links only to files and sections that exist", () => {
    for (const document of DOCUMENTS) {
      // A link of Pulumi.README.md may be one of the stack's outputs.
      for (const [, link = ""] of read(document).matchAll(/\]\((?!https?:|\$\{)([^)]+)\)/g)) {
        const [path = "", section] = link.split("#");
        const target = path === "" ? document : join(dirname(document), path);
        assert.ok(existsSync(join(ROOT, target)), `${document}: ${link}`);
        if (section) assert.ok(anchors(target).includes(section), `${document}: ${link}`);
      }
    }
  });

  it("names only files that exist", () => {
    const folders =
      "infra|lambdas|statemachine|glue-scripts|schema|policy|cli|stack|local|emulator|bench|test|docs";
    const paths = new RegExp(`\`((?:${folders})/[\\w./-]+)\``, "g");
    for (const document of DOCUMENTS) {
      for (const [, path = ""] of read(document).matchAll(paths)) {
        // NAME and the like stand for a name that the reader chooses.
        if (/\b(NAME|PATH|STAGE)\b/.test(path)) continue;
        assert.ok(existsSync(join(ROOT, path)), `${document}: ${path}`);
      }
    }
  });

  it("names no project in a configuration key: Pulumi puts it in, and `pulumi new` gives another one", () => {
    const keys = Object.keys((parse(read("Pulumi.yaml")) as { config: object }).config);
    const sources = ["infra", "cli", "stack", "local", "statemachine", "policy"].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(m?ts|jsonata)$/.test(name))
        .map((name) => `${folder}/${name}`),
    );
    // The decision about it says why, and shows the other form.
    const decision = "docs/decisions/deployment-and-permissions.md";
    const named = [...DOCUMENTS.filter((name) => name !== decision), ...sources].flatMap((file) =>
      read(file)
        .split("\n")
        .filter((line) => !/^\s*(\/\/|\/?\*)/.test(line))
        .flatMap((line) => line.match(/\bclickstream:\w+/g) ?? [])
        .filter((key) => keys.includes(key.slice("clickstream:".length)))
        .map((key) => `${file}: ${key}`),
    );
    assert.deepEqual(named, []);
  });
});
