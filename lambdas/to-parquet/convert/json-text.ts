// Reads JSON text as Spark's parser (Jackson) does: it also accepts single quotes and NaN, reads only the first value,
// and limits depth and digits.

/** Why a raw line is unreadable. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

/** The limits of Jackson 2.15. */
const MAX_DEPTH = 1000;
const MAX_DIGITS = 1000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON allows none of these in a string.
const SIMPLE_STRING = /"([^"\\\x00-\x1f]*)"/y;
const NUMBER = /-?(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE][+-]?([0-9]+))?/y;
const NOT_FINITE = /NaN|[+-]?Infinity|[+-]INF/y;
const ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
  '"': '"',
  "/": "/",
  "\\": "\\",
  "'": "'",
};

export type Kind = "object" | "array" | "string" | "number" | "not_finite" | "true" | "false" | "null";

/** A position in a JSON text. Each method reads one value and moves behind it, or throws `Unreadable`. */
export class JsonText {
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  /** The kind of the next value. */
  kind(): Kind {
    this.skipBlanks();
    switch (this.text.charCodeAt(this.at)) {
      case 123:
        return "object";
      case 91:
        return "array";
      case 34:
      case 39:
        return "string";
      case 116:
        return "true";
      case 102:
        return "false";
      case 110:
        return "null";
      default:
        NOT_FINITE.lastIndex = this.at;
        return NOT_FINITE.test(this.text) ? "not_finite" : "number";
    }
  }

  /** Reads an object. `member` must read the member's value. */
  object(member: (name: string) => void): void {
    this.open("{");
    if (this.takes("}")) {
      this.close();
      return;
    }
    do {
      this.skipBlanks();
      const name = this.string();
      if (!this.takes(":")) throw this.unexpected("a colon");
      member(name);
    } while (this.takes(","));
    if (!this.takes("}")) throw this.unexpected("a comma or }");
    this.close();
  }

  array(element: () => void): void {
    this.open("[");
    if (this.takes("]")) {
      this.close();
      return;
    }
    do element();
    while (this.takes(","));
    if (!this.takes("]")) throw this.unexpected("a comma or ]");
    this.close();
  }

  string(): string {
    SIMPLE_STRING.lastIndex = this.at;
    const simple = SIMPLE_STRING.exec(this.text);
    if (simple === null) return this.anyString();
    this.at = SIMPLE_STRING.lastIndex;
    return simple[1] as string;
  }

  /** The text of a number. */
  number(): string {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) throw this.unexpected("a value");
    const [number, whole = "", fraction = "", exponent = ""] = match;
    const digits = whole.length + fraction.length + exponent.length;
    if (digits > MAX_DIGITS) {
      throw new Unreadable(
        `it contains a number of ${digits.toLocaleString("en-US")} digits; at most ${MAX_DIGITS.toLocaleString("en-US")} can be read`,
      );
    }
    this.at = NUMBER.lastIndex;
    return number;
  }

  /** NaN, Infinity or -Infinity. */
  notFinite(): number {
    NOT_FINITE.lastIndex = this.at;
    const name = NOT_FINITE.exec(this.text)?.[0] ?? "";
    this.at += name.length;
    return name === "NaN" ? Number.NaN : name.startsWith("-") ? Number.NEGATIVE_INFINITY : Infinity;
  }

  /** Reads true, false or null. */
  word(word: "true" | "false" | "null"): void {
    if (!this.text.startsWith(word, this.at)) throw this.unexpected("a value");
    this.at += word.length;
  }

  /** Reads a value that is not needed. It must be valid too. */
  skip(): void {
    const kind = this.kind();
    if (kind === "object") this.object(() => this.skip());
    else if (kind === "array") this.array(() => this.skip());
    else if (kind === "string") this.string();
    else if (kind === "number") this.number();
    else if (kind === "not_finite") this.notFinite();
    else this.word(kind);
  }

  private anyString(): string {
    const quote = this.text.charAt(this.at);
    if (quote !== '"' && quote !== "'") throw this.unexpected("a string");
    let start = this.at + 1;
    let found = "";
    for (let at = start; at < this.text.length; at += 1) {
      const char = this.text.charAt(at);
      if (char === quote) {
        this.at = at + 1;
        return found + this.text.slice(start, at);
      }
      if (char === "\\") {
        found += this.text.slice(start, at);
        const [decoded, length] = this.escape(at + 1);
        found += decoded;
        at += length;
        start = at + 1;
      } else if (char < " ") {
        throw new Unreadable(`it is not JSON (a control character at ${at + 1})`);
      }
    }
    throw new Unreadable("it is not JSON (it ends inside a string)");
  }

  /** The escaped character behind a backslash, and the length of its escape. */
  private escape(at: number): [string, number] {
    const char = this.text.charAt(at);
    if (char === "u") {
      const hex = this.text.slice(at + 1, at + 5);
      if (/^[0-9a-fA-F]{4}$/.test(hex)) return [String.fromCharCode(Number.parseInt(hex, 16)), 5];
    }
    const decoded = ESCAPES[char];
    if (char === "" || decoded === undefined) {
      throw new Unreadable(`it is not JSON (an unknown escape at ${at + 1})`);
    }
    return [decoded, 1];
  }

  private open(bracket: string): void {
    if (!this.takes(bracket)) throw this.unexpected(bracket);
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new Unreadable("it is nested too deeply to be read");
  }

  private close(): void {
    this.depth -= 1;
  }

  private takes(char: string): boolean {
    this.skipBlanks();
    if (this.text.charAt(this.at) !== char) return false;
    this.at += 1;
    return true;
  }

  private skipBlanks(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 32 && code !== 9 && code !== 13 && code !== 10) return;
      this.at += 1;
    }
  }

  private unexpected(wanted: string): Unreadable {
    const found = this.text.charAt(this.at);
    const what = found === "" ? "it ends" : `there is ${JSON.stringify(found)}`;
    return new Unreadable(`it is not JSON (expected ${wanted} at ${this.at + 1}, but ${what})`);
  }
}
