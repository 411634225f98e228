// Counts and deletes what a bucket holds: objects, all their versions and unfinished uploads.
import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from "@aws-sdk/client-s3";

export interface Contents {
  bucket: string;
  objects: number;
  /** Versions that a newer one, or a delete marker, replaced. */
  noncurrent: number;
  deleteMarkers: number;
  /** Multipart uploads that were never completed. */
  uploads: number;
  /** The size of all versions. */
  bytes: number;
}

type Id = { Key: string; VersionId?: string };

interface Page {
  ids: Id[];
  counts: Omit<Contents, "bucket" | "uploads">;
}

/** S3 lists and deletes up to 1,000 versions per request. */
async function* pages(s3: S3Client, Bucket: string): AsyncGenerator<Page> {
  let KeyMarker: string | undefined;
  let VersionIdMarker: string | undefined;
  for (;;) {
    const page = await s3.send(
      new ListObjectVersionsCommand({ Bucket, MaxKeys: 1000, KeyMarker, VersionIdMarker }),
    );
    const { Versions = [], DeleteMarkers = [] } = page;
    const objects = Versions.filter(({ IsLatest }) => IsLatest).length;
    yield {
      ids: [...Versions, ...DeleteMarkers].flatMap(({ Key, VersionId }) =>
        Key === undefined ? [] : [{ Key, VersionId }],
      ),
      counts: {
        objects,
        noncurrent: Versions.length - objects,
        deleteMarkers: DeleteMarkers.length,
        bytes: Versions.reduce((sum, { Size }) => sum + (Size ?? 0), 0),
      },
    };
    if (!page.IsTruncated) return;
    KeyMarker = page.NextKeyMarker;
    VersionIdMarker = page.NextVersionIdMarker;
  }
}

async function uploads(s3: S3Client, Bucket: string): Promise<{ Key: string; UploadId: string }[]> {
  const found: { Key: string; UploadId: string }[] = [];
  let KeyMarker: string | undefined;
  let UploadIdMarker: string | undefined;
  for (;;) {
    const page = await s3.send(new ListMultipartUploadsCommand({ Bucket, KeyMarker, UploadIdMarker }));
    for (const { Key, UploadId } of page.Uploads ?? []) if (Key && UploadId) found.push({ Key, UploadId });
    if (!page.IsTruncated) return found;
    KeyMarker = page.NextKeyMarker;
    UploadIdMarker = page.NextUploadIdMarker;
  }
}

export async function contentsOf(s3: S3Client, bucket: string): Promise<Contents> {
  const sum: Contents = { bucket, objects: 0, noncurrent: 0, deleteMarkers: 0, uploads: 0, bytes: 0 };
  for await (const { counts } of pages(s3, bucket)) {
    sum.objects += counts.objects;
    sum.noncurrent += counts.noncurrent;
    sum.deleteMarkers += counts.deleteMarkers;
    sum.bytes += counts.bytes;
  }
  sum.uploads = (await uploads(s3, bucket)).length;
  return sum;
}

/** S3 could not delete some objects. The message has S3's error for the first. */
export class NotEmptied extends Error {}

/**
 * Deletes every version, every delete marker and every unfinished upload, and returns how many. `onProgress` gets the
 * count so far after each request.
 */
export async function emptyBucket(
  s3: S3Client,
  Bucket: string,
  onProgress: (deleted: number) => void = () => undefined,
): Promise<number> {
  let deleted = 0;
  for await (const { ids } of pages(s3, Bucket)) {
    if (ids.length === 0) continue;
    const { Errors = [] } = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: ids, Quiet: true } }),
    );
    const [first] = Errors;
    if (first) {
      throw new NotEmptied(
        `${Bucket}: ${Errors.length} of ${ids.length} versions could not be deleted: ${first.Key}: ${first.Code}, ${first.Message}`,
      );
    }
    deleted += ids.length;
    onProgress(deleted);
  }
  for (const { Key, UploadId } of await uploads(s3, Bucket)) {
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    deleted += 1;
    onProgress(deleted);
  }
  return deleted;
}
