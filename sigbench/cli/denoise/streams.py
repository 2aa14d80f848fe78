"""Read and write the files of a call; a table can be standard input or output."""

from __future__ import annotations

import sys

from sigbench.cli.denoise.paths import Job
from sigbench.core.media import Content, TableOptions, read, read_table_bytes, write
from sigbench.core.protocols import Array


def read_content(job: Job, options: TableOptions) -> Content:
    """Return the content of a noisy file.

    Parameters
    ----------
    job : Job
        The file.
    options : TableOptions
        How a table is read.
    """
    if job.source is not None:
        return read(job.source, options if job.family == "table" else None)
    return read_table_bytes(sys.stdin.buffer.read(), job.name, options)


def write_content(job: Job, content: Content, estimate: Array) -> None:
    """Write an estimate in the format of its file.

    Parameters
    ----------
    job : Job
        The file; the folder of the output is created if it does not exist.
    content : Content
        The content of the noisy file.
    estimate : array
        The estimate, shape of ``content.batch``.
    """
    if job.target is not None:
        job.target.parent.mkdir(exist_ok=True)
        write(job.target, content, estimate)
        return
    suffix = job.source.suffix.lower() if job.source else ".csv"
    sys.stdout.buffer.write(content.encode(estimate, suffix))
    sys.stdout.buffer.flush()
