"""Partial files: hidden next to the final path until they are complete and verified."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

from sigbench.core.errors import InputError

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Incomplete(InputError):
    """A transfer stopped early, but the bytes received so far are valid."""


class Part:
    """A partial file and, if the transfer can be resumed, a note of its origin.

    Parameters
    ----------
    final : Path
        Path of the complete file.
    """

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(f".{final.name}.part")
        self.note = final.with_name(f".{final.name}.part.json")

    @property
    def size(self) -> int:
        """Number of bytes received."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def is_resumable(self) -> bool:
        """Whether a later transfer can resume this one."""
        return self.note.is_file() and self.size > 0

    def validator(self, url: str) -> str | None:
        """Return the stored ETag or date if the part can be resumed from ``url``, else None."""
        try:
            noted = json.loads(self.note.read_text(encoding="utf-8"))
            same = noted["url"] == url and self.size > 0 and not self.path.is_symlink()
            return str(noted["mark"]) if same else None
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None

    def begin(self, url: str, validator: str | None) -> None:
        """Start an empty part; without a validator it cannot be resumed."""
        self.discard()  # also if it is a symbolic link, so that its target is not overwritten
        self.path.touch(exist_ok=False)
        if validator is not None:
            self.note.write_text(json.dumps({"url": url, "mark": validator}), encoding="utf-8")

    def finish(self) -> None:
        """Rename the part to its final name."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(self.path, self.final)
        self.note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete the part and its note."""
        self.note.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def kept_if_useful(self) -> Iterator[None]:
        """Delete the part on any error, unless the transfer can be resumed.

        Raises
        ------
        InputError
            If the disk is full, instead of the system's error.
        """
        try:
            yield
        except (Incomplete, KeyboardInterrupt):
            if not self.is_resumable:
                self.discard()
            raise
        except OSError as error:
            self.discard()
            if error.errno not in DISK_FULL:
                raise
            raise InputError(
                f"the disk of {self.final.parent} is full: {self.final.name} does not fit "
                "and was deleted"
            ) from error
        except BaseException:
            self.discard()
            raise
        finally:
            with contextlib.suppress(OSError):
                self.final.parent.rmdir()  # if the folder is empty
