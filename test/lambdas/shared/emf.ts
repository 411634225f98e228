// CloudWatch's specification of the embedded metric format, as a check: what AWS would extract, or why it would not.

export interface Extracted {
  namespace: string;
  dimensions: Record<string, string>;
  name: string;
  unit: string | undefined;
  value: number;
}

type Json = Record<string, unknown>;

const MAX_EVENT_BYTES = 256 * 1024;
const UNITS = [
  ...["Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes"],
  ...["Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second"],
  ...["Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second", "Bits/Second"],
  ...["Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second", "Count/Second", "None"],
];

/** The metrics of a log line; throws where the line breaks the specification. */
export function extractMetrics(line: string): Extracted[] {
  if (Buffer.byteLength(line) > MAX_EVENT_BYTES) throw new Error("A log event has 256 KB at most");
  const root = object(JSON.parse(line), "the event");
  const metadata = object(root._aws, "_aws");
  if (!Number.isInteger(metadata.Timestamp))
    throw new Error("_aws.Timestamp must be a number of milliseconds");
  return list(metadata.CloudWatchMetrics, "_aws.CloudWatchMetrics").flatMap((directive) =>
    extractDirective(root, object(directive, "a directive")),
  );
}

function extractDirective(root: Json, directive: Json): Extracted[] {
  only(directive, ["Namespace", "Dimensions", "Metrics"]);
  const namespace = text(directive.Namespace, "Namespace", 1024);
  const definitions = list(directive.Metrics, "Metrics");
  if (definitions.length > 100) throw new Error("A directive has 100 metrics at most");
  return list(directive.Dimensions, "Dimensions").flatMap((set) => {
    const dimensions = dimensionsOf(root, list(set, "a dimension set"));
    return definitions.map((definition) =>
      extractMetric(root, object(definition, "a metric"), namespace, dimensions),
    );
  });
}

function dimensionsOf(root: Json, keys: unknown[]): Record<string, string> {
  if (keys.length > 30) throw new Error("A dimension set has 30 keys at most");
  const pairs = keys.map((key) => {
    const name = text(key, "a dimension's name", 250);
    return [name, text(root[name], `the dimension ${name}`, 1024)];
  });
  return Object.fromEntries(pairs);
}

function extractMetric(root: Json, definition: Json, namespace: string, dimensions: Record<string, string>) {
  only(definition, ["Name", "Unit", "StorageResolution"]);
  const name = text(definition.Name, "a metric's name", 1024);
  const unit = definition.Unit === undefined ? undefined : text(definition.Unit, "a unit", 20);
  if (unit !== undefined && !UNITS.includes(unit)) throw new Error(`${unit} is no unit of CloudWatch`);
  const resolution = definition.StorageResolution ?? 60;
  if (resolution !== 1 && resolution !== 60) throw new Error("StorageResolution is 1 or 60");
  const value = root[name];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Error(`${name} must be a number`);
  return { namespace, dimensions, name, unit, value };
}

function object(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${what} must be an object`);
  return value as Json;
}

function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} must be an array`);
  return value;
}

function text(value: unknown, what: string, longest: number): string {
  if (typeof value !== "string" || value.length < 1 || value.length > longest)
    throw new Error(`${what} must be text of 1 to ${longest} characters`);
  return value;
}

function only(value: Json, allowed: string[]): void {
  const unknown = Object.keys(value).filter((key) => !allowed.includes(key));
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")} must not be there`);
}
