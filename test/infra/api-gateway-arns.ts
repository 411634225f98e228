// The ARNs that API Gateway checks a call on: a resource's own, its collection, its API, and its tags.

/** What the call of an operation is about, seen from the resource. */
const FORMS: Record<string, (own: string) => string> = {
  own: (own) => own,
  /** `.../routes` of `.../routes/ID`. */
  collection: (own) => own.slice(0, own.lastIndexOf("/")),
  /** `/apis/ID` of all that is below it. */
  api: (own) => own.replace(/(\/apis\/[^/]+).*$/, "$1"),
  tags: (own) => `${root(own)}/tags/${encodeURIComponent(own)}`,
  /** Of an API that is being created: the beginning twice, as in hashicorp/terraform-provider-aws issue 16023. */
  "new tags": (own) => `${root(own)}${root(own)}/tags/`,
};

/** `arn:aws:apigateway:eu-west-1::`. */
const root = (arn: string) => arn.slice(0, arn.indexOf("/"));

export function apiGatewayArn(form: string, own: string): string {
  const found = FORMS[form];
  if (!found) throw new Error(`${form}: no such form of an ARN`);
  return found(own);
}
