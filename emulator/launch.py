"""Starts the local AWS emulator on free ports of 127.0.0.1, prints its address, and cleans up at the end.

    python emulator/launch.py --state-dir DIR

When it is ready, it prints one JSON line to stdout:
{"endpoint": "http://127.0.0.1:PORT", "smtp": "127.0.0.1:PORT", "mailDir": "DIR/mails", "pid": N}.
It ends on SIGTERM, SIGINT or when its stdin closes. The log is DIR/emulator.log; warnings also go to stderr.
Set CLICKSTREAM_KINESIS_LIMITS=1 to enforce the write limits of Kinesis shards (kinesis/streams.py),
CLICKSTREAM_FIREHOSE_LIMITS=1 to enforce the throughput of delivery streams (firehose/throughput.py),
CLICKSTREAM_S3_FAULTS=event-twice to announce each S3 event twice (s3/notifications.py), and
CLICKSTREAM_LAMBDA_MINUTE_SECONDS for shorter waits of asynchronous invocations (functions/asynchronous.py).
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python puts the script's folder first on the path, but imports need the package's parent.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from emulator.core.server import main

    main()
