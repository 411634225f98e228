// The fake pulumi CLI as an executable on the PATH, and what it was told.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { OUTPUTS } from "./fakes";

interface State {
  calls: { args: string[]; passphrase: string | null }[];
  stacks: Record<string, number>;
  config: Record<string, { value: string; secret: boolean }>;
  fail: Record<string, string>;
  outputs: unknown;
  changes?: string;
  slow?: boolean;
  interrupted?: boolean;
}

export class FakePulumi {
  private readonly file: string;
  private readonly path = process.env.PATH;

  constructor(folder: string) {
    const bin = join(folder, "bin");
    mkdirSync(bin);
    copyFileSync(join(__dirname, "pulumi-fake.mjs"), join(bin, "pulumi.mjs"));
    // A file without an extension is no module.
    writeFileSync(
      join(bin, "pulumi"),
      `#!/bin/sh\nexec "${process.execPath}" "${join(bin, "pulumi.mjs")}" "$@"\n`,
    );
    chmodSync(join(bin, "pulumi"), 0o755);
    this.file = join(folder, "fake-pulumi.json");
    this.write({ calls: [], stacks: {}, config: {}, fail: {}, outputs: OUTPUTS });
    process.env.FAKE_PULUMI = this.file;
    process.env.PATH = `${bin}${delimiter}${this.path}`;
  }

  get state(): State {
    return JSON.parse(readFileSync(this.file, "utf8")) as State;
  }

  plant(fields: Partial<State>): void {
    this.write({ ...this.state, ...fields });
  }

  /** The calls so far, without what every one has. */
  commands(): string[] {
    return this.state.calls.map(({ args }) => args.filter((arg) => arg !== "--non-interactive").join(" "));
  }

  remove(): void {
    process.env.PATH = this.path;
    delete process.env.FAKE_PULUMI;
  }

  private write(state: State): void {
    writeFileSync(this.file, JSON.stringify(state));
  }
}
