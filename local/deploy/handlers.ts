// The table of the local deployment: every resource type that the local stack can make.
import { apiGatewayHandlers } from "./apigateway";
import { athenaHandlers } from "./athena";
import { budgetHandlers } from "./budgets";
import { cloudWatchHandlers } from "./cloudwatch";
import { firehoseHandlers } from "./firehose";
import { glueHandlers } from "./glue";
import { iamHandlers } from "./iam";
import { kinesisHandlers } from "./kinesis";
import { kmsHandlers } from "./kms";
import { lambdaHandlers } from "./lambda";
import { logsHandlers } from "./logs";
import type { Handler } from "./resource";
import { s3Handlers } from "./s3";
import { secretsManagerHandlers } from "./secretsmanager";
import { snsHandlers } from "./sns";
import { sqsHandlers } from "./sqs";
import { stepFunctionsHandlers } from "./stepfunctions";

export const handlers: Readonly<Record<string, Handler>> = {
  ...apiGatewayHandlers,
  ...kinesisHandlers,
  ...firehoseHandlers,
  ...kmsHandlers,
  ...s3Handlers,
  ...iamHandlers,
  ...logsHandlers,
  ...cloudWatchHandlers,
  ...budgetHandlers,
  ...lambdaHandlers,
  ...glueHandlers,
  ...athenaHandlers,
  ...secretsManagerHandlers,
  ...snsHandlers,
  ...sqsHandlers,
  ...stepFunctionsHandlers,
};
