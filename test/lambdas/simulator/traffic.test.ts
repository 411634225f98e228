// Tests the simulated traffic: repeatable, true to what it says of itself, and like people.

import assert from "node:assert/strict";
import { parse } from "bowser";
import { plainTraffic } from "../../../bench/peers/simulator";
import { recordContext } from "../../../lambdas/ingest/context";
import { type Outcome, outcomes } from "../../../lambdas/ingest/outcomes";
import { DEVICES } from "../../../lambdas/simulator/behaviour";
import { Rhythm } from "../../../lambdas/simulator/rhythm";
import { type Line, Traffic, type TrafficOptions, type Truth } from "../../../lambdas/simulator/traffic";
import type { ClickstreamEvent } from "../../../schema/event";

const START = Date.parse("2026-11-21T09:00:00.000Z");
const PLAIN = { duplicates: 0, malformed: 0, late: 0, pii: 0 };

function textOf({ text }: Line): string {
  return text;
}

function traffic(options: Partial<TrafficOptions>): { lines: string[]; truth: Truth } {
  const made = new Traffic({ events: 1000, seed: 7, startMs: START, ...PLAIN, ...options });
  return { lines: Array.from(made.lines(), textOf), truth: made.truth };
}

const context = recordContext("shardId-000000000000", "1", START, {
  earliestTime: "2000-01-01T00:00:00.000Z",
  latestLeadMs: 24 * 3_600_000,
});

function outcome(line: string): Outcome {
  const [only, ...others] = outcomes(Buffer.from(line), context);
  assert.equal(others.length, 0);
  return only as Outcome;
}

function isGood(line: string): boolean {
  return typeof outcome(line) === "string";
}

function shares(values: string[]): Map<string, number> {
  const result = new Map<string, number>();
  for (const value of values) result.set(value, (result.get(value) ?? 0) + 1 / values.length);
  return result;
}

/** Half of the summed differences: 0 is the same distribution, 1 nothing in common. */
function distance(a: Map<string, number>, b: Map<string, number>): number {
  const names = new Set([...a.keys(), ...b.keys()]);
  return [...names].reduce((sum, name) => sum + Math.abs((a.get(name) ?? 0) - (b.get(name) ?? 0)), 0) / 2;
}

describe("lambdas/simulator", () => {
  it("makes the same bytes for the same seed and clock, and different bytes for another seed", () => {
    const options = { duplicates: 0.05, malformed: 0.05, late: 0.05, pii: 0.1 };
    assert.deepEqual(traffic(options), traffic(options));
    assert.notDeepEqual(traffic(options).lines, traffic({ ...options, seed: 8 }).lines);
  });

  it("reports the exact counts of what it sent", () => {
    const { lines, truth } = traffic({
      events: 4000,
      duplicates: 0.05,
      malformed: 0.03,
      late: 0.1,
      pii: 0.2,
    });
    const good = lines.filter(isGood);
    const distinct = new Map(good.map((line) => [JSON.parse(line).event_id as string, line]));
    assert.equal(lines.length, 4000);
    assert.equal(new Set(good).size, distinct.size, "a duplicate is the same bytes again");
    assert.deepEqual([truth.distinct, truth.duplicates, truth.malformed], [3680, 200, 120]);
    assert.equal(distinct.size, 3680);
    assert.equal(good.length, 3880);
    const events = [...distinct.values()].map((line) => JSON.parse(line) as ClickstreamEvent);
    assert.equal(events.filter((event) => JSON.stringify(event).includes("@example.com")).length, truth.pii);
    assert.equal(
      events.filter((event) => Date.parse(event.event_time) < START - 20 * 3_600_000).length,
      truth.late,
    );
    assert.deepEqual([truth.late, truth.pii], [400, 800]);
    const dates: Record<string, number> = {};
    for (const { event_time } of events)
      dates[event_time.slice(0, 10)] = (dates[event_time.slice(0, 10)] ?? 0) + 1;
    assert.deepEqual(truth.eventsByDate, dates);
  });

  it("makes malformed lines for every line reason of the quarantine", () => {
    const { lines } = traffic({ events: 500, malformed: 1 });
    const reasons = new Set(lines.map((line) => (outcome(line) as { reason: string }).reason));
    assert.deepEqual([...reasons].sort(), [
      "event_time_out_of_window",
      "invalid_event_time",
      "invalid_field",
      "missing_event_time",
      "missing_event_type",
      "missing_user_and_session",
      "not_an_object",
      "not_json",
    ]);
  });

  it("makes no events in the future, and keeps each session in order with one device and location", () => {
    const { lines } = traffic({ events: 20_000 });
    const sessions = new Map<string, ClickstreamEvent[]>();
    for (const line of lines) {
      const event = JSON.parse(line) as ClickstreamEvent;
      assert.ok(Date.parse(event.event_time) <= START);
      sessions.set(event.session_id as string, [...(sessions.get(event.session_id as string) ?? []), event]);
    }
    for (const events of sessions.values()) {
      const first = events[0] as ClickstreamEvent;
      events.forEach((event, index) => {
        assert.deepEqual(
          [event.user_agent, event.os, event.geo, event.user_id, event.anonymous_id, event.utm_campaign],
          [first.user_agent, first.os, first.geo, first.user_id, first.anonymous_id, first.utm_campaign],
        );
        if (index === 0) return;
        const before = events[index - 1] as ClickstreamEvent;
        assert.ok(event.event_time > before.event_time);
        assert.equal(event.referrer_url, before.page_url);
      });
      const purchase = events.findIndex((event) => event.event_type === "purchase");
      if (purchase >= 0) assert.equal(events[purchase - 1]?.event_type, "begin_checkout");
    }
  });

  it("has the same event types and devices as the naive baseline, with the same frequencies", () => {
    const of = (lines: string[], field: "event_type" | "device_type" | "browser") =>
      shares(lines.map((line) => String(JSON.parse(line)[field])));
    const ours = traffic({ events: 40_000 }).lines;
    const plain = Array.from(plainTraffic(20_000, 3, START), textOf);
    assert.ok(distance(of(ours, "event_type"), of(plain, "event_type")) < 0.03);
    assert.ok(distance(of(ours, "device_type"), of(plain, "device_type")) < 0.05);
    assert.ok(distance(of(ours, "browser"), of(plain, "browser")) < 0.06);
  });

  it("has returning users, a long tail of products, and a funnel that narrows", () => {
    const events = traffic({ events: 40_000 }).lines.map((line) => JSON.parse(line) as ClickstreamEvent);
    const count = (type: string) => events.filter((event) => event.event_type === type).length;
    assert.ok(count("product_view") > 3 * count("add_to_cart"));
    assert.ok(count("add_to_cart") > 1.5 * count("begin_checkout"));
    assert.ok(count("begin_checkout") > count("purchase") && count("purchase") > 0);
    const sessionsOfUser = new Map<string, Set<string>>();
    for (const { user_id = "", session_id = "" } of events) {
      sessionsOfUser.set(user_id, (sessionsOfUser.get(user_id) ?? new Set()).add(session_id));
    }
    sessionsOfUser.delete("");
    const returning = [...sessionsOfUser.values()].filter((sessions) => sessions.size > 1).length;
    assert.ok(returning / sessionsOfUser.size > 0.5);
    const views = [...shares(events.flatMap(({ product_id }) => product_id ?? [])).values()].sort(
      (a, b) => b - a,
    );
    assert.ok(views.length > 400 && (views[0] as number) > 15 * (views[views.length - 100] as number));
  });

  it("gives a browser the same anonymous id, signed in or not", () => {
    const events = traffic({ events: 40_000 }).lines.map((line) => JSON.parse(line) as ClickstreamEvent);
    const agents = new Map<string, Set<string>>();
    const users = new Map<string, Set<string>>();
    for (const { anonymous_id = "", user_agent = "", user_id = "" } of events) {
      assert.match(anonymous_id, /^a-[0-9a-f]{16}$/);
      agents.set(anonymous_id, (agents.get(anonymous_id) ?? new Set()).add(user_agent));
      users.set(anonymous_id, (users.get(anonymous_id) ?? new Set()).add(user_id));
    }
    // One browser of one person: one user agent, and one user at most beside "not signed in".
    assert.ok([...agents.values()].every(({ size }) => size === 1));
    assert.ok([...users.values()].every((ids) => [...ids].filter((id) => id !== "").length <= 1));
    assert.ok([...users.values()].some((ids) => ids.size === 2));
    assert.ok(users.size > 1000);
  });

  it("sends page titles, and campaigns in the visits that come from them", () => {
    const events = traffic({ events: 20_000 }).lines.map((line) => JSON.parse(line) as ClickstreamEvent);
    for (const { page_title = "", product_name, event_type } of events) {
      assert.match(page_title, / \| Example Shop$/);
      if (event_type === "product_view") assert.equal(page_title, `${product_name} | Example Shop`);
    }
    const parts = events.map(({ utm_source, utm_medium, utm_campaign }) => [
      utm_source,
      utm_medium,
      utm_campaign,
    ]);
    assert.ok(parts.every((part) => new Set(part.map((value) => value === undefined)).size === 1));
    const share = parts.filter(([source]) => source !== undefined).length / parts.length;
    // 33 % google x 0.3, 5 % bing x 0.3, 7 % instagram x 0.6, 6 % facebook x 0.5, 9 % mail x 0.8.
    assert.ok(Math.abs(share - 0.258) < 0.03, String(share));
    assert.ok(events.every(({ page_url = "" }) => !page_url.includes("utm_")));
  });

  it("has more traffic in the evening than at night", () => {
    const rhythm = new Rhythm(START - 48 * 3_600_000, START);
    const visits = Array.from({ length: 48_000 }, (_, index) =>
      new Date(rhythm.at(index / 48_000)).getUTCHours(),
    );
    const inHour = (hour: number) => visits.filter((each) => each === hour).length;
    // The rhythm's weights: 100 falling to 86 at 20 h, 8 rising to 9 at 3 h.
    assert.ok(Math.abs(inHour(20) / inHour(3) - 93 / 8.5) < 0.5);
    assert.deepEqual([rhythm.at(0), rhythm.at(1)], [START - 48 * 3_600_000, START]);
  });

  describe("a history of days", () => {
    const DAY = 86_400_000;
    const { lines, truth } = traffic({ events: 12_000, days: 30, duplicates: 0.01, malformed: 0.005 });
    const events = lines.filter(isGood).map((line) => JSON.parse(line) as ClickstreamEvent);
    const dateOf = ({ event_time }: ClickstreamEvent) => event_time.slice(0, 10);

    it("has events on each of the dates and on no other, and none in the future", () => {
      const dates = Object.keys(truth.eventsByDate).sort();
      assert.equal(dates.length, 30);
      assert.deepEqual([dates[0], dates[29]], ["2026-10-23", "2026-11-21"]);
      assert.ok(events.every(({ event_time }) => Date.parse(event_time) <= START));
      assert.equal(truth.distinct + truth.duplicates + truth.malformed, 12_000);
    });

    it("is the same for the same seed", () => {
      const again = traffic({ events: 12_000, days: 30, duplicates: 0.01, malformed: 0.005 });
      assert.deepEqual(again.lines, lines);
    });

    it("has more traffic at a weekend, and at night less", () => {
      // The sessions that begin in the 28 days before the last date: four of each day of the week.
      const full = events.filter((event) => dateOf(event) > "2026-10-23" && dateOf(event) < "2026-11-21");
      const on = (day: number) =>
        full.filter(({ event_time }) => new Date(event_time).getUTCDay() === day).length;
      assert.ok(on(0) > 1.1 * on(2), `${on(0)} on Sundays, ${on(2)} on Tuesdays`);
      const at = (hour: number) =>
        full.filter(({ event_time }) => new Date(event_time).getUTCHours() === hour).length;
      assert.ok(at(20) > 5 * at(3));
    });

    it("has visitors who come for the first time all the time, and fewer who return the later it is", () => {
      const dates = new Map<string, Set<number>>();
      for (const { anonymous_id = "", event_time } of events) {
        const day = Math.floor(Date.parse(event_time) / DAY);
        dates.set(anonymous_id, (dates.get(anonymous_id) ?? new Set()).add(day));
      }
      const first = Math.floor(START / DAY) - 29;
      const week = (day: number) => Math.floor((day - first) / 7);
      const cohorts = [0, 1, 2, 3].map((index) =>
        [...dates.values()].filter((days) => week(Math.min(...days)) === index),
      );
      for (const cohort of cohorts) assert.ok(cohort.length > 150, `${cohort.length} new visitors in a week`);
      const returned = [1, 2, 3].map(
        (later) => (cohorts[0] ?? []).filter((days) => [...days].some((day) => week(day) === later)).length,
      );
      const [one = 0, two = 0, three = 0] = returned;
      assert.ok(one > two && two > three && three > 10, returned.join(", "));
      assert.ok(one < 0.5 * (cohorts[0]?.length ?? 0));
    });

    it("is the UTC day so far if it has one day, also at midnight", () => {
      assert.deepEqual(Object.keys(traffic({ days: 1 }).truth.eventsByDate), ["2026-11-21"]);
      const midnight = Date.parse("2026-11-21T00:00:00.000Z");
      const [last = "", ...others] = Object.keys(
        traffic({ days: 1, startMs: midnight }).truth.eventsByDate,
      ).sort();
      assert.deepEqual([last, others.length], ["2026-11-20", 0]);
    });
  });

  it("gives each device the type, browser and operating system of its user agent", () => {
    for (const [{ type, browser, os, userAgent }] of DEVICES) {
      const read = parse(userAgent);
      assert.deepEqual([read.platform.type, read.browser.name, read.os.name], [type, browser, os], userAgent);
    }
  });

  it("can make a single line, and only duplicates", () => {
    assert.equal(traffic({ events: 1 }).lines.length, 1);
    const { truth } = traffic({ events: 10, duplicates: 1 });
    assert.deepEqual([truth.distinct, truth.duplicates], [1, 9]);
  });
});
