// KMS keys and their aliases.
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DeleteAliasCommand,
  EnableKeyRotationCommand,
  ScheduleKeyDeletionCommand,
} from "@aws-sdk/client-kms";
import type * as aws from "@pulumi/aws";
import { handler } from "./resource";
import { tagList } from "./tags";

const SHORTEST_DELETION_WINDOW_DAYS = 7;

const key = handler<aws.kms.KeyArgs>({
  honours: ["description", "deletionWindowInDays", "policy", "tags"],
  ineffective: {
    enableKeyRotation: "stored; a local run ends before a key is rotated",
  },
  async create(inputs, { clients }) {
    const { KeyMetadata } = await clients.kms.send(
      new CreateKeyCommand({
        Description: inputs.description,
        Policy: inputs.policy,
        Tags: tagList(inputs.tags).map(({ Key, Value }) => ({ TagKey: Key, TagValue: Value })),
      }),
    );
    const KeyId = KeyMetadata?.KeyId ?? "";
    if (inputs.enableKeyRotation) await clients.kms.send(new EnableKeyRotationCommand({ KeyId }));
    return { id: KeyId, outputs: { keyId: KeyId, arn: KeyMetadata?.Arn } };
  },
  /** As on AWS, a key is not deleted at once: it is pending deletion. */
  async remove({ id, inputs }, { clients }) {
    const PendingWindowInDays = inputs.deletionWindowInDays ?? SHORTEST_DELETION_WINDOW_DAYS;
    await clients.kms.send(new ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays }));
  },
});

const alias = handler<aws.kms.AliasArgs>({
  honours: ["name", "targetKeyId"],
  async create(inputs, { clients, region, accountId }) {
    const name = inputs.name ?? "";
    if (!name.startsWith("alias/"))
      throw new Error(`name must start with alias/, got ${JSON.stringify(name)}`);
    await clients.kms.send(new CreateAliasCommand({ AliasName: name, TargetKeyId: inputs.targetKeyId }));
    return { id: name, outputs: { name, arn: `arn:aws:kms:${region}:${accountId}:${name}` } };
  },
  async remove({ id }, { clients }) {
    await clients.kms.send(new DeleteAliasCommand({ AliasName: id }));
  },
});

export const kmsHandlers = { "aws:kms/key:Key": key, "aws:kms/alias:Alias": alias };
