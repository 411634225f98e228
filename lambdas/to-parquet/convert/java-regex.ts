// Translates a pattern for Java's regular expressions into one for JavaScript that matches the same text.

/** Java's `\s` is ASCII only. */
const BLANK = "\\t\\n\\v\\f\\r ";
/** Java's `$` also matches before a line end that is the last one. */
const END = "(?=(?:\\r\\n|(?<!\\r)\\n|[\\r\\x85\\u2028\\u2029])?(?![^]))";
/** Java's `.` matches no line end. */
const NO_LINE_END = "[^\\n\\r\\x85\\u2028\\u2029]";
/** A word of `\b` has letters and digits of all alphabets, and marks on them. `\w` has those of ASCII only. */
const WORD_BEFORE = "(?<=[\\p{L}\\p{Nd}_]|[\\p{L}\\p{Nd}]\\p{Mn}+)";
const WORD_AFTER = "(?=[\\p{L}\\p{Nd}_]|(?<=[\\p{L}\\p{Nd}]\\p{Mn}*)\\p{Mn})";
const negated = (look: string) => look.replace("=", "!");
const BOUNDARY = `(?:${WORD_BEFORE}${negated(WORD_AFTER)}|${negated(WORD_BEFORE)}${WORD_AFTER})`;

/** The characters that a JavaScript pattern with the flag u may escape. */
const ESCAPABLE = /[\^$\\.*+?()[\]{}|/-]/;

/** Makes a global pattern. Understands what patterns.ts uses, and throws for other flags in a pattern. */
export function javaRegex(pattern: string): RegExp {
  const isDotAll = pattern.startsWith("(?s)");
  return new RegExp(new Translation(isDotAll ? pattern.slice(4) : pattern, isDotAll).result(), "gu");
}

class Translation {
  private at = 0;
  private out = "";
  /** Whether each open group ignores the case. */
  private readonly groups: boolean[] = [];
  private ignoresCase = false;
  private inClass = false;

  constructor(
    private readonly pattern: string,
    private readonly isDotAll: boolean,
  ) {}

  result(): string {
    while (this.at < this.pattern.length) this.step();
    return this.out;
  }

  private step(): void {
    const char = this.pattern.charAt(this.at);
    if (char === "\\") this.escape();
    else if (this.inClass) this.classMember(char);
    else if (char === "(") this.open();
    else this.plain(char);
  }

  private plain(char: string): void {
    this.at += 1;
    if (char === "[") this.inClass = true;
    if (char === ")") this.ignoresCase = this.groups.pop() ?? false;
    if (char === ".") this.out += this.isDotAll ? "[^]" : NO_LINE_END;
    else if (char === "$") this.out += END;
    else if (this.ignoresCase && isLetter(char)) this.out += `[${bothCases(char)}]`;
    else this.out += char;
  }

  private open(): void {
    this.groups.push(this.ignoresCase);
    if (this.pattern.startsWith("(?i:", this.at)) {
      this.ignoresCase = true;
      this.at += 4;
      this.out += "(?:";
      return;
    }
    const flags = /^\(\?[a-zA-Z]/.exec(this.pattern.slice(this.at));
    if (flags !== null)
      throw new Error(`The pattern ${this.pattern} has a flag that is not translated: ${flags[0]}`);
    this.at += 1;
    this.out += "(";
  }

  private escape(): void {
    const char = this.pattern.charAt(this.at + 1);
    this.at += 2;
    if (char === "s") this.out += this.inClass ? BLANK : `[${BLANK}]`;
    else if (char === "b") this.out += BOUNDARY;
    else if (char === "p") {
      const end = this.pattern.indexOf("}", this.at) + 1;
      this.out += `\\p${this.pattern.slice(this.at, end)}`;
      this.at = end;
    } else if (/[A-Za-z0-9]/.test(char) || ESCAPABLE.test(char)) this.out += `\\${char}`;
    else this.out += char;
  }

  private classMember(char: string): void {
    this.at += 1;
    if (char === "]") this.inClass = false;
    const range = /^([a-z])-([a-z])/.exec(this.pattern.slice(this.at - 1));
    if (this.ignoresCase && range !== null) {
      this.at += 2;
      this.out += `${range[0]}${range[0].toUpperCase()}`;
    } else this.out += this.ignoresCase && isLetter(char) ? bothCases(char) : char;
  }
}

function isLetter(char: string): boolean {
  return /^[A-Za-z]$/.test(char);
}

function bothCases(letter: string): string {
  return `${letter.toLowerCase()}${letter.toUpperCase()}`;
}
