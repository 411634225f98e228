// npm run deployer-policy: writes the policies that a deploying role needs, and shows the commands that apply them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import {
  commandPolicies,
  type Deployment,
  deployerPolicies,
  type ManagedPolicy,
  POLICY_CHARACTERS,
} from "../../infra/deployer/managed-policies";
import { NoSuchStack, stackConfiguration } from "../../stack/configuration";
import { projectName } from "../../stack/configuration-files";
import { partitionOf } from "../../stack/partition";
import { PROJECT_ROOT } from "../../stack/runs";
import type { DeployerPolicyOptions } from "../arguments/types";
import { Console, number } from "../view/console";

const DEPLOYING_ROLE = "YOUR_DEPLOYING_ROLE";
const OWN_ROLE = "YOUR_OWN_ROLE";

interface Written extends ManagedPolicy {
  file: string;
}

interface Policies {
  deployer: Written[];
  commands: Written[];
}

export async function main(options: DeployerPolicyOptions): Promise<number> {
  try {
    const deployment = deploymentOf(options);
    const folder = options.out ?? join(PROJECT_ROOT, ".local", "deployer-policy");
    const written = {
      deployer: write(folder, deployerPolicies(deployment)),
      commands: write(folder, commandPolicies(deployment)),
    };
    if (options.json) process.stdout.write(`${JSON.stringify(documentOf(deployment, written))}\n`);
    else show(deployment, written);
    return 0;
  } catch (error) {
    if (!(error instanceof NoSuchStack)) throw error;
    process.stderr.write(`${error.message}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify({ error: error.message })}\n`);
    return 1;
  }
}

/** The role needs its policies before the stack exists. With a region, the stack's file is not needed. */
function deploymentOf(options: DeployerPolicyOptions): Deployment {
  const stack = options.stack ?? "dev";
  const project = options.project ?? projectName(PROJECT_ROOT);
  const region = options.region ?? regionOf(stack);
  const partition = options.partition ?? partitionOf(region);
  return { project, stack, region, accountId: options.account, partition };
}

function regionOf(stack: string): string {
  let region: string | undefined;
  try {
    region = stackConfiguration(stack).values["aws:region"] ?? process.env.AWS_REGION;
  } catch (error) {
    if (!(error instanceof NoSuchStack)) throw error;
    throw new NoSuchStack(`${error.message} For a stack without one, add --region NAME.`);
  }
  if (!region) throw new NoSuchStack(`The stack ${stack} has no region. Add --region NAME.`);
  return region;
}

function write(folder: string, policies: ManagedPolicy[]): Written[] {
  mkdirSync(folder, { recursive: true });
  return policies.map((policy) => {
    const file = join(folder, `${policy.name}.json`);
    writeFileSync(file, `${JSON.stringify(policy.document, null, 2)}\n`);
    return { ...policy, file: relative(process.env.INIT_CWD ?? process.cwd(), file) };
  });
}

const createCommands = ({ name, arn, file }: Written, role: string) => [
  `aws iam create-policy --policy-name ${name} --policy-document file://${file}`,
  `aws iam attach-role-policy --role-name ${role} --policy-arn ${arn}`,
];

const updateCommand = ({ arn, file }: Written) =>
  `aws iam create-policy-version --policy-arn ${arn} --policy-document file://${file} --set-as-default`;

function documentOf(deployment: Deployment, { deployer, commands }: Policies) {
  const part = (policies: Written[], role: string) => ({
    policies: policies.map(({ name, arn, file, characters }) => ({ name, arn, file, characters })),
    create: policies.flatMap((policy) => createCommands(policy, role)),
    update: policies.map(updateCommand),
  });
  return { ...deployment, deployer: part(deployer, DEPLOYING_ROLE), commands: part(commands, OWN_ROLE) };
}

function show({ project, stack, accountId, region }: Deployment, { deployer, commands }: Policies): void {
  const console = new Console(process.stdout);
  console.line(`Policies for the stack ${stack} of ${project} in ${region}, account ${accountId}:`);
  for (const { file, characters } of [...deployer, ...commands])
    console.line(`  ${file}  (${number(characters)} of ${number(POLICY_CHARACTERS)} characters)`);
  console.heading(
    `Create them and attach them to the deploying role (replace ${DEPLOYING_ROLE} with its name):`,
  );
  for (const policy of deployer)
    for (const command of createCommands(policy, DEPLOYING_ROLE)) console.line(`  ${command}`);
  console.heading(
    "For the role of people who run npm run doctor, query, execute, empty-buckets and leftovers:",
  );
  for (const policy of commands)
    for (const command of createCommands(policy, OWN_ROLE)) console.line(`  ${command}`);
  console.heading("To update them later, run this command again and then:");
  for (const policy of [...deployer, ...commands]) console.line(`  ${updateCommand(policy)}`);
  console.end();
}
