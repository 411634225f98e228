// Reads the head object, in which the Spark job keeps what the last committed run listed and took.

import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { PREFIX } from "../../schema/prefixes";
import { HOUR_MS } from "../shared/durations";
import { listKeys } from "../shared/objects";
import { errorName } from "../shared/runtime";

const HEAD_KEY = `${PREFIX.runs}head.json`;
/** The only version of the head that this code can read. The job decides about any other. */
const HEAD_VERSION = 2;

export interface TakenList {
  /** When the run that took these objects was committed. */
  atMs: number;
  key: string;
}

export interface Head {
  execution: string | null;
  /** In the form 2026-11-21T09:06:00.000Z. */
  committedAt: string | null;
  /** When the last committed run listed the objects; undefined if no run was committed. */
  listedAtMs: number | undefined;
  /** The stream's retention then. It may have been lowered since. */
  retentionMs: number;
  taken: TakenList[];
}

/** "absent" if there is no head, "unknown" if it is not of the form that this code knows. */
export async function readHead(s3: S3Client, bucket: string): Promise<Head | "absent" | "unknown"> {
  let text: string | undefined;
  try {
    text = await (
      await s3.send(new GetObjectCommand({ Bucket: bucket, Key: HEAD_KEY }))
    ).Body?.transformToString();
  } catch (error) {
    if (await isMissing(s3, bucket, error)) return "absent";
    throw error;
  }
  return parseHead(text ?? "", bucket) ?? "unknown";
}

/**
 * S3 answers 403 instead of 404 for a missing object if the caller may not list the whole bucket. The listing tells a
 * missing head from a lack of rights.
 */
async function isMissing(s3: S3Client, bucket: string, error: unknown): Promise<boolean> {
  if (!["NoSuchKey", "AccessDenied"].includes(errorName(error))) return false;
  const { objects } = await listKeys(s3, bucket, { prefix: HEAD_KEY, maxKeys: 1 });
  return objects.length === 0;
}

function parseHead(text: string, bucket: string): Head | undefined {
  const head = parsed(text) ?? {};
  const { version, execution, committed_at: committed, position, retention_hours: hours = 0, taken } = head;
  const committedAtMs = timeOf(committed);
  const listedAtMs = timeOf((position as { listed_at?: unknown } | null | undefined)?.listed_at);
  const lists = Array.isArray(taken) ? taken.map((entry) => takenList(entry, bucket)) : [undefined];
  const isKnown =
    version === HEAD_VERSION &&
    (execution === null || typeof execution === "string") &&
    (committed === null || committedAtMs !== undefined) &&
    (position === null || listedAtMs !== undefined) &&
    Number.isFinite(hours) &&
    lists.every((list) => list !== undefined);
  if (!isKnown) return undefined;
  return {
    execution: execution as string | null,
    committedAt: committedAtMs === undefined ? null : new Date(committedAtMs).toISOString(),
    listedAtMs,
    retentionMs: (hours as number) * HOUR_MS,
    taken: lists as TakenList[],
  };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function takenList(entry: unknown, bucket: string): TakenList | undefined {
  const { at, list } = (entry ?? {}) as { at?: unknown; list?: unknown };
  const atMs = timeOf(at);
  const root = `s3://${bucket}/`;
  if (atMs === undefined || typeof list !== "string" || !list.startsWith(root)) return undefined;
  return { atMs, key: list.slice(root.length) };
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
