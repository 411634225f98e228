// Deploys to AWS with the pulumi CLI, as a person would, and writes its output to a log file.
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
  /** The role that the AWS provider assumes. */
  role?: string;
  /** The folder of the log. */
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
  private readonly logFile: string;

  constructor(private readonly options: PulumiOptions) {
    this.project = options.project;
    this.stack = options.stack;
    this.region = options.region;
    this.config = { region: options.region };
    this.logFile = join(options.folder, "pulumi.log");
  }

  /** Who is logged in. Throws with the remedy if pulumi cannot be used. */
  async whoami(): Promise<string> {
    const { code, text } = await this.ask("whoami");
    if (code === 0) return text.trim();
    throw new DeployerError(
      `pulumi is not logged in. Run pulumi login, or pulumi login --local. pulumi said: ${text.trim()}`,
    );
  }

  /** The number of resources in the stack's state; undefined if there is no such stack. */
  async resources(): Promise<number | undefined> {
    const { code, text } = await this.ask("stack", "ls", "--json");
    if (code !== 0) throw new DeployerError(`pulumi stack ls failed:\n${lastLines(text)}`);
    const stacks = JSON.parse(text) as { name: string; resourceCount?: number }[];
    // A backend with organizations lists organization/project/name.
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
    // This also deletes Pulumi.NAME.yaml.
    await this.must("stack", "rm", "--yes", "--stack", this.stack);
  }

  async existing(): Promise<string[]> {
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

  log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, "utf8") : "";
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

  /** For long commands: the output goes to the log file, its last line to the status line. */
  private async long(args: string[]): Promise<Answer> {
    this.options.signal.throwIfAborted();
    // The log omits values: one of them is a secret.
    const shown = args.map((arg) => (args[0] === "config" ? arg.replace(/=.*/s, "=…") : arg));
    appendFileSync(this.logFile, `$ pulumi ${shown.join(" ")}\n`);
    const begin = statSync(this.logFile).size;
    const file = openSync(this.logFile, "a");
    // A file, not a pipe: so pulumi finishes its update even if this process is killed.
    const child = this.start(args, ["ignore", file, file]);
    closeSync(file);
    const text = () => readFileSync(this.logFile).subarray(begin).toString("utf8");
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

  /** For short commands whose output is the answer. An interruption does not stop them. */
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
      // Ctrl+C reaches the whole foreground process group. A second SIGINT would stop pulumi in the middle of an update.
      detached: true,
    });
  }
}

const QUIET = ["--color", "never", "--suppress-outputs"];

/** Returns the exit code. Sends one SIGINT when the signal aborts: pulumi then finishes its current work and saves its state. */
async function ended(child: ChildProcess, signal?: AbortSignal): Promise<number | null> {
  const stop = () => child.kill("SIGINT");
  signal?.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<number | null>((resolve, reject) => {
      child.on("close", (code) => resolve(code));
      child.on("error", (error) => {
        const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
        const words = missing
          ? "The pulumi CLI is not on the PATH. Install it: https://www.pulumi.com/docs/install/"
          : error.message;
        reject(new DeployerError(words));
      });
    });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** The lines of the output that explain the failure, with a remedy if one is known. */
function failure(args: string[], text: string): string {
  const words = text.split("\n").filter((line) => /error|denied|not authorized|failed/i.test(line));
  const said = words.length > 0 ? words.slice(0, LINES_SHOWN).join("\n") : lastLines(text);
  const locked = /locked by|Another update is currently in progress/i.test(text);
  const hint = locked ? "\nAn earlier update has locked the stack. If it no longer runs: pulumi cancel" : "";
  return `pulumi ${args[0]} failed:\n${said}${hint}`;
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-LINES_SHOWN).join("\n");
}
