// Finds what is left of a stack in an account: by its tags, and by name and purpose where a service has no tags.
import { IAMClient, ListRoleTagsCommand } from "@aws-sdk/client-iam";
import {
  paginateGetResources,
  ResourceGroupsTaggingAPIClient,
} from "@aws-sdk/client-resource-groups-tagging-api";
import { budgetName, databaseName, qualifiedName } from "../../infra/blocks/names";
import { errorText } from "../../stack/aws-errors";
import type { TargetConfig } from "../../stack/target";
import { type Item, LISTERS } from "./listing";

/** The tags of every resource of the program. */
export const PROJECT_TAG = "Project";
export const STACK_TAG = "Stack";

/** Prefix of Pulumi's automatic names. It comes from the logical names, whatever the project is called. */
const AUTOMATIC_PREFIX = "clickstream-";

export interface Leftovers {
  found: Item[];
  /** Deleted resources that are still in AWS's tag index, which can take hours to forget them. */
  stale: string[];
  /** Kinds that could not be listed, and why. */
  unlisted: { kind: string; why: string }[];
}

export async function findLeftovers(
  config: TargetConfig,
  project: string,
  stack: string,
): Promise<Leftovers> {
  const tagged = await taggedArns(config, project, stack);
  const named = nameTest(project, stack);
  const ours = (name: string) => named(name) || name.startsWith(AUTOMATIC_PREFIX);
  const items: Item[] = [];
  const unlisted: Leftovers["unlisted"] = [];
  for (const [kind, list] of Object.entries(LISTERS)) {
    try {
      items.push(...(await list(config, ours)));
    } catch (error) {
      unlisted.push({ kind, why: errorText(error) });
    }
  }
  const listed = new Map(items.map((item) => [item, tagged.find((arn) => isArnOf(arn, item))]));
  const existing = new Set(items.map(({ arn }) => arn));
  const roleTags = await taggedRoles(config, project, stack, items);
  const found = items.filter(
    (item) =>
      listed.get(item) !== undefined ||
      named(item.id) ||
      roleTags.has(item.arn ?? item.serves ?? "") ||
      dangles(item, existing),
  );
  const seen = new Set(listed.values());
  return { found, stale: tagged.filter((arn) => !seen.has(arn)), unlisted };
}

async function taggedArns(config: TargetConfig, project: string, stack: string): Promise<string[]> {
  const client = new ResourceGroupsTaggingAPIClient(config);
  const TagFilters = [
    { Key: PROJECT_TAG, Values: [project] },
    { Key: STACK_TAG, Values: [stack] },
  ];
  const arns: string[] = [];
  for await (const page of paginateGetResources({ client }, { TagFilters })) {
    for (const { ResourceARN } of page.ResourceTagMappingList ?? []) if (ResourceARN) arns.push(ResourceARN);
  }
  return arns;
}

function isArnOf(arn: string, { arn: own, id }: Item): boolean {
  return own === undefined ? arn.endsWith(`/${id}`) || arn.endsWith(`:${id}`) : arn === own;
}

/** Matches names of this project and stack, but not "clickstream-dev2" or "clickstream-dev-2". */
export function nameTest(project: string, stack: string): (name: string) => boolean {
  const whole = new RegExp(`(^|[/:])${qualifiedName(project, stack)}($|/)`);
  const database = databaseName(project, stack);
  const others = [database, budgetName(project, stack)];
  return (name) => whole.test(name) || others.includes(name) || name.startsWith(`${database}.`);
}

/** The tag index does not contain roles, so each role of the project is asked for its tags. */
async function taggedRoles(
  config: TargetConfig,
  project: string,
  stack: string,
  items: readonly Item[],
): Promise<Set<string>> {
  const client = new IAMClient(config);
  const found = new Set<string>();
  for (const { kind, id, arn } of items) {
    if (kind !== "role" || !id.startsWith(AUTOMATIC_PREFIX)) continue;
    const { Tags = [] } = await client.send(new ListRoleTagsCommand({ RoleName: id }));
    const tag = (name: string) => Tags.find(({ Key }) => Key === name)?.Value;
    if (tag(PROJECT_TAG) === project && tag(STACK_TAG) === stack && arn) found.add(arn);
  }
  return found;
}

/** Created by this program, of any stack, for something that no longer exists: a schedule without its state machine. */
function dangles({ kind, serves }: Item, existing: ReadonlySet<string | undefined>): boolean {
  if (serves === undefined || !["schedule", "event source mapping", "subscription"].includes(kind))
    return false;
  const name = serves.split(":").at(-1) ?? "";
  const ours = name.startsWith(AUTOMATIC_PREFIX) || /^Pipeline(Success|Failure)-/.test(name);
  return ours && !existing.has(serves);
}
