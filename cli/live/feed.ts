// What the live view knows: the newest lines of the stream with the verdict of the ingest's own validator, and counts.
// Its memory is bounded, however long it runs.
import { createHash } from "node:crypto";
import { recordContext, type TimeWindow } from "../../lambdas/ingest/context";
import { outcomes, type Refused } from "../../lambdas/ingest/outcomes";
import { Counts } from "./counts";
import { ID_CONFLICT, type RawEvent, type Seen } from "./seen";
import type { ReadRecord } from "./stream-reader";

export interface FeedLimits {
  lines: number;
  /** Characters of all kept lines together. */
  characters: number;
  /** Characters of one refused line. */
  payload: number;
  /** Ids that are remembered to find duplicates. */
  ids: number;
}

export const LIMITS: FeedLimits = {
  lines: 5_000,
  characters: 16 * 1024 * 1024,
  payload: 64 * 1024,
  ids: 100_000,
};

interface Kept {
  seen: Seen;
  characters: number;
}

export class Feed {
  readonly counts: Counts;
  private kept: Kept[] = [];
  private characters = 0;
  private lastNumber = 0;
  /** What was seen of an id and a date. The oldest come first. */
  private readonly ids = new Map<string, { number: number; content: string }>();
  private readonly listeners = new Set<(lines: readonly Seen[]) => void>();

  constructor(
    private readonly window: TimeWindow,
    private readonly now: () => number,
    private readonly limits: FeedLimits = LIMITS,
  ) {
    this.counts = new Counts(now);
  }

  /** Calls the listener with the lines of each read. Returns a function that ends this. */
  listen(listener: (lines: readonly Seen[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  take(records: readonly ReadRecord[]): void {
    const lines = records.flatMap((record) => [...this.judged(record)]);
    for (const line of lines) this.counts.add(line);
    for (const listener of this.listeners) listener(lines);
  }

  /** The newest lines, the newest last. */
  newest(most: number, after = 0): Seen[] {
    return this.kept
      .slice(-most)
      .filter(({ seen }) => seen.number > after)
      .map(({ seen }) => seen);
  }

  find(number: number): Seen | undefined {
    return this.kept.find(({ seen }) => seen.number === number)?.seen;
  }

  /** Forgets all lines, counts and ids. */
  reset(): void {
    this.kept = [];
    this.characters = 0;
    this.ids.clear();
    this.counts.reset();
  }

  private *judged(record: ReadRecord): Generator<Seen> {
    const context = recordContext(record.shardId, record.sequenceNumber, record.arrivalMs, this.window);
    let position = 0;
    for (const outcome of outcomes(record.data, context)) {
      const length = typeof outcome === "string" ? outcome.length : outcome.payload.length;
      const { shardId, sequenceNumber, arrivalMs } = record;
      const seen: Seen = {
        number: ++this.lastNumber,
        ...(typeof outcome === "string" ? this.accepted(outcome) : this.refused(outcome)),
        arrivalMs,
        seenMs: this.now(),
        shardId,
        sequenceNumber,
        position: position++,
      };
      this.keep(seen, Math.min(length, typeof outcome === "string" ? length : this.limits.payload));
      yield seen;
    }
  }

  private accepted(line: string): Pick<Seen, "verdict" | "reason" | "detail" | "event"> {
    const event = JSON.parse(line) as RawEvent;
    const { arrival: _, ...sent } = event;
    const key = digest(`${event.event_id}\n${event.event_time.slice(0, 10)}`);
    const content = digest(JSON.stringify(sorted(sent)));
    const known = this.ids.get(key);
    if (known === undefined) {
      this.remember(key, { number: this.lastNumber, content });
      return { verdict: "accepted", event };
    }
    if (known.content === content) {
      return {
        verdict: "duplicate",
        detail: `A copy of line ${known.number}: the table gets it once.`,
        event,
      };
    }
    return {
      verdict: "quarantined",
      reason: ID_CONFLICT,
      detail: `The event_id belongs to another event, line ${known.number}. The ingest accepts this line, the next execution quarantines it.`,
      event,
    };
  }

  private refused({ reason, detail, payload, payload_encoding }: Refused) {
    const cut = payload.length - this.limits.payload;
    return {
      verdict: "quarantined" as const,
      reason,
      detail,
      payload: payload.slice(0, this.limits.payload),
      payloadEncoding: payload_encoding,
      ...(cut > 0 ? { cut } : {}),
    };
  }

  private remember(key: string, value: { number: number; content: string }): void {
    this.ids.set(key, value);
    if (this.ids.size <= this.limits.ids) return;
    const [oldest = ""] = this.ids.keys();
    this.ids.delete(oldest);
  }

  private keep(seen: Seen, characters: number): void {
    this.kept.push({ seen, characters });
    this.characters += characters;
    let drop = 0;
    while (
      this.kept.length - drop > this.limits.lines ||
      (this.characters > this.limits.characters && drop < this.kept.length - 1)
    ) {
      this.characters -= this.kept[drop]?.characters ?? 0;
      drop += 1;
    }
    if (drop > 0) this.kept.splice(0, drop);
  }
}

/** Ids can be long, so the memory holds their hashes. */
function digest(text: string): string {
  return createHash("sha1").update(text).digest("base64");
}

/** The same content in another order of its fields is the same event. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
