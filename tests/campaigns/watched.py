"""Everything that is done to files below a folder, told before it happens: by `os`, by `open`, and by SQLite itself.

Unaware of what comes of being told: a watcher counts, raises what the system would have said, or keeps a trace.

`disk` is called as it is, with the functions of `os` under it exchanged. SQLite is reached where it
reaches the system: the library that Python uses has its default VFS opened up, and what a database
writes, syncs, cuts and deletes goes through here, in the process that does it.
"""

from __future__ import annotations

import _sqlite3
import contextlib
import ctypes
import errno
import io
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from banana_pipe import disk

What = Literal[
    "open", "create", "write", "truncate", "sync", "sync folder", "rename", "remove", "mkdir", "rmdir", "chmod"
]
"""`open` makes nothing; `sync folder` makes the names in it durable."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is about to be done. Paths are absolute."""

    what: What
    path: str
    to: str = ""
    """Of a rename."""
    offset: int = 0
    """Of a write; the size of what is cut."""
    data: bytes = b""


class Watcher(Protocol):
    """`before` may raise OSError: then it is not done, or half of it where it is a write; `after` is told what was."""

    def before(self, act: Act) -> None: ...

    def after(self, act: Act) -> None: ...


class _Watch:
    """Which folder is watched, by whom, and which of its files are open. What is watched is done one after the other."""

    def __init__(self, folder: Path, watcher: Watcher) -> None:
        self._folder = str(folder.absolute())
        self._watcher = watcher
        self._turn = threading.RLock()
        self._open: dict[int, str] = {}

    def place(self, path: Any) -> str | None:
        """The absolute path of *path*, if it is watched."""
        if not isinstance(path, str | os.PathLike):
            return None
        told = os.path.abspath(os.fspath(path))
        return told if told == self._folder or told.startswith(self._folder + os.sep) else None

    def opened(self, descriptor: int, path: str) -> None:
        """*descriptor* is the file *path* from now on."""
        self._open[descriptor] = path

    def of(self, descriptor: int) -> str | None:
        """The watched file that *descriptor* is."""
        return self._open.get(descriptor)

    @contextlib.contextmanager
    def doing(self, act: Act) -> Iterator[None]:
        """The act itself goes inside. Raises OSError instead."""
        with self._turn:
            self._watcher.before(act)
            yield
            self._watcher.after(act)


@contextlib.contextmanager
def watching(folder: Path, watcher: Watcher) -> Iterator[None]:
    """Tell *watcher* what this process does to the files below *folder*: its databases are opened after this."""
    watch = _Watch(folder, watcher)
    with contextlib.ExitStack() as stack:
        for name, other in _System(watch).calls.items():
            stack.callback(setattr, os, name, getattr(os, name))
            setattr(os, name, other)
        stack.callback(delattr, disk, "open")
        disk.open = lambda path, mode: _opened(watch, path, mode)  # type: ignore[attr-defined]
        stack.enter_context(_sqlite_told(watch))
        yield


# --- by os and open ---------------------------------------------------------------------------


class _System:
    """The functions of `os` that change files, each telling *watch* first."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch
        self._replace, self._opens, self._writes, self._syncs = os.replace, os.open, os.write, os.fsync

    @property
    def calls(self) -> dict[str, Callable[..., Any]]:
        """What is to stand in `os`, by name."""
        same: dict[str, What] = {"mkdir": "mkdir", "unlink": "remove", "rmdir": "rmdir", "chmod": "chmod"}
        named = {name: self._named(what, getattr(os, name)) for name, what in same.items()}
        return {**named, "replace": self.replace, "open": self.open, "write": self.write, "fsync": self.fsync}

    def _named(self, what: What, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *more: Any, **options: Any) -> Any:
            place = self._watch.place(path)
            if place is None:
                return real(path, *more, **options)
            with self._watch.doing(Act(what, place)):
                return real(path, *more, **options)

        return call

    def replace(self, source: Any, target: Any) -> None:
        place = self._watch.place(source)
        if place is None:
            self._replace(source, target)
            return
        with self._watch.doing(Act("rename", place, to=self._watch.place(target) or "")):
            self._replace(source, target)

    def open(self, path: Any, flags: int, *more: Any, **options: Any) -> int:
        place = self._watch.place(path)
        if place is None:
            return self._opens(path, flags, *more, **options)
        makes = flags & os.O_CREAT and not os.path.lexists(place)
        with self._watch.doing(Act("create" if makes else "open", place)):
            descriptor = self._opens(path, flags, *more, **options)
            self._watch.opened(descriptor, place)
            return descriptor

    def write(self, descriptor: int, data: Any) -> int:
        place = self._watch.of(descriptor)
        if place is None:
            return self._writes(descriptor, data)
        size = os.fstat(descriptor).st_size
        return _written(self._watch, place, size, bytes(data), lambda part: self._writes(descriptor, part))

    def fsync(self, descriptor: int) -> None:
        place = self._watch.of(descriptor)
        if place is None:
            self._syncs(descriptor)
            return
        with self._watch.doing(Act("sync folder" if os.path.isdir(place) else "sync", place)):
            self._syncs(descriptor)


def _written(watch: _Watch, place: str, offset: int, data: bytes, real: Callable[[bytes], int]) -> int:
    """Write *data*; where that is not to be, half of it, as a disk does that is full."""
    try:
        with watch.doing(Act("write", place, offset=offset, data=data)):
            return real(data)
    except OSError:
        real(data[: len(data) // 2])
        raise


def _opened(watch: _Watch, path: Path, mode: str) -> io.BufferedWriter:
    """What `open` gives in `disk`: a new file that is written through a buffer."""
    assert mode == "xb", mode
    return io.BufferedWriter(_File(watch, path))


class _File(io.FileIO):
    def __init__(self, watch: _Watch, path: Path) -> None:
        self._watch = watch
        self._place = watch.place(path) or ""
        if not self._place:
            super().__init__(path, "xb")
            return
        with watch.doing(Act("create", self._place)):
            super().__init__(path, "xb")
        watch.opened(self.fileno(), self._place)

    def write(self, data: Any, /) -> int:
        if not self._place:
            return super().write(data)
        return _written(self._watch, self._place, self.tell(), bytes(data), super().write)


# --- by SQLite --------------------------------------------------------------------------------

_POINTER = ctypes.c_void_p
_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _POINTER, _POINTER, ctypes.c_int, _POINTER)
_DELETE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _POINTER, ctypes.c_int)
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _POINTER, ctypes.c_int, ctypes.c_int64)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_int)

_CREATES, _IS_JOURNAL = 0x4, 0x800
"""SQLITE_OPEN_CREATE and SQLITE_OPEN_MAIN_JOURNAL."""
_FULL, _CANNOT_OPEN = 13, 14
_FAILED: dict[What, int] = {
    "write": 10 | 3 << 8,
    "sync": 10 | 4 << 8,
    "sync folder": 10 | 5 << 8,
    "truncate": 10 | 6 << 8,
    "remove": 10 | 10 << 8,
    "create": _CANNOT_OPEN,
    "open": _CANNOT_OPEN,
}
"""What SQLite's own VFS answers when the system refuses: SQLITE_IOERR_… by act (os_unix.c)."""


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs`, as far as it is needed."""

    _fields_ = (
        *(("version", ctypes.c_int), ("size", ctypes.c_int), ("longest", ctypes.c_int), ("next", _POINTER)),
        *(("name", ctypes.c_char_p), ("data", _POINTER), ("open", _POINTER), ("delete", _POINTER)),
    )


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods` of version 3."""

    _fields_ = (
        *(("version", ctypes.c_int), ("close", _POINTER), ("read", _POINTER), ("write", _POINTER)),
        *(("truncate", _POINTER), ("sync", _POINTER), ("rest", _POINTER * 13)),
    )


class _SqliteFile(ctypes.Structure):
    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


def sqlite_can_be_told() -> bool:
    """Whether the library that Python uses lets itself be found."""
    return _library() is not None


def _library() -> Any:
    library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    return library if hasattr(library, "sqlite3_vfs_find") else None


@contextlib.contextmanager
def _sqlite_told(watch: _Watch) -> Iterator[None]:
    library = _library()
    assert library is not None, "this Python has SQLite built in, out of reach"
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None).contents
    told = _Databases(watch, vfs)
    before = vfs.open, vfs.delete
    vfs.open, vfs.delete = _address(told.open), _address(told.delete)
    yield
    vfs.open, vfs.delete = before


def _address(function: Any) -> int | None:
    return ctypes.cast(function, _POINTER).value


class _RefusedBySystem(Exception):
    """It was not done, and nobody here wanted that."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Databases:
    """What stands between SQLite and the system's VFS. A file stands by its address in memory."""

    def __init__(self, watch: _Watch, vfs: _Vfs) -> None:
        self._watch = watch
        self._paths: dict[int, str] = {}
        self._fresh_journals: set[int] = set()
        self._methods: list[_Methods] = []
        self._real_open, self._real_delete = _OPEN(vfs.open), _DELETE(vfs.delete)
        self.open, self.delete = _OPEN(self._open), _DELETE(self._delete)
        self._write, self._truncate, self._sync = _WRITE(self._written), _TRUNCATE(self._cut), _SYNC(self._synced)
        self._real: _Methods | None = None

    def _done(self, act: Act, real: Callable[[], int]) -> int:
        try:
            with self._watch.doing(act):
                if code := real():
                    raise _RefusedBySystem(code)
                return 0
        except _RefusedBySystem as refused:
            return refused.code
        except OSError as error:
            return _FULL if act.what == "write" and error.errno == errno.ENOSPC else _FAILED[act.what]

    def _open(self, vfs: int, name: int, file: int, flags: int, out: int) -> int:
        def real() -> int:
            return int(self._real_open(vfs, name, file, flags, out))

        place = self._watch.place(os.fsdecode(ctypes.string_at(name))) if name else None
        if place is None:
            return real()
        makes = flags & _CREATES and not os.path.exists(place)
        code = self._done(Act("create" if makes else "open", place), real)
        if code == 0:
            self._paths[file] = place
            (self._fresh_journals.add if makes and flags & _IS_JOURNAL else self._fresh_journals.discard)(file)
            self._intercept(file)
        else:
            ctypes.cast(file, ctypes.POINTER(_POINTER))[0] = None  # nothing to be closed
        return code

    def _intercept(self, file: int) -> None:
        held = ctypes.cast(file, ctypes.POINTER(_SqliteFile)).contents
        if self._real is None:
            self._real = _Methods.from_buffer_copy(held.methods.contents)
            self._real_write, self._real_truncate = _WRITE(self._real.write), _TRUNCATE(self._real.truncate)
            self._real_sync = _SYNC(self._real.sync)
        ours = _Methods.from_buffer_copy(held.methods.contents)
        assert ours.write == self._real.write, "one kind of file"
        ours.write, ours.truncate, ours.sync = map(_address, (self._write, self._truncate, self._sync))
        self._methods.append(ours)
        held.methods = ctypes.pointer(ours)

    def _delete(self, vfs: int, name: int, sync: int) -> int:
        place = self._watch.place(os.fsdecode(ctypes.string_at(name)))
        if place is None:
            return int(self._real_delete(vfs, name, sync))
        if not os.path.exists(place):
            return int(self._real_delete(vfs, name, sync))
        code = self._done(Act("remove", place), lambda: self._real_delete(vfs, name, 0))
        if code == 0 and sync:
            # Only told: the system's own VFS has just been asked not to.
            return self._done(Act("sync folder", os.path.dirname(place)), lambda: 0)
        return code

    def _written(self, file: int, data: int, size: int, offset: int) -> int:
        act = Act("write", self._paths[file], offset=offset, data=ctypes.string_at(data, size))
        code = self._done(act, lambda: self._real_write(file, data, size, offset))
        if code:
            self._real_write(file, data, size // 2, offset)
        return code

    def _cut(self, file: int, size: int) -> int:
        act = Act("truncate", self._paths[file], offset=size)
        return self._done(act, lambda: self._real_truncate(file, size))

    def _synced(self, file: int, flags: int) -> int:
        place = self._paths[file]
        code = self._done(Act("sync", place), lambda: self._real_sync(file, flags))
        if code == 0 and file in self._fresh_journals:
            # With the first sync of a new journal its name is synced too, and nobody hears if that fails (os_unix.c).
            self._fresh_journals.discard(file)
            with contextlib.suppress(OSError), self._watch.doing(Act("sync folder", os.path.dirname(place))):
                pass
        return code
