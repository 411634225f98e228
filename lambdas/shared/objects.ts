// Lists the objects of a bucket, page by page.

import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";

export interface Listed {
  key: string;
  size: number;
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
  for await (const page of listPages(s3, bucket, options)) {
    listing.objects.push(...page.objects);
    listing.prefixes.push(...page.prefixes);
    listing.truncated = page.truncated;
    if (options.maxKeys !== undefined) break;
  }
  return listing;
}

/** One page at a time, so that the caller holds only one and can stop early. */
export async function* listPages(
  s3: S3Client,
  bucket: string,
  options: ListOptions,
): AsyncGenerator<Listing, void, void> {
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
    yield {
      objects: (page.Contents ?? []).map(({ Key = "", Size = 0, LastModified }) => ({
        key: Key,
        size: Size,
        lastModifiedMs: LastModified?.getTime() ?? 0,
      })),
      prefixes: (page.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix),
      truncated: page.IsTruncated === true,
    };
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}
