// The limits of AWS's services that a larger traffic comes near, as AWS documents them for a new account in us-east-1.

export interface Quota {
  value: number;
  source: string;
  /** AWS raises it on request. */
  adjustable: boolean;
}

const quota = (value: number, source: string, adjustable: boolean): Quota => ({ value, source, adjustable });

export const QUOTAS = {
  /** 1,000 or 6,000 in most other regions. */
  shards: quota(20_000, "https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html", true),
  /** Direct PUT in us-east-1, us-west-2 and eu-west-1; 1 in most other regions. */
  firehoseMbPerSecond: quota(5, "https://docs.aws.amazon.com/firehose/latest/dev/limits.html", true),
  concurrentLambdas: quota(
    1000,
    "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
    true,
  ),
  /** A second and prefix. S3 splits a busy prefix by itself, which takes a while. */
  s3Writes: quota(
    3500,
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html",
    false,
  ),
  s3Reads: quota(
    5500,
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html",
    false,
  ),
  dpus: quota(1000, "https://docs.aws.amazon.com/general/latest/gr/glue.html", true),
  /** Of FLEX runs. */
  spareDpus: quota(50, "https://docs.aws.amazon.com/general/latest/gr/glue.html", true),
  workersOfJob: quota(299, "https://docs.aws.amazon.com/glue/latest/dg/add-job.html", false),
  partitionsOfTable: quota(10_000_000, "https://docs.aws.amazon.com/general/latest/gr/glue.html", true),
  /** Events in the history of an execution. */
  historyEvents: quota(
    25_000,
    "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html",
    false,
  ),
} as const satisfies Record<string, Quota>;
