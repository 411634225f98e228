// Starts a whole local stack: the emulator, the Pulumi program deployed to it, and confirmed mail subscriptions.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ClientConfig,
  isolateProcess,
  LOCAL_REGION,
  localClientConfig,
  localEnvironment,
} from "../stack/aws";
import { aborted } from "../stack/interrupt";
import { checkOutputs, type StackOutputs } from "../stack/outputs";
import { PROJECT_ROOT, Runs } from "../stack/runs";
import { groupIgnoredInputs, listIgnoredInputs } from "./deploy/ignored-inputs";
import { type Deployment, deploy } from "./deploy/program";
import { type Emulator, startEmulator } from "./emulator-process";
import { confirm, type Mail, readMails } from "./mailbox";

/** Receives the local mails. Its domain cannot exist on the internet. */
const LOCAL_ADDRESS = "data-team@clickstream.example";

const MAIL_SECONDS = 15;

interface StackProgress {
  created: number;
  declared: number;
  resource: string;
}

export interface UpOptions {
  /** Overrides of Pulumi.dev.yaml. */
  config?: Record<string, unknown>;
  /** Gets a line for each phase. */
  onProgress?: (line: string) => void;
  /** Gets the progress of the deployment. */
  onResource?: (progress: StackProgress) => void;
  /** Gets the emulator's warnings. */
  onWarning?: (line: string) => void;
  /** When it aborts, the start ends and the emulator stops. */
  signal?: AbortSignal;
  /** The script that starts the emulator. */
  launcher?: string;
}

export interface LocalStack {
  id: string;
  endpoint: string;
  region: string;
  stateDir: string;
  outputs: StackOutputs;
  /** The number of resources created. */
  resources: number;
  /** Inputs without effect on the local stack, grouped by reason. */
  warnings: string[];
  /** Environment variables for programs that use the stack: AWS_ENDPOINT_URL and credentials. */
  env: Record<string, string>;
  /** For AWS SDK clients. */
  clientConfig: ClientConfig;
  mails(): Promise<Mail[]>;
  /** Rejects if the emulator ends unexpectedly. */
  crashed: Promise<never>;
  /** Removes every resource, as pulumi destroy does. */
  destroy(): Promise<void>;
  /** Stops the emulator. Keeps the run's folder unless `keepState` is false. */
  stop(options?: { keepState?: boolean }): Promise<void>;
}

export async function upStack(options: UpOptions = {}): Promise<LocalStack> {
  const say = options.onProgress ?? (() => undefined);
  isolateProcess();
  const runs = new Runs();
  const { id, stateDir } = runs.create();
  say(`Starting the emulator (run ${id})`);
  const emulator = await startEmulator(stateDir, options);
  try {
    const deployment = await Promise.race([
      deployProgram(emulator, options),
      emulator.crashed,
      aborted(options.signal),
    ]);
    const warnings = groupIgnoredInputs(deployment.ignoredInputs);
    writeDeployLog(stateDir, deployment);
    const outputs = checkOutputs(deployment.outputs, "the program");
    await confirmSubscriptions(emulator, deployment, say);
    runs.publish({ id, endpoint: emulator.endpoint, outputs });
    return {
      id,
      endpoint: emulator.endpoint,
      region: LOCAL_REGION,
      stateDir,
      outputs,
      resources: deployment.resources,
      warnings,
      env: localEnvironment(emulator.endpoint),
      clientConfig: localClientConfig(emulator.endpoint),
      mails: () => readMails(emulator.mailDir),
      crashed: emulator.crashed,
      destroy: () => deployment.destroy(),
      async stop({ keepState = true } = {}) {
        await emulator.stop();
        if (!keepState) runs.remove(id);
      },
    };
  } catch (error) {
    await emulator.stop();
    throw error;
  }
}

async function deployProgram(emulator: Emulator, options: UpOptions): Promise<Deployment> {
  options.onProgress?.("Deploying the Pulumi program to it");
  return deploy({
    root: PROJECT_ROOT,
    clientConfig: localClientConfig(emulator.endpoint),
    config: {
      successEmails: [LOCAL_ADDRESS],
      failureEmails: [LOCAL_ADDRESS],
      ...options.config,
    },
    onProgress: options.onResource,
  });
}

/** Reads the confirmation mails and opens their links, as their receivers would. */
async function confirmSubscriptions(
  emulator: Emulator,
  { mailSubscriptions }: Deployment,
  say: (line: string) => void,
) {
  const expected = mailSubscriptions.length;
  if (expected === 0) return;
  say(`Confirming ${expected} mail subscription${expected === 1 ? "" : "s"} from the local mailbox`);
  const mails = await waitForMails(
    emulator,
    (all) => all.filter(({ kind }) => kind === "confirmation"),
    expected,
  );
  for (const mail of mails) await confirm(mail, emulator.endpoint);
}

async function waitForMails(
  emulator: Emulator,
  choose: (all: Mail[]) => Mail[],
  expected: number,
): Promise<Mail[]> {
  const deadline = Date.now() + MAIL_SECONDS * 1000;
  for (;;) {
    const mails = choose(await readMails(emulator.mailDir));
    if (mails.length >= expected) return mails;
    if (Date.now() > deadline) {
      throw new Error(
        `Only ${mails.length} of ${expected} confirmation mails arrived within ${MAIL_SECONDS} s (mailbox: ${emulator.mailDir})`,
      );
    }
    await sleep(50);
  }
}

function writeDeployLog(stateDir: string, deployment: Deployment): void {
  const lines = [
    `${deployment.resources} resources created`,
    "Inputs without effect on the local stack:",
    ...listIgnoredInputs(deployment.ignoredInputs),
  ];
  appendFileSync(join(stateDir, "deploy.log"), `${lines.join("\n")}\n`);
}
