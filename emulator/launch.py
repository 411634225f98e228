"""Starts the local AWS emulator on free ports of 127.0.0.1, says where it is, and leaves nothing behind.

    python emulator/launch.py --state-dir DIR

One JSON line on stdout says that it serves:
{"endpoint": "http://127.0.0.1:PORT", "smtp": "127.0.0.1:PORT", "mailDir": "DIR/mails", "pid": N}.
It ends on SIGTERM, SIGINT or when its stdin closes. The log is DIR/emulator.log; warnings also go to stderr.
Set CLICKSTREAM_KINESIS_LIMITS=1 to have the write limits of Kinesis shards enforced (kinesis/streams.py).
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python puts a script's own folder first on the path; the package's parent has to be there instead.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from emulator.core.server import main

    main()
