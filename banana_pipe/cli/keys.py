"""Single keys from a terminal, without Enter and without their being shown.

Unaware of what they mean. From what is no terminal no key ever comes.
"""

from __future__ import annotations

import os
import select
import signal
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self, TextIO

GONE = "\x04"
"""In place of a key: the terminal is closed."""
_MOST = 4096
"""Bytes that a terminal keeps: of what is pasted nothing is left that could be taken for a key."""


class Keys:
    """The keys of *stream*, where that is a terminal. It is itself again outside of `with`, whatever ends the block."""

    def __init__(self, stream: TextIO) -> None:
        try:
            self._terminal: int | None = stream.fileno() if stream.isatty() else None
        except (OSError, ValueError):  # closed
            self._terminal = None
        self._modes: Any = None
        self._before: dict[signal.Signals, Any] = {}
        self._is_aside = False

    @property
    def is_there(self) -> bool:
        """Whether anybody can press one."""
        return self._terminal is not None

    def __enter__(self) -> Self:
        if self._terminal is not None:
            self._modes = termios.tcgetattr(self._terminal)
            self._before = {signal.SIGTERM: signal.signal(signal.SIGTERM, _leave)}
            # Whoever stops the process and goes on with it has a shell in between, with modes of its own.
            self._before[signal.SIGCONT] = signal.signal(signal.SIGCONT, lambda *_: self._go_on())
            self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_aside = True
        self._restore()
        for one, handler in self._before.items():
            signal.signal(one, handler)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The terminal as it was, for whatever else wants to use it. What was typed meanwhile is no key of ours."""
        self._is_aside = True
        self._restore()
        try:
            yield
        finally:
            self._is_aside = False
            self._listen()

    def wait(self, seconds: float) -> str:
        """The next key, at most *seconds* away: a letter, `\\n`, or GONE; nothing where none was pressed."""
        listening = [] if self._terminal is None else [self._terminal]
        ready, _, _ = select.select(listening, [], [], seconds)  # an empty list waits all the same
        return self._read(self._terminal) if ready and self._terminal is not None else ""

    def forget(self) -> None:
        """What was pressed before now was about something else."""
        self._quietly(lambda terminal: termios.tcflush(terminal, termios.TCIFLUSH))

    def _read(self, terminal: int) -> str:
        try:
            typed = os.read(terminal, _MOST)
        except OSError:
            return GONE
        pressed = set(typed.decode("utf-8", "replace").replace("\r", "\n"))
        if not typed:
            return GONE
        # A key that is held comes several times. Arrows and pasted words are several keys at once, and mean nothing here.
        if len(pressed) > 1:
            self.forget()
        return pressed.pop() if len(pressed) == 1 else ""

    def _go_on(self) -> None:
        if not self._is_aside:
            self._listen()

    def _listen(self) -> None:
        self._quietly(lambda terminal: tty.setcbreak(terminal, termios.TCSAFLUSH))

    def _restore(self) -> None:
        self._quietly(lambda terminal: termios.tcsetattr(terminal, termios.TCSADRAIN, self._modes))

    def _quietly(self, act: Callable[[int], object]) -> None:
        if self._terminal is not None and self._modes is not None:
            try:
                act(self._terminal)
            except (termios.error, OSError):  # it is closed: nobody is left to mind
                return


def pause(seconds: float) -> None:
    """Let others go on for *seconds*."""
    select.select([], [], [], seconds)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
