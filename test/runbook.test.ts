// The runbook (docs/operations.md): a section for each alarm and each state that can fail, and commands that exist.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { savedQueries } from "../infra/catalog/saved-queries";
import { CONFIG_KEYS, WAYS } from "../infra/config/keys";
import { evaluate, type Program } from "./infra/program";
import { CRAWLING, CRAWLING_ARRIVAL, DEFINITION } from "./statemachine/pipeline";

const ROOT = resolve(__dirname, "..");
const RUNBOOK = readFileSync(join(ROOT, "docs/operations.md"), "utf8");

/** Title to text, of sections of a level. */
function sections(level: "##" | "###"): Map<string, string> {
  const parts = RUNBOOK.split(new RegExp(`^${level} `, "m")).slice(1);
  return new Map(
    parts.map((part) => {
      const [title = ""] = part.split("\n");
      return [title, part.split(/^##+ /m)[0] ?? ""];
    }),
  );
}

/** Commands of the fenced blocks: joined lines, without comments. */
function commands(): string[] {
  return [...RUNBOOK.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = ""]) =>
    block.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#")),
  );
}

/** The AWS command line is made from botocore's models; these few commands it has of its own. */
const OWN_COMMANDS = ["s3 ls", "s3 cp", "s3 rm", "logs tail"];

function unknownAwsCommands(found: string[]): string[] {
  const script = `
import json, sys
import botocore.session
from botocore import xform_name
session = botocore.session.get_session()
unknown = []
for command in json.load(sys.stdin):
    service, operation = command.split()
    try:
        names = session.get_service_model(service).operation_names
    except Exception:
        unknown.append(command)
        continue
    if operation not in [xform_name(name, "-") for name in names]:
        unknown.append(command)
print(json.dumps(unknown))
`;
  const python = join(ROOT, ".local/venv/bin/python");
  const run = spawnSync(python, ["-c", script], { input: JSON.stringify(found), encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return JSON.parse(run.stdout) as string[];
}

describe("docs/operations", function () {
  this.timeout(120_000);
  /** One of each way. */
  const programs: Program[] = [];
  before(async () => {
    for (const way of WAYS)
      programs.push(await evaluate({ way, collector: "true", collectorOrigins: '["*"]' }));
  });
  const declared = (type: string) => programs.flatMap((program) => program.of(type));

  function assertHelpful(title: string): void {
    const text = sections("###").get(title);
    assert.ok(text, `no section "### ${title}"`);
    assert.match(text, /^(In the ways? [^.]*\. |Only with [^.]*\. )?How to see/m, title);
    assert.match(text, /Why|why/, title);
    assert.match(text, /```(sh|sql)\n/, title);
  }

  it("has a section for each alarm, and for no alarm that is not", () => {
    const prefix = "clickstream-test-";
    const titles = declared("aws:cloudwatch/metricAlarm:MetricAlarm").map(
      ({ inputs }) => `Alarm ${String(inputs.name).replace(prefix, "")}`,
    );
    const alarms = [...new Set(titles)];
    assert.ok(alarms.length > 15);
    for (const title of alarms) assertHelpful(title);
    const described = [...sections("###").keys()].filter((title) => title.startsWith("Alarm "));
    assert.deepEqual(described.sort(), alarms.sort());
  });

  it("has a section for each state that a failure mail can name, and for the mail's own", () => {
    const all = [DEFINITION, CRAWLING, CRAWLING_ARRIVAL];
    const written = [...JSON.stringify(all).matchAll(/"failure":\{"state":"(\w+)"/g)].map(
      ([, name = ""]) => name,
    );
    // A Catch names the state that it belongs to; of states with one purpose, it names the first.
    const first: Record<string, string> = {
      ReadCounts: "VerifyTables",
      ReadCrawl: "CrawlTable",
      ReadArrivedCounts: "VerifyArrived",
      NotifyArrived: "NotifySuccess",
    };
    const catching = all.flatMap(({ States }) =>
      Object.entries<{ Catch?: { Assign?: { failure?: unknown } }[] }>(States)
        .filter(([, { Catch = [] }]) => Catch.some(({ Assign }) => Assign?.failure))
        .map(([name]) => name),
    );
    const named = [...written, ...catching].map((name) => first[name] ?? name);
    const states = [...new Set([...named, "NotifyFailure"])].map((name) => `State ${name}`);
    assert.ok(states.length > 8);
    for (const title of states) assertHelpful(title);
    const described = [...sections("###").keys()].filter((title) => title.startsWith("State "));
    assert.deepEqual(described.sort(), states.sort());
  });

  it("names only commands of AWS that exist", () => {
    const text = commands().join("\n");
    const found = [...text.matchAll(/\baws ([a-z0-9-]+) ([a-z0-9-]+)/g)].map(
      ([, service, name]) => `${service} ${name}`,
    );
    assert.ok(found.length > 20);
    const modelled = [...new Set(found)].filter((command) => !OWN_COMMANDS.includes(command));
    assert.deepEqual(unknownAwsCommands(modelled), []);
    assert.deepEqual(unknownAwsCommands(["lambda no-such-thing", "nothing at-all"]), [
      "lambda no-such-thing",
      "nothing at-all",
    ]);
  });

  it("names only outputs and configuration keys that exist", () => {
    for (const [, name = ""] of RUNBOOK.matchAll(/pulumi stack output (\w+)/g)) {
      for (const { outputs } of programs) assert.ok(name in outputs, `pulumi stack output ${name}`);
    }
    const keys = [...RUNBOOK.matchAll(/pulumi config (?:set|rm) (\w+)/g)];
    assert.ok(keys.length > 10);
    for (const [, key = ""] of keys) assert.ok(key in CONFIG_KEYS, key);
  });

  it("names only graphs and lines that the dashboard has", () => {
    const dashboards = declared("aws:cloudwatch/dashboard:Dashboard").map(
      ({ inputs }) =>
        JSON.parse(String(inputs.dashboardBody)) as {
          widgets: { properties: { title: string; metrics: unknown[][] } }[];
        },
    );
    assert.equal(dashboards.length, programs.length);
    const shown = dashboards
      .flatMap(({ widgets }) => widgets)
      .flatMap(({ properties: { title, metrics } }) => [
        title,
        ...metrics.flatMap((row) => (row.at(-1) as { label?: string }).label ?? []),
      ]);
    const named = [...RUNBOOK.matchAll(/^.*How to see: .*$/gm)].flatMap(([line]) =>
      [...line.matchAll(/\*([^*]+)\*/g)].map(([, name = ""]) => name),
    );
    assert.ok(named.length > 8);
    assert.deepEqual(
      named.filter((name) => !shown.includes(name)),
      [],
    );
  });

  it("names only log groups that the stack has", () => {
    const groups = declared("aws:cloudwatch/logGroup:LogGroup").map(({ inputs }) => String(inputs.name));
    const named = [...RUNBOOK.matchAll(/aws logs tail "([^"]+)"/g)].map(([, name = ""]) => name);
    assert.ok(named.length > 5);
    for (const name of named) assert.ok(groups.includes(name.replace("-dev/", "-test/")), name);
  });

  it("links only to sections that exist", () => {
    const anchors = [...RUNBOOK.matchAll(/^##+ (.+)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-"),
    );
    for (const [, anchor = ""] of RUNBOOK.matchAll(/\]\(#([^)]+)\)/g))
      assert.ok(anchors.includes(anchor), anchor);
  });

  it("lists the saved queries with what they answer", () => {
    for (const { name, description } of savedQueries()) {
      assert.ok(RUNBOOK.includes(`| \`${name}\` | ${description} |`), name);
    }
  });
});
