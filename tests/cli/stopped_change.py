# SPDX-License-Identifier: MIT
"""A changing command that is stopped at each of its changes, by kill -9 or because the system
refuses it: the old state or the new one, and the same command again ends what was begun."""

import errno
import os
import pathlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field

from stopping import killed_everywhere, refused_everywhere


@dataclass
class Change:
    """A command and what must hold whenever it stops."""

    words: tuple
    places: list[pathlib.Path]  # Files and directories that it changes: put back before each run.
    check: Callable[[], None]  # Holds at any time.
    ended: Callable[[], bool]  # Whether the change is done.
    once: bool = False  # It is refused when it is done already.
    least: int = 3  # Calls that change something.
    saved: dict = field(default_factory=dict)

    def end(self, tool) -> None:
        """The same command ends what was begun."""
        if not (self.once and self.ended()):
            tool.run(*self.words)
        self.check()
        assert self.ended()

    def begin(self) -> "Change":
        self.check()
        assert not self.ended()
        self.save()
        return self

    def save(self) -> None:
        for path in self.places:
            if path.is_dir():
                self.saved[path] = path.with_name(path.name + "-saved")
                shutil.copytree(path, self.saved[path])
            else:
                self.saved[path] = path.read_bytes() if path.exists() else None

    def put_back(self) -> None:
        for path, saved in self.saved.items():
            if isinstance(saved, pathlib.Path):
                shutil.rmtree(path)
                shutil.copytree(saved, path)
            elif saved is None and path.is_dir():
                shutil.rmtree(path)
            elif saved is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(saved)


def check_killed_everywhere(tool, change: Change) -> None:
    ended = []
    for _ in killed_everywhere(tool, *change.words):
        change.check()
        ended.append(change.ended())
        change.end(tool)
        change.put_back()
    assert len(ended) >= change.least and not ended[0]
    assert change.ended()


def check_refused_everywhere(tool, change: Change, error: int) -> None:
    """With this errno, which the message has to explain."""
    failed = 0
    for done in refused_everywhere(tool, error, *change.words):
        change.check()
        assert done.returncode in ((0, 1) if error == errno.ENOSPC else (0, 1, 2)), done
        if done.returncode == 0:
            assert change.ended(), done
        else:
            failed += 1
            assert os.strerror(error) in done.stderr, done
        change.end(tool)
        change.put_back()
    assert failed >= 2
    assert change.ended()
