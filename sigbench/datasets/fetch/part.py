"""A file on its way: partial, hidden beside its final place, until it is whole and seen to be right."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

from sigbench.core.errors import InputError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Unfinished(InputError):
    """What came is good, but not all of it came."""


class Part:
    """A partial file, and where it can be gone on with a note of what it is a part of.

    Parameters
    ----------
    final : Path
        Where the file will lie.
    """

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(f".{final.name}.part")
        self.note = final.with_name(f".{final.name}.part.json")

    @property
    def size(self) -> int:
        """How many bytes are here."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def can_go_on(self) -> bool:
        """Whether a later command can go on from what is here."""
        return self.note.is_file() and self.size > 0

    def mark(self, url: str) -> str | None:
        """Return the mark by which a server knows the file that this is a part of."""
        try:
            noted = json.loads(self.note.read_text(encoding="utf-8"))
            same = noted["url"] == url and self.size > 0 and not self.path.is_symlink()
            return str(noted["mark"]) if same else None
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None

    def begin(self, url: str, mark: str | None) -> None:
        """Begin anew; without a mark the part cannot be gone on with."""
        self.discard()  # also where it is somebody's link: nothing is written through it
        self.path.touch(exist_ok=False)
        if mark is not None:
            self.note.write_text(json.dumps({"url": url, "mark": mark}), encoding="utf-8")

    def finish(self) -> None:
        """Give the file its final name."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(self.path, self.final)
        self.note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Leave nothing."""
        self.note.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def kept_if_useful(self) -> Iterator[None]:
        """Where something goes wrong, leave the part only if it can be gone on with.

        Raises
        ------
        InputError
            In place of the system's error, where the disk is full.
        """
        try:
            yield
        except (Unfinished, KeyboardInterrupt):
            if not self.can_go_on:
                self.discard()
            raise
        except OSError as error:
            self.discard()
            if error.errno not in FULL:
                raise
            raise InputError(
                f"the disk of {self.final.parent} is full: {self.final.name} does not fit, "
                "nothing of it is kept"
            ) from error
        except BaseException:
            self.discard()
            raise
        finally:
            with contextlib.suppress(OSError):
                self.final.parent.rmdir()  # where nothing came of it
