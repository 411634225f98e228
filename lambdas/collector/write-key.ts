// Checks the write key of a request against the secret in Secrets Manager, if the stack has one.

import { createHash, timingSafeEqual } from "node:crypto";
import { MINUTE_MS } from "../shared/durations";
import type { Log } from "../shared/log";
import { type Clock, errorMessage, errorName } from "../shared/runtime";
import { isObject } from "./json";
import type { Request } from "./request";

/** A changed secret takes effect after this time at the latest. */
const REMEMBERED_MS = 5 * MINUTE_MS;

/** The stack's write key, read once in a while. */
export class WriteKey {
  private known: { key: string; untilMs: number } | undefined;

  constructor(
    private readonly read: () => Promise<string>,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  async isOneOf(given: readonly string[]): Promise<boolean> {
    const key = await this.current();
    return given.some((each) => isSame(each, key));
  }

  /** While the secret cannot be read, the last known key counts. */
  private async current(): Promise<string> {
    const { known } = this;
    if (known !== undefined && this.clock.now() < known.untilMs) return known.key;
    const key = await this.read().catch((error: unknown) => {
      this.log({
        level: "ERROR",
        message: "The write key could not be read from Secrets Manager",
        error: errorName(error),
        detail: errorMessage(error),
      });
      if (known === undefined) throw error;
      return known.key;
    });
    this.known = { key, untilMs: this.clock.now() + REMEMBERED_MS };
    return key;
  }
}

/** Takes the same time for each wrong key. */
function isSame(given: string, key: string): boolean {
  const [left, right] = [given, key].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(left as Buffer, right as Buffer);
}

/** The keys that a request names: in the path, a parameter, the header Authorization, or as in Segment's body. */
export function keysIn(request: Request, body: unknown): string[] {
  const inBody = isObject(body) ? body.writeKey : undefined;
  const [scheme = "", credentials = ""] = (request.header("authorization") ?? "").trim().split(/\s+/);
  return [
    request.path.writeKey,
    request.query.get("writeKey"),
    scheme.toLowerCase() === "bearer" ? credentials : undefined,
    // Segment's trackers send the key as the user, without a password.
    scheme.toLowerCase() === "basic"
      ? Buffer.from(credentials, "base64").toString("utf8").split(":")[0]
      : undefined,
    typeof inBody === "string" ? inBody : undefined,
  ].filter((key) => typeof key === "string" && key !== "") as string[];
}
