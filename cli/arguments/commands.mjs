// All commands for `npm run`: usage, options, and the parts of the set-up that each needs.
import { config, configured, count, counted, json, port, region, run, stack, way } from "./options.mjs";
import {
  date,
  file,
  folder,
  integer,
  jsonObject,
  matching,
  newFile,
  oneOf,
  secretText,
  setting,
  text,
} from "./values.mjs";

/** @import { Command, Part } from "./types.js" */

/** @type {Part[]} */
const ALL = ["npm", "python", "java17", "java25", "jars", "trino"];
const BENCHMARKS = [
  "simulator",
  "ingest",
  "pipeline",
  "spark",
  "objects",
  "privacy",
  "growth",
  "collector",
  "ways",
];

/** @type {Record<string, Command>} */
export const COMMANDS = {
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
      days: {
        type: "string",
        value: "N",
        help: "spread the simulated events over the last N days, with visitors who return (default 400 events a day)",
        read: integer(1, 366),
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
        help: "run this query at the end instead of the default ones; can be repeated",
        read: text("a SQL statement"),
      },
      way,
      config,
      json: counted,
      keep: { type: "boolean", help: "keep the stack running until Ctrl+C" },
    },
    conflicts: [
      ["file", "events"],
      ["file", "seed"],
      ["file", "days"],
    ],
    together: [["log-format", "file"]],
    examples: [
      "npm start",
      "npm start -- --events 20000 --seed 3",
      "npm start -- --days 30   # a month of history, for the report",
      "npm start -- --way firehose",
      "npm start -- --config shardCount=2 --config batchWindowSeconds=1",
      "npm start -- --file access.log.gz --query 'SELECT ip, count(*) FROM events GROUP BY ip'",
      `npm start -- --file site.log --log-format '$remote_addr [$time_local] "$request" $status "$http_user_agent"'`,
      "zcat access.log.*.gz | npm start -- --file -",
    ],
  },
  query: {
    usage: 'npm run query -- "SQL" [options]',
    about: "Runs one SQL statement in Athena: on the running local stack, or on AWS with --stack.",
    needs: ["npm"],
    positional: { name: "SQL", key: "sql", read: text("a SQL statement") },
    options: { run, stack, json },
    conflicts: [["run", "stack"]],
    examples: [
      'npm run query -- "SELECT event_type, count(*) FROM events GROUP BY event_type"',
      'npm run query -- "SELECT reason, count(*) FROM quarantine GROUP BY reason" --stack dev',
    ],
  },
  report: {
    usage: "npm run report -- [--stack NAME] [--from DATE --to DATE] [options]",
    about:
      "Writes a report on what people did as one HTML file: visits, pages, funnel, returning visitors, revenue, channels, devices, quarantine, freshness. On the running local stack, or on AWS with --stack.",
    needs: ["npm"],
    options: {
      from: {
        type: "string",
        value: "DATE",
        help: "the first UTC date (default: 29 days before the last one)",
        read: date,
      },
      to: { type: "string", value: "DATE", help: "the last UTC date (default: today)", read: date },
      out: {
        type: "string",
        value: "FILE",
        help: "where the report is written (default report.html)",
        read: newFile,
      },
      run,
      stack,
      json: { ...json, help: `${json.help}. It has the report's numbers` },
    },
    conflicts: [["run", "stack"]],
    examples: [
      "npm run report",
      "npm run report -- --stack dev --from 2026-01-01 --to 2026-01-31 --out january.html",
      "npm run --silent report -- --json",
    ],
  },
  execute: {
    usage: "npm run execute -- ['INPUT JSON'] [options]",
    about:
      "Starts one execution of the pipeline and waits for its end: on the running local stack, or on AWS with --stack.",
    needs: ["npm"],
    positional: { name: "INPUT JSON", key: "input", fallback: "{}", read: jsonObject },
    options: { run, stack, json: counted },
    conflicts: [["run", "stack"]],
    examples: [
      "npm run execute",
      `npm run execute -- '{"simulate": {"events": 500, "seed": 3}}'`,
      `npm run execute -- '{"reprocess": {"from": "2026-01-01", "to": "2026-01-02"}}' --stack dev`,
    ],
  },
  live: {
    usage: "npm run live -- [options]",
    about:
      "Shows events as they arrive, each with the ingest's verdict, on a page that only this machine can open: of the running local stack, or of one on AWS with --stack. Reads the stream, or what Firehose writes to S3, and deploys nothing.",
    needs: ["npm"],
    options: { run, stack, port, json: { ...json, help: `${json.help}. It has the page's url` } },
    conflicts: [["run", "stack"]],
    examples: ["npm run live", "npm run live -- --port 8600", "npm run live -- --stack dev"],
  },
  demo: {
    usage: "npm run demo -- [options]",
    about:
      "Opens a small shop and the live view side by side in the browser: a click in the shop is a line in the live view, and a row in the table after the execution that a button starts. Starts a local stack with the collector, or uses one on AWS with --stack.",
    needs: (options) => (options.stack === undefined ? ALL : ["npm"]),
    options: {
      stack,
      way,
      config,
      port: { ...port, help: "the port of the page with both panes on 127.0.0.1 (default: a free one)" },
      "shop-port": {
        ...port,
        help: "the shop's port on 127.0.0.1 (default: a free one; with --stack 8600, as the stack's collectorOrigins name it)",
      },
      "write-key": {
        type: "string",
        value: "KEY",
        help: "the stack's collectorWriteKey, if it has one",
        read: secretText("the stack's collectorWriteKey"),
      },
      "no-open": { type: "boolean", help: "do not open the browser" },
      json: { ...json, help: `${json.help}. It has the pages' addresses` },
    },
    conflicts: [
      ["stack", "way"],
      ["stack", "config"],
    ],
    examples: [
      "npm run demo",
      "npm run demo -- --no-open --config shardCount=2",
      "npm run demo -- --stack dev",
    ],
  },
  cost: {
    usage: "npm run cost -- [options]",
    about:
      "Estimates the cost of a stack per month and per million events from its configuration. Shows the largest items and the settings that reduce them.",
    needs: ["npm"],
    options: {
      stack: configured,
      "events-per-day": count("events per day, 0 for an idle stack (default 1000000)", 0, 1e10),
      "event-bytes": count("bytes of JSON per event (default 500)", 20, 1_000_000),
      "events-per-record": count("events per Kinesis record (default 10)", 1, 10_000),
      "events-per-request": count(
        "events per request to the collector, if there is one (default 3)",
        1,
        10_000,
      ),
      "quarantine-percent": count("percentage of quarantined lines (default 1)", 0, 100),
      "late-percent": count(
        "percentage of events whose date is before the day of their arrival (default 1)",
        0,
        100,
      ),
      "late-days": count("dates before today that the late events are spread over (default 30)", 1, 3650),
      "peak-factor": count("events in the busiest second divided by the average (default 3)", 1, 1000),
      months: count("months of data already stored (default 12)", 1, 120),
      "queries-per-day": count("Athena queries per day by people (default 20)", 0, 1_000_000),
      "days-per-query": count("days of data that each query reads (default 7)", 1, 3650),
      "executions-per-day": count("manual executions per day, if the schedule is off (default 1)", 0, 1440),
      set: {
        type: "string",
        value: "KEY=VALUE",
        multiple: true,
        help: "a configuration value to use instead of the stack's; can be repeated",
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
      "Deletes all data of a stack permanently, as the step before pulumi destroy. Shows the contents of the buckets first, and asks for confirmation.",
    needs: ["npm"],
    options: {
      run,
      stack,
      yes: { type: "boolean", help: "delete without asking" },
      json,
    },
    conflicts: [["run", "stack"]],
    examples: [
      "npm run empty-buckets -- --stack dev",
      "npm run --silent empty-buckets -- --stack dev --yes --json",
    ],
  },
  redrive: {
    usage: "npm run redrive -- [--stack NAME] [options]",
    about:
      "Sends the events that the Lambda to-parquet gave up to it again (way arrival). Shows for each message of the dead-letter queue the object and the error, and deletes the message when Lambda has accepted the event. What is no event of S3 stays in the queue: the exit code is then 1.",
    needs: ["npm"],
    options: {
      run,
      stack,
      "dry-run": { type: "boolean", help: "only list the messages" },
      json,
    },
    conflicts: [["run", "stack"]],
    examples: [
      "npm run redrive -- --dry-run",
      "npm run redrive -- --stack prod",
      "npm run --silent redrive -- --stack prod --json",
    ],
  },
  resend: {
    usage: "npm run resend -- [--stack NAME] [options]",
    about:
      "Sends the records that Firehose gave up to the delivery stream again (ways firehose and arrival). They are objects under aws/firehose/ in the raw bucket. Deletes an object when all of its records are accepted. An object with a line that cannot be read stays, and its other records are sent: the exit code is then 1.",
    needs: ["npm"],
    options: {
      run,
      stack,
      "dry-run": { type: "boolean", help: "only list the objects" },
      json,
    },
    conflicts: [["run", "stack"]],
    examples: [
      "npm run resend -- --dry-run",
      "npm run resend -- --stack prod",
      "npm run --silent resend -- --stack prod --json",
    ],
  },
  leftovers: {
    usage: "npm run leftovers -- --stack NAME [options]",
    about:
      "Lists the resources of a stack that still exist on AWS after pulumi destroy, each with the command that removes it. Exit code 0 only if nothing is left.",
    needs: ["npm"],
    options: { stack: { ...stack, help: "the stack that was destroyed (default dev)" }, region, json },
    examples: [
      "npm run leftovers -- --stack dev",
      "npm run --silent leftovers -- --stack prod --region eu-west-1 --json",
    ],
  },
  "deployer-policy": {
    usage: "npm run deployer-policy -- --account ID [options]",
    about:
      "Writes the IAM policies that a role needs to deploy one stack, and shows the commands that create, attach and update them. Makes no calls to AWS.",
    needs: ["npm"],
    options: {
      account: {
        type: "string",
        value: "ID",
        help: "the AWS account that the stack is deployed to (required)",
        required: true,
        read: matching(/^\d{12}$/, "a 12-digit account ID, as shown by `aws sts get-caller-identity`"),
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
      "Checks on AWS, in one unattended run, what local tests cannot check. Deploys a new stack of the way stream, runs executions, checks each row of docs/deployment.md, destroys the stack and writes a report. Shows cost and time, and asks first. Exit code 0 only if every checked row is as expected.",
    needs: (options) => (options.local ? ALL : ["npm"]),
    options: {
      stack: {
        type: "string",
        value: "NAME",
        help: "the new stack, which must not exist yet; an interrupted run continues after its last step",
        // Short, because it becomes part of the names of buckets, roles and alarms.
        read: matching(
          /^[a-z][a-z0-9-]{0,19}$/,
          "1 to 20 lower-case letters, digits and hyphens, such as accept",
        ),
      },
      local: { type: "boolean", help: "try the command on a local stack, which costs nothing" },
      role: {
        type: "string",
        value: "ARN",
        help: "the role that deploys; it should have only the deployer policy",
        read: matching(
          /^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/,
          "a role's ARN, such as arn:aws:iam::123456789012:role/deployer",
        ),
      },
      region: { ...region, help: "the AWS region (default: AWS_REGION, otherwise us-east-1)" },
      yes: { type: "boolean", help: "start without asking" },
      keep: { type: "boolean", help: "keep the stack at the end; --destroy removes it" },
      destroy: { type: "boolean", help: "only remove the stack of an interrupted or kept run" },
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
      "npm run --silent accept -- --stack accept --role arn:aws:iam::123456789012:role/deployer --yes --json",
      "npm run accept -- --stack accept --destroy",
    ],
  },
  doctor: {
    usage: "npm run doctor -- [--stack NAME] [options]",
    about:
      "Checks this machine, and with --stack a stack on AWS, and shows how to fix problems. Changes nothing. Exit code 1 if there is a problem.",
    needs: [],
    plain: true,
    options: {
      stack: {
        ...stack,
        help: "also check this stack on AWS: pulumi, credentials, quotas, Lake Formation, billing, shards, mails, ingest, alarms",
      },
      json,
    },
    examples: ["npm run doctor", "npm run doctor -- --stack prod"],
  },
  docs: {
    usage: "npm run docs -- [options]",
    about: "Writes the docs that are generated from code, such as costs and configuration tables.",
    needs: (options) => (options.pictures ? [...ALL, "browser"] : ["npm"]),
    options: {
      check: { type: "boolean", help: "write nothing, and fail if a document is out of date" },
      pictures: {
        type: "boolean",
        help: "write docs/pictures instead, from a local stack and a browser; takes about six minutes",
      },
    },
    conflicts: [["check", "pictures"]],
    examples: ["npm run docs", "npm run docs -- --check", "npm run docs -- --pictures"],
  },
  test: {
    usage: "npm test",
    about:
      "Runs everything in npm run check, then the tests that start Spark or the emulator, the small benchmarks and the end-to-end tests, and measures test coverage.",
    needs: [...ALL, "browser"],
    options: {},
    examples: ["npm test"],
  },
  check: {
    usage: "npm run check",
    about:
      "Checks types, lint, format, spelling and unused code, and runs the tests that start neither Spark nor the emulator.",
    needs: ["npm", "python"],
    options: {},
    examples: ["npm run check"],
  },
  bench: {
    usage: "npm run bench -- [NAME ...] [options]",
    about:
      "Runs all benchmarks, or the named ones, and compares each with a naive baseline, (growth) an old lake with a young one, or (ways) the ways with each other. All of them take about an hour on two cores. Each number is the median of several rounds, in which our code and the baseline alternate. Prints tables, and writes .local/bench.json.",
    needs: ALL,
    positional: { name: "NAME", key: "names", list: true, read: oneOf(BENCHMARKS) },
    options: {
      rounds: count("number of measurements of each benchmark (default 5)", 1, 1000),
      small: {
        type: "boolean",
        help: "one round with little data; only checks that each benchmark runs, the numbers mean nothing",
      },
    },
    examples: ["npm run bench", "npm run bench -- spark --rounds 3", "npm run bench -- --small"],
  },
};
