// The requests that Pulumi's provider makes on AWS for a resource in its life, out of provider-calls.json.
import { apiGatewayArn } from "./api-gateway-arns";
import { arnsOf, KEY_ID, type Place, roleArn } from "./deployed-arns";
import type { Request } from "./iam";
import type { Declared, Program } from "./program";
import document from "./provider-calls.json";

interface Operation {
  actions?: string[];
  on?: "*" | Record<string, string | string[]>;
  key?: string[];
  granted?: boolean;
  /** For people. */
  note?: string;
  when?: string;
  tolerated?: string;
}

interface Call extends Request {
  /** The step of the resource's life and the operation, for messages. */
  origin: string;
}

type Steps = Record<string, string[]>;

const OPERATIONS = document.operations as Record<string, Operation>;
export const TYPES: Record<string, { calls: Steps; files: object }> = document.types;

const AWS_S3_KEY = "key/0f0f0f0f-1111-2222-3333-444444444444";

const operationOf = (call: string): Operation => OPERATIONS[call] ?? {};

/** The actions that an operation needs on the resource. */
function actionsOf(call: string): string[] {
  return operationOf(call).actions ?? [call.replace(".", ":")];
}

/** All requests for one resource, whose tags and key are the stack's. */
export function requestsFor(resource: Declared, program: Program, place: Place, encrypted: boolean): Call[] {
  const steps = TYPES[resource.type]?.calls;
  if (!steps) throw new Error(`${resource.type} is not in test/infra/provider-calls.json: add its calls`);
  return Object.entries(steps).flatMap(([step, calls]) =>
    calls
      .filter((call) => operationOf(call).granted !== false)
      .flatMap((call) => [
        ...onResource(resource, program, place, step, call),
        ...(encrypted ? onKey(resource, program, place, call) : []),
      ])
      .map((request) => ({ ...request, origin: `${resource.type} ${resource.name} ${step}` })),
  );
}

function onResource(
  resource: Declared,
  program: Program,
  place: Place,
  step: string,
  call: string,
): Request[] {
  return actionsOf(call).flatMap((action): Request[] => {
    const { on } = operationOf(call);
    const target = typeof on === "object" ? on[action] : on;
    if (target === "*") return [{ action, resource: "*", context: requestTags(resource) }];
    if (action === "iam:PassRole") return [passRole(resource, program, place)];
    if (action === "iam:CreateServiceLinkedRole") return [serviceLinkedRole(place)];
    if (Array.isArray(target)) {
      const [own = ""] = arnsOf(resource, program, place);
      return target.map((form) => ({ action, resource: apiGatewayArn(form, own) }));
    }
    if (resource.type === "aws:kms/key:Key") return [aboutKey(resource, place, step, call, action)];
    if (call === "kms.DescribeKey") return [{ action, resource: keyArn(place, AWS_S3_KEY) }];
    return arnsOf(resource, program, place).map((arn) => ({ action, resource: withObject(action, arn) }));
  });
}

/** Actions on objects, which have no resource of their own but the script's. */
function withObject(action: string, arn: string): string {
  return /^s3:(Get|Put|Delete)Object(Version|Tagging)?$/.test(action) ? `${arn}/any/object` : arn;
}

const keyArn = ({ partition, region, accountId }: Place, key = `key/${KEY_ID}`) =>
  `arn:${partition}:kms:${region}:${accountId}:${key}`;

/** AWS checks a new key's creation on no key, and what follows it before the key's tags count for authorization. */
function aboutKey({ inputs }: Declared, place: Place, step: string, call: string, action: string): Request {
  const tags = inputs.tags as Record<string, string>;
  if (call === "kms.CreateKey") return { action, resource: "*", context: tagContext("RequestTag", tags) };
  if (step === "create") return { action, resource: keyArn(place) };
  const context = { ...tagContext("ResourceTag", tags), ...(step === "tags" && { "aws:TagKeys": ["Team"] }) };
  return { action, resource: keyArn(place), context };
}

/** The tags that a call which creates the resource sends. */
function requestTags({ inputs }: Declared): Record<string, string> {
  return tagContext("RequestTag", (inputs.tags ?? {}) as Record<string, string>);
}

export function tagContext(kind: "RequestTag" | "ResourceTag", tags: Record<string, string>) {
  return Object.fromEntries(Object.entries(tags).map(([name, value]) => [`aws:${kind}/${name}`, value]));
}

/** S3, Secrets Manager and Firehose use the key with the caller's rights, and say on what. */
function onKey(resource: Declared, program: Program, place: Place, call: string): Request[] {
  const [service = ""] = call.split(".");
  const [arn = ""] = arnsOf(resource, program, place);
  const context: Record<string, string> = {
    "kms:ViaService": `${service}.${place.region}.amazonaws.com`,
    ...(service === "firehose"
      ? { "kms:GrantIsForAWSResource": "true" }
      : { [`kms:EncryptionContext:${service === "s3" ? "aws:s3:arn" : "SecretARN"}`]: arn }),
  };
  return (operationOf(call).key ?? []).map((action) => ({ action, resource: keyArn(place), context }));
}

/** API Gateway makes it with the first API of an account. */
function serviceLinkedRole({ partition, accountId }: Place): Request {
  const service = "ops.apigateway.amazonaws.com";
  return {
    action: "iam:CreateServiceLinkedRole",
    resource: `arn:${partition}:iam::${accountId}:role/aws-service-role/${service}/AWSServiceRoleForAPIGateway`,
    context: { "iam:AWSServiceName": service },
  };
}

/** The role that the resource names, for the service that the role trusts. */
function passRole({ inputs }: Declared, program: Program, place: Place): Request {
  const within = (inputs.target ?? inputs.extendedS3Configuration) as { roleArn?: string } | undefined;
  const reference = inputs.role ?? inputs.roleArn ?? within?.roleArn;
  const name = String(reference).replace(/^arn:aws:iam\/role:Role:/, "");
  const { assumeRolePolicy } = program.named("aws:iam/role:Role", name);
  const service = JSON.parse(String(assumeRolePolicy)).Statement[0].Principal.Service as string;
  const resource = roleArn(reference, program, place);
  return { action: "iam:PassRole", resource, context: { "iam:PassedToService": service } };
}
