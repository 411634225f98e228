// The objects that committed runs took, from the lists that the head names. A list is read only when it is needed.

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from "@aws-sdk/client-s3";
import { errorName } from "../shared/runtime";
import type { TakenList } from "./head";

/** Bytes of all lists that are read. One MiB names some 150,000 objects, which take 40 MB of memory. */
const MOST_BYTES = 4 * 1024 * 1024;

export class TakenObjects {
  private readonly uris = new Set<string>();
  private unread: readonly TakenList[];
  private bytes = 0;

  constructor(
    private readonly s3: S3Client,
    private readonly bucket: string,
    private readonly rawBucket: string,
    lists: readonly TakenList[],
  ) {
    this.unread = lists;
  }

  /** Reads the lists of runs that were committed at `fromMs` or later. False if they are too large to read here. */
  async load(fromMs: number): Promise<boolean> {
    const wanted = this.unread.filter(({ atMs }) => atMs >= fromMs);
    this.unread = this.unread.filter(({ atMs }) => atMs < fromMs);
    for (const { key } of wanted) {
      const found = await this.get(key);
      // As in the job: if a list is lost, its objects are processed again, and no event is counted twice.
      if (found === undefined) continue;
      const { Body, ContentLength = 0 } = found;
      this.bytes += ContentLength;
      if (this.bytes > MOST_BYTES) {
        (Body as { destroy?: () => void } | undefined)?.destroy?.();
        return false;
      }
      for (const uri of await readList(key, await Body?.transformToByteArray())) this.uris.add(uri);
    }
    return true;
  }

  private async get(key: string): Promise<GetObjectCommandOutput | undefined> {
    try {
      return await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    } catch (error) {
      if (errorName(error) === "NoSuchKey") return undefined;
      throw error;
    }
  }

  has(key: string): boolean {
    return this.uris.has(`s3://${this.rawBucket}/${key}`);
  }
}

async function readList(key: string, body: Uint8Array | undefined): Promise<string[]> {
  const uris: unknown = JSON.parse((await promisify(gunzip)(body ?? new Uint8Array())).toString("utf8"));
  if (!Array.isArray(uris)) throw new Error(`${key} must be a JSON array of the objects that a run took.`);
  return uris as string[];
}
