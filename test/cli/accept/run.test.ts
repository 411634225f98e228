// The order of a run, what happens if a step fails or is interrupted, and the report.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Deployer } from "../../../cli/accept/deployer";
import { costOfRun } from "../../../cli/accept/estimate";
import { Busy, Journal } from "../../../cli/accept/journal";
import { markdownOf, reportOf } from "../../../cli/accept/report";
import type { Row } from "../../../cli/accept/row";
import { ROWS } from "../../../cli/accept/rows";
import { destroyOnly, run } from "../../../cli/accept/run";
import { STEPS, type Step } from "../../../cli/accept/steps";
import { seen, unexpected } from "../../../cli/accept/verdict";
import { LOCAL_REGION, localClientConfig } from "../../../stack/aws";
import { Interrupted } from "../../../stack/interrupt";
import { PROJECT_ROOT } from "../../../stack/runs";
import { OUTPUTS } from "./fakes";

class Denied extends Error {
  override name = "AccessDeniedException";
}

describe("cli/accept/run", () => {
  let folder: string;
  let done: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-accept-"));
    done = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const begin = (target: "aws" | "local" = "aws") =>
    Journal.begin({ project: "clickstream", stack: "accept", target, region: LOCAL_REGION }, folder);
  const step = (id: string, fields: Partial<Step> = {}): Step => ({
    ...{
      id,
      title: id,
      minutes: 1,
      jobRuns: 0,
      needs: id === "deploy" || id === "destroy" ? [] : ["deploy"],
    },
    run: async () => {
      done.push(id);
      return id === "deploy" ? { outputs: OUTPUTS } : {};
    },
    ...fields,
  });
  const row = (id: string, after: string, fields: object = {}): Row => ({
    ...{ id, what: id, command: "aws x", see: "y", ifNot: "z", after },
    check: async () => {
      done.push(`look ${id}`);
      return seen("fine");
    },
    ...fields,
  });
  const fails = (error: Error) => async () => {
    throw error;
  };
  const options = (journal: Journal, steps: Step[], rows: Row[], fields: object = {}) => {
    const { target } = journal.progress;
    const deployer = { target, project: "clickstream", stack: "accept", region: LOCAL_REGION } as Deployer;
    Object.assign(deployer, { config: localClientConfig("http://127.0.0.1:9") });
    return {
      ...{ journal, deployer, steps, rows, patience: 0, signal: new AbortController().signal },
      ...{ say: () => undefined, report: () => undefined },
      ...fields,
    };
  };
  const verdicts = (journal: Journal) =>
    Object.entries(journal.progress.verdicts).map(([id, { state, says }]) => `${id}: ${state}: ${says}`);

  it("looks at the rows right after their step", async () => {
    const rows = [row("b", "destroy"), row("a", "deploy"), row("c", "work", { needs: [] })];
    await run(options(begin(), [step("deploy"), step("work"), step("destroy")], rows));
    assert.deepEqual(done, ["deploy", "look a", "work", "look c", "destroy", "look b"]);
  });

  it("resumes after the last step that was done, and checks no row twice", async () => {
    const journal = begin();
    const controller = new AbortController();
    const interrupting = step("work", {
      run: async () => {
        controller.abort(new Interrupted("SIGTERM"));
        // What breaks off is no failure of the step.
        throw new Error("socket hang up");
      },
    });
    const rows = [row("a", "deploy"), row("b", "work")];
    await assert.rejects(
      run(
        options(journal, [step("deploy"), interrupting, step("destroy")], rows, {
          signal: controller.signal,
        }),
      ),
      Interrupted,
    );
    assert.deepEqual(done, ["deploy", "look a"]);
    const again = Journal.interrupted("accept", folder);
    assert.ok(again);
    assert.deepEqual(again.progress.facts.outputs, OUTPUTS);
    await run(options(again, [step("deploy"), step("work"), step("destroy")], rows));
    assert.deepEqual(done, ["deploy", "look a", "work", "look b", "destroy"]);
  });

  it("reports the error in the rows of a failed step, skips steps that need it, and destroys", async () => {
    const journal = begin();
    const broken = step("deploy", {
      run: fails(new Denied("not authorized to perform: glue:GetPartitionIndexes")),
    });
    const rows = [row("a", "deploy"), row("b", "work"), row("c", "destroy", { needs: ["deploy"] })];
    await run(options(journal, [broken, step("work"), step("destroy")], rows));
    assert.deepEqual(done, ["destroy"]);
    const words = "deploy failed: AccessDeniedException: not authorized to perform: glue:GetPartitionIndexes";
    assert.deepEqual(verdicts(journal), [
      `a: not as expected: ${words}`,
      "b: not checkable by a program: not reached: the step deploy was not done",
      `c: not as expected: ${words}`,
    ]);
  });

  it("distinguishes a wrong stack from credentials without permission", async () => {
    const journal = begin();
    const rows = [
      row("a", "deploy", { check: fails(new Denied("cloudtrail:LookupEvents")) }),
      row("b", "deploy", { check: fails(new Error("no such function")) }),
      row("c", "deploy", { check: async () => unexpected("it is off") }),
    ];
    await run(options(journal, [step("deploy")], rows));
    assert.deepEqual(verdicts(journal), [
      "a: not checkable by a program: AWS denied this look-up: AccessDeniedException: cloudtrail:LookupEvents",
      "b: not as expected: no such function",
      "c: not as expected: it is off",
    ]);
  });

  it("does not check on the local stack what it cannot show", async () => {
    const journal = begin("local");
    const rows = [row("a", "deploy", { notLocal: "no metrics" }), row("b", "off"), row("c", "deploy")];
    const steps = [step("deploy"), step("off", { notLocal: "no engine" })];
    await run(options(journal, steps, rows));
    assert.deepEqual(done, ["deploy", "look c"]);
    assert.deepEqual(verdicts(journal), [
      "a: not checkable by a program: not on the local stack: no metrics",
      "c: seen: fine",
      "b: not checkable by a program: not on the local stack: no engine",
    ]);
  });

  it("keeps the stack with --keep, and only destroys with --destroy, again if that failed", async () => {
    const journal = begin();
    const steps = [step("deploy"), step("work"), step("destroy")];
    const rows = [row("a", "destroy")];
    await run(options(journal, steps, rows, { keep: true }));
    assert.deepEqual(done, ["deploy", "work"]);
    const broken = [...steps.slice(0, 2), step("destroy", { run: fails(new Error("BucketNotEmpty")) })];
    await destroyOnly(options(journal, broken, rows));
    assert.equal(journal.step("destroy")?.state, "failed");
    assert.deepEqual(verdicts(journal), ["a: not as expected: destroy failed: BucketNotEmpty"]);
    await destroyOnly(options(journal, steps, rows));
    assert.deepEqual(done, ["deploy", "work", "destroy", "look a"]);
    assert.deepEqual(verdicts(journal), ["a: seen: fine"]);
  });

  it("saves what a step found before the step changes it", async () => {
    const journal = begin();
    let written: unknown;
    const work = step("work", {
      run: async (world) => {
        world.keep({ switches: { tracing: ["on"] } });
        written = JSON.parse(readFileSync(join(journal.folder, "state.json"), "utf8")).facts.switches;
        return {};
      },
    });
    await run(options(journal, [step("deploy"), work], []));
    assert.deepEqual(written, { tracing: ["on"] });
  });

  it("keeps its state readable for the owner only, and allows one process per stack", () => {
    const journal = begin();
    const file = join(journal.folder, "state.json");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const state = JSON.parse(readFileSync(file, "utf8"));
    // Process 1 is always there.
    writeFileSync(file, JSON.stringify({ ...state, pid: 1 }));
    assert.throws(() => Journal.interrupted("accept", folder), Busy);
    writeFileSync(file, JSON.stringify({ ...state, pid: 2 ** 22 + 1 }));
    assert.ok(Journal.interrupted("accept", folder));
    journal.finish();
    assert.equal(Journal.interrupted("accept", folder), undefined);
    const log = join(journal.folder, "pulumi.log");
    writeFileSync(log, "AccessDenied in an earlier run");
    begin();
    assert.equal(existsSync(log), false);
  });

  it("reports a row each: what is wrong with what to do, what a person looks at with the command", async () => {
    const journal = begin();
    const rows: Row[] = [
      row("good", "deploy"),
      row("bad", "deploy", { check: async () => unexpected("first | second\nthird") }),
      {
        id: "eyes",
        what: "eyes",
        command: "open it",
        inWords: true,
        see: "y",
        ifNot: "z",
        byPerson: "only eyes",
      },
      row("late", "work"),
    ];
    await run(options(journal, [step("deploy")], rows));
    const report = reportOf(journal, rows, [step("deploy")]);
    assert.deepEqual(report.counts, { seen: 1, "not as expected": 1, "not checkable by a program": 2 });
    const markdown = markdownOf(report);
    const order = [
      "| bad | first \\| second<br>third | z |",
      "| eyes | only eyes | open it |",
      "| good | fine |",
    ];
    assert.deepEqual(
      [...order].sort((a, b) => markdown.indexOf(a) - markdown.indexOf(b)),
      order,
    );
    assert.match(markdown, /\| late \| the run ended before this check \| `aws x` \|/);
    for (const line of order) assert.ok(markdown.includes(line), line);
  });
});

describe("cli/accept: the table and the steps", () => {
  const ids = STEPS.map(({ id }) => id);

  it("looks at each row after a step that exists, with steps that come no later", () => {
    for (const one of ROWS) {
      if (!("after" in one)) continue;
      assert.ok(ids.includes(one.after), `${one.id}: ${one.after}`);
      for (const need of one.needs ?? []) {
        assert.ok(ids.includes(need) && ids.indexOf(need) <= ids.indexOf(one.after), `${one.id}: ${need}`);
      }
    }
    assert.equal(new Set(ROWS.map(({ id }) => id)).size, ROWS.length);
    assert.equal(ROWS[0]?.id, "glue-role");
  });

  it("names files that exist", () => {
    const named = ROWS.flatMap(({ ifNot, see, command }) =>
      [...`${ifNot} ${see} ${command}`.matchAll(/\b(?:[\w-]+\/)+[\w.-]+\.(?:ts|jsonata|md)\b/g)].map(
        ([path]) => path,
      ),
    );
    assert.ok(named.length > 10);
    for (const path of named) assert.ok(existsSync(join(PROJECT_ROOT, path)), path);
  });

  it("does each step after those that it needs, and destroys last", () => {
    for (const { id, needs } of STEPS) {
      for (const need of needs) assert.ok(ids.indexOf(need) < ids.indexOf(id), `${id}: ${need}`);
    }
    assert.equal(ids.at(-1), "destroy");
    // What the key encrypted cannot be read afterwards; only the secret's own switch comes later.
    assert.deepEqual(ids.slice(-3, -1), ["off: customerKey", "off: privacyHashKey"]);
  });

  it("costs less than a dollar and takes less than an hour, of which each Glue run and shard hour is a part", async () => {
    const cost = await costOfRun("us-east-1");
    assert.ok(cost.dollars > 0.1 && cost.dollars < 1, String(cost.dollars));
    assert.ok(cost.minutes > 30 && cost.minutes < 60, String(cost.minutes));
    assert.match(cost.parts.join("\n"), /Glue: the job's workers/);
    assert.match(cost.parts.join("\n"), /the stack itself/);
    // A shard hour alone is 1.5 cents.
    assert.ok(cost.hourly > 0.015 && cost.hourly < 0.1, String(cost.hourly));
  });
});
