// What AWS's refusals mean to a person: in words, with the remedy.

const EXPIRED = ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];
const REFUSED = [
  "AccessDenied",
  "AccessDeniedException",
  "UnauthorizedOperation",
  "AuthorizationErrorException",
];
const UNKNOWN = [
  "UnrecognizedClientException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
];

/** undefined for a defect of ours. */
export function awsWords(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "CredentialsProviderError") {
    return "No AWS credentials were found: set AWS_PROFILE, or log in as for the AWS CLI (aws sso login).";
  }
  if (EXPIRED.includes(error.name) || /expired/i.test(error.message)) {
    return `The AWS credentials have expired: log in again (aws sso login), or take new ones. AWS said: ${error.message}`;
  }
  if (UNKNOWN.includes(error.name)) {
    return `AWS does not know these credentials: check AWS_PROFILE and AWS_ACCESS_KEY_ID. AWS said: ${error.message}`;
  }
  if (REFUSED.includes(error.name)) {
    return `AWS refused: ${error.message}. Log in with a role that may do this.`;
  }
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (
    ["ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH", "ECONNRESET"].includes(code) ||
    error.name === "TimeoutError"
  ) {
    return `AWS could not be reached: ${error.message}. Check the network, the proxy and the region's name.`;
  }
  return undefined;
}
