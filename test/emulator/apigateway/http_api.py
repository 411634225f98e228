"""Makes an HTTP API on the running emulator, and calls it over plain HTTP as a browser or a tracker does."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from emulator_stack import Stack, unique

ACCOUNT, REGION = "000000000000", "us-east-1"

# Answers with the event that it got.
ECHO = "exports.handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) });"
# Returns what the request's body, a JavaScript expression, is worth.
RETURNS = "exports.handler = async (event) => await eval(event.body);"


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def cors(self) -> dict[str, str]:
        return {key: value for key, value in self.headers if key.startswith("access-control-")}

    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """An API with one function behind its routes."""

    def __init__(self, stack: Stack, function: str, *keys: str, stage: dict | None = None, **settings: Any) -> None:
        self.stack, self.client = stack, stack.client("apigatewayv2")
        made = self.client.create_api(Name=unique("api"), ProtocolType="HTTP", **settings)
        self.id, self.endpoint = made["ApiId"], made["ApiEndpoint"]
        self.function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
        self.integration = self.integrate(self.function_arn)
        for key in keys:
            self.route(key)
        self.client.create_stage(ApiId=self.id, **{"StageName": "$default", "AutoDeploy": True, **(stage or {})})

    def integrate(self, uri: str, **settings: Any) -> str:
        wanted = {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0", **settings}
        return self.client.create_integration(ApiId=self.id, IntegrationUri=uri, **wanted)["IntegrationId"]

    def route(self, key: str, integration: str | None = None) -> str:
        target = f"integrations/{integration or self.integration}"
        return self.client.create_route(ApiId=self.id, RouteKey=key, Target=target)["RouteId"]

    def call(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        prefix: str | None = None,
    ) -> Answer:
        """One request on a connection of its own."""
        connection = self.connect()
        try:
            return self.send(connection, method, path, body, headers, prefix)
        finally:
            connection.close()

    def connect(self) -> http.client.HTTPConnection:
        address = urlsplit(self.stack.endpoint)
        return http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)

    def send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        prefix: str | None = None,
    ) -> Answer:
        data = body.encode() if isinstance(body, str) else body
        connection.putrequest(method, (urlsplit(self.endpoint).path if prefix is None else prefix) + path)
        for name, value in headers.items() if isinstance(headers, dict) else headers or []:
            connection.putheader(name, value)
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        answer = connection.getresponse()
        return Answer(answer.status, [(key.lower(), value) for key, value in answer.getheaders()], answer.read())

    def event(self, method: str, path: str, *arguments: Any, **named: Any) -> dict:
        """The event that the function got. For APIs whose function is ECHO."""
        answer = self.call(method, path, *arguments, **named)
        assert answer.status == 200, answer
        return answer.json()
