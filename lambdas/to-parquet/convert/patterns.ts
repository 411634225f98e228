// Patterns of personal data: the same text as in glue-scripts/clickstream/patterns.py, which explains them. A test
// compares the two. They are written for Java's regular expressions; javaRegex translates them.

const OCTET = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])";

export const IPV4 = `(?:${OCTET}\\.){3}${OCTET}`;

const GROUP = "[0-9A-Fa-f]{1,4}";
export const COLON = "(?::|%(?:25)?3[Aa])";

const IPV6 =
  `(?:(?:${GROUP}${COLON}){6}|(?:${GROUP}(?:${COLON}${GROUP}){0,5})?${COLON}${COLON}(?:${GROUP}${COLON}){0,5})${IPV4}` +
  `|(?:${GROUP}${COLON}){7}${GROUP}` +
  `|${GROUP}(?:${COLON}${GROUP}){0,6}${COLON}${COLON}(?:${GROUP}(?:${COLON}${GROUP}){0,6})?` +
  `|${COLON}${COLON}${GROUP}(?:${COLON}${GROUP}){0,6}`;

const AFTER_ESCAPE = String.raw`(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])`;

export const ADDRESS =
  String.raw`(?:(?<![0-9A-Za-z:.])|${AFTER_ESCAPE})(?:${IPV6})(?!:?[0-9A-Za-z]|::|\.[0-9])` +
  String.raw`|(?:(?<![0-9A-Za-z])|${AFTER_ESCAPE})(?<![0-9]\.)${IPV4}(?![0-9A-Za-z]|\.[0-9])`;

const AT = String.raw`(?:@|%(?:25)?40|\\{1,3}u0040)`;

export const EMAIL =
  String.raw`(?<!\\)(?:[\p{L}\p{N}._+'-]|%(?:25)?2[Bb]|%[89A-Fa-f][0-9A-Fa-f]){1,64}${AT}` +
  String.raw`(?:(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}[\p{L}\p{N}-]{1,62}|\[[^\]\s]{2,45}\]|${IPV4})`;

export const AGENTS =
  "curl|Wget|okhttp|python-requests|Python-urllib|aiohttp|Go-http-client|Java|PostmanRuntime|axios|node-fetch|" +
  "Apache-HttpClient|Dart|Ruby|PHP|libwww-perl|CFNetwork|Dalvik|Opera|Lynx";

export const AGENT =
  String.raw`\b(?:Mozilla|Opera|Dalvik)/[0-9][^\"\\\r\n]*` +
  String.raw`|(?:^\s*|(?<=\"))(?:${AGENTS})/[0-9][^\"\\\r\n]*` +
  String.raw`|\b[A-Za-z][\w.-]{0,40}/[0-9][\w.]{0,20}[ +](?:\(|[A-Za-z][\w.-]{0,40}/[0-9])[^\"\\\r\n]*` +
  String.raw`|\bMozilla%(?:25)?2[Ff][0-9][^&#\"\\\s]*`;

export const TO_IPV4_OR_GROUPS: readonly (readonly [string, string])[] = [
  [`^(?:::|(?:0{1,4}:){5})ffff:(${IPV4})$`, "$1"],
  [`(?<=:)${IPV4}$`, "0:0"],
];

export const WELL_FORMED =
  `^(?:${IPV4}|(?:${GROUP}:){7}${GROUP}|::|(?:${GROUP}:){1,7}:|:(?::${GROUP}){1,7}` +
  `|(?=[^:]*(?::[^:]*){2,7}$)(?:${GROUP}:){1,6}(?::${GROUP}){1,6})$`;

export const TO_NETWORK: readonly (readonly [string, string])[] = [
  [String.raw`\.[0-9]+$`, ".0"],
  ["^::", "0::"],
  ["::$", "::0"],
  ["::(?=(?:[^:]+:){6}[^:]+$)", ":"],
  ["::(?=(?:[^:]+:){5}[^:]+$)", ":0:"],
  ["::", ":0:0:"],
  ["(?<![0-9a-f.])0+(?=[0-9a-f]+(?::|$))", ""],
  ["^((?:[^:.]+:){3})[^.]*$", "$1:"],
  ["(?:(?:^|:)0)+::$", "::"],
];

/** Placeholder for a match. */
export const MATCH = "\uffff";

export const PERSONAL_VALUES: Readonly<Record<string, string>> = {
  ip: ADDRESS,
  user_agent: AGENT,
  email: EMAIL,
};

export const USER_IN_URL = String.raw`//[^/@\s?#\"]{1,200}@`;

const NAME_ENDS: Readonly<Record<string, string>> = {
  ip:
    String.raw`ip(?:\W|_)?addr(?:ess)?|ips?|ip(?:\W|_)?v[46]?` +
    "|(?:client|user|remote|visitor|source|src|real|origin|peer|proxy|customer|sender|last|host)ip" +
    String.raw`|(?:client|remote|peer|source|visitor|src)(?:\W|_)?addr(?:ess)?|(?:x(?:\W|_)?)?forwarded(?:(?:\W|_)?for)?`,
  user_agent: String.raw`user(?:\W|_)?agents?(?:(?:\W|_)?(?:string|header|raw|full))?|ua(?:(?:\W|_)?string)?`,
  email: String.raw`[a-z]{0,40}e(?:\W|_)?mails?(?:(?:\W|_)?(?:address|addr|id))?|mail(?:\W|_)?addr(?:ess)?`,
};

const WORD_START =
  "(?:^|(?<=[^A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]))";

const NAME_TAIL = String.raw`(?:[^\p{L}\p{N}\"=&\\]{0,3}[0-9]{1,6}){0,3}(?:[^\p{L}\p{N}\"=&\\]|%5[Dd]){0,3}`;

/** name=value up to the next parameter. */
export function parameterPattern(field: string): string {
  return String.raw`(${namePattern(field)}(?:=|%(?:25)?3[Dd]))([^&;#\s\"\\]+?)(?=%(?:25)?26|[&;#\s\"\\]|$)`;
}

/** "name": "value" in JSON text, which can be nested in other JSON text. */
export function memberPattern(field: string): string {
  return (
    String.raw`(?s)((?=(\\{0,3}\"))\2[^\"\\]{0,200}?${namePattern(field)}\2\s{0,9}:\s{0,9})` +
    String.raw`(?:\2(.*?)(?<!\\)\2|(-?[0-9][0-9.eE+-]*))`
  );
}

/** The last words of these names. */
export const NAME_HINTS: Readonly<Record<string, readonly string[]>> = {
  ip: ["ip", "ips", "v", "addr", "address", "for", "forwarded"],
  user_agent: ["agent", "agents", "ua", "string", "header", "raw", "full"],
  email: ["mail", "mails", "id", "addr", "address"],
};

export function namePattern(field: string): string {
  const ends = NAME_ENDS[field] ?? field.split("_").join(String.raw`(?:\W|_)?`);
  return `${WORD_START}(?i:${ends})${NAME_TAIL}`;
}
