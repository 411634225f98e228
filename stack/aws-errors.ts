// Explains the error of an AWS call to a person: what went wrong, what AWS said, and what to do.

const EXPIRED = ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];
const UNKNOWN_CREDENTIALS = [
  "UnrecognizedClientException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
];
const ACCESS_DENIED = /^(AccessDenied|UnauthorizedOperation|AuthorizationError)/;
const UNREACHABLE = /ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|ECONNRESET|socket hang up/;

/** Undefined if the error is none of AWS's refusals and no failed connection: then it is a defect of this program. */
export function explainAwsError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "CredentialsProviderError") {
    return "No AWS credentials were found: set AWS_PROFILE, or log in as for the AWS CLI (aws sso login).";
  }
  if (EXPIRED.includes(error.name) || /expired/i.test(error.message)) {
    return `The AWS credentials have expired: log in again (aws sso login), or get new ones. AWS said: ${error.message}`;
  }
  if (UNKNOWN_CREDENTIALS.includes(error.name)) {
    return `AWS does not know these credentials: check AWS_PROFILE and AWS_ACCESS_KEY_ID. AWS said: ${error.message}`;
  }
  if (isAccessDenied(error)) {
    return `AWS denied access: ${error.message}. Log in with a role that has this permission.`;
  }
  if (isUnreachable(error)) {
    return `AWS could not be reached: ${error.message}. Check the network, the proxy and the region's name.`;
  }
  return undefined;
}

/** The caller's role lacks a permission. */
export function isAccessDenied(error: unknown): boolean {
  return error instanceof Error && ACCESS_DENIED.test(error.name);
}

/** No answer came: the endpoint does not exist, refuses connections or is too slow. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = "" } = error as NodeJS.ErrnoException;
  return error.name === "TimeoutError" || UNREACHABLE.test(`${code} ${error.message}`);
}

/** The name that AWS gave the error and its message, for a line that lists it. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === "Error" ? error.message : `${error.name}: ${error.message}`;
}
