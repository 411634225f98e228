// Undoes the escapes that Apache and nginx write into a log for quotes, backslashes, control characters and bytes.

const ESCAPE = /((?:\\x[0-9a-fA-F]{2})+)|\\u([0-9a-fA-F]{4})|\\(["\\/bfnrtv])/g;
const SINGLE: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** Bytes that are not valid UTF-8 stay escaped. */
export function withoutEscapes(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(ESCAPE, (whole, bytes?: string, unit?: string, single?: string) => {
    if (single !== undefined) return SINGLE[single] ?? single;
    if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16));
    const decoded = Buffer.from((bytes as string).replaceAll("\\x", ""), "hex").toString("utf8");
    return decoded.includes("\ufffd") ? whole : decoded;
  });
}

/** Escapes a text for use in a regular expression. */
export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
