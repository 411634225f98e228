// Secrets and their values.
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
} from "@aws-sdk/client-secrets-manager";
import type * as aws from "@pulumi/aws";
import { handler } from "./resource";
import { tagList } from "./tags";

const secret = handler<aws.secretsmanager.SecretArgs>({
  honours: ["name", "namePrefix", "description", "recoveryWindowInDays", "tags"],
  ineffective: { kmsKeyId: "secrets are stored unencrypted in the emulator's memory" },
  naming: { maximumLength: 512 },
  async create(inputs, { clients, physicalName }) {
    const { ARN, Name } = await clients.secrets.send(
      new CreateSecretCommand({
        Name: physicalName(inputs.name, inputs.namePrefix),
        Description: inputs.description,
        KmsKeyId: inputs.kmsKeyId,
        Tags: tagList(inputs.tags),
      }),
    );
    return { id: ARN ?? "", outputs: { name: Name, arn: ARN } };
  },
  async remove({ id, inputs }, { clients }) {
    const days = inputs.recoveryWindowInDays ?? 30;
    const how = days === 0 ? { ForceDeleteWithoutRecovery: true } : { RecoveryWindowInDays: days };
    await clients.secrets.send(new DeleteSecretCommand({ SecretId: id, ...how }));
  },
});

const secretVersion = handler<aws.secretsmanager.SecretVersionArgs>({
  honours: ["secretId", "secretString", "secretBinary"],
  async create(inputs, { clients }) {
    const { secretBinary } = inputs;
    const { VersionId, ARN } = await clients.secrets.send(
      new PutSecretValueCommand({
        SecretId: inputs.secretId,
        SecretString: inputs.secretString,
        SecretBinary: secretBinary === undefined ? undefined : Buffer.from(secretBinary, "base64"),
      }),
    );
    return { id: `${inputs.secretId}|${VersionId}`, outputs: { arn: ARN, versionId: VersionId } };
  },
});

export const secretsManagerHandlers = {
  "aws:secretsmanager/secret:Secret": secret,
  "aws:secretsmanager/secretVersion:SecretVersion": secretVersion,
};
