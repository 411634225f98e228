// Reads a log line without a given format: common or combined, with the fields that servers add before and after it.

import { type Address, holdsAddress, isHostName, parseAddress, parseAddressList } from "./addresses";
import { FORWARDED_NAME } from "./directives";
import { withoutEscapes } from "./escapes";
import { EXPECTED, present, type Reading, type Refusal, RequestParts } from "./request";

/** What an address before the client's is. Only the whole log shows it, not one line. */
export type LeadingAddress = "forwarded" | "virtual host";

/** Prefixes of syslog, containers and their tools. */
const PREFIXES = [
  // RFC 3164: `<190>Nov 20 04:33:14 web1 nginx[123]: `
  /^(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} (?:\S+ +)?[\w./-]+(?:\[\d+\])?: +/,
  // rsyslog with a precise time
  /^(?:<\d{1,3}>)?\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:?\d{2}) \S+ +[\w./-]+(?:\[\d+\])?: +/,
  // RFC 5424: `<190>1 2026-11-20T04:33:14Z web1 nginx 123 - - `
  /^<\d{1,3}>1 \S+ \S+ \S+ \S+ \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+) \ufeff?/,
  // containerd: `2026-11-20T04:33:14.123456789Z stdout F `
  /^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2}) std(?:out|err) [FP] /,
  // docker compose: `web-1  | `
  /^[\w.-]+ +\| /,
];
const TIME_FOLLOWS = /[ \t]\[(?=\d{1,2}\/[A-Z][a-z]{2}\/\d{4}:|\d{4}-\d{2}-\d{2}T)/;

/** The number of characters before the server's line. */
export function prefixLength(text: string): number {
  for (const prefix of PREFIXES) {
    const match = prefix.exec(text);
    if (match !== null) return match[0].length;
  }
  return 0;
}

export function readOwnFormat(text: string, leading: LeadingAddress | undefined): Reading {
  try {
    return new LineReader(text, leading).read();
  } catch (error) {
    if (error instanceof Unread) return error.refusal;
    throw error;
  }
}

/** What the line shows about the address before the client's; undefined if there is none or it is unclear. */
export function leadingAddress(text: string): LeadingAddress | undefined {
  const time = TIME_FOLLOWS.exec(text);
  if (time === null) return undefined;
  const [first, second] = wordsOf(text.slice(0, time.index));
  if (first === undefined || second === undefined || !isAddresses(second.text)) return undefined;
  if (first.text === "-" || first.text.includes(",")) return "forwarded";
  return /:(?:80|443)$/.test(first.text) ? "virtual host" : undefined;
}

class Unread extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.expected);
  }
}

interface Word {
  text: string;
  at: number;
}

class LineReader {
  private readonly parts = new RequestParts();
  private at = 0;
  private hasAgent = false;
  /** Unnamed fields at the end, including empty ones. */
  private unnamed = 0;
  private connected: string | undefined;

  constructor(
    private readonly line: string,
    private readonly leading: LeadingAddress | undefined,
  ) {}

  read(): Reading {
    const time = TIME_FOLLOWS.exec(this.line);
    const words = wordsOf(this.line.slice(0, time?.index ?? this.line.length));
    if (time === null) throw this.withoutTime(words);
    this.readHead(words, time.index);
    this.at = time.index + time[0].length;
    this.readTime();
    this.readRequest();
    this.take("property", "status", this.match(/[ \t]+(\d{3})(?![^\s])/y, "a status such as 200"));
    this.take("property", "bytes", this.match(/[ \t]+(\d+|-)(?![^\s])/y, "a number of bytes, or -"));
    this.readAgent();
    this.readRest();
    const request = this.parts.finish();
    if ("expected" in request) throw this.unread(0, request.expected);
    return request;
  }

  /** [virtual host] client [(forwarded list)] ident user */
  private readHead(words: Word[], end: number): void {
    const first = this.headWord(words, end, EXPECTED.client);
    const isLed = this.isLed(first, words);
    if (isLed) this.readLeading(first, words[0] as Word);
    this.readClient(isLed ? (words.shift() as Word) : first);
    if (words[0]?.text.startsWith("(")) this.readParentheses(words);
    this.headWord(words, end, "the ident, mostly -");
    const user = this.headWord(words, end, EXPECTED.user);
    this.take("user", "remote_user", this.line.slice(user.at, end).trim(), user.at);
  }

  private headWord(words: Word[], end: number, expected: string): Word {
    const word = words.shift();
    if (word === undefined) throw this.unread(end, expected);
    return word;
  }

  /** True if the client's address comes second: after the virtual host, or after the forwarded list. */
  private isLed(first: Word, [second, third, fourth]: readonly Word[]): boolean {
    if (second === undefined || second.text.startsWith("(")) return false;
    if (isAddresses(second.text)) return true;
    return (
      isHostName(second.text) &&
      second.text.includes(".") &&
      third?.text === "-" &&
      fourth !== undefined &&
      first.text !== "-"
    );
  }

  private readLeading({ text, at }: Word, next: Word): void {
    const [host, port] = hostAndPort(text);
    const isHost = isHostName(host) || parseAddress(host) !== undefined;
    const meaning =
      leadingAddress(`${text} ${next.text} [01/Jan/2000:`) ??
      (parseAddress(text) === undefined ? "virtual host" : this.leading);
    if (meaning === "forwarded") {
      this.take("forwarded", "forwarded_ip", text, at);
    } else if (meaning === "virtual host" && isHost) {
      this.take("property", "host", host);
      this.take("property", "port", port);
    } else {
      throw this.unread(at, isHost ? ONE_ADDRESS : EXPECTED.client);
    }
  }

  private readClient({ text, at }: Word): void {
    if (present(text) === undefined) throw this.unread(at, EXPECTED.client);
    this.take("client", "client_ip", text, at);
    if (!text.includes(",")) this.connected = text;
  }

  private readParentheses(words: Word[]): void {
    const { at } = words[0] as Word;
    const closing = words.findIndex(({ text }) => text.endsWith(")"));
    if (closing === -1) throw this.unread(at, "a list of addresses and )");
    const inside = words
      .splice(0, closing + 1)
      .map(({ text }) => text)
      .join(" ");
    this.take("forwarded", "forwarded_ip", present(inside.slice(1, -1)), at);
  }

  private readTime(): void {
    const { at } = this;
    const text = this.match(/([^\]]*)\]/y, EXPECTED.time);
    this.take("time", "time", text, at);
  }

  private readRequest(): void {
    const at = this.at;
    const request = this.match(/[ \t]+"((?:[^"\\]|\\.)*)"(?!\S)/y, EXPECTED.request);
    const value = present(withoutEscapes(request));
    if (value === undefined) throw this.unread(at + 1, EXPECTED.request);
    this.take("request", "request", value, at + 1);
  }

  /** Both or neither: a single text could be either. */
  private readAgent(): void {
    if (!this.looksAt(/[ \t]+"/y)) return;
    const { at } = this;
    const referrer = this.quoted("the referrer between quotes");
    if (/^Mozilla\/\d/.test(referrer)) throw this.unread(at + 1, "the referrer, and then the user agent");
    this.take("referrer", "referrer", present(withoutEscapes(referrer)));
    this.take("agent", "user_agent", present(withoutEscapes(this.quoted("the user agent between quotes"))));
    this.hasAgent = true;
  }

  private readRest(): void {
    while (!this.looksAt(/\s*$/y)) {
      const { at } = this;
      const name = this.tryMatch(/[ \t]+([A-Za-z_][\w.-]*)=(?=["\S]|\s|$)/y);
      if (name !== undefined) this.readNamed(name, at);
      else if (this.looksAt(/[ \t]+"/y)) this.readQuoted(at);
      else this.readBare(at);
    }
  }

  private readNamed(name: string, at: number): void {
    const text =
      this.tryMatch(/"((?:[^"\\]|\\.)*)"(?!\S)/y) ?? this.match(/([^\s"]*)(?!\S)/y, `a value for ${name}`);
    const value = present(withoutEscapes(text));
    if (FORWARDED_NAME.test(name.toLowerCase().replace(/[^a-z0-9]+/g, "_"))) {
      this.take("forwarded", name, value, at);
      return;
    }
    // If the connection is private, a public address may be the client's, whatever its name.
    const address = parseAddress(value ?? "");
    const isOpen = address !== undefined && !address.isPrivate && !address.hasPort;
    if (isOpen && parseAddress(this.connected ?? "")?.isPrivate === true)
      throw this.unread(at + 1, EITHER_ADDRESS);
    this.take("property", name, value, at);
  }

  private readQuoted(at: number): void {
    if (!this.hasAgent) throw this.unread(at + 1, "the referrer and the user agent right behind the bytes");
    const value = present(withoutEscapes(this.quoted("a value between quotes")));
    const list = value === undefined ? undefined : parseAddressList(value);
    // It may contain the client's address.
    if (list === undefined && value !== undefined && holdsAddress(value))
      throw this.unread(at + 1, EITHER_ADDRESS);
    const isForwarded = list !== undefined && list.length > 0 && this.isForwarded(list, at);
    if (isForwarded) this.take("forwarded", "forwarded_ip", value, at);
    else this.takeUnnamed(value);
  }

  /** An upstream server's address is private and has a port. A forwarded client's address is public or has no port. */
  private isForwarded(list: readonly Address[], at: number): boolean {
    const [first] = list as [Address];
    if (!first.hasPort) return true;
    if (first.isPrivate) return false;
    if (parseAddress(this.connected ?? "")?.isPrivate !== true) throw this.unread(at + 1, EITHER_ADDRESS);
    return true;
  }

  private readBare(at: number): void {
    const value =
      this.tryMatch(/[ \t]+(\[[^\][]*\])(?!\S)/y)?.slice(1, -1) ??
      this.match(BARE, "a number, name=value or a text between quotes");
    const address = parseAddress(value);
    const isOpenClient = parseAddress(this.connected ?? "")?.isPrivate === false;
    // Without a port it may be either. Only a private one after a public client is a server's.
    if (address !== undefined && !address.hasPort && !(isOpenClient && address.isPrivate)) {
      throw this.unread(at + 1, EITHER_ADDRESS);
    }
    this.takeUnnamed(present(value));
  }

  private takeUnnamed(value: string | undefined): void {
    this.unnamed += 1;
    this.take("property", `extra_${this.unnamed}`, value);
  }

  private take(
    ...[meaning, name, value, at = this.at]: [...Parameters<RequestParts["take"]>, at?: number]
  ): void {
    const expected = this.parts.take(meaning, name, present(value));
    if (expected !== undefined) throw this.unread(at, expected);
  }

  private quoted(expected: string): string {
    return this.match(/[ \t]+"((?:[^"\\]|\\.)*)"(?!\S)/y, expected);
  }

  private match(pattern: RegExp, expected: string): string {
    const found = this.tryMatch(pattern);
    if (found !== undefined) return found;
    const blanks = /[ \t]*/y;
    blanks.lastIndex = this.at;
    throw this.unread(this.at + (blanks.exec(this.line)?.[0].length ?? 0), expected);
  }

  private tryMatch(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.line);
    if (found === null) return undefined;
    this.at = pattern.lastIndex;
    return found[1] as string;
  }

  private looksAt(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    return pattern.test(this.line);
  }

  private unread(at: number, expected: string): Unread {
    return new Unread({ column: at + 1, expected });
  }

  private withoutTime(words: readonly Word[]): Unread {
    const [first, , , fourth] = words;
    const isClient = first !== undefined && (isAddresses(first.text) || isHostName(first.text));
    if (!isClient) return this.unread(first?.at ?? 0, EXPECTED.client);
    return this.unread(fourth?.at ?? this.line.length, "a time such as [20/Nov/2026:04:33:14 +0000]");
  }
}

const ONE_ADDRESS = "one address, or --log-format, since nothing says which of two is the client's";
const EITHER_ADDRESS = "no address, or --log-format, since nothing says whose this is";
/** A number, numbers of several upstream servers, or a word: HIT, TLSv1.3, 10.0.0.7:8080, abc-123. */
const BARE = /[ \t]+([\w.:/+%-]+(?:,[ \t]*[\d.]+)*)(?!\S)/y;

/** Splits at blanks. A trailing comma joins a word with the next one, as in a forwarded list. */
function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  let isOpen = false;
  for (const match of text.matchAll(/\S+/g)) {
    const last = words.at(-1);
    if (isOpen && last !== undefined) last.text += ` ${match[0]}`;
    else words.push({ text: match[0], at: match.index });
    isOpen = match[0].endsWith(",");
  }
  return words;
}

function hostAndPort(text: string): [host: string, port?: string] {
  const address = parseAddress(text);
  if (address !== undefined && !address.hasPort) return [text];
  const colon = text.lastIndexOf(":");
  return colon === -1 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}

function isAddresses(text: string): boolean {
  return (parseAddressList(text)?.length ?? 0) > 0;
}
