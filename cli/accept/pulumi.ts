// Deploys to AWS with the pulumi CLI, as a person would type it, and leaves what it said in a file.
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { checkOutputs, type StackOutputs } from "../../stack/outputs";
import { PROJECT_ROOT } from "../../stack/runs";
import { type Deployer, DeployerError } from "./deployer";
import { asPaths, SECRET_KEYS, type Settings } from "./settings";

export interface PulumiOptions {
  project: string;
  stack: string;
  region: string;
  /** The role that the AWS provider assumes for every call about a resource. */
  role?: string;
  /** Where the log goes. */
  folder: string;
  passphrase: string;
  signal: AbortSignal;
  say: (text: string) => void;
}

interface Answer {
  code: number | null;
  text: string;
}

const LINES_SHOWN = 15;
const SHOW_EVERY_MILLISECONDS = 500;

export class PulumiDeployer implements Deployer {
  readonly target = "aws";
  readonly project: string;
  readonly stack: string;
  readonly region: string;
  readonly config: { region: string };
  private readonly log: string;

  constructor(private readonly options: PulumiOptions) {
    this.project = options.project;
    this.stack = options.stack;
    this.region = options.region;
    this.config = { region: options.region };
    this.log = join(options.folder, "pulumi.log");
  }

  /** Who is logged in to which backend; throws with the remedy where pulumi cannot be used. */
  async whoami(): Promise<string> {
    const { code, text } = await this.ask("whoami");
    if (code === 0) return text.trim();
    throw new DeployerError(
      `pulumi is not logged in: pulumi login, or pulumi login --local. It said: ${text.trim()}`,
    );
  }

  /** How many resources pulumi knows of the stack; undefined where there is no such stack. */
  async resources(): Promise<number | undefined> {
    const { code, text } = await this.ask("stack", "ls", "--json");
    if (code !== 0) throw new DeployerError(`pulumi stack ls failed:\n${lastLines(text)}`);
    const stacks = JSON.parse(text) as { name: string; resourceCount?: number }[];
    // A backend with organizations says organization/project/name.
    const found = stacks.find(({ name }) => name.split("/").at(-1) === this.stack);
    return found && (found.resourceCount ?? 0);
  }

  async up(settings: Settings): Promise<StackOutputs> {
    if ((await this.resources()) === undefined) await this.must("stack", "init", this.stack, "--no-select");
    await this.configure(settings);
    await this.must("up", "--yes", "--skip-preview", ...QUIET, "--stack", this.stack);
    const { code, text } = await this.ask("stack", "output", "--json", "--stack", this.stack);
    if (code !== 0) throw new DeployerError(`pulumi stack output failed:\n${lastLines(text)}`);
    return checkOutputs(JSON.parse(text) as Record<string, unknown>, `the stack ${this.stack}`);
  }

  async upAgain(): Promise<string | undefined> {
    const unchanged = ["--expect-no-changes", "--diff"];
    const args = ["up", "--yes", "--skip-preview", ...unchanged, ...QUIET, "--stack", this.stack];
    const { code, text } = await this.long(args);
    if (code === 0) return undefined;
    if (/no changes were expected/.test(text)) return text.trim();
    throw new DeployerError(failure(args, text));
  }

  async destroy(): Promise<void> {
    if ((await this.resources()) === undefined) return;
    await this.must("destroy", "--yes", "--skip-preview", ...QUIET, "--stack", this.stack);
    // Pulumi.NAME.yaml goes with it.
    await this.must("stack", "rm", "--yes", "--stack", this.stack);
  }

  async standing(): Promise<string[]> {
    if ((await this.resources()) === undefined) return [];
    const { code, text } = await this.ask("stack", "export", "--stack", this.stack);
    if (code !== 0) return [`pulumi stack export failed: ${lastLines(text)}`];
    const { deployment } = JSON.parse(text) as {
      deployment?: { resources?: { type: string; custom?: boolean }[] };
    };
    const counts = new Map<string, number>();
    for (const { type, custom } of deployment?.resources ?? []) {
      if (custom && !type.startsWith("pulumi:")) counts.set(type, (counts.get(type) ?? 0) + 1);
    }
    return [...counts].sort().map(([type, count]) => `${count} ${type}`);
  }

  said(): string {
    return existsSync(this.log) ? readFileSync(this.log, "utf8") : "";
  }

  async close(): Promise<void> {}

  private async configure(settings: Settings): Promise<void> {
    const { region, role, stack } = this.options;
    const paths: [string, string | undefined][] = asPaths(settings).map(([path, value]) => [
      `${this.project}:${path}`,
      value,
    ]);
    const secret = (path: string) => SECRET_KEYS.some((key) => path === `${this.project}:${key}`);
    const all: [string, string | undefined][] = [
      ["aws:region", region],
      ...(role ? ([["aws:assumeRoles[0].roleArn", role]] as [string, string][]) : []),
      ...paths,
    ];
    const set = all.flatMap(([path, value]) =>
      value === undefined ? [] : [secret(path) ? "--secret" : "--plaintext", `${path}=${value}`],
    );
    await this.must("config", "set-all", "--path", ...set, "--stack", stack);
    for (const [path, value] of all) {
      if (value === undefined) await this.must("config", "rm", "--path", path, "--stack", stack);
    }
  }

  private async must(...args: string[]): Promise<void> {
    const { code, text } = await this.long(args);
    if (code !== 0) throw new DeployerError(failure(args, text));
  }

  /** For what takes long: its words go to the log, and its last line to the person. */
  private async long(args: string[]): Promise<Answer> {
    this.options.signal.throwIfAborted();
    // Values are left out of the log: one of them is a secret.
    const shown = args.map((arg) => (args[0] === "config" ? arg.replace(/=.*/s, "=…") : arg));
    appendFileSync(this.log, `$ pulumi ${shown.join(" ")}\n`);
    const begin = statSync(this.log).size;
    const file = openSync(this.log, "a");
    // A file, not a pipe: pulumi goes on to the end of its update even when this process is killed.
    const child = this.start(args, ["ignore", file, file]);
    closeSync(file);
    const text = () => readFileSync(this.log).subarray(begin).toString("utf8");
    const show = () => this.options.say(`pulumi ${args[0]}: ${text().trimEnd().split("\n").at(-1) ?? ""}`);
    const timer = setInterval(show, SHOW_EVERY_MILLISECONDS);
    try {
      const code = await ended(child, this.options.signal);
      this.options.signal.throwIfAborted();
      return { code, text: text() };
    } finally {
      clearInterval(timer);
    }
  }

  /** For short questions whose answer is what is printed. An interruption does not stop them. */
  private async ask(...args: string[]): Promise<Answer> {
    const child = this.start(args, ["ignore", "pipe", "pipe"]);
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr?.setEncoding("utf8").on("data", (chunk) => {
      stderr += chunk;
    });
    const code = await ended(child);
    return { code, text: code === 0 ? stdout : stderr || stdout };
  }

  private start(args: string[], stdio: ["ignore", number | "pipe", number | "pipe"]): ChildProcess {
    const { PULUMI_CONFIG_PASSPHRASE, PULUMI_CONFIG_PASSPHRASE_FILE } = process.env;
    const given = PULUMI_CONFIG_PASSPHRASE !== undefined || PULUMI_CONFIG_PASSPHRASE_FILE !== undefined;
    return spawn("pulumi", [...args, "--non-interactive"], {
      cwd: PROJECT_ROOT,
      env: {
        ...process.env,
        PULUMI_SKIP_UPDATE_CHECK: "true",
        ...(!given && { PULUMI_CONFIG_PASSPHRASE: this.options.passphrase }),
      },
      stdio,
      // Ctrl+C reaches the whole foreground group; a second SIGINT would make pulumi stop in the middle of an update.
      detached: true,
    });
  }
}

const QUIET = ["--color", "never", "--suppress-outputs"];

/** The exit code. One SIGINT when the signal is aborted: pulumi then ends what it is doing and saves its state. */
async function ended(child: ChildProcess, signal?: AbortSignal): Promise<number | null> {
  const stop = () => child.kill("SIGINT");
  signal?.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<number | null>((resolve, reject) => {
      child.on("close", (code) => resolve(code));
      child.on("error", (error) => {
        const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
        const words = missing
          ? "The pulumi CLI is not on the PATH: https://www.pulumi.com/docs/install/"
          : error.message;
        reject(new DeployerError(words));
      });
    });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** What failed, in AWS's and the engine's words, and what a person can do where they are known. */
function failure(args: string[], text: string): string {
  const words = text.split("\n").filter((line) => /error|denied|not authorized|failed/i.test(line));
  const said = words.length > 0 ? words.slice(0, LINES_SHOWN).join("\n") : lastLines(text);
  const locked = /locked by|Another update is currently in progress/i.test(text);
  const hint = locked ? "\nAn earlier update holds the stack. If none runs any more: pulumi cancel" : "";
  return `pulumi ${args[0]} failed:\n${said}${hint}`;
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-LINES_SHOWN).join("\n");
}
