// The AWS partition of a region, for ARNs and console addresses that are built without a call to AWS.

/** China and GovCloud regions have prefixes. All other regions are in the commercial partition. */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  if (region.startsWith("us-gov-")) return "aws-us-gov";
  return "aws";
}
