// Counts of the live view: totals, rate, lines a minute and latency. The memory is the same after hours.
import { MINUTE_MS } from "../../lambdas/shared/durations";
import type { Seen, Verdict } from "./seen";

/** How many minutes the plot shows. */
const MINUTES = 60;
const RATE_SECONDS = 10;
/** The newest lines, for the latency. */
const SAMPLES = 1_000;
const REASONS = 50;

export type ByVerdict = Record<Verdict, number>;

export interface Minute extends ByVerdict {
  /** Epoch milliseconds of its beginning. */
  begins: number;
}

interface Latency {
  median: number;
  p95: number;
}

export interface Summary extends ByVerdict {
  total: number;
  reasons: Record<string, number>;
  /** Lines a second over the last ten seconds. */
  rate: number;
  /** From the time of the event to its line here, in milliseconds. Needs right clocks; undefined without a line. */
  fromEvent?: Latency;
  /** From its arrival in Kinesis or Firehose to its line here. */
  fromArrival?: Latency;
  minutes: Minute[];
}

export class Counts {
  private totals = none();
  private reasons = new Map<string, number>();
  private minutes: Minute[] = [];
  private seconds: { second: number; lines: number }[] = [];
  private fromEvent = new Samples();
  private fromArrival = new Samples();

  constructor(private readonly now: () => number) {}

  add(line: Seen): void {
    this.totals[line.verdict] += 1;
    if (line.reason !== undefined) this.addReason(line.reason);
    this.minuteOf(line.seenMs)[line.verdict] += 1;
    this.addToSecond(line.seenMs);
    this.fromArrival.add(line.seenMs - line.arrivalMs);
    if (line.event !== undefined) this.fromEvent.add(line.seenMs - Date.parse(line.event.event_time));
  }

  summary(): Summary {
    const now = this.now();
    const since = Math.floor(now / 1000) - RATE_SECONDS;
    const recent = this.seconds.filter(({ second }) => second > since);
    const fromEvent = this.fromEvent.latency();
    const fromArrival = this.fromArrival.latency();
    return {
      ...this.totals,
      total: this.totals.accepted + this.totals.quarantined + this.totals.duplicate,
      reasons: Object.fromEntries([...this.reasons].sort(([, a], [, b]) => b - a)),
      rate: recent.reduce((sum, { lines }) => sum + lines, 0) / RATE_SECONDS,
      ...(fromEvent === undefined ? {} : { fromEvent }),
      ...(fromArrival === undefined ? {} : { fromArrival }),
      minutes: this.lastMinutes(now),
    };
  }

  reset(): void {
    this.totals = none();
    this.reasons = new Map();
    this.minutes = [];
    this.seconds = [];
    this.fromEvent = new Samples();
    this.fromArrival = new Samples();
  }

  /** The reasons are a closed list, but this program need not know that to stay small. */
  private addReason(reason: string): void {
    const key = this.reasons.has(reason) || this.reasons.size < REASONS ? reason : "other";
    this.reasons.set(key, (this.reasons.get(key) ?? 0) + 1);
  }

  private minuteOf(ms: number): Minute {
    const begins = Math.floor(ms / MINUTE_MS) * MINUTE_MS;
    const last = this.minutes.at(-1);
    if (last?.begins === begins) return last;
    const minute = { begins, ...none() };
    this.minutes.push(minute);
    if (this.minutes.length > MINUTES) this.minutes.shift();
    return minute;
  }

  private addToSecond(ms: number): void {
    const second = Math.floor(ms / 1000);
    const last = this.seconds.at(-1);
    if (last?.second === second) last.lines += 1;
    else this.seconds.push({ second, lines: 1 });
    if (this.seconds.length > RATE_SECONDS + 1) this.seconds.shift();
  }

  /** With the minutes in which nothing came. */
  private lastMinutes(now: number): Minute[] {
    const current = Math.floor(now / MINUTE_MS) * MINUTE_MS;
    const known = new Map(this.minutes.map((minute) => [minute.begins, minute]));
    return Array.from({ length: MINUTES }, (_, index) => {
      const begins = current - (MINUTES - 1 - index) * MINUTE_MS;
      return known.get(begins) ?? { begins, ...none() };
    });
  }
}

function none(): ByVerdict {
  return { accepted: 0, quarantined: 0, duplicate: 0 };
}

class Samples {
  private readonly values: number[] = [];
  private at = 0;

  add(value: number): void {
    this.values[this.at] = value;
    this.at = (this.at + 1) % SAMPLES;
  }

  latency(): Latency | undefined {
    if (this.values.length === 0) return undefined;
    const ordered = this.values.toSorted((a, b) => a - b);
    const part = (share: number) => ordered[Math.ceil(share * ordered.length) - 1] as number;
    return { median: part(0.5), p95: part(0.95) };
  }
}
