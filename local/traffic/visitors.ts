// Gives each request of a log its visitor and its session: a visit ends after 30 minutes without a request.

import { createHash } from "node:crypto";
import { DAY_MS, MINUTE_MS } from "../../lambdas/shared/durations";

export interface Visit {
  userId: string;
  sessionId: string;
}

interface Span {
  id: string;
  firstMs: number;
  lastMs: number;
}

interface Visitor {
  userId: string;
  /** Newest last. */
  spans: Span[];
}

const GAP_MS = 30 * MINUTE_MS;
/** Servers log a request when they answer it, so a log is only roughly in order of time. */
const REMEMBERED_SPANS = 4;
const MAX_VISITORS = 100_000;
const FORGET_AFTER_MS = DAY_MS;

/**
 * A visitor is an address with a user agent. A request joins a session if its time is within the session or at most
 * 30 minutes before or after it, so lines in the wrong order stay in their session. Two sessions that a later line
 * would connect stay separate: the first may already be sent.
 */
export class Visitors {
  private readonly visitors = new Map<string, Visitor>();
  private newestMs = Number.NEGATIVE_INFINITY;

  visit(ip: string, userAgent: string | undefined, epochMs: number): Visit {
    this.newestMs = Math.max(this.newestMs, epochMs);
    const key = `${ip}\n${userAgent ?? ""}`;
    const visitor = this.visitors.get(key) ?? this.add(key);
    const span = visitor.spans.findLast(
      ({ firstMs, lastMs }) => epochMs >= firstMs - GAP_MS && epochMs <= lastMs + GAP_MS,
    );
    if (span !== undefined) {
      span.firstMs = Math.min(span.firstMs, epochMs);
      span.lastMs = Math.max(span.lastMs, epochMs);
      return { userId: visitor.userId, sessionId: span.id };
    }
    const id = `${visitor.userId}-${new Date(epochMs).toISOString().slice(0, 19).replace(/[-:]/g, "")}`;
    visitor.spans.push({ id, firstMs: epochMs, lastMs: epochMs });
    if (visitor.spans.length > REMEMBERED_SPANS) visitor.spans.shift();
    return { userId: visitor.userId, sessionId: id };
  }

  private add(key: string): Visitor {
    if (this.visitors.size >= MAX_VISITORS) this.forget();
    const hash = createHash("sha256").update(key).digest("hex").slice(0, 16);
    const visitor = { userId: `visitor-${hash}`, spans: [] };
    this.visitors.set(key, visitor);
    return visitor;
  }

  /** Forgets visitors whose last visit was a day ago; if that frees too little, the older half of all visitors. */
  private forget(): void {
    for (const [key, { spans }] of this.visitors) {
      if ((spans.at(-1)?.lastMs ?? 0) < this.newestMs - FORGET_AFTER_MS) this.visitors.delete(key);
    }
    if (this.visitors.size < MAX_VISITORS / 2) return;
    let surplus = this.visitors.size - MAX_VISITORS / 2;
    for (const key of this.visitors.keys()) {
      if (surplus <= 0) break;
      this.visitors.delete(key);
      surplus -= 1;
    }
  }
}
