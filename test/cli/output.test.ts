// What people and programs read: the JSON document, the live view, framed mails, tables and the sums of the test run.
import assert from "node:assert/strict";
import { countsOf, readJunit } from "../../cli/checks/steps";
import { failureOf } from "../../cli/commands/execute";
import { Console } from "../../cli/view/console";
import { nameDates } from "../../cli/view/dates";
import { progressOf, StateView } from "../../cli/view/follow";
import { runDocument } from "../../cli/view/run-document";
import { type Execution, readableCause } from "../../stack/execution";

class Screen {
  text = "";
  constructor(
    readonly isTTY = false,
    readonly columns = 40,
  ) {}
  write(text: string): void {
    this.text += text;
  }
}

const execution: Execution = {
  arn: "arn:aws:states:us-east-1:000000000000:execution:p:one",
  name: "one",
  status: "SUCCEEDED",
  seconds: 12.5,
  output: {},
  error: undefined,
  cause: undefined,
  failedState: undefined,
};

describe("cli/commands", () => {
  it("makes the documented JSON document of a run", () => {
    const report = {
      ...{ execution: "one", outcome: "processed", seconds: 9, curated: 197, duplicates: 2, redelivered: 0 },
      ...{
        quarantined: 1,
        quarantine_reasons: { not_json: 1 },
        dates: { count: 1, first: "2015-05-17", last: "2015-05-17" },
        partitions: ["2015-05-17"],
        files: 1,
        curated_bytes: 9,
      },
    };
    const mail = {
      to: "a@b.example",
      subject: "s",
      body: "b",
      date: "",
      kind: "notification" as const,
      file: "f",
    };
    const queries = [{ sql: "SELECT 1", columns: ["x"], rows: [[1]], scannedBytes: 64 }];
    const page = { file: "/tmp/report.html", cost: "" };
    const facts = { execution, sent: 200, report, mails: [mail], queries, page, calls: [], problems: [] };
    assert.deepEqual(runDocument(facts), {
      execution: { name: "one", status: "SUCCEEDED", seconds: 12.5 },
      sent: 200,
      curated: 197,
      quarantined: 1,
      duplicates: 2,
      partitions: ["2015-05-17"],
      mails: [{ to: "a@b.example", subject: "s", body: "b" }],
      queries: [{ sql: "SELECT 1", columns: ["x"], rows: [[1]], scannedBytes: 64 }],
      reportFile: "/tmp/report.html",
      calls: [],
    });
  });

  it("keeps the document's keys when nothing is known, and says what went wrong", () => {
    assert.deepEqual(runDocument({ mails: [], queries: [], problems: ["no emulator", "no mail"] }), {
      execution: { name: null, status: "NOT_STARTED", seconds: null },
      ...{ sent: null, curated: null, quarantined: null, duplicates: null },
      ...{ partitions: [], mails: [], queries: [], reportFile: null, calls: null },
      error: "no emulator\nno mail",
    });
  });

  it("uses colours on a terminal only, and not where NO_COLOR is set", () => {
    const shown = (screen: Screen, env: NodeJS.ProcessEnv) => {
      const console = new Console(screen, env);
      console.line(console.colours.red("bad"));
      return screen.text;
    };
    assert.equal(shown(new Screen(false), {}), "bad\n");
    assert.equal(shown(new Screen(true), { NO_COLOR: "1" }), "bad\n");
    assert.equal(shown(new Screen(true), { TERM: "xterm" }), "\u001b[31mbad\u001b[39m\n");
  });

  it("frames a mail without breaking its lines, so that links can be copied", () => {
    const screen = new Screen(false, 20);
    const link = "https://example.com/a-link-that-is-wider-than-the-terminal";
    new Console(screen, {}).frame(["Subject: Done"], `All well.\n\n${link}`);
    assert.equal(
      screen.text,
      [
        "┌───────────────────",
        "│ Subject: Done",
        "├───────────────────",
        "│ All well.",
        "│",
        `│ ${link}`,
        "└───────────────────",
        "",
      ].join("\n"),
    );
  });

  it("shortens a mail's line of thousands of dates, and shows no control character of a producer's", () => {
    const screen = new Screen();
    const console = new Console(screen, {});
    console.frame([], `short\n${"2026-01-01, ".repeat(10_000)}`);
    assert(screen.text.length < 3000);
    assert.match(screen.text, /… \(118,000 more characters in the mail\)/);
    console.table(["payload"], [["a\u001b[2Jb\u0000\nc"]]);
    assert(screen.text.includes("a\ufffd[2Jb\ufffd⏎c"));
  });

  it("names dates one by one where they are few, and ranges where they are many", () => {
    const days = (from: string, count: number) =>
      Array.from({ length: count }, (_, day) =>
        new Date(Date.parse(from) + day * 86_400_000).toISOString().slice(0, 10),
      );
    const named = (partitions: string[]) =>
      nameDates({
        dates: { count: partitions.length, first: partitions[0] ?? null, last: partitions.at(-1) ?? null },
        partitions,
      });
    assert.equal(named(["2026-03-02", "2026-01-01"]), "2026-01-01, 2026-03-02");
    assert.equal(named(days("2026-02-20", 14)).split(", ").length, 14);
    assert.equal(
      named([...days("2026-02-20", 30), "2026-06-01"]),
      "2026-02-20 to 2026-03-21 (30 days), 2026-06-01",
    );
    const scattered = days("1995-07-01", 9_821).filter((_, day) => day % 3 !== 0);
    assert.equal(
      named(scattered),
      `${scattered.length.toLocaleString("en-US")} days from 1995-07-02 to ${scattered.at(-1)} (all with --json)`,
    );
    // Of very many dates the report itself lists the first and the last ones only.
    assert.equal(
      nameDates({
        dates: { count: 9821, first: "1995-07-01", last: "2026-11-20" },
        partitions: ["1995-07-01", "2026-11-20"],
      }),
      "9,821 days from 1995-07-01 to 2026-11-20",
    );
  });

  it("shows the messages of the job's log lines, and no other output", () => {
    const line = { timestamp: "2026-11-21T09:00:00.000Z", level: "INFO", message: "wrote 3 rows" };
    assert.equal(progressOf(JSON.stringify(line)), "wrote 3 rows");
    for (const other of ["26/11/21 09:00:00 WARN Utils: x", "null", "3", '{"message": "no level"}', ""]) {
      assert.equal(progressOf(other), undefined, other);
    }
  });

  it("shows a repeated task once, and no choice or wait state", () => {
    const screen = new Screen();
    const view = new StateView(new Console(screen, {}));
    const at = (seconds: number) => new Date(seconds * 1000);
    const task = (state: string, from: number, to: number) => {
      view.show({ kind: "entered", state, at: at(from), isTask: true });
      view.show({ kind: "left", state, at: at(to), seconds: to - from });
    };
    task("AwaitIngest", 0, 1);
    view.show({ kind: "entered", state: "Wait", at: at(1), isTask: false });
    view.show({ kind: "left", state: "Wait", at: at(3), seconds: 2 });
    task("AwaitIngest", 3, 4);
    view.show({ kind: "entered", state: "Other", at: at(4), isTask: true });
    view.show({ kind: "failed", state: "Other", at: at(5), error: "Boom", cause: "too hot\nstack" });
    view.show({ kind: "left", state: "Other", at: at(5), seconds: 1 });
    view.finish();
    const lines = screen.text
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^ *[\d.]+ s {2}/, ""));
    assert.deepEqual(lines, [
      "▸ AwaitIngest  waiting until all sent events are in S3",
      "✓ AwaitIngest  4.0 s",
      "▸ Other",
      "✗ Other  Boom: too hot",
    ]);
  });

  it("finds the message in the escaped JSON of a cause", () => {
    assert.equal(readableCause('{"errorMessage":"{\\"errorMessage\\":\\"no stream\\"}"}'), "no stream");
    assert.equal(readableCause('{"JobName":"x","ErrorMessage":"ValueError: bad"}'), "ValueError: bad");
    assert.equal(
      readableCause('{"QueryExecution":{"Status":{"StateChangeReason":"SYNTAX_ERROR: line 1"}}}'),
      "SYNTAX_ERROR: line 1",
    );
    assert.equal(readableCause("plain words"), "plain words");
    const failed = {
      ...execution,
      status: "FAILED",
      failedState: "TransformEvents",
      cause: "ValueError: bad",
    };
    assert.equal(failureOf(failed), "The execution FAILED at TransformEvents: ValueError: bad");
  });

  it("adds the numbers of test runs up, and counts a run that broke as failed", () => {
    const xml =
      '<?xml version="1.0"?><testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"></testsuite></testsuites>';
    assert.deepEqual(readJunit(xml), { passed: 4, failed: 3 });
    const step = { title: "t", command: ["x"], counts: { read: (text: string) => JSON.parse(text) } };
    assert.deepEqual(countsOf(step, 0, '{"passed":5,"failed":0}'), { passed: 5, failed: 0 });
    assert.deepEqual(countsOf(step, 1, '{"passed":5,"failed":0}'), { passed: 5, failed: 1 });
    assert.deepEqual(countsOf(step, 0, '{"passed":0,"failed":0}'), { passed: 0, failed: 1 });
    assert.deepEqual(countsOf(step, 1, undefined), { passed: 0, failed: 1 });
    assert.deepEqual(countsOf({ title: "t", command: ["x"] }, 0, undefined), { passed: 1, failed: 0 });
  });
});
