// Generates the lines of a simulation one by one: good events, and the requested duplicates, late and malformed lines.

import { DAY_MS, HOUR_MS } from "../shared/durations";
import { makeRandom, type Random } from "../shared/random";
import { uuid } from "./ids";
import { malformedLine } from "./malformed";
import { Rhythm } from "./rhythm";
import { type DraftEvent, Sessions } from "./sessions";
import { makeWorld, type World } from "./world";

export interface TrafficOptions {
  /** Total number of lines, including duplicates and malformed lines. */
  events: number;
  seed: number;
  /** All events are before this time. */
  startMs: number;
  /** Spreads the events over this many UTC dates, of which the last is the one of `startMs`. */
  days?: number;
  duplicates: number;
  malformed: number;
  late: number;
  pii: number;
}

/** Exact counts of the lines that were sent. The results of the pipeline must match them. */
export interface Truth {
  distinct: number;
  duplicates: number;
  malformed: number;
  late: number;
  pii: number;
  /** Distinct events by the UTC date of their event_time. */
  eventsByDate: Record<string, number>;
}

export interface Line {
  /** The JSON of an event, or a malformed version of it. */
  text: string;
  /** The same for all lines of a visit, so that they go to the same shard. */
  sessionId: string;
}

/** The shop has this many events per hour. More events therefore cover a longer time window. */
const EVENTS_AN_HOUR = 20_000;
const MAX_WINDOW_HOURS = 72;
/** Late events are at most this many days old. */
const MAX_LATE_DAYS = 30;
/** Duplicates are taken from this many recent events, so that memory use is constant. */
const REMEMBERED = 1024;

export class Traffic {
  readonly truth: Truth = { distinct: 0, duplicates: 0, malformed: 0, late: 0, pii: 0, eventsByDate: {} };
  private readonly random: Random;
  private readonly sessions: Sessions;
  private readonly remembered: Line[] = [];
  private readonly duplicates: Quota;
  private readonly malformed: Quota;
  private readonly late: Quota;
  private readonly pii: Quota;
  private left: number;

  constructor(options: TrafficOptions, world: World = makeWorld(options.seed)) {
    this.random = makeRandom(options.seed);
    this.left = options.events;
    this.duplicates = new Quota(options.duplicates * options.events);
    const history = options.days !== undefined;
    const rhythm = new Rhythm(windowStart(options), options.startMs, history);
    this.sessions = new Sessions({
      world,
      random: this.random,
      rhythm,
      events: this.left - this.duplicates.left,
      endMs: options.startMs,
      history,
    });
    this.malformed = new Quota(options.malformed * options.events);
    const good = this.left - this.duplicates.left - this.malformed.left;
    this.late = new Quota(Math.min(good, options.late * options.events));
    this.pii = new Quota(Math.min(good, options.pii * options.events));
  }

  *lines(): Generator<Line> {
    while (this.left > 0) {
      yield this.line();
      this.left -= 1;
    }
  }

  private line(): Line {
    if (this.remembered.length > 0 && this.duplicates.draw(this.left, this.random)) {
      this.truth.duplicates += 1;
      return this.remembered[(this.random.unit() * this.remembered.length) | 0] as Line;
    }
    // Late and malformed lines are drawn from the remaining lines without the remaining duplicates.
    const open = this.left - this.duplicates.left;
    if (this.malformed.draw(open, this.random)) {
      this.truth.malformed += 1;
      return this.spoiled();
    }
    return this.good(open - this.malformed.left);
  }

  private good(open: number): Line {
    const draft = this.sessions.next();
    if (this.late.draw(open, this.random)) {
      this.truth.late += 1;
      draft.timeMs -= DAY_MS * (1 + ((this.random.unit() * MAX_LATE_DAYS) | 0));
    }
    if (this.pii.draw(open, this.random)) {
      this.truth.pii += 1;
      this.addPersonal(draft);
    }
    const time = new Date(draft.timeMs).toISOString();
    const line = { text: this.eventJson(draft, time), sessionId: draft.session.id };
    this.count(time.slice(0, 10));
    if (this.duplicates.left > 0) this.remember(line);
    return line;
  }

  private count(date: string): void {
    this.truth.distinct += 1;
    this.truth.eventsByDate[date] = (this.truth.eventsByDate[date] ?? 0) + 1;
  }

  private remember(line: Line): void {
    if (this.remembered.length < REMEMBERED) this.remembered.push(line);
    else this.remembered[this.truth.distinct % REMEMBERED] = line;
  }

  private spoiled(): Line {
    const draft = this.sessions.next();
    const text = this.eventJson(draft, new Date(draft.timeMs).toISOString());
    return {
      text: malformedLine(text, this.random.unit(), this.random.unit()),
      sessionId: draft.session.id,
    };
  }

  private eventJson({ session, fields }: DraftEvent, time: string): string {
    const own = JSON.stringify(fields).slice(1);
    return `{"event_id":"${uuid(this.random)}","event_time":"${time}",${session.json},${own}`;
  }

  /** Personal data where producers put it: in its field or in the properties. */
  private addPersonal({ session, fields }: DraftEvent): void {
    const { person, device } = session;
    const email = person.email();
    if (this.random.unit() < 0.5) fields.email = email;
    else fields.properties = { ...fields.properties, email, ip: person.geo.ip, user_agent: device.userAgent };
  }
}

function windowStart({ startMs, events, days }: TrafficOptions): number {
  if (days === undefined) {
    return startMs - Math.min(MAX_WINDOW_HOURS, Math.max(1, events / EVENTS_AN_HOUR)) * HOUR_MS;
  }
  // At midnight the last date has no time yet. The window has a length then, too.
  return Math.floor((startMs - 1) / DAY_MS) * DAY_MS - (days - 1) * DAY_MS;
}

/** Draws exactly `count` of the remaining lines, each with the same probability. */
class Quota {
  left: number;

  constructor(count: number) {
    this.left = Math.round(count);
  }

  draw(candidates: number, random: Random): boolean {
    if (this.left === 0 || random.unit() * candidates >= this.left) return false;
    this.left -= 1;
    return true;
  }
}
