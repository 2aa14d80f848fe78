"""Writing of tables: the text of the file, with other numbers in the cells that changed."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import Caution
from sigbench.core.media.table.columns import Body, Column
from sigbench.core.media.table.encoding import Text
from sigbench.core.media.table.numbers import PADDING
from sigbench.core.media.table.style import fixed_format
from sigbench.core.protocols import Array

NINES = re.compile(r"[67]?9{2,}")  # -9999, 999.9, -99, 7999: values that loggers write for missing
MAX_STATES = 4  # different values of a column that may be a state
COARSE = 0.5  # of the change by the method: a rounding error that limits the result


def encoder(
    text: Text,
    body: Body,
    columns: Sequence[Column],
    denoised: Sequence[int],
    values: NDArray[np.float64],
    missing: NDArray[np.bool_],
    *,
    fill: bool,
) -> Callable[[Array, str], bytes]:
    """Return a function that writes other values into a table.

    Parameters
    ----------
    text, body
        The table.
    columns : sequence of Column
        Its columns.
    denoised : sequence of int
        Those that get other values.
    values, missing : array, shape (len(denoised), L)
        Their values, interpolated where one is missing.
    fill : bool
        Whether missing samples are written too.
    """
    before = values.copy()

    def encode(estimate: Array, suffix: str) -> bytes:
        new = estimate[:, 0].astype(np.float64)
        changed = (new != before) & ~missing
        _warn_of_rounding(columns, denoised, new, before, changed)
        _warn_of_markers(columns, denoised, before, missing, changed)
        if fill:
            changed |= missing
        out = [body.raw[: body.start]]
        at, width = 0, body.dialect.width
        for block in body.blocks():
            rows = len(block.after)
            cells = [block.cells[k::width] for k in range(width)]
            for i, k in enumerate(denoised):
                where = np.flatnonzero(changed[i, at : at + rows])
                old = [cells[k][j] for j in where.tolist()]
                texts = _written(old, new[i, at + where], columns[k], body, k)
                for j, cell in zip(where.tolist(), texts, strict=True):
                    cells[k][j] = cell
            out.append(block.before)
            joiner = body.dialect.splitter.joiner
            out += [
                piece
                for row, end in zip(zip(*cells, strict=True), block.after, strict=True)
                for piece in (joiner.join(row), end)
            ]
            at += rows
        return text.restore(b"".join(out))

    return encode


def _written(
    old: list[bytes], values: NDArray[np.float64], column: Column, body: Body, k: int
) -> list[bytes]:
    """Return the cells of a column with other numbers."""
    form = body.dialect.form
    assert column.style is not None
    quick = None if form.thousands or column.width is not None else fixed_format(column.style)
    joined = b"\n".join(old)
    if quick is None or any(mark in joined for mark in PADDING):
        write = _writer(column, body, k)
        return [write(cell, value) for cell, value in zip(old, values.tolist(), strict=True)]
    minus_zero, zero = quick % -0.0, quick % 0.0
    texts = [zero if text == minus_zero else text for text in map(quick.__mod__, values.tolist())]
    return texts if form.decimal == b"." else [t.replace(b".", form.decimal) for t in texts]


def _writer(column: Column, body: Body, k: int) -> Callable[[bytes, float], bytes]:
    """Return a function that writes a number into a cell and keeps its quotes and alignment."""
    style, form, splitter = column.style, body.dialect.form, body.dialect.splitter
    assert style is not None
    separated = splitter.white and not splitter.left and k > 0
    last = k == body.dialect.width - 1

    def write(cell: bytes, value: float) -> bytes:
        number = form.styled(style.text(value))
        core = cell.strip(PADDING)
        if column.width is None or b'"' in cell or b"\t" in cell:
            if not core and cell.startswith(b'""'):
                return b'"' + number + b'"' + cell[2:]
            return cell.replace(core, number, 1) if core else number + cell
        if splitter.left or not cell[:1].isspace():
            space = b" " if splitter.white and not last else b""
            return (number + space).ljust(column.width)
        tail = cell[len(cell.rstrip()) :]
        return (b" " * separated + number).rjust(column.width - len(tail)) + tail

    return write


def _warn_of_rounding(
    columns: Sequence[Column],
    denoised: Sequence[int],
    new: NDArray[np.float64],
    before: NDArray[np.float64],
    changed: NDArray[np.bool_],
) -> None:
    """Give a caution for columns whose decimals are too few for what the method changed."""
    for i, k in enumerate(denoised):
        style = columns[k].style
        if style is None or not style.step or not changed[i].any():
            continue
        if _may_be_state(columns[k], before[i]):
            continue
        # A rounding error is evenly distributed over a step.
        change = float(np.sqrt(np.mean((new[i] - before[i])[changed[i]] ** 2)))
        if style.step / np.sqrt(12) > COARSE * change:
            kept = f"{style.high} decimals" if style.high else "whole numbers"
            warnings.warn(
                f"{_called(columns[k])} is written with {kept}, as in the file, which limits "
                "what the method improves",
                Caution,
                stacklevel=3,
            )


def _warn_of_markers(
    columns: Sequence[Column],
    denoised: Sequence[int],
    before: NDArray[np.float64],
    missing: NDArray[np.bool_],
    changed: NDArray[np.bool_],
) -> None:
    """Give a caution for numbers that may stand for missing samples, and for states.

    Such a number consists of nines, and is farther from all others than these are from each other.
    """
    for i, k in enumerate(denoised):
        if not changed[i].any():
            continue
        values = before[i, ~missing[i]]
        for marker in (values.min(), values.max()):
            others = values[values != marker]
            digits = f"{abs(marker):.15g}".replace(".", "")
            if not len(others) or not NINES.fullmatch(digits):
                continue
            if np.abs(others - marker).min() > np.ptp(others):
                count = len(values) - len(others)
                warnings.warn(
                    f"{_called(columns[k])} is {marker:.15g} in {count} sample{'s' * (count != 1)}, "
                    "far from all others: if this means missing, leave the cells empty",
                    Caution,
                    stacklevel=3,
                )
        if _may_be_state(columns[k], values) and len(others):
            warnings.warn(
                f"{_called(columns[k])} has only {len(np.unique(values))} different values: if it is "
                "a state, leave it out with --columns",
                Caution,
                stacklevel=3,
            )


def _may_be_state(column: Column, values: NDArray[np.float64]) -> bool:
    whole = column.style is not None and column.style.whole
    return whole and len(np.unique(values)) <= min(MAX_STATES, len(values) // 8)


def _called(column: Column) -> str:
    return column.label if column.label.startswith("column ") else f"column {column.label}"
