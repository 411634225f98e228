"""The local emulator with one more path, at which bench/growth.ts lets it make a grown lake. Started in the place of
emulator/launch.py, with the same arguments."""

from __future__ import annotations

import json
import sys
import traceback
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PATH = "/_ministack/grown-lake"


def main() -> None:
    sys.path[:1] = [str(HERE.parent), str(HERE)]
    from emulator.core import server

    install = server._install_parts
    server._install_parts = lambda context: _with_lake(install(context))
    server.main()


def _with_lake(app: Any) -> Any:
    async def answering(scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await app(scope, receive, send)
            return
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message.get("body", b"")
        status, answer = _fill(body)
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return answering


def _fill(body: bytes) -> tuple[int, bytes]:
    import grown_lake

    try:
        made = grown_lake.fill(grown_lake.Plan(**json.loads(body)), datetime.now(timezone.utc))
    except Exception:
        return 500, traceback.format_exc().encode()
    return 200, json.dumps(made).encode()


if __name__ == "__main__":
    main()
