// Deploys the program to a local stack, once. There is no engine that could change it in place.

import { type LocalStack, type UpOptions, upStack } from "../../local/stack";
import { LOCAL_REGION } from "../../stack/aws";
import { findLeftovers } from "../teardown/leftovers";
import { type Deployer, DeployerError } from "./deployer";
import type { Settings } from "./settings";

/** The project and stack names of the local deployment. */
export const LOCAL_PROJECT = "clickstream";
const LOCAL_STACK = "dev";

export class LocalDeployer implements Deployer {
  readonly target = "local";
  readonly project = LOCAL_PROJECT;
  readonly stack = LOCAL_STACK;
  readonly region = LOCAL_REGION;
  private up_: LocalStack | undefined;

  constructor(
    private readonly options: Pick<UpOptions, "signal"> & { say: (text: string) => void },
    private readonly bringUp: (options: UpOptions) => Promise<LocalStack> = upStack,
  ) {}

  get config() {
    return this.stackUp().clientConfig;
  }

  async up(settings: Settings) {
    if (this.up_) throw new DeployerError("the local stack cannot be changed in place");
    const given = Object.entries(settings).filter(([, value]) => value !== undefined);
    this.up_ = await this.bringUp({
      config: Object.fromEntries(given),
      signal: this.options.signal,
      onProgress: this.options.say,
      onResource: ({ created, declared }) => this.options.say(`${created} of ${declared} resources created`),
    });
    return this.up_.outputs;
  }

  upAgain(): Promise<string | undefined> {
    throw new DeployerError("the local stack has no engine that compares states");
  }

  async destroy(): Promise<void> {
    await this.up_?.destroy();
  }

  async existing(): Promise<string[]> {
    if (!this.up_) return [];
    const { found } = await findLeftovers(this.config, this.project, this.stack);
    return found.map(({ kind, id }) => `${kind} ${id}`);
  }

  log(): string {
    return "";
  }

  mails() {
    return this.stackUp().mails();
  }

  async close(): Promise<void> {
    await this.up_?.stop({ keepState: false });
    this.up_ = undefined;
  }

  private stackUp(): LocalStack {
    if (!this.up_) throw new DeployerError("the local stack is not running");
    return this.up_;
  }
}
