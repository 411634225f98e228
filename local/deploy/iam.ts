// Roles and their inline policies.
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import type * as aws from "@pulumi/aws";
import { handler } from "./resource";
import { tagList } from "./tags";

const role = handler<aws.iam.RoleArgs>({
  honours: ["name", "namePrefix", "description", "path", "assumeRolePolicy", "tags"],
  naming: { maximumLength: 64 },
  async create(inputs, { clients, physicalName }) {
    const RoleName = physicalName(inputs.name, inputs.namePrefix);
    const { Role } = await clients.iam.send(
      new CreateRoleCommand({
        RoleName,
        Path: inputs.path,
        Description: inputs.description,
        AssumeRolePolicyDocument: asText(inputs.assumeRolePolicy),
        Tags: tagList(inputs.tags),
      }),
    );
    return { id: RoleName, outputs: { name: RoleName, arn: Role?.Arn, uniqueId: Role?.RoleId } };
  },
  async remove({ id }, { clients }) {
    await clients.iam.send(new DeleteRoleCommand({ RoleName: id }));
  },
});

const rolePolicy = handler<aws.iam.RolePolicyArgs>({
  honours: ["name", "namePrefix", "role", "policy"],
  naming: { maximumLength: 128 },
  async create(inputs, { clients, physicalName }) {
    const RoleName = String(inputs.role);
    const PolicyName = physicalName(inputs.name, inputs.namePrefix);
    const PolicyDocument = asText(inputs.policy);
    await clients.iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
    return { id: `${RoleName}:${PolicyName}`, outputs: { name: PolicyName } };
  },
  async remove({ id }, { clients }) {
    const [RoleName, PolicyName] = id.split(":");
    await clients.iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
  },
});

function asText(policy: unknown): string {
  return typeof policy === "string" ? policy : JSON.stringify(policy);
}

export const iamHandlers = {
  "aws:iam/role:Role": role,
  "aws:iam/rolePolicy:RolePolicy": rolePolicy,
};
