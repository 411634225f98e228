// Handles Pulumi's secrets in the local deployment: reads them for the handlers, marks them again in outputs, and
// redacts them in every message and log line.
import * as pulumi from "@pulumi/pulumi";

// How the Pulumi SDK marks a secret among the inputs that it sends to the engine.
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

const SHORTEST_REDACTED = 4;

export class Secrets {
  private readonly values = new Set<string>();

  /** The value without its secret marks. Its secret texts are remembered. */
  open(value: unknown, secret = false): unknown {
    if (Array.isArray(value)) return value.map((member) => this.open(member, secret));
    if (typeof value === "object" && value !== null) {
      if (SIGNATURE_KEY in value && (value as Record<string, unknown>)[SIGNATURE_KEY] === SECRET_SIGNATURE) {
        return this.open((value as unknown as { value: unknown }).value, true);
      }
      if (Object.getPrototypeOf(value) !== Object.prototype) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, member]) => [key, this.open(member, secret)]),
      );
    }
    if (secret && typeof value === "string") this.remember(value);
    return value;
  }

  remember(value: string): void {
    if (value.length >= SHORTEST_REDACTED) this.values.add(value);
  }

  /** Outputs in which every top-level input that contained a secret is marked secret again. */
  close(outputs: Record<string, unknown>, inputs: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(outputs).map(([key, value]) => [
        key,
        holdsSecret(inputs[key]) ? pulumi.secret(value) : value,
      ]),
    );
  }

  redact(text: string): string {
    let result = text;
    for (const value of this.values) result = result.replaceAll(value, "[secret]");
    return result;
  }
}

function holdsSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsSecret);
  if (typeof value !== "object" || value === null) return false;
  if (SIGNATURE_KEY in value) return true;
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).some(holdsSecret);
}
