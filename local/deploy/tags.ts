// Converts tags to the two forms that AWS services accept besides a map.

type Tags = Readonly<Record<string, string>> | undefined;

/** `[{ Key, Value }]`, for IAM, S3, SNS, Athena, Scheduler and Secrets Manager. */
export function tagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
}

/** `key=value&...`, for PutObject. */
export function tagQuery(tags: Tags): string | undefined {
  return tags && new URLSearchParams(tags).toString();
}
