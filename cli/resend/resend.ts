// Sends the records that Firehose gave up to the delivery stream again, object by object.

import type { Readable } from "node:stream";
import { DeleteObjectCommand, GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { linesOf } from "../../lambdas/shared/given-up";
import { listKeys } from "../../lambdas/shared/objects";
import type { BatchSender } from "../../lambdas/shared/sender";
import { PREFIX } from "../../schema/prefixes";
import { GivenUpRecords, Remembered } from "./records";

export interface ResendRequest {
  s3: S3Client;
  bucket: string;
  /** A sender for the records of one object. */
  sender: () => Pick<BatchSender, "add" | "flush">;
  dryRun: boolean;
  /** Called for each object as soon as its fate is known. */
  onObject?: (found: Found) => void;
}

export interface Found {
  key: string;
  /** `sent`: all records are accepted, and the object is deleted. `listed`: only shown. `kept`: it has lines that cannot be read. */
  fate: "sent" | "listed" | "kept";
  records: number;
  /** Of the records, those that are not sent because an object before had them: Firehose writes an object twice now and then. */
  copies: number;
  /** Lines that cannot be read, from 1. */
  unreadable: number[];
}

/**
 * Deletes an object only after the delivery stream has accepted all of its records: an interruption in between sends
 * records twice, with equal ids, and loses none. What Firehose gives up while this runs is left for the next call.
 */
export async function resend(request: ResendRequest): Promise<Found[]> {
  const { objects } = await listKeys(request.s3, request.bucket, { prefix: PREFIX.firehoseErrors });
  const all: Found[] = [];
  const remembered = new Remembered();
  for (const { key } of objects) {
    const found = await resendObject(key, remembered, request);
    all.push(found);
    request.onObject?.(found);
  }
  return all;
}

async function resendObject(
  key: string,
  remembered: Remembered,
  { s3, bucket, sender, dryRun }: ResendRequest,
): Promise<Found> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const sending = sender();
  const given = new GivenUpRecords();
  const unreadable: number[] = [];
  let [records, copies] = [0, 0];
  for await (const { number, line } of numbered(Body as Readable)) {
    if (line === "") continue;
    const record = line === undefined ? undefined : given.read(line);
    if (record === undefined) unreadable.push(number);
    else {
      records += 1;
      if (!remembered.isNew(record)) copies += 1;
      else if (!dryRun) await sending.add(record);
    }
  }
  await sending.flush();
  if (unreadable.length > 0) return { key, fate: "kept", records, copies, unreadable };
  if (dryRun) return { key, fate: "listed", records, copies, unreadable };
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  return { key, fate: "sent", records, copies, unreadable };
}

/** The lines with their numbers from 1. The one where the compressed content breaks off is undefined. */
async function* numbered(body: Readable): AsyncGenerator<{ number: number; line: string | undefined }> {
  let number = 1;
  try {
    for await (const line of linesOf(body)) yield { number: number++, line };
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith("Z_")) throw error;
    yield { number, line: undefined };
  }
}
