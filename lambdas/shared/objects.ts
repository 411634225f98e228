// Lists the objects of a bucket, page by page.

import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";

interface Listed {
  key: string;
  lastModifiedMs: number;
}

export interface Listing {
  objects: Listed[];
  /** The common prefixes that `delimiter` makes. */
  prefixes: string[];
  truncated: boolean;
}

export interface ListOptions {
  prefix: string;
  startAfter?: string;
  delimiter?: string;
  /** Returns one page with at most this many objects. Without it, all pages. */
  maxKeys?: number;
}

export async function listKeys(s3: S3Client, bucket: string, options: ListOptions): Promise<Listing> {
  const listing: Listing = { objects: [], prefixes: [], truncated: false };
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: options.prefix,
        StartAfter: options.startAfter,
        Delimiter: options.delimiter,
        MaxKeys: options.maxKeys,
        ContinuationToken: token,
      }),
    );
    for (const object of page.Contents ?? []) {
      listing.objects.push({ key: object.Key ?? "", lastModifiedMs: object.LastModified?.getTime() ?? 0 });
    }
    for (const folded of page.CommonPrefixes ?? []) listing.prefixes.push(folded.Prefix ?? "");
    token = page.NextContinuationToken;
    listing.truncated = page.IsTruncated === true;
  } while (listing.truncated && token !== undefined && options.maxKeys === undefined);
  return listing;
}
