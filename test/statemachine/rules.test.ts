import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../stack/runs";
import { ARRIVAL, DEFINITION, evaluate, FIREHOSE, state } from "./pipeline";

const problems = (input: unknown, definition = DEFINITION) =>
  evaluate(state("CheckInput", definition).Assign?.inputProblems, {}, { input });
const shards = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`shardId-${String(n).padStart(12, "0")}`, "4".repeat(56)]),
  );
const words = (error: string, cause: string) =>
  evaluate(state("ExplainFailure").Assign?.cause, { failure: { state: "X", error, cause } });

describe("statemachine/rules", () => {
  it("reports nothing new in the form of the job's summary", async () => {
    const Payload = { new: false, since: null, lastExecution: null, givenUpBatches: 3 };
    const { Assign } = state("LookForNew");
    const { report } = (await evaluate(Assign, {}, { result: { Payload } })) as { report: object };
    const source = readFileSync(join(PROJECT_ROOT, "glue-scripts", "clickstream", "commit.py"), "utf8");
    const [, fields = ""] = /^SUMMARY_FIELDS = \(([^)]*)\)/m.exec(source) ?? [];
    const [, added = ""] =
      /def summarise\([\s\S]*?SUMMARY_FIELDS\} \| \{([\s\S]*?)\n {4}\}/.exec(source) ?? [];
    const names = [...fields.matchAll(/"(\w+)"/g), ...added.matchAll(/^ {8}"(\w+)":/gm)].map(
      ([, name]) => name,
    );
    assert.ok(names.length > 20, `${names}`);
    assert.deepEqual(Object.keys(report).sort(), names.sort());
    assert.equal((report as { given_up_batches: number }).given_up_batches, 3);
    assert.deepEqual((await evaluate(Assign, {}, { result: { Payload: { new: true } } })) as object, {
      lookedFor: { new: true },
      report: {},
    });
  });

  it("accepts every valid input", async () => {
    for (const input of [
      {},
      { simulate: { events: 20, ratePerSecond: 1 }, fullRepair: true },
      { sent: { since: "2026-01-31T08:00:00.123Z", shards: { "shardId-000000000000": "495" } } },
      { reprocess: { from: "2026-01-01", to: "2026-01-02" } },
      { scheduled: true },
      { scheduled: false, fullRepair: true },
      { sent: { since: "2026-01-31T08:00:00Z", shards: shards(1400) } },
    ]) {
      assert.deepEqual(await problems(input), [], JSON.stringify(input));
    }
  });

  it("reports all problems of an input", async () => {
    assert.deepEqual(await problems([1]), [
      'The input must be a JSON object such as {"simulate": {"events": 1000}}, got [1].',
    ]);
    assert.deepEqual(await problems({ simulat: {} }), [
      "The input's key simulat is not known. Known keys: simulate, sent, fullRepair, reprocess, scheduled.",
    ]);
    assert.deepEqual(
      await problems({
        simulate: 5,
        sent: { shards: [], until: 1 },
        fullRepair: "yes",
        reprocess: { from: "2026-13-01", to: "tomorrow" },
      }),
      [
        'simulate must be an object such as {"events": 1000, "seed": 7}, got 5.',
        "simulate and sent cannot be combined: give one of them.",
        "sent.since must be a UTC time such as 2026-01-31T08:00:00Z, got nothing.",
        "sent.shards must be an object of the last sequence number by shard, got [].",
        "fullRepair must be true or false, got yes.",
        "reprocess.from must be a day such as 2026-01-31, got 2026-13-01.",
        "reprocess.to must be a day such as 2026-01-31, got tomorrow.",
        "The input's key sent.until is not known. Known keys: since, shards.",
      ],
    );
    assert.deepEqual(await problems({ scheduled: "yes" }), ["scheduled must be true or false, got yes."]);
    assert.deepEqual(await problems({ scheduled: true, fullRepair: true }), [
      "scheduled cannot be combined with another key: such an execution ends if the job is busy, and the rest of the input would be lost.",
    ]);
    for (const wrong of [{ "shardId-0": 5 }, { "shardId-0": "x" }, { "no shard": "5" }]) {
      assert.deepEqual(await problems({ sent: { since: "2026-01-31T08:00:00Z", shards: wrong } }), [
        `sent.shards must name shards, each with its last sequence number as text, such as {"shardId-000000000000": "4959"}, got ${JSON.stringify(wrong)}.`,
      ]);
    }
    assert.deepEqual(await problems({ simulate: { execution: "mine" } }), [
      "simulate.execution is set by the pipeline. Leave it out, got mine.",
    ]);
    assert.deepEqual(await problems({ reprocess: { from: "2026-01-02", to: "2026-01-01" } }), [
      'reprocess.from must not be after reprocess.to, got {"from":"2026-01-02","to":"2026-01-01"}.',
    ]);
  });

  it("takes a batch and its count as what was sent with Firehose, and names what is wrong with them", async () => {
    const since = "2026-01-31T08:00:00Z";
    const batch = "0123abcd";
    for (const definition of [FIREHOSE, ARRIVAL]) {
      for (const sent of [
        { since, batch, records: 0 },
        { since, batch: "b".repeat(64), records: 1_000_000_000 },
      ])
        assert.deepEqual(await problems({ sent }, definition), []);
      assert.deepEqual(await problems({ sent: { since, shards: {} } }, definition), [
        "sent.batch must be the sender's id of 8 to 64 letters, digits and -, got nothing.",
        "sent.records must be how many records were sent, up to 1,000,000,000, got nothing.",
        "The input's key sent.shards is not known. Known keys: since, batch, records.",
      ]);
      for (const wrong of ["short", "b".repeat(65), "0123/abcd", 12345678])
        assert.deepEqual(await problems({ sent: { since, batch: wrong, records: 1 } }, definition), [
          `sent.batch must be the sender's id of 8 to 64 letters, digits and -, got ${wrong}.`,
        ]);
      for (const wrong of [-1, 1.5, 1_000_000_001, "7"])
        assert.deepEqual(await problems({ sent: { since, batch, records: wrong } }, definition), [
          `sent.records must be how many records were sent, up to 1,000,000,000, got ${wrong}.`,
        ]);
      assert.deepEqual(await problems({ sent: [] }, definition), [
        'sent must be an object {"since": time, "batch": the sender\'s id, "records": how many}, got [].',
      ]);
    }
    assert.deepEqual(await problems({ sent: { since, batch, records: 1 } }), [
      "sent.shards must be an object of the last sequence number by shard, got nothing.",
      "The input's key sent.batch is not known. Known keys: since, shards.",
      "The input's key sent.records is not known. Known keys: since, shards.",
    ]);
  });

  it("rejects more than a state can hold, with a short message", async () => {
    assert.deepEqual(await problems({ sent: { since: "2026-01-31T08:00:00Z", shards: shards(1500) } }), [
      "sent must have 120,000 characters at most as JSON (some 1,400 shards), got 123043. Wait until all is ingested, then start with {}.",
    ]);
    assert.deepEqual(await problems({ simulate: { note: "x".repeat(250_000) } }), [
      "simulate must have 10,000 characters at most as JSON, got 250011.",
    ]);
    const unknown = Object.fromEntries(
      Array.from({ length: 3000 }, (_, n) => [`${n}-${"k".repeat(200)}`, 1]),
    );
    const said = (await problems(unknown)) as string[];
    assert.equal(said.length, 11);
    assert.equal(said[10], "2990 other keys are not known either.");
    assert.ok(said.join(" ").length < 2500);
  });

  it("finds the message in what Glue, Athena and Lambda wrap it in", async () => {
    const glue = { JobRunState: "FAILED", ErrorMessage: 'ValueError: no "x"\nat line 3' };
    assert.equal(await words("States.TaskFailed", JSON.stringify(glue)), 'ValueError: no "x"\nat line 3');
    const athena = {
      QueryExecution: { Query: "SELCT", Status: { StateChangeReason: "line 1:1: mismatched input" } },
    };
    assert.equal(await words("States.TaskFailed", JSON.stringify(athena)), "line 1:1: mismatched input");
    const lambda = { errorMessage: "events must be 1 or more, got 0", errorType: "InvalidInput", trace: [] };
    assert.equal(await words("InvalidInput", JSON.stringify(lambda)), "events must be 1 or more, got 0");
  });

  it("handles every cause: truncated, empty, not JSON, very long", async () => {
    assert.equal(
      await words("States.TaskFailed", '{"JobRunState":"FAILED","ErrorMessage":"cut o'),
      "The Glue job run ended as FAILED.",
    );
    assert.equal(
      await words("States.TaskFailed", '{"JobRunState":"TIMEOUT"}'),
      "The Glue job run ended as TIMEOUT.",
    );
    assert.equal(
      await words("S3.NoSuchKey", "The specified key does not exist."),
      "The specified key does not exist.",
    );
    assert.equal(await words("States.Timeout", ""), "It did not finish within its time limit.");
    assert.equal(await words("X", " "), "AWS gave no cause.");
    assert.equal(await words("X", '{"errorMessage":"\\q"}'), '{"errorMessage":"\\q"}');
    assert.equal(await words("X", "y".repeat(3000)), `${"y".repeat(2000)} ...`);
  });

  it("names the pending shards and the place of failed batches when the ingest takes too long", async () => {
    const given = async (failedBatches: number) =>
      evaluate(state("GiveUpWaiting").Assign, {
        awaited: { ingested: false, pending: ["shardId-1", "shardId-2"], failedBatches },
      });
    const failure = (cause: string) => ({
      failure: { state: "AwaitIngest", error: "IngestTimedOut", cause },
    });
    const many = Array.from({ length: 1400 }, (_, n) => `shardId-${n}`);
    const { failure: ofMany } = (await evaluate(state("GiveUpWaiting").Assign, {
      awaited: { ingested: false, pending: many, failedBatches: 0 },
    })) as { failure: { cause: string } };
    assert.match(ofMany.cause, /shardId-18, shardId-19 and 1380 more\. The ingest has given up none/);
    const pending =
      "Not all events reached s3://raw/raw/ within 900 seconds. Pending shards: shardId-1, shardId-2.";
    assert.deepEqual(
      await given(1),
      failure(`${pending} The ingest gave up on 1 batch, kept under s3://raw/aws/lambda/.`),
    );
    assert.deepEqual(
      await given(0),
      failure(
        `${pending} The ingest has given up none of their batches so far. It would keep them under s3://raw/aws/lambda/.`,
      ),
    );
  });
});
