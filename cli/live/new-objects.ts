// Finds the objects that are new in a zone of the raw bucket, with a memory that does not grow.
//
// Firehose's names sort by second and then by a random id, and the folder's hour is that of the first record in the
// object. So a new object is not always behind the last one of a listing. It is new if it changed lately and its key
// was not seen: only the keys of the last minutes are kept.

import type { S3Client } from "@aws-sdk/client-s3";
import { hasArrived } from "../../lambdas/look-for-new/look";
import { HOUR_MS, MINUTE_MS } from "../../lambdas/shared/durations";
import { hourPrefix, type Zone } from "../../lambdas/shared/layout";
import { type Listed, listPages } from "../../lambdas/shared/objects";
import { PREFIX } from "../../schema/prefixes";

/** Firehose buffers for at most 15 minutes. The rest is for its retries, and for a clock that is wrong here. */
const LOOK_BACK_MS = 2 * HOUR_MS;
/** An object can appear in a listing this long after the time that S3 gives it. */
const APPEARS_WITHIN_MS = 10 * MINUTE_MS;

export class NewObjects {
  private seen = new Map<string, number>();
  /** The latest change, by S3's clock. */
  private newestMs = Number.NEGATIVE_INFINITY;
  /** When the last complete listing began. Later after a night in which the machine slept. */
  private listedMs: number | undefined;

  constructor(
    private readonly zone: Zone,
    private readonly s3: Pick<S3Client, "send">,
    private readonly bucket: string,
  ) {}

  /** How many keys it remembers. */
  get remembered(): number {
    return this.seen.size;
  }

  /** Those that are new since the last call. A listing that breaks off changes nothing. */
  async find(nowMs: number): Promise<Listed[]> {
    const horizonMs = this.newestMs - APPEARS_WITHIN_MS;
    const startAfter = hourPrefix(this.zone, (this.listedMs ?? nowMs) - LOOK_BACK_MS);
    const found: Listed[] = [];
    const options = { prefix: PREFIX[this.zone], startAfter };
    for await (const { objects } of listPages(this.s3 as S3Client, this.bucket, options)) {
      for (const object of objects) {
        const { key, lastModifiedMs } = object;
        if (isOfIngest(key) && lastModifiedMs >= horizonMs && !this.seen.has(key)) found.push(object);
      }
    }
    this.remember(found);
    this.listedMs = nowMs;
    return found;
  }

  private remember(found: readonly Listed[]): void {
    for (const { key, lastModifiedMs } of found) {
      this.seen.set(key, lastModifiedMs);
      this.newestMs = Math.max(this.newestMs, lastModifiedMs);
    }
    const horizonMs = this.newestMs - APPEARS_WITHIN_MS;
    for (const [key, lastModifiedMs] of this.seen) if (lastModifiedMs < horizonMs) this.seen.delete(key);
  }
}

/** The job's own quarantine objects have lines that the live view has already shown. */
function isOfIngest(key: string): boolean {
  return hasArrived(key);
}
