"""Takes each grant (one action on one resource) out of the policies in turn, and tells whether a request that was
made would then be denied. Reads {"policies": {role: document}, "requests": [...]} from stdin, where a request is a
line of authorizations.jsonl; writes [{"role", "action", "resource", "needed"}] to stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from ministack.core.iam_evaluator import EvalContext, ParsedStatement, evaluate, parse_policy_document


def main() -> None:
    given = json.load(sys.stdin)
    found = []
    for role, document in given["policies"].items():
        statements = parse_policy_document(document)
        requests = [_context(request) for request in given["requests"] if request["principal"].split("/")[1] == role]
        allowed = [request for request in requests if _allows(statements, request)]
        for action, resource, mutant in _mutants(statements):
            needed = any(not _allows(mutant, request) for request in allowed)
            found.append({"role": role, "action": action, "resource": resource, "needed": needed})
    json.dump(found, sys.stdout)


def _context(request: dict) -> EvalContext:
    account = request["principal"].split(":")[4]
    return EvalContext(
        principal_arn=request["principal"],
        principal_type="AssumedRole",
        principal_account=account,
        action=request["action"],
        resource_arn=request["resource"],
        region="us-east-1",
        secure_transport=True,
        service_context=request["keys"],
    )


def _allows(statements: list[ParsedStatement], request: EvalContext) -> bool:
    return evaluate(request, [statements]).decision == "Allow"


def _mutants(statements: list[ParsedStatement]) -> Iterator[tuple[str, str, list[ParsedStatement]]]:
    for index, statement in enumerate(statements):
        others = statements[:index] + statements[index + 1 :]
        for action in statement.actions:
            for resource in statement.resources:
                yield action, resource, [*others, *_without(statement, action, resource)]


def _without(statement: ParsedStatement, action: str, resource: str) -> list[ParsedStatement]:
    def of(actions: list[str], resources: list[str]) -> ParsedStatement:
        return ParsedStatement(
            statement.sid, statement.effect, actions, [], resources, [], conditions=statement.conditions
        )

    actions = [each for each in statement.actions if each != action]
    resources = [each for each in statement.resources if each != resource]
    # An empty list would mean every action or resource.
    left = [of(actions, statement.resources)] if actions else []
    return left + ([of([action], resources)] if resources else [])


if __name__ == "__main__":
    main()
