"""Writing of a page: it replaces only a page, and can be opened in the browser."""

from __future__ import annotations

from pathlib import Path

from sigbench.benchmark.report.page.document import MARKER
from sigbench.core.atomic import check_own, write_atomically
from sigbench.core.errors import InputError

MAX_BYTES = 5_000_000  # of a page: it can be sent by mail


def check_target(path: Path) -> None:
    """Check that a page may be written to a path: nothing is there, or an older page.

    Raises
    ------
    InputError
        If there is something else, or the folder does not exist.

    Examples
    --------
    >>> check_target(Path("nowhere/page.html"))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: nowhere is not a folder: page.html cannot be written there
    """
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is not a folder: {path.name} cannot be written there")
    check_own(path, MARKER, "is not a page of sigbench")


def write_page(path: Path, html: str) -> int:
    """Write a page, and return its size in bytes.

    Parameters
    ----------
    path : Path
        The file. An existing page is replaced; another file is not.
    html : str
        The page, from `document`.

    Raises
    ------
    InputError
        If there is another file at the path, or the page has more than `MAX_BYTES`.
    """
    check_target(path)
    data = html.encode()
    if len(data) > MAX_BYTES:
        raise InputError(
            f"the page would have {len(data) / 1e6:.1f} MB, more than {MAX_BYTES / 1e6:.0f} MB: "
            "give fewer run folders"
        )
    write_atomically(path, data)
    return len(data)


def open_page(path: Path) -> bool:
    """Open a page in the browser; return whether there is one."""
    import webbrowser

    return webbrowser.open(path.resolve().as_uri())
