// What a person reads when AWS, or the network, refuses a call.
import assert from "node:assert/strict";
import { errorText, explainAwsError, isAccessDenied, isUnreachable } from "../../stack/aws-errors";

const named = (name: string, message: string, code?: string) =>
  Object.assign(new Error(message), { name, ...(code && { code }) });

describe("stack/aws-errors", () => {
  it("explains each kind of refusal with its remedy", () => {
    const explained: [Error, RegExp][] = [
      [named("CredentialsProviderError", "none"), /^No AWS credentials were found: .*aws sso login/],
      [named("ExpiredTokenException", "token"), /^The AWS credentials have expired: log in again.*: token$/],
      [named("Error", "The SSO session has expired"), /^The AWS credentials have expired/],
      [named("InvalidClientTokenId", "x"), /^AWS does not know these credentials: check AWS_PROFILE/],
      [named("AccessDenied", "no s3:Get"), /^AWS denied access: no s3:Get\. Log in with a role/],
      [named("AccessDeniedException", "no glue:Get"), /^AWS denied access: no glue:Get/],
      [named("AuthorizationErrorException", "no"), /^AWS denied access: no/],
      [
        named("Error", "getaddrinfo", "ENOTFOUND"),
        /^AWS could not be reached: getaddrinfo\. Check the network/,
      ],
      [named("TimeoutError", "too slow"), /^AWS could not be reached: too slow/],
    ];
    for (const [error, expected] of explained) assert.match(explainAwsError(error) ?? "", expected);
  });

  it("explains no defect of the program, which keeps its stack trace", () => {
    assert.equal(explainAwsError(new TypeError("x is undefined")), undefined);
    assert.equal(explainAwsError("text"), undefined);
  });

  it("tells a missing permission from a failed connection", () => {
    assert.ok(isAccessDenied(named("UnauthorizedOperation", "no")));
    assert.ok(!isAccessDenied(named("Error", "AccessDenied in a log line")));
    assert.ok(isUnreachable(named("Error", "socket hang up")));
    assert.ok(!isUnreachable(named("AccessDenied", "no")));
  });

  it("lists an error by name and message, and a plain one by its message", () => {
    assert.equal(errorText(named("NoSuchBucket", "gone")), "NoSuchBucket: gone");
    assert.equal(errorText(new Error("gone")), "gone");
    assert.equal(errorText("gone"), "gone");
  });
});
