// npm run accept as a person uses it: what it rejects, and what it prints before it starts and after an interruption.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readArguments } from "../../../cli/arguments/read.mjs";
import { main, type Surroundings } from "../../../cli/commands/accept";
import { Interrupted } from "../../../stack/interrupt";
import { FakePulumi } from "./pulumi";

/** AWS as far as it is needed before anything is deployed: it says who one is, and knows nothing else. */
function sts(): Server {
  return createServer((_request, response) => {
    response.setHeader("content-type", "text/xml");
    response.end(
      "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/me</Arn><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
    );
  });
}

const ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_REGION: "eu-west-1",
  PULUMI_CONFIG_PASSPHRASE: "words",
};

describe("npm run accept", function () {
  this.timeout(60_000);
  let folder: string;
  let fake: FakePulumi;
  let server: Server;
  let screen: string;
  let before: NodeJS.ProcessEnv;

  beforeEach(async () => {
    before = { ...process.env };
    folder = mkdtempSync(join(tmpdir(), "clickstream-accept-"));
    fake = new FakePulumi(folder);
    server = sts();
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const { port } = server.address() as AddressInfo;
    Object.assign(process.env, ENVIRONMENT, { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` });
    screen = "";
  });
  afterEach(() => {
    fake.remove();
    server.close();
    for (const name of Object.keys({ ...ENVIRONMENT, AWS_ENDPOINT_URL: "" })) delete process.env[name];
    Object.assign(process.env, before);
    rmSync(folder, { recursive: true, force: true });
  });

  const accept = (options: object = {}, around: Surroundings = {}) => {
    const output = { write: (text: string) => (screen += text) };
    const signal = new AbortController().signal;
    const all = { signal, folder, root: folder, rows: [], output, ...around };
    return main({ stack: "accept", ...options }, all);
  };
  const begun = () => existsSync(join(folder, "accept", "state.json"));
  const made = () => fake.commands().filter((command) => /^(stack init|up|config|destroy)/.test(command));

  it("says what it does, how long it takes and what it costs, and starts only after yes", async () => {
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      return "y";
    };
    assert.equal(await accept({}, { ask }), 1);
    assert.deepEqual(asked, ["Type yes to start: "]);
    assert.match(screen, /This creates the stack accept on AWS, checks it and destroys it:/);
    assert.match(screen, /It takes about \d\d minutes and costs about \$0\.\d\d:/);
    assert.match(screen, /Assumed: list prices of us-east-1/);
    assert.match(screen, /No --role given: /);
    assert.match(screen, /Nothing was started: the answer was "y", not yes\./);
    assert.equal(begun(), false);
    assert.deepEqual(made(), []);
  });

  it("starts nothing without a terminal, and names the option that confirms", async () => {
    const { isTTY } = process.stdin;
    process.stdin.isTTY = false;
    try {
      assert.equal(await accept(), 1);
    } finally {
      process.stdin.isTTY = isTTY;
    }
    assert.match(screen, /there is no terminal to ask on\. .*npm run accept -- --stack accept --yes/);
    assert.equal(begun(), false);
  });

  it("rejects a stack that has resources or a configuration", async () => {
    fake.plant({ stacks: { "me/clickstream/accept": 12 } });
    assert.equal(await accept({ yes: true }), 1);
    assert.match(screen, /The stack accept exists and has 12 resources/);
    fake.plant({ stacks: {} });
    writeFileSync(join(folder, "Pulumi.accept.yaml"), "config: {}\n");
    assert.equal(await accept({ yes: true }), 1);
    assert.match(screen, /Pulumi\.accept\.yaml exists, so the stack accept is already in use/);
    assert.equal(begun(), false);
    assert.deepEqual(made(), []);
  });

  it("refuses if pulumi is not logged in, and if there is nothing to clean up", async () => {
    fake.plant({ fail: { whoami: "error: PULUMI_ACCESS_TOKEN must be set" } });
    assert.equal(await accept({ yes: true }), 1);
    assert.match(screen, /pulumi is not logged in. Run pulumi login, .*PULUMI_ACCESS_TOKEN/);
    assert.equal(await accept({ destroy: true }), 1);
    assert.match(screen, /The stack accept has no interrupted run to clean up/);
  });

  it("says after an interruption what exists and how to continue, rejects another role, and cleans up", async () => {
    fake.plant({ slow: true });
    const controller = new AbortController();
    const running = accept({ yes: true }, { signal: controller.signal });
    while (!fake.state.calls.some(({ args }) => args[0] === "up")) await sleep(20);
    await sleep(300);
    controller.abort(new Interrupted("SIGINT"));
    assert.equal(await running, 130);
    assert.match(
      screen,
      /These resources exist and cost money until they are removed:\n {2}1 aws:kinesis\/stream:Stream/,
    );
    assert.match(screen, /0 of \d+ steps are done/);
    assert.match(screen, /To resume: {10}npm run accept -- --stack accept\n/);
    assert.match(screen, /To only clean up: {3}npm run accept -- --stack accept --destroy\n/);

    const role = "arn:aws:iam::123456789012:role/other";
    assert.equal(await accept({ role }), 1);
    assert.match(screen, /--role is arn:.*\/other, but the interrupted run .* began with none/);

    fake.plant({ slow: false });
    assert.equal(await accept({ destroy: true }), 0);
    assert.deepEqual(fake.state.stacks, {});
    assert.equal(JSON.parse(readFileSync(join(folder, "accept", "state.json"), "utf8")).finished, true);
  });

  it("destroys what it made where pulumi up fails, and ends with exit code 1", async () => {
    fake.plant({ fail: { up: "error: creating Glue Job: AccessDeniedException: not authorized" } });
    const rows: Surroundings["rows"] = [
      {
        id: "a",
        what: "it deploys",
        command: "x",
        see: "y",
        ifNot: "do z",
        after: "deploy",
        check: async () => assert.fail(),
      },
    ];
    assert.equal(await accept({ yes: true, role: "arn:aws:iam::123456789012:role/deployer" }, { rows }), 1);
    assert.match(screen, /✗ it deploys\n {4}deploy failed: .*\n {4}error: creating Glue Job: AccessDenied/);
    assert.match(screen, /What to do: do z/);
    assert.match(screen, /0 seen, 1 not as expected, 0 not checkable/);
    assert.deepEqual(fake.state.stacks, {});
    assert.equal(
      fake.state.config["aws:assumeRoles[0].roleArn"]?.value,
      "arn:aws:iam::123456789012:role/deployer",
    );
  });

  it("names what is wrong with its arguments", () => {
    const refusal = (...argv: string[]) => {
      try {
        readArguments(["accept", ...argv]);
      } catch (error) {
        return (error as Error).message.split("\n")[0];
      }
      return assert.fail(argv.join(" "));
    };
    assert.equal(refusal(), "One of --stack, --local is required.");
    assert.match(
      refusal("--stack", "A.b") ?? "",
      /^--stack must be 1 to 20 lower-case letters.*got "A\.b"\.$/,
    );
    assert.match(
      refusal("--stack", "a", "--role", "me") ?? "",
      /^--role must be a role's ARN, such as .*got "me"\.$/,
    );
    assert.match(refusal("--local", "--stack", "a") ?? "", /exclude each other/);
    assert.match(refusal("--stack", "a", "--keep", "--destroy") ?? "", /exclude each other/);
    const needs = (...argv: string[]) => (readArguments(["accept", ...argv]) as { needs: string[] }).needs;
    assert.deepEqual(needs("--stack", "a"), ["npm"]);
    assert.deepEqual(needs("--local"), ["npm", "python", "java17", "java25", "jars", "trino"]);
  });
});
