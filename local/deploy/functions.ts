// The provider functions that a program may call, answered with what is true of the local stack.
import type { DeployContext, Properties } from "./resource";

type Answer = (inputs: Properties, context: DeployContext) => Properties;

const functions: Record<string, Answer> = {
  "aws:index/getCallerIdentity:getCallerIdentity": (_, { accountId }) => ({
    accountId,
    arn: `arn:aws:iam::${accountId}:root`,
    userId: accountId,
    id: accountId,
  }),
  "aws:index/getRegion:getRegion": (_, { region }) => ({
    region,
    name: region,
    id: region,
    description: "US East (N. Virginia)",
    endpoint: `ec2.${region}.amazonaws.com`,
  }),
  "aws:index/getPartition:getPartition": () => ({
    partition: "aws",
    dnsSuffix: "amazonaws.com",
    reverseDnsPrefix: "com.amazonaws",
    id: "aws",
  }),
};

export function answerCall(token: string, inputs: Properties, context: DeployContext): Properties {
  const answer = functions[token];
  if (!answer) {
    throw new Error(
      `The local stack cannot answer the provider function ${token}; add it in local/deploy/functions.ts`,
    );
  }
  return answer(inputs, context);
}
