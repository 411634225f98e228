// Reads what Lambda put into a dead-letter queue: which objects an event announced, and why the function failed.
import type { Message } from "@aws-sdk/client-sqs";

/** An event that a function gave up. */
export interface Letter {
  /** The event as Lambda got it, to be sent again. */
  event: unknown;
  /** The announced objects: s3://bucket/key. */
  objects: string[];
  error: string;
}

interface Announcement {
  eventSource?: unknown;
  s3?: { bucket?: { name?: unknown }; object?: { key?: unknown } };
}

/** A record of an on-failure destination, or an event as it came with the attributes of a dead-letter queue. */
interface Body {
  Records?: unknown;
  requestPayload?: { Records?: unknown };
  requestContext?: { condition?: unknown };
  responsePayload?: { errorMessage?: unknown } | null;
}

/** Undefined if the message announces no objects of S3. */
export function readLetter({ Body: text = "", MessageAttributes }: Message): Letter | undefined {
  const body = parse(text);
  if (body === undefined) return undefined;
  const event = body.requestPayload ?? body;
  const objects = objectsOf(event.Records);
  if (objects === undefined) return undefined;
  const error =
    body.responsePayload?.errorMessage ??
    MessageAttributes?.ErrorMessage?.StringValue ??
    body.requestContext?.condition ??
    "no error given";
  return { event, objects, error: String(error) };
}

function parse(text: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function objectsOf(records: unknown): string[] | undefined {
  if (!Array.isArray(records) || records.length === 0) return undefined;
  const found = records.map(objectOf);
  return found.every((object) => object !== undefined) ? found : undefined;
}

function objectOf(record: Announcement | null): string | undefined {
  const { bucket, object } = record?.s3 ?? {};
  if (record?.eventSource !== "aws:s3") return undefined;
  if (typeof bucket?.name !== "string" || typeof object?.key !== "string") return undefined;
  try {
    return `s3://${bucket.name}/${decodeURIComponent(object.key.replaceAll("+", " "))}`;
  } catch {
    return undefined; // not a key as S3 writes it
  }
}
