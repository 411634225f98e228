// Detects lines of access logs and system logs, so that the error can explain how to send them.

const SAMPLE_LENGTH = 1024;

const PATTERNS: readonly RegExp[] = [
  // The time format of Apache and nginx.
  /\[\d{2}\/[A-Z][a-z]{2}\/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}\]/,
  // A quoted request followed by its status: load balancers.
  /"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT) \S+(?: HTTP\/\d(?:\.\d)?)?" (?:\d{3}|-) /,
  // Syslog (RFC 3164 and RFC 5424) and the output of journalctl.
  /^(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \S+ \S+/,
  /^<\d{1,3}>1 (?:\d{4}-\d{2}-\d{2}T\S+|-) \S+ \S+ /,
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\S* \S+ [^\s[\]]+\[\d+\]: /,
  // W3C: IIS, CloudFront.
  /^#(?:Version|Fields|Software|Date): /,
];

export function looksLikeLogLine(text: string): boolean {
  const sample = text.slice(0, SAMPLE_LENGTH);
  return PATTERNS.some((pattern) => pattern.test(sample));
}

export const HOW_TO_SEND_LOGS = "To send an access log as page views, use `npm start -- --file FILE`";
