// Alarms and dashboards.
import {
  type ComparisonOperator,
  DeleteAlarmsCommand,
  DeleteDashboardsCommand,
  PutDashboardCommand,
  PutMetricAlarmCommand,
} from "@aws-sdk/client-cloudwatch";
import type * as aws from "@pulumi/aws";
import { handler, parseJson } from "./resource";
import { tagList } from "./tags";

const NOT_EVALUATED = "stored; the local stack evaluates no alarms, so none sends a mail";

const alarm = handler<aws.cloudwatch.MetricAlarmArgs>({
  honours: ["name", "alarmDescription", "tags"],
  ineffective: {
    metricQueries: NOT_EVALUATED,
    comparisonOperator: NOT_EVALUATED,
    threshold: NOT_EVALUATED,
    evaluationPeriods: NOT_EVALUATED,
    datapointsToAlarm: NOT_EVALUATED,
    treatMissingData: NOT_EVALUATED,
    alarmActions: NOT_EVALUATED,
  },
  naming: { maximumLength: 255 },
  async create(inputs, { clients, region, accountId, physicalName }) {
    const AlarmName = physicalName(inputs.name);
    await clients.cloudwatch.send(
      new PutMetricAlarmCommand({
        AlarmName,
        AlarmDescription: inputs.alarmDescription,
        Tags: tagList(inputs.tags),
        // The emulator evaluates alarms by other rules than CloudWatch, so its mails would be wrong.
        ActionsEnabled: false,
        AlarmActions: inputs.alarmActions as string[] | undefined,
        ComparisonOperator: inputs.comparisonOperator as ComparisonOperator,
        Threshold: inputs.threshold,
        EvaluationPeriods: inputs.evaluationPeriods,
        DatapointsToAlarm: inputs.datapointsToAlarm,
        TreatMissingData: inputs.treatMissingData,
        Metrics: inputs.metricQueries?.map(({ id, expression, label, returnData, metric }) => ({
          Id: id,
          Expression: expression,
          Label: label,
          ReturnData: returnData,
          MetricStat: metric && {
            Metric: {
              Namespace: metric.namespace,
              MetricName: metric.metricName,
              Dimensions: Object.entries(metric.dimensions ?? {}).map(([Name, Value]) => ({ Name, Value })),
            },
            Period: metric.period,
            Stat: metric.stat,
          },
        })),
      }),
    );
    const arn = `arn:aws:cloudwatch:${region}:${accountId}:alarm:${AlarmName}`;
    return { id: AlarmName, outputs: { name: AlarmName, arn } };
  },
  async remove({ id }, { clients }) {
    await clients.cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [id] }));
  },
});

const dashboard = handler<aws.cloudwatch.DashboardArgs>({
  honours: ["dashboardName"],
  ineffective: { dashboardBody: "stored; the local stack has no console to show it" },
  async create(inputs, { clients, accountId }) {
    parseJson(inputs.dashboardBody, "dashboardBody");
    await clients.cloudwatch.send(
      new PutDashboardCommand({
        DashboardName: inputs.dashboardName,
        DashboardBody: inputs.dashboardBody,
      }),
    );
    const dashboardArn = `arn:aws:cloudwatch::${accountId}:dashboard/${inputs.dashboardName}`;
    return { id: inputs.dashboardName, outputs: { dashboardArn } };
  },
  async remove({ id }, { clients }) {
    await clients.cloudwatch.send(new DeleteDashboardsCommand({ DashboardNames: [id] }));
  },
});

export const cloudWatchHandlers = {
  "aws:cloudwatch/metricAlarm:MetricAlarm": alarm,
  "aws:cloudwatch/dashboard:Dashboard": dashboard,
};
