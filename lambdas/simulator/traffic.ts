// The lines that a simulation hands to Kinesis, one by one: good events, and what was asked for beside them.

import { DAY_MS, HOUR_MS } from "../shared/durations";
import { makeRandom, type Random } from "../shared/random";
import { uuid } from "./ids";
import { malformedLine } from "./malformed";
import { Rhythm } from "./rhythm";
import { type DraftEvent, Sessions } from "./sessions";
import { makeWorld, type World } from "./world";

export interface TrafficOptions {
  /** Lines in all, duplicates and malformed ones included. */
  events: number;
  seed: number;
  /** The instant before which everything happened. */
  startMs: number;
  duplicates: number;
  malformed: number;
  late: number;
  pii: number;
}

/** What was really sent, line by line: what the far end of the pipeline has to agree with. */
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
  /** An event's JSON, or what a broken producer makes of it. */
  text: string;
  /** What keeps a visit's lines together on their way. */
  sessionId: string;
}

/** A shop of this size: more events mean a longer window, and so more of the day's rhythm. */
const EVENTS_AN_HOUR = 20_000;
const MAX_WINDOW_HOURS = 72;
/** Late events lie so many days back, at most. */
const MAX_LATE_DAYS = 30;
/** Duplicates come from the last so many events, so memory does not grow. */
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
    const hours = Math.min(MAX_WINDOW_HOURS, Math.max(1, options.events / EVENTS_AN_HOUR));
    const rhythm = new Rhythm(options.startMs - hours * HOUR_MS, options.startMs);
    this.sessions = new Sessions({
      world,
      random: this.random,
      rhythm,
      events: options.events,
      endMs: options.startMs,
    });
    this.left = options.events;
    this.duplicates = new Quota(options.duplicates * options.events);
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
    // The lines that are left, without the duplicates still owed, are where the rest is drawn from.
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

  /** Personal data where producers put it: a field of its own, or among the free properties. */
  private addPersonal({ session, fields }: DraftEvent): void {
    const { person, device } = session;
    const email = person.email();
    if (this.random.unit() < 0.5) fields.email = email;
    else fields.properties = { ...fields.properties, email, ip: person.geo.ip, user_agent: device.userAgent };
  }
}

/** Draws exactly its count from the lines to come, each of them as likely as the other. */
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
