// Makes ids for events that were sent without one, so that the copy of a retry has the same id.

import { NO_EVENT_IDS } from "../../schema/contract";
import { hashId } from "../shared/hash-id";
import { textOf } from "./json";

/** The id that was sent. undefined for what the contract takes for none, such as `null` as text. */
export function sentId(id: unknown): unknown {
  const text = textOf(id);
  const plain = typeof text === "string" ? text.trim().toLowerCase() : undefined;
  return plain !== undefined && (plain === "" || NO_EVENT_IDS.has(plain)) ? undefined : text;
}

/** The ids of one request. The same content twice in a request is two events. */
export class Ids {
  private readonly seen = new Map<string, number>();

  constructor(private readonly format: string) {}

  /** `content` is all that the sender repeats in a retry. */
  of(content: string): string {
    const count = (this.seen.get(content) ?? 0) + 1;
    this.seen.set(content, count);
    return hashId(`${this.format}\n${count}\n${content}`);
  }
}

/** A session for an event without ids. It is the same for a retry of the event, and different for each event. */
export function anonymousSession(eventId: unknown): string {
  return `anonymous-${hashId(`session\n${String(eventId)}`)}`;
}
