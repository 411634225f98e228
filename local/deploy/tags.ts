// Tags in the two forms that AWS's services take beside a plain map.

type Tags = Readonly<Record<string, string>> | undefined;

/** `[{ Key, Value }]`, as IAM, S3, SNS, Athena, Scheduler and Secrets Manager take them. */
export function tagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
}

/** `key=value&...`, as an S3 object is put with. */
export function tagQuery(tags: Tags): string | undefined {
  return tags && new URLSearchParams(tags).toString();
}
