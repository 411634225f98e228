// Reads the lines of one access log, in the given format or in a known one.

import type { LogFormat } from "./format";
import { isRequest, lineInside, readJsonRequest } from "./json-log";
import { type LeadingAddress, leadingAddress, prefixLength, readOwnFormat } from "./own-formats";
import { isRefusal, type Reading } from "./request";

/** Longer lines are not requests: servers limit a request's line and headers to a few kilobytes each. */
const MAX_LINE = 256 * 1024;

export class LogReader {
  private leading: LeadingAddress | undefined;

  constructor(private readonly format?: LogFormat) {}

  /** Looks at several lines for what one line cannot show. The result applies to the whole log. */
  learn(lines: readonly string[]): void {
    const found = new Set(lines.map((line) => leadingAddress(line.slice(prefixLength(line)))));
    found.delete(undefined);
    // A virtual host without a port must be a name. Otherwise it is unclear which of two addresses is the client's.
    this.leading = found.size === 1 && found.has("forwarded") ? "forwarded" : undefined;
  }

  read(line: string): Reading {
    if (line.length > MAX_LINE) return { column: MAX_LINE + 1, expected: "the end of the line" };
    const object = line.startsWith("{") ? parsedObject(line) : undefined;
    if (object === undefined) return this.readText(line);
    const inside = lineInside(object);
    if (this.format === undefined)
      return inside === undefined ? this.readObject(object) : this.readText(inside);
    // The format itself may be JSON.
    const reading = this.readText(line);
    return isRefusal(reading) && inside !== undefined ? this.readText(inside) : reading;
  }

  private readObject(object: Record<string, unknown>): Reading {
    if (isRequest(object)) return readJsonRequest(object);
    return { column: 1, expected: "a logged request: an object with its client, time, method and path" };
  }

  /** With or without the prefix of syslog or a container log. */
  private readText(text: string): Reading {
    const offset = prefixLength(text);
    if (this.format === undefined) {
      const reading = readOwnFormat(text.slice(offset), this.leading);
      return isRefusal(reading) ? { ...reading, column: reading.column + offset } : reading;
    }
    if (offset === 0) return this.format.read(text);
    // First without: a short format would read a prefix as host and user.
    const behind = this.format.read(text.slice(offset));
    if (!isRefusal(behind)) return behind;
    const whole = this.format.read(text);
    return isRefusal(whole) ? { ...behind, column: behind.column + offset } : whole;
  }
}

function parsedObject(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
