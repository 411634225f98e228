// The steps that only AWS can do, with clients and a deployer that answer as a test says.
import assert from "node:assert/strict";
import type { Deployer } from "../../../cli/accept/deployer";
import type { Settings } from "../../../cli/accept/settings";
import { STEPS } from "../../../cli/accept/steps";
import { type Answers, facts, OUTPUTS, world } from "./fakes";

function step(id: string) {
  const found = STEPS.find((one) => one.id === id);
  assert(found, id);
  return found;
}

/** Keeps what it was told to change. */
function deployer() {
  const ups: Settings[] = [];
  const up = async (settings: Settings) => {
    ups.push(settings);
    return OUTPUTS;
  };
  return { ups, deployer: { up } as unknown as Deployer };
}

const executions = (...found: { name: string; status: string; startDate: Date }[]): Answers => ({
  ListExecutions: ({ statusFilter }: { statusFilter?: string }) => ({
    executions: found.filter(({ status }) => statusFilter === undefined || status === statusFilter),
  }),
});
const later = () => new Date(Date.now() + 60_000);

describe("cli/accept/steps", () => {
  it("turns the schedule on until it has started an execution, then off, and says how it ended", async () => {
    const { ups, deployer: made } = deployer();
    const answers = executions({ name: "by-schedule", status: "SUCCEEDED", startDate: later() });
    const { schedule } = await step("schedule").run(world(answers, { deployer: made }));
    assert.deepEqual(schedule, { execution: "by-schedule", status: "SUCCEEDED" });
    assert.deepEqual(ups, [
      { scheduleEnabled: true, scheduleExpression: "rate(1 minute)" },
      { scheduleEnabled: false },
    ]);
  });

  it("ignores executions from before the schedule, and reports a failed one as failed", async () => {
    const old = { name: "by-hand", status: "SUCCEEDED", startDate: new Date(0) };
    const none = await step("schedule").run(world(executions(old), { deployer: deployer().deployer }));
    assert.equal(none.schedule?.execution, undefined);
    const both = executions(
      { name: "second", status: "SUCCEEDED", startDate: later() },
      { name: "first", status: "FAILED", startDate: later() },
    );
    const failed = await step("schedule").run(world(both, { deployer: deployer().deployer }));
    assert.equal(failed.schedule?.status, "FAILED");
  });

  it("records what is on before it turns a key off, and keeps the record when the step is repeated", async () => {
    const { ups, deployer: made } = deployer();
    const on = { GetBucketVersioning: { Status: "Enabled" } };
    const first = await step("off: versioning").run(world(on, { deployer: made }));
    assert.equal(first.switches?.versioning?.length, 3);
    assert.deepEqual(ups, [{ versioning: false }]);
    const again = await step("off: versioning").run(
      world({ GetBucketVersioning: {} }, { deployer: made, facts: facts(first) }),
    );
    assert.deepEqual(again.switches, first.switches);
  });

  it("starts no execution while one of an interrupted try is running", async () => {
    const running = executions({ name: "earlier", status: "RUNNING", startDate: new Date() });
    await assert.rejects(step("refuse").run(world(running)), /has been running for half an hour/);
  });

  it("reprocesses no day where the simulated execution wrote none", async () => {
    await assert.rejects(
      step("reprocess").run(world({}, { facts: facts({ simulate: undefined }) })),
      /wrote no day/,
    );
  });
});
