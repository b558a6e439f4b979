"""`python -m banana_pipe`: the command line."""

from __future__ import annotations

import sys

from banana_pipe.cli import main

if __name__ == "__main__":
    sys.exit(main())
