// Answers one request: checks it, reads its events, adds what the server knows, and stores all of it in the stream.

import { isUtf8 } from "node:buffer";
import type { JsonObject } from "../ingest/json";
import type { Destination } from "../shared/destination";
import type { Log } from "../shared/log";
import { errorMessage, errorName } from "../shared/runtime";
import type { SenderOptions } from "../shared/sender";
import { type Answer, json, notStored, pixel, type Script, script, segmentSettings, text } from "./answers";
import type { Countries } from "./country";
import type { FormatContext, Part } from "./format";
import { readOwn } from "./formats/own";
import { readPlausible } from "./formats/plausible";
import { readSegment, SEGMENT_CALLS } from "./formats/segment";
import { readSnowplowGet, readSnowplowPost } from "./formats/snowplow";
import { Ids } from "./ids";
import { eventLine, firstText, readJson } from "./json";
import { OrderBudget } from "./products";
import { MAX_BODY_BYTES, type Request } from "./request";
import type { Route } from "./routes";
import { type StreamLine, store } from "./store";
import { type PrivacyRules, visitorOfTheDay, withVisitor } from "./visitor";
import { keysIn, type WriteKey } from "./write-key";

export interface Collector {
  destination: Destination;
  sending: Pick<SenderOptions, "clock" | "random">;
  rules: PrivacyRules;
  countries: Pick<Countries, "of">;
  /** undefined: everyone may send events. */
  writeKey: WriteKey | undefined;
  /** Read when a browser asks for it. */
  script: () => Script;
}

/** A wire format: how to read its content, and what its trackers take for success. */
interface Format {
  name: "own" | "segment" | "snowplow" | "plausible";
  read(content: string, request: Request, context: FormatContext, collector: Collector): Iterable<Part>;
  success(stored: number): Answer;
}

const OWN: Format = {
  name: "own",
  read: (content, request, context) => readOwn(content, request.query.get("sentAt"), context),
  success: (stored) => json(200, { stored }),
};
const SEGMENT: Format = {
  name: "segment",
  read: (content, request, context) => readSegment(content, request.path.call ?? "", context),
  success: () => json(200, { success: true }),
};
const SNOWPLOW: Format = {
  name: "snowplow",
  read: (content, _request, context) => readSnowplowPost(content, context),
  success: () => text(200, "ok"),
};
const SNOWPLOW_PIXEL: Format = {
  name: "snowplow",
  read: (content, _request, context) => readSnowplowGet(content, context),
  success: pixel,
};
const PLAUSIBLE: Format = {
  name: "plausible",
  read: (content, request, context, { rules }) =>
    readPlausible(
      content,
      request.id,
      (domain) => visitorOfTheDay(request.visitor, rules, domain, request.arrivalMs),
      context,
    ),
  success: () => text(202, "ok"),
};

export async function answer(
  request: Request,
  collector: Collector,
  deadlineMs: number,
  log: Log,
): Promise<Answer> {
  switch (request.route as Route) {
    case "GET /health":
      return json(200, { status: "ok" });
    case "GET /clickstream.js":
      return script(collector.script(), request.header);
    case "GET /v1/projects/{writeKey}/settings":
      return (await refusal(request, undefined, collector)) ?? settings(request);
    case "GET /i":
      return collect(SNOWPLOW_PIXEL, Buffer.from(request.rawQuery), request, collector, deadlineMs, log);
    case "POST /com.snowplowanalytics.snowplow/tp2":
      return collect(SNOWPLOW, request.body, request, collector, deadlineMs, log);
    case "POST /api/event":
      return collect(PLAUSIBLE, request.body, request, collector, deadlineMs, log);
    case "POST /v1/{call}": {
      const call = request.path.call ?? "";
      const format = call === "events" ? OWN : Object.hasOwn(SEGMENT_CALLS, call) ? SEGMENT : undefined;
      if (format !== undefined) return collect(format, request.body, request, collector, deadlineMs, log);
    }
  }
  return json(404, { error: "There is no such path. docs/collector.md lists the paths." });
}

function settings(request: Request): Answer {
  return segmentSettings(request.path.writeKey ?? "", request.base);
}

async function collect(
  format: Format,
  body: Buffer | "too large",
  request: Request,
  collector: Collector,
  deadlineMs: number,
  log: Log,
): Promise<Answer> {
  if (body === "too large") {
    return json(413, {
      error: `The body is larger than ${MAX_BODY_BYTES} bytes. Send fewer events in a request.`,
    });
  }
  const content = isUtf8(body) ? body.toString("utf8") : undefined;
  if (content?.trim() === "") {
    return json(400, { error: "The request has no content. Send events in its body." });
  }
  const refused = await refusal(request, content, collector);
  if (refused !== undefined) return refused;
  const asItCame = [{ content: body, key: request.id }];
  const lines =
    content === undefined ? asItCame : await linesOrContent(format, content, request, collector, log);
  try {
    await store(lines, collector.destination, { ...collector.sending, deadlineMs });
  } catch (error) {
    log({
      level: "ERROR",
      message: "Not all events could be stored in the stream. The sender was asked to send them again",
      format: format.name,
      lines: lines.length,
      error: errorName(error),
      detail: errorMessage(error),
    });
    return notStored();
  }
  return format.success(lines.length);
}

/** An answer if the request does not have the stack's write key, or if the key is not known. */
async function refusal(
  request: Request,
  content: string | undefined,
  { writeKey }: Collector,
): Promise<Answer | undefined> {
  if (writeKey === undefined) return undefined;
  const keys = keysIn(request, content === undefined ? undefined : readJson(content));
  try {
    if (await writeKey.isOneOf(keys)) return undefined;
  } catch {
    return notStored();
  }
  return json(401, {
    error:
      "The write key is missing or wrong. Send it as the parameter writeKey or in the header Authorization.",
  });
}

/** A fault of this program must not lose events, nor make a tracker send them again and again. */
async function linesOrContent(
  format: Format,
  content: string,
  request: Request,
  collector: Collector,
  log: Log,
): Promise<StreamLine[]> {
  try {
    return await linesOf(format, content, request, collector);
  } catch (error) {
    const message = "A request could not be read, and was stored as it came. Report this as a fault";
    log({ level: "ERROR", message, format: format.name, error: errorName(error) });
    return [{ content, key: request.id }];
  }
}

/** Each event as a line, and what is not an event as it came. */
async function linesOf(
  format: Format,
  content: string,
  request: Request,
  collector: Collector,
): Promise<StreamLine[]> {
  const context = { arrivalMs: request.arrivalMs, ids: new Ids(format.name), budget: new OrderBudget() };
  const lines: StreamLine[] = [];
  for (const part of format.read(content, request, context, collector)) {
    if ("asItCame" in part) {
      lines.push({ content: part.asItCame, key: request.id });
      continue;
    }
    const event = await withVisitor(part.event, request.visitor, collector.rules, collector.countries);
    lines.push({ content: eventLine(event), key: keyOf(event) ?? request.id });
  }
  return lines;
}

/** What keeps the events of a visit together in a shard. */
function keyOf({ session_id, anonymous_id, user_id }: JsonObject): string | undefined {
  const key = firstText(session_id, anonymous_id, user_id);
  return key === undefined ? undefined : String(key);
}
