// Validates the records that Firehose buffered: raw lines go back to it, all other lines to the quarantine.
//
// What is written here is written before the answer, under keys made from the records. So an invocation that Firehose
// repeats, after a crash at any point, writes the same objects and gives the same answer.

import type { S3Client } from "@aws-sdk/client-s3";
import type { FirehoseTransformationEvent, FirehoseTransformationResult } from "aws-lambda";
import type { TimeWindow } from "../ingest/context";
import { outcomes } from "../ingest/outcomes";
import { addQuarantineLine } from "../ingest/quarantine-line";
import { type BatchLog, logBatch, Written } from "../ingest/written";
import { Answer, RecordLines } from "./answer";
import { HourObjects } from "./hour-objects";
import { Identities } from "./identity";

export interface TransformDependencies extends BatchLog {
  s3: S3Client;
  bucket: string;
  window: TimeWindow;
  /** Of the answer. Default: below Lambda's limit. */
  maxAnswerBytes?: number;
}

/** Throws only if S3 refuses an object. Firehose then invokes the function again. */
export async function transform(
  { records }: Pick<FirehoseTransformationEvent, "records">,
  dependencies: TransformDependencies,
): Promise<FirehoseTransformationResult> {
  const startedMs = dependencies.clock.now();
  const written = new Written(dependencies.s3, dependencies.bucket);
  const answer = new Answer(
    records.map(({ recordId }) => recordId),
    dependencies.maxAnswerBytes,
  );
  const quarantine = new HourObjects("quarantine");
  /** What does not fit into the answer. A record of 1 MB can unpack to 10 MB. */
  const raw = new HourObjects("raw");
  const identities = new Identities(dependencies.window);

  for (const each of records) {
    const record = identities.of(each);
    const lines = new RecordLines(answer.room, () => raw.of(record));
    for (const outcome of outcomes(record.content, record.context)) {
      if (typeof outcome === "string") lines.add(outcome);
      else {
        addQuarantineLine(quarantine.of(record), outcome, record.context);
        written.refused(outcome.reason);
      }
    }
    answer.add(each.recordId, lines);
  }
  written.events = answer.lines + raw.lines;
  written.quarantined = quarantine.lines;
  for (const objects of [quarantine, raw]) {
    for (const { key, object } of objects.all()) await written.put(key, object);
  }
  logBatch(records.length, written, startedMs, dependencies, { writtenDirectly: raw.lines });
  return { records: answer.records };
}
