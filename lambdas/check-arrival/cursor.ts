// The cursor: up to where the arrived objects are checked. A conditional PUT moves it, so that two checks that meet do not
// report the same objects twice.

import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { PREFIX } from "../../schema/prefixes";
import { errorName } from "../shared/runtime";

// In a folder, as the job takes the objects next to its head for reports of runs, whose names people choose.
const CURSOR_KEY = `${PREFIX.runs}arrival/cursor.json`;
const VERSION = 1;

/** A raw object that to-parquet had not written when it was checked. It stays open until it is. */
interface OpenObject {
  key: string;
  size: number;
  lastModifiedMs: number;
}

export interface Cursor {
  /** Objects that are older than this by a margin are checked. */
  untilMs: number;
  /** Short names of checked objects within the margin. */
  recent: string[];
  open: OpenObject[];
}

export interface StoredCursor {
  cursor?: Cursor;
  /** Empty if there is no cursor yet. */
  etag: string;
}

/** A cursor in a form that this code does not know counts as none: the check then begins at the job's last run. */
export async function readCursor(s3: S3Client, bucket: string): Promise<StoredCursor> {
  try {
    const { Body, ETag = "" } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: CURSOR_KEY }));
    return { cursor: parseCursor((await Body?.transformToString()) ?? ""), etag: ETag };
  } catch (error) {
    if (errorName(error) === "NoSuchKey") return { etag: "" };
    throw error;
  }
}

/** False if the cursor is another one than the check read. */
export async function keepCursor(
  s3: S3Client,
  bucket: string,
  cursor: string,
  etag: string,
): Promise<boolean> {
  try {
    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: CURSOR_KEY,
        Body: cursor,
        ContentType: "application/json",
        ...(etag ? { IfMatch: etag } : { IfNoneMatch: "*" }),
      }),
    );
    return true;
  } catch (error) {
    if (["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"].includes(errorName(error)))
      return false;
    throw error;
  }
}

export function writeCursor({ untilMs, recent, open }: Cursor): string {
  return JSON.stringify({ version: VERSION, until: new Date(untilMs).toISOString(), recent, open });
}

function parseCursor(text: string): Cursor | undefined {
  try {
    const { version, until, recent, open } = JSON.parse(text) as Record<string, unknown>;
    const untilMs = Date.parse(String(until));
    if (version !== VERSION || Number.isNaN(untilMs) || !Array.isArray(recent) || !Array.isArray(open))
      return undefined;
    return { untilMs, recent, open };
  } catch {
    return undefined;
  }
}
