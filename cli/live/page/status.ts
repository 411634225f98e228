// What the live view's page says of its reader, and of Firehose's buffer.

import type { ReaderState } from "../reader";
import { delay, number } from "./text";

export function bufferText(seconds: number): string {
  return seconds === 0
    ? "Firehose writes events to S3 without buffering them. They are here within seconds."
    : `Firehose buffers events for up to ${number(seconds)} s before it writes them to S3. Only then they are here.`;
}

export function isBad(state: ReaderState): boolean {
  return state.problem !== undefined || (state.kind === "objects" && state.givenUp.objects > 0);
}

export function statusOf(state: ReaderState): string {
  if (state.problem !== undefined) return state.problem;
  const throttled = state.throttled > 0 ? `, throttled ${number(state.throttled)} times` : "";
  if (state.kind === "stream") {
    const behind = state.behindMs > 5_000 ? `, ${delay(state.behindMs)} behind the stream` : "";
    return `reading ${counted(state.shards, "shard")}${behind}${throttled}`;
  }
  const waiting = state.waiting > 1 ? `, ${counted(state.waiting, "object")} to read` : "";
  const damaged = state.damaged > 0 ? `, ${counted(state.damaged, "object")} damaged` : "";
  return `reading S3${waiting}${damaged}${throttled}${givenUpText(state.givenUp)}`;
}

function givenUpText({ objects, andMore }: { objects: number; andMore: boolean }): string {
  if (objects === 0) return "";
  const count = andMore ? `more than ${number(objects)} objects` : counted(objects, "object");
  return `. Firehose gave up records: ${count} under aws/firehose/. When the cause is fixed, npm run resend sends them again`;
}

function counted(count: number, word: string): string {
  return `${number(count)} ${word}${count === 1 ? "" : "s"}`;
}
