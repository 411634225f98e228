// The keys that turn something off, asked of the emulator: on where they are on, off where they are off.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leftovers, tagIndex } from "../../../cli/accept/checks/lifecycle";
import { clientsOf } from "../../../cli/accept/clients";
import { settings } from "../../../cli/accept/run-settings";
import { SCHEDULE_OFF, SCHEDULE_ON, SWITCHES, schedules } from "../../../cli/accept/switches";
import type { World } from "../../../cli/accept/world";
import { type Deployment, deploy } from "../../../local/deploy/program";
import { type Emulator, startEmulator } from "../../../local/emulator-process";
import { type ClientConfig, localClientConfig } from "../../../stack/aws";
import { checkOutputs } from "../../../stack/outputs";
import { PROJECT_ROOT } from "../../../stack/runs";
import { facts, world } from "./fakes";

describe("cli/accept on the emulator", function () {
  this.timeout(180_000);
  let stateDir: string;
  let emulator: Emulator;
  let config: ClientConfig;

  before(async () => {
    stateDir = mkdtempSync(join(tmpdir(), "clickstream-accept-"));
    emulator = await startEmulator(stateDir);
    config = localClientConfig(emulator.endpoint);
  });
  after(async () => {
    await emulator?.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  // A test that fails leaves its stack, and the next one needs the names.
  let standing: Deployment | undefined;
  afterEach(async () => {
    await standing?.destroy();
    standing = undefined;
  });

  async function deployed(given: Record<string, unknown>): Promise<[World, Deployment]> {
    // undefined takes a key out, as it does with pulumi; nested values are whole objects here.
    const deployment = await deploy({ root: PROJECT_ROOT, clientConfig: config, config: given });
    standing = deployment;
    const outputs = checkOutputs(deployment.outputs, "the stack");
    const made = world({}, { target: "local", stack: "dev", config, clients: clientsOf(config), outputs });
    return [made, deployment];
  }

  it("sees each switch on where it is on, with the schedule, and what is left while the stack stands", async () => {
    const [made, deployment] = await deployed({ ...settings(), ...SCHEDULE_ON });
    const invisible: string[] = [];
    for (const { id, isOn } of SWITCHES) if ((await isOn(made)).length === 0) invisible.push(id);
    assert.deepEqual(invisible, ["tracing"], "which the emulator does not keep; planted above");
    assert.equal((await schedules(made)).length, 1);
    // Why the row is not looked at locally: the emulator's index is not AWS's.
    assert.match((await tagIndex(made)).says, /^the tag index has nothing of kinesis, states with/);
    const left = await leftovers({ ...made, facts: facts({ destroyed: true }) });
    assert.equal(left.state, "not as expected");
    assert.match(left.says, /log group \/clickstream-dev\/ingest: aws logs delete-log-group/);
    await deployment.destroy();
    assert.equal((await leftovers({ ...made, facts: facts({ destroyed: true }) })).state, "seen");
    assert.equal((await leftovers({ ...made, facts: facts() })).state, "not as expected");
  });

  it("sees each switch off where it is off", async () => {
    const off = Object.assign({}, settings(), ...SWITCHES.map((one) => one.off), SCHEDULE_OFF);
    const [made] = await deployed(off);
    for (const { id, isOn } of SWITCHES) assert.deepEqual(await isOn(made), [], id);
    assert.deepEqual(await schedules(made), []);
  });
});
