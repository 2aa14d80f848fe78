"""``sigbench report --html``: the page of one or several runs."""

from __future__ import annotations

import sys
from pathlib import Path

from sigbench.benchmark.report.page.collect import collect
from sigbench.benchmark.report.page.render import make_page
from sigbench.benchmark.report.page.writing import check_target, open_page, write_page
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.cli.output import show
from sigbench.core.errors import InputError
from sigbench.core.progress import Progress

NAME = "report.html"


def target(folders: list[Path], file: Path | None) -> Path:
    """Return where the page is written, after checking that it may be written there.

    Parameters
    ----------
    folders : list of Path
        The run folders.
    file : Path or None
        The page. None stands for ``report.html`` in the run folder, of which there must be one.

    Raises
    ------
    InputError
        If there are several folders and no file, there is something else than a page, or a folder
        is not a run folder.
    """
    if file is None and len(folders) > 1:
        raise InputError("--open needs --html FILE for several run folders")
    found = folders[0] / NAME if file is None else file
    check_target(found)
    for folder in folders:  # before any is read, which can take a minute
        RunFolder(folder).manifest.require()
    return found


def write(folders: list[Path], file: Path, *, opens: bool) -> None:
    """Write the page of some runs, say how large it is, and open it if that is wanted.

    Parameters
    ----------
    folders : list of Path
        The run folders; they are only read.
    file : Path
        The page.
    opens : bool
        Whether to open the page in the browser.

    Raises
    ------
    InputError
        If a folder cannot be read, or the file may not be written.
    """
    with Progress(None, "part") as progress:
        runs = []
        for folder in folders:
            progress.describe(f"reading {folder}")
            runs.append(collect(folder))
            progress.advance()
        progress.describe("drawing")
        page = make_page(runs, advance=progress.advance)
    size = write_page(file, page.html)
    media = f", {page.media_bytes / 1e6:.1f} MB of them examples" if page.media_bytes else ""
    show(f"{file}: {size / 1e6:.1f} MB{media}")
    if opens and not open_page(file):
        show("no browser was found: open the file yourself", sys.stderr)
