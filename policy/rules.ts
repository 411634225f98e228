// The rules of the policy pack: security rules for every stack of this project, whatever its configuration.
import type {
  PolicyResource,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";
import { holdsData } from "../infra/blocks/data-types";
import { type Statement, statementsOf } from "./document";

/** Begins the Sid of statements with actions for which AWS has no resource-level permission (infra/blocks/permissions.ts). */
const NO_RESOURCE_LEVEL = "AwsHasNoResourceLevelForThese";
const RUNTIMES = ["nodejs24.x"];
const ARCHITECTURE = "arm64";
const BUCKET = "aws:s3/bucket:Bucket";
const ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
const KEY = "aws:kms/key:Key";
const TAGS = ["Project", "Stack", "ManagedBy"];
/** Types that the provider cannot tag. All others must have tags: the engine leaves out what is not set. */
export const UNTAGGABLE = [
  "aws:apigatewayv2/integration:Integration",
  "aws:apigatewayv2/route:Route",
  "aws:athena/namedQuery:NamedQuery",
  "aws:cloudwatch/dashboard:Dashboard",
  "aws:cloudwatch/logMetricFilter:LogMetricFilter",
  "aws:cloudwatch/logStream:LogStream",
  "aws:glue/catalogTable:CatalogTable",
  "aws:iam/rolePolicy:RolePolicy",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  "aws:kms/alias:Alias",
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
  "aws:lambda/permission:Permission",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "aws:s3/bucketNotification:BucketNotification",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketVersioning:BucketVersioning",
  "aws:scheduler/schedule:Schedule",
  "aws:secretsmanager/secretVersion:SecretVersion",
  "aws:sns/topicPolicy:TopicPolicy",
  "aws:sns/topicSubscription:TopicSubscription",
  "aws:sqs/queuePolicy:QueuePolicy",
];

type Problem = string | undefined | false;

/** A rule about resources of one type; `check` returns the problem. */
function each(
  type: string,
  name: string,
  description: string,
  check: (props: ResourceValidationArgs["props"], resource: ResourceValidationArgs) => Problem,
): ResourceValidationPolicy {
  return {
    name,
    description,
    validateResource: (resource, report) => {
      if (resource.type !== type) return;
      const problem = check(resource.props, resource);
      if (problem) report(problem);
    },
  };
}

/** A rule that each bucket has a companion resource of a type for which `holds` is true. */
function companion(
  type: string,
  name: string,
  description: string,
  holds: (props: PolicyResource["props"]) => boolean,
): StackValidationPolicy {
  return {
    name,
    description,
    validateStack: ({ resources }, report) => {
      for (const bucket of resources.filter((resource) => resource.type === BUCKET)) {
        const own = resources.filter((resource) => resource.type === type && isOf(resource, bucket));
        if (!own.some(({ props }) => holds(props))) report(`${bucket.name}: ${description}`, bucket.urn);
      }
    },
  };
}

/** By the dependency of the property, as the bucket's name is unknown before the first deployment. */
function isOf(resource: PolicyResource, bucket: PolicyResource): boolean {
  return resource.propertyDependencies.bucket?.some(({ urn }) => urn === bucket.urn) ?? false;
}

/** True if destroy empties every bucket. This follows from the configuration, which a policy pack does not get. */
function mayLoseData(resources: PolicyResource[]): boolean {
  const buckets = resources.filter(({ type }) => type === BUCKET);
  return buckets.length > 0 && buckets.every(({ props }) => props.forceDestroy === true);
}

/** If a bucket is encrypted with the stack's key, its data cannot be read without the key. */
function keyHoldsData(resources: PolicyResource[]): boolean {
  return resources.some(
    ({ type, props }) => type === ENCRYPTION && JSON.stringify(props.rules ?? []).includes("aws:kms"),
  );
}

function statements(props: ResourceValidationArgs["props"], ...names: string[]): Statement[] {
  return names.flatMap((name) => statementsOf(props[name]));
}

/** Variables of an access log that say who sent a request, or what: a path or a query can hold a key or an id. */
const PERSONAL_IN_LOGS = /\$context\.(identity\.\w+|path|customDomain|authorizer\.\w+)|\$request\b/;

const ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy";

export const rules: (ResourceValidationPolicy | StackValidationPolicy)[] = [
  {
    name: "tagged",
    description: `A resource that can have tags has ${TAGS.join(", ")}. Bills, searches and npm run leftovers use them.`,
    validateResource: ({ type, props }, report) => {
      if (!type.startsWith("aws:") || UNTAGGABLE.includes(type)) return;
      const missing = TAGS.filter((tag) => !props.tags?.[tag]);
      if (missing.length > 0) report(`tags must have ${missing.join(", ")}.`);
    },
  },
  {
    name: "data-protected",
    description:
      "A resource that holds data is protected from deletion, unless destroy empties the stack's buckets anyway.",
    validateStack: ({ resources }, report) => {
      if (mayLoseData(resources)) return;
      const keys = keyHoldsData(resources) ? [KEY] : [];
      for (const { type, name, urn, opts } of resources)
        if ((holdsData(type, name) || keys.includes(type)) && !opts.protect)
          report(
            `${name} is not protected: remove allowDataLoss, or deploy without this pack to destroy the stack.`,
            urn,
          );
    },
  },
  companion(
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "buckets-private",
    "A bucket must block all public access (BucketPublicAccessBlock with its four settings true).",
    (props) =>
      [
        props.blockPublicAcls,
        props.blockPublicPolicy,
        props.ignorePublicAcls,
        props.restrictPublicBuckets,
      ].every((setting) => setting === true),
  ),
  companion(
    ENCRYPTION,
    "buckets-encrypted",
    "A bucket must have a default encryption (BucketServerSideEncryptionConfiguration).",
    (props) => Boolean(props.rules?.[0]?.applyServerSideEncryptionByDefault?.sseAlgorithm),
  ),
  companion(
    "aws:s3/bucketPolicy:BucketPolicy",
    "buckets-tls-only",
    "A bucket's policy must deny every request without TLS (aws:SecureTransport false).",
    (props) =>
      statementsOf(props.policy).some(
        ({ effect, actions, conditions }) =>
          effect === "Deny" &&
          actions.includes("s3:*") &&
          conditions.get("aws:securetransport")?.[0] === "false",
      ),
  ),
  companion(
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "buckets-without-leftovers",
    "A bucket must abort incomplete uploads (a BucketLifecycleConfiguration rule).",
    (props) =>
      (props.rules as { abortIncompleteMultipartUpload?: unknown }[] | undefined)?.some((rule) =>
        Boolean(rule.abortIncompleteMultipartUpload),
      ) ?? false,
  ),
  each(
    "aws:kinesis/stream:Stream",
    "stream-encrypted",
    "A stream must be encrypted (encryptionType KMS with a kmsKeyId).",
    ({ encryptionType, kmsKeyId }) =>
      (encryptionType !== "KMS" || !kmsKeyId) &&
      `encryptionType must be KMS with a kmsKeyId, got ${encryptionType ?? "none"}.`,
  ),
  each(
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
    "delivery-stream-encrypted",
    "A delivery stream must be encrypted (serverSideEncryption.enabled).",
    ({ serverSideEncryption }) =>
      serverSideEncryption?.enabled !== true && "serverSideEncryption.enabled must be true.",
  ),
  each(
    "aws:sqs/queue:Queue",
    "queues-encrypted",
    "A queue must be encrypted (kmsMasterKeyId or sqsManagedSseEnabled).",
    ({ kmsMasterKeyId, sqsManagedSseEnabled }) =>
      !kmsMasterKeyId &&
      sqsManagedSseEnabled !== true &&
      "kmsMasterKeyId must be set, or sqsManagedSseEnabled be true.",
  ),
  each(
    "aws:sns/topic:Topic",
    "topics-encrypted",
    "A topic must be encrypted (kmsMasterKeyId).",
    ({ kmsMasterKeyId }) => !kmsMasterKeyId && "kmsMasterKeyId must be set, got none.",
  ),
  each(
    "aws:athena/workgroup:Workgroup",
    "query-results-encrypted",
    "A workgroup must enforce its configuration and encrypt the results.",
    ({ configuration }) =>
      (!configuration?.resultConfiguration?.encryptionConfiguration?.encryptionOption ||
        configuration.enforceWorkgroupConfiguration === false) &&
      "configuration must have an encryptionOption and enforceWorkgroupConfiguration must not be false.",
  ),
  each(
    "aws:cloudwatch/logGroup:LogGroup",
    "logs-expire",
    "A log group must have a retention. Without one, AWS keeps and bills its logs forever.",
    ({ retentionInDays }) =>
      !(Number(retentionInDays) > 0) && `retentionInDays must be above 0, got ${retentionInDays ?? "none"}.`,
  ),
  each(
    ROLE_POLICY,
    "no-wildcard-action",
    "A role's policy names its actions, without wildcards.",
    ({ policy }) => {
      const wild = statementsOf(policy)
        .filter(({ effect }) => effect === "Allow")
        .flatMap(({ actions }) => actions)
        .filter((action) => action.includes("*"));
      return wild.length > 0 && `Name the actions instead of ${wild.join(", ")}.`;
    },
  ),
  each(
    ROLE_POLICY,
    "no-wildcard-resource",
    `A role's policy names its resources. "*" is allowed only in a statement with the Sid ${NO_RESOURCE_LEVEL}.`,
    ({ policy }) => {
      const broad = statementsOf(policy).filter(
        ({ sid, resources }) => !sid.startsWith(NO_RESOURCE_LEVEL) && resources.includes("*"),
      );
      return (
        broad.length > 0 &&
        `Name the resources of ${broad.flatMap(({ actions }) => actions).join(", ")}, or give the statement the Sid ${NO_RESOURCE_LEVEL} if AWS has no resource-level permission for them.`
      );
    },
  ),
  each(
    "aws:iam/role:Role",
    "no-confused-deputy",
    "A service may assume a role only for this account: aws:SourceAccount or aws:SourceArn in the trust policy.",
    (props) => {
      const open = statements(props, "assumeRolePolicy").filter(
        ({ services, conditions }) =>
          services.length > 0 && !conditions.has("aws:sourceaccount") && !conditions.has("aws:sourcearn"),
      );
      return (
        open.length > 0 &&
        `The trust in ${open.flatMap(({ services }) => services).join(", ")} needs a condition on aws:SourceAccount or aws:SourceArn.`
      );
    },
  ),
  each(
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "own-policies-only",
    "A role has its own policies. AWS's managed policies allow more than a role needs, and change.",
    ({ policyArn }) => `Write the permissions out instead of attaching ${policyArn}.`,
  ),
  each(
    "aws:lambda/function:Function",
    "function-runtime",
    `A function runs on ${RUNTIMES.join(" or ")} and ${ARCHITECTURE}, which is tested, patched and cheapest.`,
    ({ runtime, architectures }) =>
      (!RUNTIMES.includes(runtime) || architectures?.[0] !== ARCHITECTURE) &&
      `runtime must be ${RUNTIMES.join(" or ")} on ${ARCHITECTURE}, got ${runtime} on ${architectures?.[0] ?? "the default"}.`,
  ),
  each(
    "aws:lambda/permission:Permission",
    "function-called-by-one",
    "A service may call a function only for one resource: sourceArn in the permission.",
    ({ principal, sourceArn }) =>
      (!/^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/.test(String(principal)) || !sourceArn) &&
      `principal must be a service and sourceArn must be set, got ${principal} with ${sourceArn ?? "none"}.`,
  ),
  each(
    "aws:apigatewayv2/stage:Stage",
    "api-throttled-and-logged",
    "A stage limits its requests, and logs them without personal data: no address, user agent, path or query.",
    ({ defaultRouteSettings, accessLogSettings }) => {
      if (!(defaultRouteSettings?.throttlingRateLimit > 0 && defaultRouteSettings.throttlingBurstLimit > 0))
        return "defaultRouteSettings must have a throttlingRateLimit and a throttlingBurstLimit above 0.";
      if (!accessLogSettings?.format) return "accessLogSettings must be set, got none.";
      const personal = PERSONAL_IN_LOGS.exec(String(accessLogSettings.format))?.[0];
      return personal && `The format of accessLogSettings must not have ${personal}.`;
    },
  ),
  each(
    "aws:sfn/stateMachine:StateMachine",
    "state-machine-logged",
    "A state machine logs every event, without the data of the execution.",
    ({ loggingConfiguration }) =>
      (loggingConfiguration?.level !== "ALL" || loggingConfiguration.includeExecutionData === true) &&
      `loggingConfiguration must have the level ALL and no execution data, got ${loggingConfiguration?.level ?? "none"}.`,
  ),
];
