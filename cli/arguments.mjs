// What can be typed after each npm script, and one clear error for what cannot. Checked before anything is installed or
// started, hence with Node's own parser.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

/** Wrong arguments: the message names the argument, what was given and what is allowed. */
export class UsageError extends Error {
  exitCode = 2;
}

const ALL = ["npm", "python", "jars"];

const json = { type: "boolean", help: "print one JSON document on stdout, everything else on stderr" };
const run = {
  type: "string",
  value: "ID",
  help: "the local run to use (default: the newest that is up)",
  read: text("a run's name, as `npm start -- --keep` prints it"),
};
const stack = {
  type: "string",
  value: "NAME",
  help: "a stack that `pulumi up` made on AWS, instead of the local one",
  read: text("the name of a Pulumi stack, such as dev"),
};

const region = {
  type: "string",
  value: "NAME",
  help: "the AWS region (default: aws:region of the stack's file, else AWS_REGION)",
  read: (name, value, refuse) => {
    if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(value))
      refuse(`${name} must be a region such as us-east-1, got ${show(value)}.`);
    return value;
  },
};
const configured = {
  type: "string",
  value: "NAME",
  help: "the stack whose configuration is read, from Pulumi.NAME.yaml (default dev)",
  read: text("the name of a Pulumi stack, such as dev"),
};

function matching(pattern, allowed) {
  return (name, value, refuse) => {
    if (!pattern.test(value)) refuse(`${name} must be ${allowed}, got ${show(value)}.`);
    return value;
  };
}

function count(help, least, most) {
  return { type: "string", value: "N", help, read: integer(least, most) };
}

/** Each command: its usage, its options, and the parts of the set-up that it needs. */
const COMMANDS = {
  start: {
    usage: "npm start -- [options]",
    about: "Runs the whole pipeline on this machine: stream, Lambdas, Spark, Athena, mail.",
    needs: ALL,
    options: {
      events: {
        type: "string",
        value: "N",
        help: "how many simulated events to send (default 2000)",
        read: integer(1, 100_000_000),
      },
      seed: {
        type: "string",
        value: "S",
        help: "seed of the simulated traffic (default 7)",
        read: integer(0, 2 ** 31 - 1),
      },
      file: {
        type: "string",
        value: "PATH",
        help: "send this file instead: JSON or a web server's access log, also as gzip; - is standard input",
        read: file,
      },
      "log-format": {
        type: "string",
        value: "FORMAT",
        help: "the log's format string, of nginx or Apache, or common, combined, vhost_combined",
        read: text("a log format of nginx or Apache, such as combined"),
      },
      query: {
        type: "string",
        value: "SQL",
        multiple: true,
        help: "run this query at the end instead of the usual ones; may be given several times",
        read: text("a SQL statement"),
      },
      json,
      keep: { type: "boolean", help: "leave the stack up until Ctrl+C" },
    },
    conflicts: [
      ["file", "events"],
      ["file", "seed"],
    ],
    together: [["log-format", "file"]],
    examples: [
      "npm start",
      "npm start -- --events 20000 --seed 3",
      "npm start -- --file access.log.gz --query 'SELECT ip, count(*) FROM events GROUP BY ip'",
      `npm start -- --file site.log --log-format '$remote_addr [$time_local] "$request" $status "$http_user_agent"'`,
      "zcat access.log.*.gz | npm start -- --file -",
    ],
  },
  query: {
    usage: 'npm run query -- "SQL" [options]',
    about: "Runs one SQL statement in Athena: on the local stack that is up, or on AWS with --stack.",
    needs: ["npm"],
    positional: { name: "SQL", read: text("a SQL statement") },
    options: { run, stack, json },
    conflicts: [["run", "stack"]],
    examples: [
      'npm run query -- "SELECT event_type, count(*) FROM events GROUP BY event_type"',
      'npm run query -- "SELECT reason, count(*) FROM quarantine GROUP BY reason" --stack dev',
    ],
  },
  execute: {
    usage: "npm run execute -- ['INPUT JSON'] [options]",
    about:
      "Starts one execution of the pipeline and follows it: on the local stack that is up, or on AWS with --stack.",
    needs: ["npm"],
    positional: { name: "INPUT JSON", optional: true, fallback: "{}", read: jsonObject },
    options: { run, stack, json },
    conflicts: [["run", "stack"]],
    examples: [
      "npm run execute",
      `npm run execute -- '{"simulate": {"events": 500, "seed": 3}}'`,
      `npm run execute -- '{"reprocess": {"from": "2026-01-01", "to": "2026-01-02"}}' --stack dev`,
    ],
  },
  cost: {
    usage: "npm run cost -- [options]",
    about:
      "Estimates what a stack costs a month and for a million events, from its own configuration: what dominates, and which setting would cut it.",
    needs: ["npm"],
    options: {
      stack: configured,
      "events-per-day": count("events that arrive a day, 0 for an idle stack (default 1000000)", 0, 1e10),
      "event-bytes": count("size of an event's JSON (default 500)", 20, 1_000_000),
      "events-per-record": count("events that producers pack into a record (default 10)", 1, 10_000),
      "quarantine-percent": count("lines in a hundred that go to the quarantine (default 1)", 0, 100),
      "peak-factor": count("busiest second over the average one (default 3)", 1, 1000),
      months: count("months of data that lie there already (default 12)", 1, 120),
      "queries-per-day": count("queries of people (default 20)", 0, 1_000_000),
      "days-per-query": count("days that such a query reads (default 7)", 1, 3650),
      "executions-per-day": count("executions by hand, where the schedule is off (default 1)", 0, 1440),
      set: {
        type: "string",
        value: "KEY=VALUE",
        multiple: true,
        help: "a configuration value to try instead of the stack's; may be given several times",
        read: setting,
      },
      json,
    },
    examples: [
      "npm run cost",
      "npm run cost -- --stack prod --events-per-day 10000000",
      "npm run cost -- --events-per-day 0   # an idle stack",
      "npm run cost -- --stack prod --set batchWindowSeconds=300 --set glueWorkers=4",
    ],
  },
  "empty-buckets": {
    usage: "npm run empty-buckets -- [--stack NAME] [options]",
    about:
      "Deletes all data of a stack, for good: the step before pulumi destroy. Shows first what lies in the buckets, and asks.",
    needs: ["npm"],
    options: {
      run,
      stack,
      yes: { type: "boolean", help: "delete without asking" },
      json,
    },
    conflicts: [["run", "stack"]],
    examples: ["npm run empty-buckets -- --stack dev", "npm run empty-buckets -- --stack dev --yes --json"],
  },
  leftovers: {
    usage: "npm run leftovers -- --stack NAME [options]",
    about:
      "Lists what AWS still has of a stack after pulumi destroy, each with the command that removes it. Exit code 0 only where nothing is left.",
    needs: ["npm"],
    options: { stack: { ...stack, help: "the stack that was destroyed (default dev)" }, region, json },
    examples: [
      "npm run leftovers -- --stack dev",
      "npm run leftovers -- --stack prod --region eu-west-1 --json",
    ],
  },
  "deployer-policy": {
    usage: "npm run deployer-policy -- --account ID [options]",
    about:
      "Writes the IAM policies that a deploying role needs for one stack, and shows the commands that create, attach and update them. Calls nothing on AWS.",
    needs: ["npm"],
    options: {
      account: {
        type: "string",
        value: "ID",
        help: "the AWS account that the stack is deployed to (required)",
        required: true,
        read: matching(/^\d{12}$/, "an account's 12 digits, as `aws sts get-caller-identity` shows them"),
      },
      stack: {
        type: "string",
        value: "NAME",
        help: "the stack that the role deploys (default dev)",
        read: matching(/^[\w.-]{1,100}$/, "the name of a Pulumi stack: up to 100 letters, digits, _ . -"),
      },
      project: {
        type: "string",
        value: "NAME",
        help: "the project's name (default: the name in Pulumi.yaml)",
        read: matching(/^[\w.-]{1,100}$/, "the name of a Pulumi project: up to 100 letters, digits, _ . -"),
      },
      region,
      partition: {
        type: "string",
        value: "NAME",
        help: "aws, aws-cn or aws-us-gov (default: the partition of the region)",
        read: matching(/^aws(-cn|-us-gov)?$/, "aws, aws-cn or aws-us-gov"),
      },
      out: {
        type: "string",
        value: "FOLDER",
        help: "where the files are written (default .local/deployer-policy)",
        read: folder,
      },
      json,
    },
    examples: [
      "npm run deployer-policy -- --account 123456789012 --stack dev --region eu-central-1",
      "npm run deployer-policy -- --account 123456789012 --stack prod --project shop --out policies",
    ],
  },
  accept: {
    usage: "npm run accept -- --stack NAME [options]",
    about:
      "Sees on AWS, once and unattended, what no test on this machine can show: deploys a stack of its own, runs executions, looks at each row of docs/deployment.md, destroys it and leaves a report. Asks first, with cost and time. Exit code 0 only where nothing is not as expected.",
    needs: (options) => (options.local ? ALL : ["npm"]),
    options: {
      stack: {
        type: "string",
        value: "NAME",
        help: "the stack to make, which must not exist yet; that of an interrupted run goes on after its last step",
        // Short and plain: it becomes part of the names of buckets, roles and alarms.
        read: matching(
          /^[a-z][a-z0-9-]{0,19}$/,
          "1 to 20 lower-case letters, digits and hyphens, such as accept",
        ),
      },
      local: { type: "boolean", help: "try the command on a local stack, which costs nothing" },
      role: {
        type: "string",
        value: "ARN",
        help: "the role that deploys: one that has the deployer's policy and nothing else",
        read: matching(
          /^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/,
          "a role's ARN, such as arn:aws:iam::123456789012:role/deployer",
        ),
      },
      region: { ...region, help: "the AWS region (default: AWS_REGION, else us-east-1)" },
      yes: { type: "boolean", help: "begin without asking" },
      keep: { type: "boolean", help: "leave the stack up at the end; --destroy removes it" },
      destroy: { type: "boolean", help: "only remove what an interrupted or kept run left" },
      json,
    },
    conflicts: [
      ["local", "stack"],
      ["local", "role"],
      ["local", "region"],
      ["local", "keep"],
      ["local", "destroy"],
      ["keep", "destroy"],
    ],
    oneOf: ["stack", "local"],
    examples: [
      "npm run accept -- --local",
      "npm run accept -- --stack accept",
      "npm run accept -- --stack accept --role arn:aws:iam::123456789012:role/deployer --yes --json",
      "npm run accept -- --stack accept --destroy",
    ],
  },
  doctor: {
    usage: "npm run doctor -- [--stack NAME] [options]",
    about:
      "Says what is wrong with this machine, and with a stack on AWS, and how to fix it. Changes nothing. Exit code 1 where anything is wrong.",
    needs: [],
    plain: true,
    options: {
      stack: {
        ...stack,
        help: "look at this stack on AWS, too: pulumi, credentials, quotas, Lake Formation, billing, shards, mails, ingest, alarms",
      },
      json,
    },
    examples: ["npm run doctor", "npm run doctor -- --stack prod"],
  },
  docs: {
    usage: "npm run docs -- [options]",
    about: "Writes the documents that the program itself tells: costs and the tables of the configuration.",
    needs: ["npm"],
    options: { check: { type: "boolean", help: "write nothing, and fail where one is not current" } },
    examples: ["npm run docs", "npm run docs -- --check"],
  },
  test: {
    usage: "npm test",
    about: "Types, lint, unit tests of TypeScript and Python, and the end-to-end runs.",
    needs: ALL,
    options: {},
    examples: ["npm test"],
  },
  check: {
    usage: "npm run check",
    about: "Types and lint only.",
    needs: ["npm", "python"],
    options: {},
    examples: ["npm run check"],
  },
  bench: {
    usage: "npm run bench -- [arguments of bench/index.ts]",
    about: "The benchmarks, each beside a plainly written peer.",
    needs: ALL,
    passThrough: true,
    options: {},
    examples: ["npm run bench"],
  },
};

/** Reads the command line; `help` is set instead of the rest when help was asked for. */
export function readArguments(argv, env = {}) {
  const [name, ...rest] = argv;
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name] : undefined;
  if (!command) {
    throw new UsageError(
      `Unknown command ${name ?? "(none)"}: allowed are ${Object.keys(COMMANDS).join(", ")}.`,
    );
  }
  if (command.passThrough) return { command: name, needs: command.needs, options: { arguments: rest } };
  const parsed = parse(name, command, rest);
  if (parsed.help) return { help: helpText(command) };
  refuseWhatNpmTook(name, command, env);
  const needs = typeof command.needs === "function" ? command.needs(parsed.options) : command.needs;
  return { command: name, needs, plain: command.plain === true, options: parsed.options };
}

function parse(name, command, argv) {
  const declared = { ...command.options, help: { type: "boolean", short: "h" } };
  const { tokens } = parseArgs({
    args: argv,
    options: Object.fromEntries(
      Object.entries(declared).map(([key, { type, short, multiple }]) => [
        key,
        { type, multiple: multiple === true, ...(short && { short }) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = {};
  const positionals = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    // SQL may begin with a comment: an option's name has no blanks.
    else if (isStatement(token, declared, argv[token.index])) positionals.push(argv[token.index]);
    else if (token.kind === "option") takeOption(command, declared, given, token);
  }
  if (given.help) return { help: true };
  for (const [one, other] of command.conflicts ?? []) {
    if (given[one] !== undefined && given[other] !== undefined) {
      fail(command, `--${one} and --${other} exclude each other: give one of them.`);
    }
  }
  for (const [key, { required, value, help }] of Object.entries(command.options)) {
    if (required && given[key] === undefined) fail(command, `--${key} ${value} is missing: ${help}.`);
  }
  if (command.oneOf?.every((key) => given[key] === undefined)) {
    fail(command, `Give one of ${command.oneOf.map((key) => `--${key}`).join(", ")}.`);
  }
  for (const [one, other] of command.together ?? []) {
    if (given[one] !== undefined && given[other] === undefined) {
      fail(command, `--${one} says how to read a file: give the file with --${other}.`);
    }
  }
  return { options: { ...given, ...readPositionals(name, command, positionals) } };
}

/** True for SQL that begins with a comment: no option's name has blanks, nor is it one that the command lacks. */
function isStatement(token, declared, argument) {
  if (token.kind !== "option" || !token.rawName.startsWith("--")) return false;
  return /\s/.test(Object.hasOwn(declared, token.name) ? token.rawName : argument);
}

function takeOption(command, declared, given, token) {
  const option = Object.hasOwn(declared, token.name) ? declared[token.name] : undefined;
  if (!option) {
    const allowed = [...Object.keys(command.options), "help"].map((key) => `--${key}`).join(", ");
    fail(command, `Unknown option ${token.rawName}: allowed are ${allowed}.`);
  }
  if (option.type === "boolean") {
    if (token.value !== undefined) {
      fail(command, `--${token.name} takes no value, got ${show(token.value)}.`);
    }
    given[token.name] = true;
    return;
  }
  // "--file --json": the value was forgotten. A statement may begin with "--", but has blanks in it.
  const forgotten = token.value === undefined || (!token.inlineValue && /^--\S*$/.test(token.value));
  if (forgotten) fail(command, `--${token.name} needs a value: --${token.name} ${option.value}.`);
  if (given[token.name] !== undefined && !option.multiple) {
    fail(command, `--${token.name} was given twice: give it once.`);
  }
  const value = option.read(`--${token.name}`, token.value, (message) => fail(command, message));
  given[token.name] = option.multiple ? [...(given[token.name] ?? []), value] : value;
}

function readPositionals(name, command, positionals) {
  const { positional } = command;
  if (positionals.length > (positional ? 1 : 0)) {
    const surplus = positionals[positional ? 1 : 0];
    const hint = positional
      ? `put the whole ${positional.name} between quotes`
      : `options follow a lone --, as in: ${command.examples.at(-1)}`;
    fail(command, `Unexpected argument ${show(surplus)}: ${hint}.`);
  }
  if (!positional) return {};
  const text = positionals[0] ?? positional.fallback;
  if (text === undefined) fail(command, `${positional.name} is missing.`);
  const value = positional.read(positional.name, text, (message) => fail(command, message));
  return { [name === "query" ? "sql" : "input"]: value };
}

/** Options of npm's own, which a person may have in a .npmrc. */
const NPM_HAS = ["json", "yes"];

/** `npm start --events 5` (no lone --) makes npm keep the option for itself: the run would silently be another one. */
function refuseWhatNpmTook(name, command, env) {
  const taken = Object.keys(command.options).filter(
    (key) =>
      !NPM_HAS.includes(key) &&
      env[`npm_config_${key.replaceAll("-", "_")}`] !== undefined &&
      env.npm_lifecycle_event === name,
  );
  if (taken.length > 0) {
    const options = taken.map((key) => `--${key}`).join(", ");
    fail(
      command,
      `npm kept ${options} for itself: write a lone -- before it, as in: ${command.examples.at(-1)}`,
    );
  }
}

function fail(command, message) {
  throw new UsageError(`${message}\nUsage: ${command.usage}   (--help says more)`);
}

function show(value) {
  return value === "" ? "an empty text" : JSON.stringify(value);
}

function integer(least, most) {
  return (name, value, refuse) => {
    const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) {
      refuse(`${name} must be a whole number from ${least} to ${most}, got ${show(value)}.`);
    }
    return number;
  };
}

function text(allowed) {
  return (name, value, refuse) => {
    if (value.trim() === "") refuse(`${name} must be ${allowed}, got ${show(value)}.`);
    return value;
  };
}

function setting(name, value, refuse) {
  if (!/^[A-Za-z]\w*=/.test(value)) {
    refuse(`${name} must be KEY=VALUE, such as batchWindowSeconds=300, got ${show(value)}.`);
  }
  return value;
}

/** npm runs scripts in the project's folder; INIT_CWD is the folder of the person. */
function absolute(value) {
  return resolve(process.env.INIT_CWD ?? process.cwd(), value);
}

function folder(name, value, refuse) {
  if (value.trim() === "") refuse(`${name} must be a folder, got ${show(value)}.`);
  const path = absolute(value);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false)
    refuse(`${name} must be a folder, got ${show(value)}, which is a file.`);
  return path;
}

function file(name, value, refuse) {
  if (value === "-") return value;
  const path = absolute(value);
  const stats = statSync(path, { throwIfNoEntry: false });
  // Pipes and devices are read as they come: <(zcat a b), /dev/stdin.
  const found =
    value === "" || !stats ? "does not exist" : stats.isDirectory() ? "is a directory" : undefined;
  if (found)
    refuse(
      `${name} must be a file of JSON or an access log, or - for standard input; got ${show(value)}, which ${found}.`,
    );
  return path;
}

function jsonObject(name, value, refuse) {
  let parsed;
  try {
    parsed = JSON.parse(value);
  } catch (error) {
    refuse(`${name} must be a JSON object, got ${show(value)}: ${error.message}.`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    refuse(`${name} must be a JSON object such as {"fullRepair": true}, got ${show(value)}.`);
  }
  return parsed;
}

function helpText(command) {
  const rows = Object.entries(command.options).map(([key, { value, help }]) => [
    `--${key}${value ? ` ${value}` : ""}`,
    help,
  ]);
  rows.push(["--help", "this text"]);
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    `Usage: ${command.usage}`,
    "",
    command.about,
    "",
    "Options:",
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    "",
    "Examples:",
    ...command.examples.map((example) => `  ${example}`),
    "",
  ].join("\n");
}
