// Checks of account settings that the stack depends on, besides quotas: Lake Formation and access to billing.
import { BudgetsClient, DescribeBudgetsCommand } from "@aws-sdk/client-budgets";
import {
  GetDataLakeSettingsCommand,
  LakeFormationClient,
  type PrincipalPermissions,
} from "@aws-sdk/client-lakeformation";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { isAccessDenied } from "../../stack/aws-errors";
import type { TargetConfig } from "../../stack/target";
import { guarded } from "./guarded";
import type { Check } from "./machine.mjs";

export async function accountChecks(config: TargetConfig, monthlyBudgetUsd: number): Promise<Check[]> {
  const checks = [await guarded("Lake Formation", () => lakeFormationCheck(config))];
  if (monthlyBudgetUsd > 0) checks.push(await guarded("Billing", () => billingCheck(config)));
  return checks;
}

/** Whether IAM alone controls access to new databases and tables. Existing grants are not checked. */
async function lakeFormationCheck(config: TargetConfig): Promise<Check> {
  const name = "Lake Formation";
  const { DataLakeSettings } = await new LakeFormationClient({ maxAttempts: 2, ...config }).send(
    new GetDataLakeSettingsCommand({}),
  );
  const { CreateDatabaseDefaultPermissions, CreateTableDefaultPermissions } = DataLakeSettings ?? {};
  if (leavesItToIam(CreateDatabaseDefaultPermissions) && leavesItToIam(CreateTableDefaultPermissions)) {
    return { name, state: "ok", says: "IAM alone controls access to the catalog" };
  }
  return {
    name,
    state: "unknown",
    says: "the account's default permissions are off, so the stack's roles need grants on its database",
    remedy: 'see docs/deployment.md, section "Lake Formation", for the commands',
  };
}

function leavesItToIam(permissions: PrincipalPermissions[] = []): boolean {
  return permissions.some(
    ({ Principal, Permissions = [] }) =>
      Principal?.DataLakePrincipalIdentifier === "IAM_ALLOWED_PRINCIPALS" && Permissions.includes("ALL"),
  );
}

/** A role's policy is not enough: the account's root user must allow roles to see billing at all. */
async function billingCheck(config: TargetConfig): Promise<Check> {
  const name = "Billing";
  const { Account } = await new STSClient(config).send(new GetCallerIdentityCommand({}));
  const client = new BudgetsClient({ maxAttempts: 2, ...config });
  try {
    await client.send(new DescribeBudgetsCommand({ AccountId: Account, MaxResults: 1 }));
    return { name, state: "ok", says: "budgets are readable" };
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    return {
      name,
      state: "bad",
      says: `AWS denied access: ${(error as Error).message}`,
      remedy:
        'monthlyBudgetUsd needs budgets:ViewBudget, budgets:ModifyBudget and access to billing. The root user activates that access once per account: Account, "IAM user and role access to Billing information", Activate. To do without a budget: pulumi config set monthlyBudgetUsd 0',
    };
  }
}
