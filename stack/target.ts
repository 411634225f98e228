// Opens the stack that a command works with: the running local stack, or one on AWS through its Pulumi outputs.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { AthenaClient } from "@aws-sdk/client-athena";
import { GlueClient } from "@aws-sdk/client-glue";
import { SFNClient } from "@aws-sdk/client-sfn";
import { type ClientConfig, isolateProcess, localClientConfig } from "./aws";
import { explainAwsError, isUnreachable } from "./aws-errors";
import { checkOutputs, type StackOutputs } from "./outputs";
import { PROJECT_ROOT, Runs } from "./runs";

/** The configuration of AWS SDK clients: on AWS only the region; credentials come from the shell. */
export type TargetConfig = ClientConfig | { region: string };

/** The stack: the newest local one, the local one named by `run`, or `stack` on AWS. */
export interface TargetOptions {
  run?: string;
  stack?: string;
}

export interface CliTarget {
  /** For messages: "the local run …" or "the stack dev on AWS". */
  name: string;
  outputs: StackOutputs;
  athena: AthenaClient;
  sfn: SFNClient;
  glue: GlueClient;
  /** For further AWS SDK clients. */
  clientConfig: TargetConfig;
  /** The run's folder with mails and logs; undefined on AWS. */
  stateDir?: string;
}

/** There is no such stack. The message has the remedy. */
export class TargetError extends Error {}

export function openTarget(options: TargetOptions, runs = new Runs()): CliTarget {
  return options.stack === undefined ? localTarget(options.run, runs) : awsTarget(options.stack);
}

function localTarget(run: string | undefined, runs: Runs): CliTarget {
  isolateProcess();
  const { id, endpoint, outputs } = runs.find(run);
  const config = localClientConfig(endpoint);
  return {
    name: `the local run ${id}`,
    outputs,
    athena: new AthenaClient(config),
    sfn: new SFNClient(config),
    glue: new GlueClient(config),
    clientConfig: config,
    stateDir: runs.stateDir(id),
  };
}

function awsTarget(stack: string): CliTarget {
  const outputs = checkOutputs(pulumiOutputs(stack), `the stack ${stack}`);
  const region = outputs.stateMachineArn.split(":")[3] ?? "";
  return {
    name: `the stack ${stack} on AWS`,
    outputs,
    athena: new AthenaClient({ region }),
    sfn: new SFNClient({ region }),
    glue: new GlueClient({ region }),
    clientConfig: { region },
  };
}

function pulumiOutputs(stack: string): Record<string, unknown> {
  const args = ["stack", "output", "--json", "--stack", stack];
  const { error, status, stdout, stderr } = spawnSync("pulumi", args, {
    cwd: PROJECT_ROOT,
    encoding: "utf8",
  });
  if (error && (error as NodeJS.ErrnoException).code === "ENOENT") {
    throw new TargetError(
      "--stack needs the pulumi CLI, which is not on the PATH. Install it: https://www.pulumi.com/docs/install/\n" +
        "Without --stack, the command uses the running local stack.",
    );
  }
  if (error || status !== 0) {
    throw new TargetError(`pulumi ${args.join(" ")} failed:\n${(stderr || error?.message || "").trim()}`);
  }
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** What a person can do about an error of a call to the target; undefined for a defect of this program. */
export function remedy(error: unknown, target: CliTarget | undefined): string | undefined {
  if (target?.stateDir && isUnreachable(error)) {
    return `${target.name} no longer answers. Its log: ${join(target.stateDir, "emulator.log")}. Start a new one: npm start -- --keep`;
  }
  return explainAwsError(error);
}
