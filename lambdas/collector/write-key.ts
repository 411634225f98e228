// Checks the write key of a request against the secret in Secrets Manager, if the stack has one.

import { createHash, timingSafeEqual } from "node:crypto";
import { MINUTE_MS } from "../shared/durations";
import type { Clock } from "../shared/runtime";
import { isObject } from "./json";
import type { Request } from "./request";

/** A changed secret takes effect after this time at the latest. */
const REMEMBERED_MS = 5 * MINUTE_MS;

export type ReadSecret = () => Promise<string>;

/** The stack's write key, read once in a while. */
export class WriteKey {
  private known: { key: string; untilMs: number } | undefined;

  constructor(
    private readonly read: ReadSecret,
    private readonly clock: Clock,
  ) {}

  async isOneOf(given: readonly string[]): Promise<boolean> {
    if (this.known === undefined || this.clock.now() >= this.known.untilMs) {
      this.known = { key: await this.read(), untilMs: this.clock.now() + REMEMBERED_MS };
    }
    const { key } = this.known;
    return given.some((each) => isSame(each, key));
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
