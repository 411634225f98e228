// Observe: the dashboard of the pipeline, and the alarms that send mails.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { currentAccount } from "../blocks/account";
import { qualifiedName } from "../blocks/names";
import { type Alarm, type AlarmSettings, alarmsOf, describe } from "./alarms";
import { dashboardBody } from "./dashboard";
import { metricsOf, type ObservedParts } from "./metrics";

export interface ObserveArgs extends ObservedParts, AlarmSettings {
  /** Whether there are alarms. Each costs a tenth of a dollar a month for each metric. */
  alarms: boolean;
  dashboard: boolean;
  failureTopicArn: pulumi.Input<string>;
}

export class Observe extends pulumi.ComponentResource {
  constructor(name: string, args: ObserveArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Observe", name, {}, opts);
    const metrics = metricsOf(args);
    if (args.dashboard) {
      new aws.cloudwatch.Dashboard(
        `${name}-dashboard`,
        {
          dashboardName: qualifiedName(),
          dashboardBody: dashboardBody(metrics, currentAccount().region),
        },
        { parent: this },
      );
    }
    if (args.alarms) {
      for (const alarm of alarmsOf(metrics, args)) {
        new aws.cloudwatch.MetricAlarm(`${name}-${alarm.name}`, alarmInputs(alarm, args.failureTopicArn), {
          parent: this,
        });
      }
    }
    this.registerOutputs({});
  }
}

/** A metric alarm in CloudWatch's form. */
export function alarmInputs(alarm: Alarm, topicArn: pulumi.Input<string>) {
  const expressions = Object.entries(alarm.expressions);
  return {
    // The name is the mail's subject, so it has the stack and the alarm. The topic allows only such names to publish.
    name: `${qualifiedName()}-${alarm.name}`,
    alarmDescription: describe(alarm),
    metricQueries: [
      ...Object.entries(alarm.metrics).map(([id, metric]) => ({
        id,
        returnData: false,
        metric: { ...metric, period: alarm.periodSeconds },
      })),
      ...expressions.map(([id, expression], index) => ({
        id,
        expression,
        label: alarm.name,
        returnData: index === expressions.length - 1,
      })),
    ],
    comparisonOperator: alarm.comparison,
    threshold: alarm.threshold,
    evaluationPeriods: alarm.periods,
    datapointsToAlarm: alarm.datapoints,
    treatMissingData: alarm.missing,
    alarmActions: [topicArn],
  };
}
