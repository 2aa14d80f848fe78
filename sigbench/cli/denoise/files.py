"""Denoise the files of a call, and report each."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any, TextIO

from sigbench.cli.denoise.file import denoise_job
from sigbench.cli.denoise.method import prepare
from sigbench.cli.denoise.paths import STANDARD, plan
from sigbench.cli.denoise.request import Request
from sigbench.cli.denoise.results import as_failure, as_record, chosen_text, messages
from sigbench.cli.exit_codes import INTERRUPTED, INVALID, SUCCESS
from sigbench.core import interrupts
from sigbench.core.errors import InputError
from sigbench.core.escape import cut, printable_lines
from sigbench.core.progress import Progress

Record = dict[str, Any]


def denoise_files(
    request: Request, records: list[Record], *, as_json: bool = False, debug: bool = False
) -> int:
    """Denoise the files of a call, report each, and return the exit code.

    If there are several files, one that fails does not stop the others, and Ctrl-C keeps those that
    are finished.

    Parameters
    ----------
    request : Request
        The call.
    records : list of dict
        Receives the result of each file, for JSON.
    as_json : bool
        Whether standard output is for JSON, so that the choices of ``auto`` are not printed.
    debug : bool
        Whether to show the tracebacks of files that fail.

    Raises
    ------
    InputError
        If the call is invalid, before anything is written, or if the only file cannot be denoised.
    """
    planned = plan(request)
    prepared = prepare(request.method, request.sigma, request.noise)
    jobs, several = planned.jobs, len(planned.jobs) > 1
    failed = 0
    with Progress(len(jobs), "file", quiet=not several) as progress:
        tell = _teller(progress)
        for note in planned.notes:
            tell(note)
        try:
            for job in jobs:
                progress.describe(job.name)
                try:
                    done = denoise_job(job, prepared, force=request.force, options=request.table)
                except (InputError, OSError) as error:
                    text = cut(" ".join(str(error).split()))
                    records.append(as_failure(job, text))
                    if not several:
                        raise
                    if debug:
                        traceback.print_exc()
                    tell(f"sigbench: error: {text}")
                    failed += 1
                else:
                    records.append(as_record(job, done))
                    choice = chosen_text(done)
                    if choice and not as_json:
                        which = f"{job.name}:\n" if several else ""
                        tell(which + choice, None if request.out == STANDARD else sys.stdout)
                    for line in messages(job, done, several):
                        tell(line)
                progress.advance()
        except KeyboardInterrupt as stop:
            if not several:
                raise
            tell(f"interrupted: {_written(len(records) - failed, len(jobs), request.out)}")
            return INTERRUPTED + interrupts.number_of(stop)
    if several:
        tell(_written(len(jobs) - failed, len(jobs), request.out))
    return INVALID if failed else SUCCESS


def _teller(progress: Progress) -> Callable[..., None]:
    """Return a function that prints text above the progress bar, by default on standard error."""

    def tell(text: str, file: TextIO | None = None) -> None:
        progress.message(printable_lines(text), file)

    return tell


def _written(count: int, total: int, out: str) -> str:
    which = f"all {total}" if count == total else f"{count} of {total}"
    return f"{which} files are written to {out}"
