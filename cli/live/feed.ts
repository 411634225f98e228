// What the live view knows: the newest lines with the ingest's verdict, and counts. Lines of a stream are judged here by
// the ingest's own validator, and lines in S3 were judged by the ingest itself. Its memory is bounded, however long it
// runs.
import { createHash } from "node:crypto";
import { recordContext, type TimeWindow } from "../../lambdas/ingest/context";
import { type Outcome, outcomes } from "../../lambdas/ingest/outcomes";
import { Counts } from "./counts";
import type { DeliveredLine, Judged, Place } from "./delivered-lines";
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

  /** Records of the stream. */
  take(records: readonly ReadRecord[]): void {
    this.publish(records.flatMap((record) => [...this.ofRecord(record)]));
  }

  /** Lines in S3. */
  takeDelivered(lines: readonly DeliveredLine[]): void {
    this.publish(lines.map(({ judged, place }) => this.see(judged, place)));
  }

  private publish(lines: readonly Seen[]): void {
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

  private *ofRecord(record: ReadRecord): Generator<Seen> {
    const { shardId, sequenceNumber, arrivalMs, data } = record;
    const context = recordContext(shardId, sequenceNumber, arrivalMs, this.window);
    let position = 0;
    for (const outcome of outcomes(data, context)) {
      yield this.see(judgedOf(outcome), { shardId, sequenceNumber, arrivalMs, position });
      position += 1;
    }
  }

  private see(judged: Judged, place: Place): Seen {
    const isEvent = "event" in judged;
    const seen: Seen = {
      number: ++this.lastNumber,
      ...(isEvent ? this.accepted(judged.event) : this.refused(judged)),
      ...place,
      seenMs: this.now(),
    };
    this.keep(seen, isEvent ? judged.length : Math.min(judged.payload.length, this.limits.payload));
    return seen;
  }

  private accepted(event: RawEvent): Pick<Seen, "verdict" | "reason" | "detail" | "event"> {
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

  private refused({ reason, detail, payload, payload_encoding }: Exclude<Judged, { event: RawEvent }>) {
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

function judgedOf(outcome: Outcome): Judged {
  return typeof outcome === "string"
    ? { event: JSON.parse(outcome) as RawEvent, length: outcome.length }
    : outcome;
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
