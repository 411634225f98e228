// Sends a file of events or a web server's access log to the stack, whatever its size.

import { basename } from "node:path";
import { CountedSending, type Destination, type SentEvents } from "../../lambdas/shared/destination";
import { EventTooLarge } from "../../lambdas/shared/records";
import { type Clock, systemClock } from "../../lambdas/shared/runtime";
import { type Content, openContent, UnusableFile, unreadable } from "./content";
import { readValues } from "./json-values";
import { isBlank, linesOf, readLines } from "./lines";
import { LogFormat } from "./log/format";
import { LogReader } from "./log/log-reader";
import { isRefusal } from "./log/request";
import { type MakeTooLarge, type Outgoing, outgoingMaker, tooLargeMaker } from "./outgoing";
import { cutOf, type Piece } from "./pieces";
import { enoughFor, type FileKind, recognise } from "./recognise";

/** A file of known kind, of which nothing has been sent yet. */
export interface OpenFile {
  kind: FileKind;
  content: Content;
  logs: LogReader;
}

export interface SendOptions {
  destination: Destination;
  onProgress?: (progress: SendProgress) => void;
  clock?: Clock;
  random?: () => number;
}

interface SendProgress {
  lines: number;
  records: number;
  bytes: number;
}

export interface SentFile {
  kind: FileKind;
  /** Lines sent. */
  lines: number;
  records: number;
  skippedBlank: number;
  /** Lines that are no events. They go to the quarantine. */
  refused: number;
  /** The first of them, each with its position and what was expected. */
  refusals: string[];
  /** Time of the earliest event, ISO 8601; undefined if no time could be read. */
  earliest: string | undefined;
  /** What an execution waits for. */
  sent: SentEvents;
}

/** A file's length is unknown before it is read, so this suits a medium one. */
const EXPECTED_LINES = 10_000;
const REFUSALS_NAMED = 3;

/** Opens a file. Rejects what cannot be sent before anything is started for it. */
export async function openFile(path: string, logFormat?: string): Promise<OpenFile> {
  const logs = new LogReader(logFormat === undefined ? undefined : new LogFormat(logFormat));
  const content = await openContent(path, enoughFor(logs));
  try {
    return { kind: kindOf(content, logs, logFormat !== undefined), content, logs };
  } catch (error) {
    content.close();
    throw error;
  }
}

export async function sendFile({ kind, content, logs }: OpenFile, options: SendOptions): Promise<SentFile> {
  const clock = options.clock ?? systemClock;
  const sending = new CountedSending(options.destination, EXPECTED_LINES, {
    clock,
    random: options.random ?? Math.random,
    onSent: ({ lines, records, bytes }) => options.onProgress?.({ lines, records, bytes }),
  });
  const fileName = basename(content.name);
  const makeTooLarge = tooLargeMaker(fileName, options.destination.record);
  const transfer = new Transfer(outgoingMaker(kind, logs, makeTooLarge), makeTooLarge, sending);
  const sinceMs = clock.now();
  for await (const piece of piecesOf(content, kind)) await transfer.send(piece);
  await transfer.finish();
  const { lines, records } = sending.sender.sent;
  const { blank: skippedBlank, refused, refusals, earliest } = transfer;
  return { kind, lines, records, skippedBlank, refused, refusals, earliest, sent: sending.sent(sinceMs) };
}

class Transfer {
  blank = 0;
  refused = 0;
  readonly refusals: string[] = [];
  private earliestMs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly outgoing: (piece: Piece) => Outgoing[],
    private readonly makeTooLarge: MakeTooLarge,
    private readonly sending: CountedSending,
  ) {}

  get earliest(): string | undefined {
    return Number.isFinite(this.earliestMs) ? new Date(this.earliestMs).toISOString() : undefined;
  }

  async send(piece: Piece): Promise<void> {
    if (isBlank(piece.bytes)) {
      this.blank += 1;
      return;
    }
    const all = this.outgoing(piece);
    for (const outgoing of all) {
      if (await this.sendOne(outgoing)) continue;
      const { bytes, cut } = cutOf(all.length === 1 ? piece.bytes : Buffer.from(outgoing.line));
      await this.sendOne(this.makeTooLarge(piece.number, bytes, cut));
    }
  }

  async finish(): Promise<void> {
    await this.sending.flush();
  }

  /** False if it does not fit into a record. */
  private async sendOne({ line, key, refusal, epochMs }: Outgoing): Promise<boolean> {
    const { packer, sender } = this.sending;
    try {
      const record = packer.add(packer.laneOf(key), line);
      if (record !== undefined) await sender.add(record);
    } catch (error) {
      if (error instanceof EventTooLarge) return false;
      throw error;
    }
    if (refusal !== undefined) this.note(refusal);
    this.earliestMs = Math.min(this.earliestMs, epochMs ?? Number.POSITIVE_INFINITY);
    return true;
  }

  private note(refusal: string): void {
    this.refused += 1;
    if (this.refusals.length < REFUSALS_NAMED) this.refusals.push(refusal);
  }
}

async function* piecesOf(content: Content, kind: FileKind): AsyncGenerator<Piece> {
  let lines = 0;
  try {
    for await (const piece of kind === "JSON values"
      ? readValues(content.chunks)
      : readLines(content.chunks)) {
      lines = piece.number;
      yield piece;
    }
  } catch (error) {
    throw error instanceof UnusableFile ? error : unreadable(content.name, error, content.isGzip, lines);
  } finally {
    content.close();
  }
}

function kindOf({ head, isWhole, name }: Content, logs: LogReader, hasFormat: boolean): FileKind {
  const lines = linesOf(head, isWhole).map((bytes) => bytes.toString("utf8"));
  if (lines.length === 0 && isWhole) {
    throw new UnusableFile(`${name} has blank lines only. Give a file that has events.`);
  }
  logs.learn(lines);
  if (hasFormat) return withFormat(name, lines, logs);
  const kind = recognise(head, isWhole, logs);
  if (kind !== undefined) return kind;
  const first = lines[0] ?? head.toString("utf8", 0, 100);
  const remedy = /^\s*[[{]/.test(first)
    ? `It begins as JSON does, but no object in it is whole and valid. To see the first fault: jq empty "${name}"`
    : `${firstRefusal(lines, logs)}Give a file of JSON objects or an access log. For a log in another format, add ` +
      "--log-format 'FORMAT', the format string of nginx or Apache.";
  throw new UnusableFile(
    `${name} contains neither JSON nor a readable access log. Its first line begins with: ${shown(first)}\n${remedy}`,
  );
}

/** A format that matches no line is wrong. */
function withFormat(name: string, lines: readonly string[], logs: LogReader): FileKind {
  if (lines.some((line) => !isRefusal(logs.read(line)))) return "access log";
  throw new UnusableFile(
    `${name}: none of its first ${lines.length.toLocaleString("en-US")} lines matches the format given with --log-format. ` +
      `${firstRefusal(lines, logs)}The line begins with: ${shown(lines[0] ?? "")}`,
  );
}

function firstRefusal(lines: readonly string[], logs: LogReader): string {
  const reading = logs.read(lines[0] ?? "");
  return isRefusal(reading)
    ? `As a log, line 1 is not understood at column ${reading.column}: expected ${reading.expected}.\n`
    : "";
}

/** Control characters would affect the terminal, so none is shown. */
function shown(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return short.replace(/[\p{Cc}\p{Cf}]/gu, "\ufffd");
}
