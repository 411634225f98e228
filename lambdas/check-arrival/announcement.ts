// The S3 event for an object, in the form in which S3 announces it to to-parquet.

import type { Listed } from "../shared/objects";

/** S3 encodes keys in its events like the values of a form. */
export function announcement(bucket: string, { key, size }: Listed): unknown {
  return {
    Records: [
      {
        eventVersion: "2.1",
        eventSource: "aws:s3",
        eventName: "ObjectCreated:Put",
        s3: {
          s3SchemaVersion: "1.0",
          bucket: { name: bucket },
          object: { key: encodeURIComponent(key).replaceAll("%2F", "/").replaceAll("%20", "+"), size },
        },
      },
    ],
  };
}
