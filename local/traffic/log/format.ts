// Compiles a log format of nginx (log_format) or Apache (LogFormat) into a reader of its lines.

import { apacheField, type Field, nginxField } from "./directives";
import { escapeRegExp, withoutEscapes } from "./escapes";
import { present, type Reading, RequestParts } from "./request";

/** A format that cannot be read. The message names the directive and its position. */
export class BadLogFormat extends Error {
  override readonly name = "BadLogFormat";
  exitCode = 2;
}

type Element = string | Field;

const COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"';
const NAMED: Readonly<Record<string, string>> = {
  common: '%h %l %u %t "%r" %>s %b',
  combined: COMBINED,
  vhost_combined: `%v:%p ${COMBINED}`,
};
const NGINX_VARIABLE = /^\$(?:\{([a-z_]\w*)\}|([a-z_]\w*))/i;
const APACHE_DIRECTIVE = /^%(?:!?\d{3}(?:,\d{3})*)?[<>]?(?:\{([^}]*)\})?(\^t[io]|[A-Za-z])/;
const QUOTED = String.raw`(?:[^"\\]|\\.)*`;
const UNQUOTED = String.raw`[^\s"]+`;

export class LogFormat {
  private readonly sources: string[];
  private readonly whole: RegExp;
  private readonly fields: Field[];
  /** Beginnings of the format, each one element longer. Made when the first line is rejected. */
  private beginnings: RegExp[] | undefined;

  /** `text` is a format string, a whole log_format or LogFormat line, or the name of a common format. */
  constructor(text: string) {
    const format = formatIn(text);
    const elements = parseFormat(format);
    this.elements = elements;
    this.fields = elements.filter((element) => typeof element !== "string");
    checkFields(this.fields, format);
    const blanksSeparate = elements.some((element) => typeof element === "string" && element.includes(" "));
    this.sources = elements.map((element, index) => sourceOf(element, elements[index + 1], blanksSeparate));
    this.whole = new RegExp(`^${this.sources.join("")}\\s*$`);
  }

  private readonly elements: Element[];

  read(line: string): Reading {
    const match = this.whole.exec(line);
    if (match === null) return this.refusal(line);
    const parts = new RequestParts(true);
    for (const [index, field] of this.fields.entries()) {
      const expected = takeField(parts, field, match[index + 1] as string);
      if (expected !== undefined)
        return { column: this.columnOf(line, index), expected: `${expected} for ${field.text}` };
    }
    const request = parts.finish();
    if (!("expected" in request)) return request;
    const index = this.fields.findIndex((field) => request.of.includes(field.meaning));
    return { column: this.columnOf(line, index), expected: request.expected };
  }

  /** Where the line stops matching the format. */
  private refusal(line: string): Reading {
    this.beginnings ??= this.sources.map(
      (_, index) => new RegExp(`^${this.sources.slice(0, index + 1).join("")}`),
    );
    const index = this.beginnings.findLastIndex((beginning) => beginning.test(line));
    const length = this.beginnings[index]?.exec(line)?.[0].length ?? 0;
    return { column: length + 1, expected: described(this.elements[index + 1]) };
  }

  private columnOf(line: string, field: number): number {
    const indices = new RegExp(this.whole.source, "d").exec(line)?.indices;
    return (indices?.[field + 1]?.[0] ?? 0) + 1;
  }
}

function takeField(parts: RequestParts, field: Field, text: string): string | undefined {
  const value = present(withoutEscapes(text));
  if (value === undefined || field.toEpochMs === undefined)
    return parts.take(field.meaning, field.name, value);
  const epochMs = field.toEpochMs(value);
  if (epochMs === undefined) return "a time";
  parts.takeEpochMs(epochMs);
  return undefined;
}

function described(element: Element | undefined): string {
  if (element === undefined) return "the end of the line";
  return typeof element === "string" ? JSON.stringify(element) : element.text;
}

/** The format string, also if it is given as a line of a server's configuration. */
function formatIn(text: string): string {
  const trimmed = text.trim();
  if (Object.hasOwn(NAMED, trimmed)) return NAMED[trimmed] as string;
  const nginx = /^log_format\s+\S+\s+(?:escape=\w+\s+)?([\s\S]*?);?$/.exec(trimmed)?.[1];
  if (nginx !== undefined) {
    const pieces = [...nginx.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)];
    return unescaped(pieces.map(([, single, double]) => single ?? double).join(""));
  }
  const apache = /^(?:LogFormat|CustomLog\s+\S+)\s+"((?:[^"\\]|\\.)*)"/i.exec(trimmed)?.[1];
  return unescaped(apache ?? trimmed);
}

function unescaped(text: string): string {
  return text.replace(/\\(["'\\tn])/g, (_, letter: string) =>
    letter === "t" ? "\t" : letter === "n" ? "" : letter,
  );
}

function parseFormat(format: string): Element[] {
  const isNginx = /\$\{?[a-z_]/i.test(format);
  if (!isNginx && !format.includes("%")) {
    throw new BadLogFormat(
      `--log-format must be a format string of nginx or Apache, or ${Object.keys(NAMED).join(", ")}; got ` +
        `${JSON.stringify(format)}, which has no $variable and no %directive. ` +
        "Put it in single quotes: in double quotes, the shell replaces what begins with $.",
    );
  }
  const elements: Element[] = [];
  let literal = "";
  for (let at = 0; at < format.length; ) {
    const found = isNginx ? variableAt(format, at) : directiveAt(format, at);
    if (found === undefined) {
      literal += format[at];
      at += 1;
      continue;
    }
    at += found.length;
    if (typeof found.element === "string") literal += found.element;
    else {
      if (literal !== "") elements.push(literal);
      literal = "";
      elements.push(found.element);
    }
  }
  if (literal.trimEnd() !== "") elements.push(literal.trimEnd());
  return elements;
}

interface Found {
  element: Element;
  length: number;
}

function variableAt(format: string, at: number): Found | undefined {
  if (format[at] !== "$") return undefined;
  const match = NGINX_VARIABLE.exec(format.slice(at));
  if (match === null)
    throw badDirective(format, at, wordAt(format, at), "a variable of nginx, which is $ and a name");
  return { element: nginxField((match[1] ?? match[2]) as string), length: match[0].length };
}

function directiveAt(format: string, at: number): Found | undefined {
  if (format[at] !== "%") return undefined;
  if (format[at + 1] === "%") return { element: "%", length: 2 };
  const match = APACHE_DIRECTIVE.exec(format.slice(at));
  if (match === null) throw badDirective(format, at, wordAt(format, at), "a directive of Apache's LogFormat");
  const element = apacheField(match[0], match[1], match[2] as string);
  if (element === undefined)
    throw badDirective(format, at, match[0], "a directive of Apache's LogFormat that is known here");
  return { element, length: match[0].length };
}

function wordAt(format: string, at: number): string {
  return /^\S{1,20}/.exec(format.slice(at))?.[0] ?? "";
}

function badDirective(format: string, at: number, directive: string, expected: string): BadLogFormat {
  return new BadLogFormat(
    `--log-format, column ${at + 1}: ${directive} is not ${expected}. The format is: ${format}\n` +
      "Known are nginx's variables, and Apache's %a %A %b %B %D %f %h %H %I %k %l %L %m %O %p %P %q %r %R %s %S %t " +
      "%T %u %U %v %V %X and %{NAME} with C e i n o p t T.",
  );
}

/** Checks that the fields an event needs are there, and that something separates each two fields. */
function checkFields(fields: readonly Field[], format: string): void {
  const has = (...meanings: string[]) => fields.some(({ meaning }) => meanings.includes(meaning));
  const missing = [
    ...(has("client", "forwarded") ? [] : ["the client's address ($remote_addr, %h)"]),
    ...(has("clf time", "iso time", "epoch", "time") ? [] : ["the time ($time_local, %t)"]),
    ...(has("request") || (has("method") && has("target", "path"))
      ? []
      : ["the request ($request, %r; or $request_method and $request_uri, %m and %U)"]),
  ];
  if (missing.length === 0) return;
  throw new BadLogFormat(
    `--log-format lacks ${missing.join(" and ")}, which an event needs. The format is: ${format}`,
  );
}

function sourceOf(element: Element, next: Element | undefined, blanksSeparate: boolean): string {
  if (typeof element === "string") {
    return element.replace(/ +|[^ ]+/g, (run) => (run.startsWith(" ") ? "[ ]+" : escapeRegExp(run)));
  }
  return `(${patternOf(element, next, blanksSeparate)})`;
}

/**
 * A value ends at its closing quote, at the next separator of the format, or at a blank. The last value ends with the
 * line if the format separates fields without blanks, or if it is a user agent, which always contains blanks.
 */
function patternOf(field: Field, next: Element | undefined, blanksSeparate: boolean): string {
  const pattern = field.pattern ?? UNQUOTED;
  if (next === undefined && pattern === UNQUOTED) {
    if (!blanksSeparate || field.meaning === "agent") return String.raw`.*\S|`;
  }
  if (typeof next === "object" && pattern === UNQUOTED && field.meaning !== "path") {
    throw new BadLogFormat(
      `--log-format: nothing separates ${field.text} from ${next.text}, so their values cannot be separated.`,
    );
  }
  const separator = typeof next === "string" ? (next[0] as string) : " ";
  if (separator === '"') return QUOTED;
  if (pattern !== UNQUOTED) return `${pattern}|-`;
  return separator === " " ? UNQUOTED : `[^${escapeRegExp(separator)}]*`;
}
