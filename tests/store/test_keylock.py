"""One holder per key among all processes, and no ritual after a crash.

Unaware of what is done under the lock.
"""

from __future__ import annotations

import signal
from pathlib import Path

from banana_pipe.canonical import digest_of
from banana_pipe.model import Key
from banana_pipe.store.keylock import KeyLocks
from tests.store.children import end, line, start

KEY = Key(digest_of(b"key"))
HOLD = f"""
import sys
from pathlib import Path
from banana_pipe.store.keylock import KeyLocks
lock = KeyLocks(Path(sys.argv[1])).try_take({KEY!r})
print("holds" if lock else "busy", flush=True)
input()
lock.__exit__()
"""
CONTEND = f"""
import os, random, sys, time
from pathlib import Path
from banana_pipe.store.keylock import KeyLocks
locks, counter = KeyLocks(Path(sys.argv[1])), Path(sys.argv[2])
inside = counter.with_name("inside")
done = 0
while done < 150:
    lock = locks.try_take({KEY!r})
    if lock is None:
        time.sleep(0)
        continue
    with lock:
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
        counter.write_text(str(int(counter.read_text()) + 1))
        inside.unlink()
    done += 1
"""


def test_a_key_has_one_holder_and_others_are_free(tmp_path: Path) -> None:
    """Busy is an answer, not a wait."""
    locks = KeyLocks(tmp_path)
    lock = locks.try_take(KEY)
    assert lock is not None
    with lock as held:
        assert held is lock
        assert locks.try_take(KEY) is None
        other = locks.try_take(Key(digest_of(b"other")))
        assert other is not None
        other.__exit__()
    again = locks.try_take(KEY)
    assert again is not None
    again.__exit__()
    assert list(tmp_path.iterdir()) == []


def test_another_process_is_kept_out_until_its_holder_is_gone(tmp_path: Path) -> None:
    """Killed in the middle: free at once, nothing to unlock, no file left once it was used again."""
    child = start(HOLD, tmp_path)
    assert line(child) == "holds"
    assert KeyLocks(tmp_path).try_take(KEY) is None
    child.send_signal(signal.SIGKILL)
    child.communicate()
    lock = KeyLocks(tmp_path).try_take(KEY)
    assert lock is not None
    second = start(HOLD, tmp_path)
    assert line(second) == "busy"
    second.kill()
    second.communicate()
    lock.__exit__()
    assert list(tmp_path.iterdir()) == []


def test_taking_and_unlinking_at_once_lets_nobody_in_twice(tmp_path: Path) -> None:
    """Four processes, 150 turns each, the file unlinked at each: nobody was ever inside with another."""
    counter = tmp_path / "counter"
    counter.write_text("0")
    children = [start(CONTEND, tmp_path / "locks", counter) for _ in range(4)]
    for child in children:
        end(child)
    assert counter.read_text() == "600"
    assert list((tmp_path / "locks").iterdir()) == []


def test_the_files_of_dead_holders_are_swept_and_those_of_the_living_stay(tmp_path: Path) -> None:
    """Nobody may ever ask for that key again; what is no key's lock is somebody else's."""
    locks = KeyLocks(tmp_path / "locks")
    locks.sweep()
    assert not locks.root.exists()
    child = start(HOLD, locks.root)
    assert line(child) == "holds"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    other = locks.try_take(Key(digest_of(b"other")))
    assert other is not None
    (locks.root / "file-shop.lock").touch()
    assert len(list(locks.root.iterdir())) == 3
    with other:
        locks.sweep()
        assert {path.name for path in locks.root.iterdir()} == {digest_of(b"other"), "file-shop.lock"}
    assert [path.name for path in locks.root.iterdir()] == ["file-shop.lock"]
