// Which of AWS's partitions a region belongs to, for what is built without asking AWS: ARNs and console addresses.

/** Regions of the other partitions begin with words of their own; every other region is of the commercial one. */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  if (region.startsWith("us-gov-")) return "aws-us-gov";
  return "aws";
}
