"""Tables that sort and filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sigbench.benchmark.report.page.rendering import render

if TYPE_CHECKING:
    from markupsafe import Markup

MIN_FILTERED = 6  # rows; a shorter table has no filter


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
        Its heading.
    kind : {"text", "number", "drawing"}
        Numbers are right-aligned; drawings are not sorted.
    hint : str
        A sentence about it, shown when the pointer rests on the heading.
    name : str
        Its name for scripts and styles; may be empty.
    """

    title: str
    kind: Literal["text", "number", "drawing"] = "text"
    hint: str = ""
    name: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    content : str or Markup
        What is shown; text is escaped.
    order : float or str, optional
        What it is sorted by, if not by its text.
    style : str
        Names of CSS classes.
    """

    content: str | Markup
    order: float | str | None = None
    style: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes
    ----------
    cells : sequence of Cell
        One per column.
    tag : str
        What the row can be filtered by besides its text.
    style : str
        Names of CSS classes.
    number : int, optional
        Its number, for scripts.
    """

    cells: Sequence[Cell]
    tag: str = ""
    style: str = ""
    number: int | None = None


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    anchor: str,
    heading: int = 0,
    tags: str = "",
    tools: Markup | str = "",
) -> Markup:
    """Return a table that can be sorted, and filtered if it is long.

    Parameters
    ----------
    caption : str
        What it shows.
    columns : sequence of Column
        Its columns.
    rows : sequence of Row
        Its rows.
    anchor : str
        Its id, unique in the page.
    heading : int
        The column that names the rows.
    tags : str
        What the tags of the rows are: the name of the filter by them.
    tools : Markup, optional
        Controls before the filters.

    Examples
    --------
    >>> found = table("Means", [Column("method")], [Row([Cell("<l1>")])], anchor="t")
    >>> "&lt;l1&gt;" in found, "<l1>" in found
    (True, False)
    """
    distinct = list(dict.fromkeys(row.tag for row in rows if row.tag))
    long = len(rows) >= MIN_FILTERED
    return render(
        "table",
        caption=caption,
        columns=columns,
        rows=rows,
        anchor=anchor,
        heading=heading,
        filtered=long,
        tags=tags,
        distinct=distinct if long and len(distinct) > 1 else [],
        tools=tools,
    )
