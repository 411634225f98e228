// Writes to the terminal: lines, a status line that is redrawn in place, tables and framed mails.
import Table from "cli-table3";
import picocolors from "picocolors";
import type { Value } from "../../stack/athena";

const DEFAULT_WIDTH = 100;
const WIDEST = 120;
const CELL_WIDTH = 60;
const ROWS_SHOWN = 50;
/** Longer lines of a mail are cut, such as a list of thousands of dates. No link or command is this long. */
const MAIL_LINE_WIDTH = 2000;

export interface ConsoleStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export class Console {
  readonly colours: ReturnType<typeof picocolors.createColors>;
  private readonly began = Date.now();
  private status = "";
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly stream: ConsoleStream,
    env: NodeJS.ProcessEnv = process.env,
  ) {
    // https://no-color.org: set and not empty means no colours.
    this.colours = picocolors.createColors(stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb");
  }

  /** Seconds since the command began: the left column of the live view. */
  elapsed(): string {
    return `${((Date.now() - this.began) / 1000).toFixed(1).padStart(6)} s`;
  }

  line(text = ""): void {
    this.clearStatus();
    this.stream.write(`${text}\n`);
    this.drawStatus();
  }

  /** A line of the live view: elapsed time, then what happened. */
  event(text: string): void {
    this.line(`${this.colours.dim(this.elapsed())}  ${text}`);
  }

  detail(text: string): void {
    this.line(`${" ".repeat(10)}${this.colours.dim(text)}`);
  }

  heading(text: string): void {
    this.line();
    this.line(this.colours.bold(text));
  }

  /** What is happening now. Only a terminal shows it: one line with a running clock, redrawn in place. */
  setStatus(text: string): void {
    if (this.stream.isTTY !== true) return;
    this.clearStatus();
    this.status = text;
    this.drawStatus();
    clearInterval(this.timer);
    if (text === "") return;
    this.timer = setInterval(() => {
      this.clearStatus();
      this.drawStatus();
    }, 200);
    this.timer.unref();
  }

  table(columns: string[], rows: Value[][], rowsShown = ROWS_SHOWN): void {
    if (rows.length === 0) {
      this.line(this.colours.dim(`  (no rows; columns: ${columns.join(", ")})`));
      return;
    }
    const numeric = columns.map((_, index) => rows.every((row) => typeof row[index] !== "string"));
    const table = new Table({
      head: columns.map((name) => this.colours.bold(name)),
      colAligns: numeric.map((is) => (is ? "right" : "left")),
      // The table's default colours ignore NO_COLOR.
      style: { head: [], border: [], compact: true },
    });
    for (const row of rows.slice(0, rowsShown)) table.push(row.map(cell));
    for (const text of table.toString().split("\n")) this.line(text);
    const left = rows.length - rowsShown;
    if (left > 0) this.line(this.colours.dim(`  … and ${left} more rows (all with --json)`));
  }

  /** A mail in a frame without a right edge, so that a copied link or command is complete. */
  frame(head: string[], body: string): void {
    const { bold, dim } = this.colours;
    const width = Math.min(this.stream.columns ?? DEFAULT_WIDTH, WIDEST);
    const rule = (corner: string) => this.line(dim(corner.padEnd(width, "─")));
    rule("┌");
    for (const text of head) this.line(`${dim("│")} ${bold(text)}`);
    rule("├");
    for (const text of body.split("\n")) this.line(`${dim("│")} ${shortened(text)}`.trimEnd());
    rule("└");
  }

  end(): void {
    this.setStatus("");
    clearInterval(this.timer);
  }

  private clearStatus(): void {
    if (this.status) this.stream.write("\r\x1b[K");
  }

  private drawStatus(): void {
    if (!this.status) return;
    const width = (this.stream.columns ?? DEFAULT_WIDTH) - 1;
    this.stream.write(this.colours.dim(`${this.elapsed()}  … ${this.status}`.slice(0, width)));
  }
}

function shortened(text: string): string {
  const left = text.length - MAIL_LINE_WIDTH;
  return left > 0 ? `${text.slice(0, MAIL_LINE_WIDTH)}… (${number(left)} more characters in the mail)` : text;
}

function cell(value: Value): string {
  if (value === null) return "";
  // Events can hold control characters. They must not move the terminal's cursor.
  const text = String(value)
    .replaceAll("\n", "⏎")
    .replace(/\p{Cc}/gu, "\ufffd");
  return text.length > CELL_WIDTH ? `${text.slice(0, CELL_WIDTH - 1)}…` : text;
}

/** 1234.5 becomes 1,234.5, on every machine. */
export function number(value: number): string {
  return value.toLocaleString("en-US");
}
