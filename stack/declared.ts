// What the program declares with a given configuration: index.ts evaluated with an engine that creates nothing.
import { type Evaluation, evaluateProgram } from "./evaluate";
import { answerCall, type Place } from "./provider-functions";

export interface Declared {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

export interface DeclaredProgram extends Evaluation {
  /** Sorted by type and name. Components are not among them. */
  resources: Declared[];
}

const ACCOUNT = "123456789012";

/** `values` maps full keys (`clickstream:shardCount`, `aws:region`) to their text. */
export async function declaredResources(
  project: string,
  stack: string,
  values: Record<string, string>,
): Promise<Declared[]> {
  return (await declareProgram(project, stack, values)).resources;
}

export async function declareProgram(
  project: string,
  stack: string,
  values: Record<string, string>,
  place: Partial<Place> = {},
): Promise<DeclaredProgram> {
  const where: Place = {
    accountId: ACCOUNT,
    partition: "aws",
    region: values["aws:region"] ?? "us-east-1",
    dnsSuffix: "amazonaws.com",
    ...place,
  };
  const resources: Declared[] = [];
  const evaluation = await evaluateProgram(
    { project, stack, values, stackTraces: false },
    {
      create({ type, name, inputs }) {
        resources.push({ type, name, inputs });
        return { id: `${name}-id`, state: stateOf(type, name, inputs, where) };
      },
      call: ({ token }) => answerCall(token, where),
    },
  );
  // Resources are declared side by side, in no fixed order.
  resources.sort((a, b) => (`${a.type} ${a.name}` < `${b.type} ${b.name}` ? -1 : 1));
  return { ...evaluation, resources };
}

/** The ARN that an evaluation gives a resource. */
export function declaredArn(type: string, name: string, partition = "aws"): string {
  if (type === "aws:s3/bucket:Bucket") return `arn:${partition}:s3:::${name}-id`;
  return `arn:${type.replace(/^aws:/, `${partition}:`)}:${name}`;
}

/** What AWS would have returned for a new resource, as far as the program reads it. */
function stateOf(type: string, name: string, inputs: Declared["inputs"], place: Place) {
  const id = `${name}-id`;
  const arn = declaredArn(type, name, place.partition);
  const own = addressesOf(type, id, place);
  return { name: id, bucket: id, uuid: `${name}-uuid`, keyId: `${name}-key-id`, arn, ...own, ...inputs };
}

/** Of the types that have an address. */
function addressesOf(type: string, id: string, { partition, region, accountId, dnsSuffix }: Place) {
  if (type === "aws:sqs/queue:Queue") return { url: `https://sqs.${region}.${dnsSuffix}/${accountId}/${id}` };
  if (type !== "aws:apigatewayv2/api:Api") return {};
  return {
    apiEndpoint: `https://${id}.execute-api.${region}.${dnsSuffix}`,
    executionArn: `arn:${partition}:execute-api:${region}:${accountId}:${id}`,
  };
}
