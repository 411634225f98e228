"""CloudWatch's list of dashboards for the SDK for JavaScript: MiniStack writes its times as JSON text."""

from __future__ import annotations

import json
from datetime import datetime

from ministack.services import cloudwatch

from ..core.context import Context

PATCHES = [("ministack.services.cloudwatch", "_list_dashboards")]


def install(_context: Context) -> None:
    listed = cloudwatch._list_dashboards

    def with_epoch_times(params: dict, data: dict, is_cbor: bool, is_json: bool = False) -> tuple:
        answer = listed(params, data, is_cbor, is_json)
        if not is_json:
            return answer
        status, headers, body = answer
        document = json.loads(body)
        for entry in document["DashboardEntries"]:
            # Python 3.10 does not parse the Z.
            entry["LastModified"] = datetime.fromisoformat(entry["LastModified"].replace("Z", "+00:00")).timestamp()
        return status, headers, json.dumps(document).encode()

    cloudwatch._list_dashboards = with_epoch_times
