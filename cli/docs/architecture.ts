// The diagram in docs/architecture.md, drawn from what the program declares: its resources, and who may do what with which.

import { declaredBy, stackConfiguration } from "../../stack/configuration";
import { type Declared, declaredArn } from "../../stack/declared";

const BEGIN = "<!-- diagram: written by npm run docs -->";
const END = "<!-- end of diagram -->";

/** The types that hold or move data, each with its shape and what it is called. */
const DRAWN: Readonly<Record<string, { open: string; close: string; what: string }>> = {
  "aws:apigatewayv2/api:Api": { open: "[[", close: "]]", what: "HTTP API" },
  "aws:kinesis/stream:Stream": { open: "[/", close: "/]", what: "Kinesis stream" },
  "aws:lambda/function:Function": { open: "(", close: ")", what: "Lambda" },
  "aws:s3/bucket:Bucket": { open: "[(", close: ")]", what: "S3 bucket" },
  "aws:glue/job:Job": { open: "(", close: ")", what: "Glue job" },
  "aws:glue/crawler:Crawler": { open: "(", close: ")", what: "Glue crawler" },
  "aws:glue/catalogTable:CatalogTable": { open: "[", close: "]", what: "Glue table" },
  "aws:athena/workgroup:Workgroup": { open: "(", close: ")", what: "Athena workgroup" },
  "aws:sfn/stateMachine:StateMachine": { open: "{{", close: "}}", what: "state machine" },
  "aws:scheduler/schedule:Schedule": { open: "([", close: "])", what: "schedule" },
  "aws:sns/topic:Topic": { open: ">", close: "]", what: "SNS topic" },
};

const STAGES: readonly (readonly [string, RegExp])[] = [
  ["collect", /-(stream|simulator|collector)$/],
  ["ingest", /-(ingest|await-ingest|raw)$/],
  ["transform", /-(transform|curated|scripts|look-for-new)$/],
  ["catalog", /-(events|quarantine|workgroup|results|crawler)$/],
  ["notify", /^Pipeline/],
  ["orchestrate", /-(pipeline|schedule)$/],
];

/** It is off by default, and where the events of a site come in. */
const WITH_COLLECTOR = { collector: "true", collectorOrigins: '["https://www.example.com"]' };

interface Edge {
  from: string;
  to: string;
  label: string;
}

export function isDrawn(type: string): boolean {
  return type in DRAWN;
}

export async function architectureDocument(current: string): Promise<string> {
  const begin = current.indexOf(BEGIN);
  const end = current.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/architecture.md lacks the lines ${BEGIN} and ${END}`);
  const resources = await declaredBy(stackConfiguration("prod", WITH_COLLECTOR));
  const text = ["", "", "```mermaid", ...diagram(resources), "```", "", ""].join("\n");
  return current.slice(0, begin + BEGIN.length) + text + current.slice(end);
}

export function diagram(resources: readonly Declared[]): string[] {
  const nodes = resources.filter(({ type }) => isDrawn(type));
  const lines = ["flowchart LR"];
  for (const [stage, names] of STAGES) {
    lines.push(`  subgraph ${stage}`);
    for (const node of nodes.filter(({ name }) => names.test(name))) {
      const { open, close, what } = DRAWN[node.type] as (typeof DRAWN)[string];
      lines.push(`    ${idOf(node)}${open}"${what}<br>${node.name.replace(/^clickstream-/, "")}"${close}`);
    }
    lines.push("  end");
  }
  const edges = edgesOf(resources, nodes).map(({ from, to, label }) => `  ${from} -->|${label}| ${to}`);
  return [...lines, ...new Set(edges)];
}

/** A table and a workgroup may share a name with something else: the type is part of the id. */
function idOf({ type, name }: Declared): string {
  return `${type.split(":").at(-1)}_${name.replaceAll("-", "_")}`;
}

function edgesOf(resources: readonly Declared[], nodes: readonly Declared[]): Edge[] {
  return [
    ...permissionEdges(resources, nodes),
    ...integrationEdges(resources, nodes),
    ...mappingEdges(resources, nodes),
    ...tableEdges(nodes),
  ].sort((a, b) => (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1));
}

type Statement = { Effect: string; Action: string | string[]; Resource: string | string[] };

/** An edge for what each role allows its owner to do with a node: written to, started, or read from. */
function permissionEdges(resources: readonly Declared[], nodes: readonly Declared[]): Edge[] {
  const edges: Edge[] = [];
  for (const { inputs, type } of resources) {
    if (type !== "aws:iam/rolePolicy:RolePolicy") continue;
    const role = String(inputs.role).replace(/-id$/, "");
    const owner = nodes.find((node) => ownsRole(node, role));
    if (!owner) continue;
    const { Statement = [] } = JSON.parse(String(inputs.policy)) as { Statement: Statement[] };
    for (const { Action, Resource } of Statement) {
      for (const target of nodes.filter((node) => [Resource].flat().some((arn) => isOf(arn, node)))) {
        if (target !== owner) edges.push(edge(owner, target, [Action].flat()));
      }
    }
  }
  return edges;
}

function ownsRole({ inputs }: Declared, role: string): boolean {
  const own = [inputs.role, inputs.roleArn, (inputs.target as { roleArn?: string } | undefined)?.roleArn];
  return own.includes(declaredArn("aws:iam/role:Role", role));
}

function isOf(arn: string, { type, name, inputs }: Declared): boolean {
  if (type === "aws:glue/catalogTable:CatalogTable")
    return arn.endsWith(`:table/${inputs.databaseName}/${inputs.name}`);
  const own = declaredArn(type, name);
  return arn === own || arn.startsWith(`${own}/`);
}

function edge(owner: Declared, target: Declared, actions: string[]): Edge {
  const verbs = actions.map((action) => action.split(":")[1] ?? "");
  const some = (pattern: RegExp) => verbs.some((verb) => pattern.test(verb));
  if (some(/^(Start|Invoke)/)) return { from: idOf(owner), to: idOf(target), label: "starts" };
  if (some(/^(Put|Create|BatchCreate|Update|Publish|Delete)/)) {
    return { from: idOf(owner), to: idOf(target), label: "writes" };
  }
  return { from: idOf(target), to: idOf(owner), label: "is read by" };
}

/** What API Gateway calls for a request. */
function integrationEdges(resources: readonly Declared[], nodes: readonly Declared[]): Edge[] {
  return resources
    .filter(({ type }) => type === "aws:apigatewayv2/integration:Integration")
    .flatMap(({ inputs }) => {
      const api = nodes.find(({ type, name }) => type.endsWith(":Api") && `${name}-id` === inputs.apiId);
      const target = nodes.find((node) => isOf(String(inputs.integrationUri), node));
      return api && target ? [{ from: idOf(api), to: idOf(target), label: "requests" }] : [];
    });
}

/** What Lambda itself moves: batches to the function, and those given up to the bucket. */
function mappingEdges(resources: readonly Declared[], nodes: readonly Declared[]): Edge[] {
  return resources
    .filter(({ type }) => type === "aws:lambda/eventSourceMapping:EventSourceMapping")
    .flatMap(({ inputs }) => {
      const stream = nodes.find((node) => isOf(String(inputs.eventSourceArn), node));
      const target = nodes.find(
        ({ type, name }) => type === "aws:lambda/function:Function" && `${name}-id` === inputs.functionName,
      );
      return stream && target ? [{ from: idOf(stream), to: idOf(target), label: "batches" }] : [];
    });
}

/** Where a table's files lie. */
function tableEdges(nodes: readonly Declared[]): Edge[] {
  return nodes.flatMap((table) => {
    const location = (table.inputs.storageDescriptor as { location?: string } | undefined)?.location ?? "";
    const bucket = nodes.find(
      ({ type, name }) => type.endsWith(":Bucket") && location.startsWith(`s3://${name}-id/`),
    );
    return bucket ? [{ from: idOf(bucket), to: idOf(table), label: "files of" }] : [];
  });
}
