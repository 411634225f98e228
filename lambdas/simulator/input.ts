// Reads and checks the input of a simulation before anything is sent.

import { InputReader } from "../shared/input";
import { parseEventTime } from "../shared/time";
import type { TrafficOptions } from "./traffic";

export interface Simulation extends TrafficOptions {
  /** Events per second in real time. Without it, events are sent as fast as they are accepted. */
  ratePerSecond: number | undefined;
}

const DEFAULT_EVENTS = 1_000;
const DEFAULT_RATE_PER_SECOND = 1;
const MAX_EVENTS = 1_000_000_000;
/** The Lambda timeout is 15 minutes at most. Half a minute is reserved for the cold start and the last put. */
const MAX_SECONDS = 15 * 60 - 30;
const MAX_DAYS = 366;
const KEYS = [
  "events",
  "seconds",
  "ratePerSecond",
  "seed",
  "duplicates",
  "malformed",
  "late",
  "pii",
  "startTime",
  "days",
];

/** `nowMs` is the default for the start and the seed. */
export function readInput(input: unknown, nowMs: number): Simulation {
  const reader = new InputReader(input, KEYS);
  const events = reader.integer("events", 1, MAX_EVENTS);
  const seconds = reader.positive("seconds", MAX_SECONDS);
  const rate = reader.positive("ratePerSecond", MAX_EVENTS);
  const simulation: Simulation = {
    ...pace(reader, events, seconds, rate),
    seed: reader.integer("seed", 0, Number.MAX_SAFE_INTEGER) ?? nowMs,
    startMs: startTime(reader, nowMs),
    duplicates: reader.share("duplicates") ?? 0,
    malformed: reader.share("malformed") ?? 0,
    late: reader.share("late") ?? 0,
    pii: reader.share("pii") ?? 0,
    days: reader.integer("days", 1, MAX_DAYS),
  };
  const spoilt = simulation.duplicates + simulation.malformed;
  if (spoilt > 1) {
    reader.problem(`duplicates and malformed together must be a share from 0 to 1, got ${spoilt}`);
  }
  reader.finish();
  return simulation;
}

function pace(
  reader: InputReader,
  events: number | undefined,
  seconds: number | undefined,
  rate: number | undefined,
): { events: number; ratePerSecond: number | undefined } {
  if (reader.has("events") && reader.has("seconds")) {
    reader.problem("events and seconds exclude each other; give one of them, with ratePerSecond");
  }
  if (reader.has("ratePerSecond") && !reader.has("events") && !reader.has("seconds")) {
    reader.problem("ratePerSecond needs events or seconds, otherwise the simulation has no end");
  }
  if (seconds !== undefined) {
    const ratePerSecond = rate ?? DEFAULT_RATE_PER_SECOND;
    const wanted = Math.round(seconds * ratePerSecond);
    if (wanted < 1) {
      reader.problem(`seconds times ratePerSecond must be 1 event or more, got ${seconds * ratePerSecond}`);
    }
    return { events: wanted, ratePerSecond };
  }
  const total = events ?? DEFAULT_EVENTS;
  if (rate !== undefined && total / rate > MAX_SECONDS) {
    reader.problem(
      `events at ratePerSecond must be sent in ${MAX_SECONDS} seconds, as Lambda ends after 15 minutes; ` +
        `${total} at ${rate} a second take ${Math.ceil(total / rate)}. ` +
        `Ask for ${Math.floor(MAX_SECONDS * rate)} events or fewer, or for ${Math.ceil(total / MAX_SECONDS)} a second`,
    );
  }
  return { events: total, ratePerSecond: rate };
}

function startTime(reader: InputReader, nowMs: number): number {
  const allowed = "an ISO 8601 date and time that is not in the future, such as 2026-11-21T09:00:00Z";
  const text = reader.text("startTime", allowed, (value) => {
    const time = parseEventTime(value);
    return time !== undefined && time.epochMs <= nowMs;
  });
  return text === undefined ? nowMs : (parseEventTime(text)?.epochMs as number);
}
