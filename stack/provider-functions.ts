// Answers the provider functions that the program calls (account, region, partition) without asking AWS.

/** Where the program is deployed to, or would be. */
export interface Place {
  accountId: string;
  partition: string;
  region: string;
  dnsSuffix: string;
}

type Answer = Record<string, string>;

const FUNCTIONS: Record<string, (place: Place) => Answer> = {
  "aws:index/getCallerIdentity:getCallerIdentity": ({ accountId, partition }) => ({
    accountId,
    arn: `arn:${partition}:iam::${accountId}:root`,
    userId: accountId,
    id: accountId,
  }),
  "aws:index/getRegion:getRegion": ({ region, dnsSuffix }) => ({
    region,
    name: region,
    id: region,
    endpoint: `ec2.${region}.${dnsSuffix}`,
  }),
  "aws:index/getPartition:getPartition": ({ partition, dnsSuffix }) => ({
    partition,
    dnsSuffix,
    reverseDnsPrefix: dnsSuffix.split(".").reverse().join("."),
    id: partition,
  }),
};

export function answerCall(token: string, place: Place): Answer {
  const answer = FUNCTIONS[token];
  if (!answer) {
    throw new Error(
      `The provider function ${token} has no answer without AWS: add one in stack/provider-functions.ts`,
    );
  }
  return answer(place);
}
