"""`python -m benchmarks [start] [plan] [table] [lock] [waves] [frame] [local] [report]`: run the benchmarks named, or all of them.

Unaware of what each measures.
"""

from __future__ import annotations

import sys

from benchmarks import frame, local, lock, plan, report, start, table, waves

_ALL = {
    "start": start.main,
    "plan": plan.main,
    "table": table.main,
    "lock": lock.main,
    "waves": waves.main,
    "frame": frame.main,
    "local": local.main,
    "report": report.main,
}


def main() -> None:
    """Run what is named on the command line."""
    for name in sys.argv[1:] or _ALL:
        _ALL[name]()


if __name__ == "__main__":
    main()
