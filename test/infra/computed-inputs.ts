// Which inputs the AWS provider keeps as they are where the program leaves them out: optional ones that it also computes.
//
// Its types tell: an output that is never undefined, of an input that may be left out. Run by hand after an update of
// @pulumi/aws, or when the program declares a new type: npx tsx test/infra/computed-inputs.ts

import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import ts from "typescript";

const PROVIDER = path.resolve(__dirname, "../../node_modules/@pulumi/aws");
export const TABLE = path.join(__dirname, "aws-computed.json");

export interface ComputedInputs {
  source: string;
  /** By type, paths such as "tracingConfig"; what lies under one of these is left out. */
  types: Record<string, string[]>;
}

interface Member {
  optional: boolean;
  type: string;
}

type Shape = Map<string, Member>;

export function computedInputs(types: readonly string[]): ComputedInputs {
  const { version } = JSON.parse(readFileSync(path.join(PROVIDER, "package.json"), "utf8"));
  const inputs = nestedShapes("types/input.d.ts");
  const outputs = nestedShapes("types/output.d.ts");
  return {
    source: `the types of @pulumi/aws ${version}`,
    types: Object.fromEntries(
      [...types].sort().map((type) => {
        const [, module = "", name = ""] = type.split(":");
        const { args, resource } = resourceShapes(module, name);
        return [type, computedOf(args, resource, { inputs, outputs }).sort()];
      }),
    ),
  };
}

function computedOf(
  given: Shape,
  told: Shape,
  nested: { inputs: Map<string, Shape>; outputs: Map<string, Shape> },
): string[] {
  return [...given].flatMap(([name, input]) => {
    const output = told.get(name);
    if (output === undefined) return [];
    if (input.optional && !output.optional) return [name];
    const innerInput = nested.inputs.get(reference(input.type, "inputs"));
    const innerOutput = nested.outputs.get(reference(output.type, "outputs"));
    if (!innerInput || !innerOutput) return [];
    return computedOf(innerInput, innerOutput, nested).map((inner) => `${name}.${inner}`);
  });
}

/** "lambda.FunctionTracingConfig" of a type that names it. */
function reference(type: string, root: "inputs" | "outputs"): string {
  return new RegExp(`\\b${root}\\.([\\w.]+)`).exec(type)?.[1] ?? "";
}

function resourceShapes(module: string, name: string): { args: Shape; resource: Shape } {
  const source = parse(`${module}.d.ts`);
  const args: Shape = new Map();
  const resource: Shape = new Map();
  for (const statement of source.statements) {
    if (ts.isInterfaceDeclaration(statement) && statement.name.text === `${name}Args`) {
      for (const [key, member] of membersOf(statement, source)) args.set(key, member);
    }
    if (!ts.isClassDeclaration(statement) || statement.name?.text !== name) continue;
    for (const member of statement.members) {
      if (!ts.isPropertyDeclaration(member) || !member.type) continue;
      const type = member.type.getText(source);
      resource.set(member.name.getText(source), { optional: /\| undefined\b/.test(type), type });
    }
  }
  if (args.size === 0 || resource.size === 0) throw new Error(`${module}.d.ts declares no ${name}`);
  return { args, resource };
}

/** Every interface in a file of nested types, as "lambda.FunctionTracingConfig". */
function nestedShapes(file: string): Map<string, Shape> {
  const source = parse(file);
  const shapes = new Map<string, Shape>();
  const visit = (node: ts.Node, prefix: string): void => {
    if (ts.isModuleDeclaration(node) && node.body && ts.isModuleBlock(node.body)) {
      for (const inner of node.body.statements) visit(inner, `${prefix}${node.name.text}.`);
    } else if (ts.isInterfaceDeclaration(node)) {
      shapes.set(prefix + node.name.text, membersOf(node, source));
    }
  };
  for (const statement of source.statements) visit(statement, "");
  return shapes;
}

function membersOf(declaration: ts.InterfaceDeclaration, source: ts.SourceFile): Shape {
  return new Map(
    declaration.members
      .filter((member) => ts.isPropertySignature(member))
      .map((member) => [
        member.name.getText(source),
        { optional: member.questionToken !== undefined, type: member.type?.getText(source) ?? "" },
      ]),
  );
}

function parse(file: string): ts.SourceFile {
  const text = readFileSync(path.join(PROVIDER, file), "utf8");
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
}

if (require.main === module) {
  const { types } = JSON.parse(readFileSync(path.join(__dirname, "aws-types.json"), "utf8"));
  writeFileSync(TABLE, `${JSON.stringify(computedInputs(Object.keys(types)), null, 2)}\n`);
}
