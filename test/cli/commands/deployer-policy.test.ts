// The command that writes a deploying role's policies: its files, the commands it shows, its document and its errors.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..", "..");

function run(...options: string[]) {
  const env = { ...process.env, AWS_REGION: "", INIT_CWD: ROOT };
  return spawnSync(process.execPath, ["cli/main.mjs", "deployer-policy", ...options], {
    cwd: ROOT,
    env,
    encoding: "utf8",
  });
}

describe("npm run deployer-policy", function () {
  this.timeout(30_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "deployer-policy-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("writes each policy to a file and shows how to create, attach and update it", () => {
    const { status, stdout, stderr } = run(
      ...["--account", "123456789012", "--project", "shop", "--stack", "prod.eu"],
      ...["--region", "us-gov-west-1", "--out", folder, "--json"],
    );
    assert.equal(status, 0, stderr);
    const { deployer, commands, ...deployment } = JSON.parse(stdout);
    assert.deepEqual(deployment, {
      project: "shop",
      stack: "prod.eu",
      region: "us-gov-west-1",
      accountId: "123456789012",
      partition: "aws-us-gov",
    });
    const files = [...deployer.policies, ...commands.policies].map(({ name }) => `${name}.json`);
    assert.deepEqual(readdirSync(folder).sort(), files.sort());
    for (const [role, { policies, create, update }] of [
      ["YOUR_DEPLOYING_ROLE", deployer],
      ["YOUR_OWN_ROLE", commands],
    ])
      for (const [index, { name, arn, file }] of policies.entries()) {
        const { Version, Statement } = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
        assert.equal(Version, "2012-10-17");
        assert.ok(Statement.length > 0);
        assert.equal(
          create[2 * index],
          `aws iam create-policy --policy-name ${name} --policy-document file://${file}`,
        );
        assert.equal(
          create[2 * index + 1],
          `aws iam attach-role-policy --role-name ${role} --policy-arn ${arn}`,
        );
        assert.equal(
          update[index],
          `aws iam create-policy-version --policy-arn ${arn} --policy-document file://${file} --set-as-default`,
        );
        assert.match(arn, /^arn:aws-us-gov:iam::123456789012:policy\/shop-prod/);
      }
  });

  it("takes project and region from the stack's files, and shows the commands to people", () => {
    const { status, stdout, stderr } = run("--account", "123456789012", "--stack", "prod", "--out", folder);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /the stack prod of clickstream in [a-z]+-[a-z]+-\d, account 123456789012/);
    for (const command of ["create-policy ", "attach-role-policy ", "create-policy-version "])
      assert.ok(stdout.includes(`  aws iam ${command}`), command);
    assert.match(stdout, /\(5,\d{3} of 6,144 characters\)/);
  });

  it("needs no file of a stack that is not made yet", () => {
    const { status, stdout, stderr } = run(
      ...[
        "--account",
        "123456789012",
        "--stack",
        "accept",
        "--region",
        "cn-north-1",
        "--out",
        folder,
        "--json",
      ],
    );
    assert.equal(status, 0, stderr);
    const { project, stack, partition, deployer } = JSON.parse(stdout);
    assert.deepEqual([project, stack, partition], ["clickstream", "accept", "aws-cn"]);
    assert.match(
      deployer.policies[0].arn,
      /^arn:aws-cn:iam::123456789012:policy\/clickstream-accept-deployer-1$/,
    );
  });

  it("says what is missing and what is wrong", () => {
    const unknown = run("--account", "123456789012", "--stack", "other", "--out", folder, "--json");
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /The stack other has no configuration .*add --region NAME/);
    assert.equal(JSON.parse(unknown.stdout).error, unknown.stderr.trim());
    for (const [options, message] of [
      [[], /^--account ID is missing/],
      [["--account", "12"], /^--account must be a 12-digit account ID, .* got "12"/],
      [["--account", "123456789012", "--partition", "china"], /aws, aws-cn or aws-us-gov, got "china"/],
      [["--account", "123456789012", "--project", "a b"], /the name of a Pulumi project.* got "a b"/],
      [["--account", "123456789012", "--stack", "a/b"], /the name of a Pulumi stack.* got "a\/b"/],
      [["--account", "123456789012", "--out", "package.json"], /which is a file/],
    ] as const) {
      const { status, stderr } = run(...options);
      assert.equal(status, 2, stderr);
      assert.match(stderr, message);
    }
    assert.deepEqual(readdirSync(folder), []);
  });
});
