// The pulumi CLI as it is called, against a fake one on the PATH.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PulumiDeployer } from "../../../cli/accept/pulumi";
import { Interrupted } from "../../../stack/interrupt";
import { OUTPUTS } from "./fakes";
import { FakePulumi } from "./pulumi";

const QUIET = "--color never --suppress-outputs --stack accept";

describe("cli/accept/pulumi", () => {
  let folder: string;
  let fake: FakePulumi;
  let controller: AbortController;
  let passphrase: string | undefined;
  beforeEach(() => {
    passphrase = process.env.PULUMI_CONFIG_PASSPHRASE;
    delete process.env.PULUMI_CONFIG_PASSPHRASE;
    folder = mkdtempSync(join(tmpdir(), "clickstream-pulumi-"));
    fake = new FakePulumi(folder);
    controller = new AbortController();
  });
  afterEach(() => {
    fake.remove();
    if (passphrase !== undefined) process.env.PULUMI_CONFIG_PASSPHRASE = passphrase;
    rmSync(folder, { recursive: true, force: true });
  });

  const deployer = (role?: string) =>
    new PulumiDeployer({
      ...{ project: "clickstream", stack: "accept", region: "eu-west-1", role, folder },
      ...{ passphrase: "words", signal: controller.signal, say: () => undefined },
    });

  it("makes the stack, configures it, deploys it, and reads its outputs", async () => {
    const outputs = await deployer().up({
      tracing: true,
      privacy: { user_id: "hash" },
      privacyHashKey: "s3=cret",
    });
    assert.deepEqual(outputs, OUTPUTS);
    assert.deepEqual(fake.commands(), [
      "stack ls --json",
      "stack init accept --no-select",
      "config set-all --path --plaintext aws:region=eu-west-1 --plaintext clickstream:tracing=true --plaintext clickstream:privacy.user_id=hash --secret clickstream:privacyHashKey=s3=cret --stack accept",
      `up --yes --skip-preview ${QUIET}`,
      "stack output --json --stack accept",
    ]);
    assert.ok(fake.state.calls.every(({ passphrase: given }) => given === "words"));
  });

  it("leaves a passphrase alone that the person has set", async () => {
    process.env.PULUMI_CONFIG_PASSPHRASE = "";
    await deployer().whoami();
    delete process.env.PULUMI_CONFIG_PASSPHRASE;
    assert.equal(fake.state.calls[0]?.passphrase, "");
  });

  it("does not create an existing stack, removes keys, and passes the role to the provider", async () => {
    fake.plant({ stacks: { "organization/clickstream/accept": 3 } });
    await deployer("arn:aws:iam::123456789012:role/deployer").up({ privacyHashKey: undefined });
    assert.deepEqual(fake.commands().slice(1, 3), [
      "config set-all --path --plaintext aws:region=eu-west-1 --plaintext aws:assumeRoles[0].roleArn=arn:aws:iam::123456789012:role/deployer --stack accept",
      "config rm --path clickstream:privacyHashKey --stack accept",
    ]);
  });

  it("never writes a secret to its log", async () => {
    const made = deployer();
    await made.up({ privacyHashKey: "s3cret" });
    assert.match(made.log(), /\$ pulumi config set-all .*clickstream:privacyHashKey=…/);
    assert.doesNotMatch(made.log(), /s3cret/);
  });

  it("gives AWS's own words where an up fails, and how to go on where the stack is locked", async () => {
    fake.plant({
      fail: { up: "Updating\nerror: creating Kinesis Stream: AccessDeniedException: not authorized" },
    });
    await assert.rejects(
      deployer().up({}),
      /pulumi up failed:\nerror: creating Kinesis Stream: AccessDenied/,
    );
    fake.plant({ fail: { up: "error: the stack is currently locked by 1 lock(s)" } });
    await assert.rejects(deployer().up({}), /If it no longer runs: pulumi cancel/);
  });

  it("distinguishes a second up with changes, without changes, and a failed one", async () => {
    assert.equal(await deployer().upAgain(), undefined);
    fake.plant({ changes: "~ aws:s3/bucketVersioning:BucketVersioning: (update)" });
    assert.match((await deployer().upAgain()) ?? "", /BucketVersioning: \(update\)/);
    fake.plant({ fail: { up: "error: no credentials" } });
    await assert.rejects(deployer().upAgain(), /pulumi up failed:\nerror: no credentials/);
    assert.equal(fake.commands()[0], `up --yes --skip-preview --expect-no-changes --diff ${QUIET}`);
  });

  it("destroys the resources and the stack, once", async () => {
    fake.plant({ stacks: { accept: 80 } });
    await deployer().destroy();
    assert.deepEqual(fake.commands().slice(1), [
      `destroy --yes --skip-preview ${QUIET}`,
      "stack rm --yes --stack accept",
    ]);
    await deployer().destroy();
    assert.equal(fake.commands().at(-1), "stack ls --json");
  });

  it("says what exists, by type", async () => {
    assert.deepEqual(await deployer().existing(), []);
    fake.plant({ stacks: { accept: 3 } });
    assert.deepEqual(await deployer().existing(), ["1 aws:kinesis/stream:Stream", "2 aws:s3/bucket:Bucket"]);
  });

  it("lets pulumi end its update in order when it is interrupted", async () => {
    fake.plant({ slow: true });
    const up = deployer().up({});
    while (!fake.state.calls.some(({ args }) => args[0] === "up")) await sleep(20);
    await sleep(300);
    controller.abort(new Interrupted("SIGINT"));
    await assert.rejects(up, Interrupted);
    assert.equal(fake.state.interrupted, true);
  });

  it("says where to get pulumi if it is not installed", async () => {
    fake.remove();
    const { PATH } = process.env;
    process.env.PATH = folder;
    await assert.rejects(deployer().whoami(), /not on the PATH\. Install it: https:/).finally(() => {
      process.env.PATH = PATH;
    });
  });
});
