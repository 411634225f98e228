// How CloudWatch judges an alarm, written after its documentation: periods back from now, metric math, missing data, M of N.

/** Of a metric alarm's inputs, what decides on its state. */
export interface AlarmInputs {
  name: string;
  alarmDescription: string;
  metricQueries: Query[];
  comparisonOperator: string;
  threshold: number;
  evaluationPeriods: number;
  datapointsToAlarm: number;
  treatMissingData: "breaching" | "notBreaching";
  alarmActions: string[];
}

interface Query {
  id: string;
  expression?: string;
  returnData: boolean;
  metric?: {
    namespace: string;
    metricName: string;
    dimensions: Record<string, string>;
    period: number;
    stat: string;
  };
}

/** Values by metric name, each with the minutes that it lies back. */
export type Data = Record<string, [minutesAgo: number, value: number][]>;

/** One value a period, oldest first; undefined where there is no data. */
type Series = (number | undefined)[];
type Value = number | Series | Series[];

/** "CloudWatch attempts to retrieve a higher number of data points than the number specified as Evaluation Periods." */
const MORE_PERIODS = 2;

/** `more` is how many: AWS names no number, so what must hold has to hold for any. */
export function stateOf(alarm: AlarmInputs, data: Data, more = MORE_PERIODS): "ALARM" | "OK" {
  const values = watchedSeries(alarm, data, more);
  const isBreaching = (value: number) =>
    alarm.comparisonOperator === "LessThanThreshold" ? value < alarm.threshold : value > alarm.threshold;
  const existing = values.filter((value) => value !== undefined).slice(-alarm.evaluationPeriods);
  const missing = alarm.evaluationPeriods - existing.length;
  const breaching =
    existing.filter(isBreaching).length + (alarm.treatMissingData === "breaching" ? missing : 0);
  return breaching >= alarm.datapointsToAlarm ? "ALARM" : "OK";
}

function watchedSeries(alarm: AlarmInputs, data: Data, more: number): Series {
  const periods = alarm.evaluationPeriods + more;
  const known = new Map<string, Value>();
  for (const { id, metric, expression = "" } of alarm.metricQueries) {
    known.set(id, metric ? seriesOf(metric, data, periods) : new MetricMath(expression, known).value());
  }
  const shown = alarm.metricQueries.filter(({ returnData }) => returnData);
  const value = known.get(shown[0]?.id ?? "");
  if (shown.length !== 1 || !isSeries(value)) throw new Error("An alarm watches one time series");
  return value;
}

function seriesOf(
  { metricName, period, stat }: NonNullable<Query["metric"]>,
  data: Data,
  periods: number,
): Series {
  return Array.from({ length: periods }, (_, index) => {
    const back = periods - index;
    const inside = (data[metricName] ?? [])
      .filter(([minutes]) => minutes * 60 < back * period && minutes * 60 >= (back - 1) * period)
      .map(([, value]) => value);
    if (inside.length === 0) return undefined;
    if (stat === "SampleCount") return inside.length;
    return stat === "Sum" ? inside.reduce((sum, value) => sum + value, 0) : Math.max(...inside);
  });
}

function isSeries(value: Value | undefined): value is Series {
  return Array.isArray(value) && !value.some(Array.isArray);
}

/** Just what the alarms use: FILL, DIFF, IF, SUM, RUNNING_SUM, arithmetic and comparisons. */
class MetricMath {
  private readonly tokens: string[];
  private at = 0;

  constructor(
    private readonly expression: string,
    private readonly known: ReadonlyMap<string, Value>,
  ) {
    this.tokens = expression.match(/\d+(?:\.\d+)?|[A-Za-z_]\w*|[-+*/><(),[\]]/g) ?? [];
  }

  value(): Value {
    const value = this.comparison();
    if (this.at < this.tokens.length) throw this.problem();
    return value;
  }

  private comparison(): Value {
    const left = this.sum();
    if (this.take(">")) return combine(left, this.sum(), (a, b) => Number(a > b));
    if (this.take("<")) return combine(left, this.sum(), (a, b) => Number(a < b));
    return left;
  }

  private sum(): Value {
    let left = this.product();
    for (;;) {
      if (this.take("+")) left = combine(left, this.product(), (a, b) => a + b);
      else if (this.take("-")) left = combine(left, this.product(), (a, b) => a - b);
      else return left;
    }
  }

  private product(): Value {
    let left = this.atom();
    for (;;) {
      if (this.take("*")) left = combine(left, this.atom(), (a, b) => a * b);
      else if (this.take("/")) left = combine(left, this.atom(), (a, b) => (b === 0 ? undefined : a / b));
      else return left;
    }
  }

  private atom(): Value {
    if (this.take("-")) return combine(0, this.atom(), (a, b) => a - b);
    if (this.take("[")) return this.list("]").map((item) => (isSeries(item) ? item : []));
    const token = this.tokens[this.at++];
    if (token === undefined) throw this.problem();
    if (/^\d/.test(token)) return Number(token);
    if (this.take("(")) return call(token, this.list(")"));
    const known = this.known.get(token);
    if (known === undefined) throw this.problem();
    return known;
  }

  private list(end: string): Value[] {
    const items = [this.comparison()];
    while (this.take(",")) items.push(this.comparison());
    if (!this.take(end)) throw this.problem();
    return items;
  }

  private take(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at += 1;
    return true;
  }

  private problem(): Error {
    return new Error(`Not metric math that is known here: ${this.expression} at token ${this.at}`);
  }
}

function call(name: string, args: Value[]): Value {
  const [first, second, third] = args;
  if (name === "FILL" && isSeries(first) && typeof second === "number") {
    // A metric without any data in the range is no series that could be filled.
    return first.every((value) => value === undefined) ? first : first.map((value) => value ?? second);
  }
  if (name === "DIFF" && isSeries(first)) {
    return first.map((value, index) => {
      const before = first[index - 1];
      return value === undefined || before === undefined ? undefined : value - before;
    });
  }
  if (name === "RUNNING_SUM" && isSeries(first)) {
    let sum = 0;
    return first.map((value) => {
      if (value === undefined) return undefined;
      sum += value;
      return sum;
    });
  }
  // Of a single series a scalar: the sum of all its points. A series without points has none.
  if (name === "SUM" && isSeries(first) && first.length > 0) {
    const values = first.filter((value) => value !== undefined);
    return values.length === 0 ? [] : values.reduce((sum, value) => sum + value, 0);
  }
  if (name === "IF" && first !== undefined && second !== undefined && third !== undefined) {
    return pick(first, second, third);
  }
  if (name === "SUM" && Array.isArray(first)) {
    const rows = first as Series[];
    return Array.from({ length: Math.max(...rows.map((row) => row.length)) }, (_, index) => {
      const values = rows.map((row) => row[index]).filter((value) => value !== undefined);
      return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
    });
  }
  throw new Error(`${name} is not known here`);
}

function pick(condition: Value, wanted: Value, fallback: Value): Value {
  if (!isSeries(condition)) throw new Error("IF wants a time series");
  return condition.map((value, index) => {
    if (value === undefined) return undefined;
    const chosen = value !== 0 ? wanted : fallback;
    return typeof chosen === "number" ? chosen : (chosen as Series)[index];
  });
}

/** Point by point; a point that one of the two lacks the result lacks, too. */
function combine(a: Value, b: Value, with_: (a: number, b: number) => number | undefined): Value {
  if (typeof a === "number" && typeof b === "number") return with_(a, b) ?? [];
  const length = Math.max(isSeries(a) ? a.length : 0, isSeries(b) ? b.length : 0);
  const point = (value: Value, index: number) =>
    typeof value === "number" ? value : (value as Series)[index];
  return Array.from({ length }, (_, index) => {
    const [left, right] = [point(a, index), point(b, index)];
    return left === undefined || right === undefined ? undefined : with_(left, right);
  });
}
