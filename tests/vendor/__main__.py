"""`python -m tests.vendor`: the vendor until it is interrupted; its base URL is the first line printed.

Unaware of who comes; `/_control/…` is the way to steer and to read it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys

from tests.vendor.behaviour import read_faults
from tests.vendor.server import Vendor


def main() -> None:
    """Serve until SIGINT, SIGTERM or, if wanted, the end of stdin."""
    parser = argparse.ArgumentParser(prog="python -m tests.vendor", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--behaviour", type=json.loads, default={}, help='JSON, such as {"delay": 1}')
    parser.add_argument("--faults", type=json.loads, default={}, help='JSON, such as {"submit": [{"kind": "hang"}]}')
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with whoever started it")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        contextlib.suppress(KeyboardInterrupt),
        Vendor(port=asked.port, faults=read_faults(asked.faults), **asked.behaviour) as vendor,
    ):
        sys.stdout.write(f"{vendor.base_url}\n")
        sys.stdout.flush()
        if asked.until_stdin_closes:
            sys.stdin.read()
        else:
            signal.pause()


main()
