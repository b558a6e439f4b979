"""Opens regular files for reading, and nothing else.

Unaware of what is in them. Opening a named pipe would wait for whoever writes to it, and reading a
device may never end: a stranger's project, unpacked, may have either where a file is expected.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


def open_regular(path: Path) -> BufferedReader:
    """The file *path*, links followed. Raises OSError, for what is no regular file too."""
    # Opened first and judged then: what is asked about a name can be true of another file a moment later.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path) -> bytes:
    """The bytes of the file *path*, links followed. Raises what `open_regular` does."""
    with open_regular(path) as file:
        return file.read()
