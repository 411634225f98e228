// Options that several commands share.
import { configuration, integer, oneOf, show, text } from "./values.mjs";

/** @import { Option } from "./types.js" */

/** @type {Option} */
export const json = {
  type: "boolean",
  help: "print one JSON document on stdout, everything else on stderr; npm needs --silent",
};
/** For a command that runs an execution. @type {Option} */
export const counted = {
  ...json,
  help: `${json.help}. Its "calls" are the AWS calls of the execution, as the local stack counts them`,
};
/** @type {Option} */
export const run = {
  type: "string",
  value: "ID",
  help: "the local run to use (default: the newest running one)",
  read: text("the name of a run, as printed by `npm start -- --keep`"),
};
/** @type {Option} */
export const stack = {
  type: "string",
  value: "NAME",
  help: "a stack on AWS, deployed with `pulumi up`, instead of the local one",
  read: text("the name of a Pulumi stack, such as dev"),
};

/** @type {Option} */
export const region = {
  type: "string",
  value: "NAME",
  help: "the AWS region (default: aws:region in the stack's file, otherwise AWS_REGION)",
  read: (name, value, refuse) => {
    if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(value))
      refuse(`${name} must be a region such as us-east-1, got ${show(value)}.`);
    return value;
  },
};
/** @type {Option} */
export const config = {
  type: "string",
  value: "KEY=VALUE",
  multiple: true,
  help: "a configuration value for this local stack, as for pulumi config set; can be repeated",
  read: configuration,
};
/** @type {Option} */
export const way = {
  type: "string",
  value: "WAY",
  help: "how the events reach S3: stream, firehose or arrival, with the values of its example stack (default stream)",
  read: oneOf(["stream", "firehose", "arrival"]),
};
/** @type {Option} */
export const configured = {
  type: "string",
  value: "NAME",
  help: "the stack whose configuration (Pulumi.NAME.yaml) is used (default dev)",
  read: text("the name of a Pulumi stack, such as dev"),
};

/**
 * @param {string} help
 * @param {number} least
 * @param {number} most
 * @returns {Option}
 */
export function count(help, least, most) {
  return { type: "string", value: "N", help, read: integer(least, most) };
}

/** @type {Option} */
export const port = {
  type: "string",
  value: "N",
  help: "the page's port on 127.0.0.1 (default: a free one)",
  read: integer(1, 65_535),
};
