// Checks the input of a Lambda. The error lists every wrong key, its value and what is allowed.

class InvalidInput extends Error {
  // Step Functions matches this name (ErrorEquals). It is set explicitly, because bundling can rename the class.
  override readonly name = "InvalidInput";
}

type Problems = string[];

/** Reads the fields of an input object one by one, and reports all problems in one error. */
export class InputReader {
  private readonly problems: Problems = [];
  private readonly input: Record<string, unknown>;

  constructor(input: unknown, allowedKeys: readonly string[]) {
    const given = input ?? {};
    if (typeof given !== "object" || Array.isArray(given)) {
      throw new InvalidInput(
        `Invalid input: must be an object with ${list(allowedKeys)}, got ${show(given)}`,
      );
    }
    this.input = given as Record<string, unknown>;
    for (const key of Object.keys(this.input)) {
      if (!allowedKeys.includes(key)) {
        this.problem(
          `${key} is not known (value ${show(this.input[key])}); allowed are ${list(allowedKeys)}`,
        );
      }
    }
  }

  has(key: string): boolean {
    return this.input[key] !== undefined;
  }

  integer(key: string, minimum: number, maximum: number): number | undefined {
    return this.checked(
      key,
      `a whole number from ${minimum} to ${maximum}`,
      (value) => Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum,
    ) as number | undefined;
  }

  /** A number greater than zero. */
  positive(key: string, maximum: number): number | undefined {
    return this.checked(
      key,
      `a number greater than 0, up to ${maximum}`,
      (value) => typeof value === "number" && value > 0 && value <= maximum,
    ) as number | undefined;
  }

  share(key: string): number | undefined {
    return this.checked(
      key,
      "a share from 0 to 1",
      (value) => typeof value === "number" && value >= 0 && value <= 1,
    ) as number | undefined;
  }

  text(key: string, allowed: string, isAllowed: (value: string) => boolean): string | undefined {
    return this.checked(key, allowed, (value) => typeof value === "string" && isAllowed(value)) as
      | string
      | undefined;
  }

  /** An object whose values are strings that pass the check. */
  textMap(
    key: string,
    allowed: string,
    isAllowed: (value: string) => boolean,
  ): Record<string, string> | undefined {
    return this.checked(
      key,
      allowed,
      (value) =>
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        Object.values(value).every((entry) => typeof entry === "string" && isAllowed(entry)),
    ) as Record<string, string> | undefined;
  }

  required(key: string, allowed: string): void {
    if (!this.has(key)) this.problem(`${key} is missing; it must be ${allowed}`);
  }

  problem(text: string): void {
    this.problems.push(text);
  }

  /** Throws if there was any problem. */
  finish(): void {
    if (this.problems.length > 0) {
      throw new InvalidInput(`Invalid input:\n${this.problems.map((text) => `  - ${text}`).join("\n")}`);
    }
  }

  private checked(key: string, allowed: string, passes: (value: unknown) => boolean): unknown {
    const value = this.input[key];
    if (value === undefined || passes(value)) return value;
    this.problem(`${key} must be ${allowed}, got ${show(value)}`);
    return undefined;
  }
}

function list(keys: readonly string[]): string {
  return keys.join(", ");
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
